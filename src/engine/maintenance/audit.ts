/**
 * The audit: every minute a few random shards of each holder, each by a slice of a random chunk. A holder that has dropped a tenth of its shards without
 * saying so passes 66 challenges with probability 0.9^66 = 0.00096; it has met them within six rounds.
 */
import { asDatameshError } from '../../errors.ts';
import type { Backend } from '../backends/backend.ts';
import type { Clock, Timer } from '../effects/clock.ts';
import type { Random } from '../effects/random.ts';
import { ASK_TIMEOUT_MS } from '../transfer/limits.ts';
import type { PeerId, ShardId } from '../types.ts';
import { proveShards } from './proof/ask.ts';
import type { Verdict } from './proof/attestation.ts';
import type { ProofMemory } from './proof/memory.ts';

const ROUND_EVERY_MS = 60_000;
/** Rounds of many nodes must not fall together: each comes up to this share earlier or later. */
const JITTER = 0.25;
/** Of one holder in one round: six of them are 72 challenges. */
const CHALLENGES_PER_HOLDER = 12;
/** What these may make a holder read, beyond the first. */
const BYTES_PER_HOLDER = 64 * 1024 * 1024;
/** Where nobody told how long a shard is. */
const UNKNOWN_BYTES = 1024 * 1024;
/** Holders that are audited side by side. */
const PARALLEL_HOLDERS = 4;

export interface AuditTarget {
  id: ShardId;
  holder: PeerId;
  lengthBytes?: number | undefined;
}

/** `gone`: the holder says itself that it has it no more, which is no lie. */
export type AuditVerdict = Verdict | 'gone';

export interface AuditOptions<T extends AuditTarget> {
  clock: Clock;
  random: Random;
  /**
   * Shards that this node looks after, chosen at random or by going round, and where they should be; some hundred of them. What is too much for a round is
   * left out at random.
   */
  sample(signal: AbortSignal): Promise<readonly T[]>;
  /** Undefined for a holder that cannot be asked now: it is not audited. */
  backend(peer: PeerId): Backend | undefined;
  /** Learns every verdict but `gone`. */
  memory?: ProofMemory | undefined;
  onResult?(target: T, verdict: AuditVerdict): void;
  log?(text: string): void;
}

export interface AuditFigures {
  challenges: number;
  proved: number;
  gone: number;
  absent: number;
  wrong: number;
  /** Holders that did not answer, or not for all; a holder in two rounds counts twice. */
  silent: number;
}

export interface Audit {
  /** The first round comes after the time between two. */
  start(): void;
  stop(): void;
  /** One round now. Throws when it is stopped meanwhile. */
  round(): Promise<AuditFigures>;
  /** Of all rounds. */
  readonly figures: Readonly<AuditFigures>;
}

export function createAudit<T extends AuditTarget>(options: AuditOptions<T>): Audit {
  const { clock, random } = options;
  const total = noFigures();
  const stopper = new AbortController();
  const { signal } = stopper;
  let timer: Timer | undefined;

  const audited = async (holder: PeerId, targets: readonly T[], figures: AuditFigures) => {
    const backend = options.backend(holder);
    if (backend === undefined) return;
    const ids = targets.map(({ id }) => id);
    const held = await backend.has(ids, { signal, timeoutMs: ASK_TIMEOUT_MS });
    const claimed = targets.filter((_, at) => held[at]);
    const { memory } = options;
    const verdicts = await proveShards(backend, claimed, { random, signal, memory, claimed: true });
    if (claimed.some(({ id }) => !verdicts.has(id))) figures.silent++;
    for (const target of targets) {
      const verdict = claimed.includes(target) ? verdicts.get(target.id) : 'gone';
      if (verdict === undefined) continue;
      figures.challenges++;
      figures[verdict]++;
      options.onResult?.(target, verdict);
    }
  };

  const round = async (): Promise<AuditFigures> => {
    const figures = noFigures();
    const queue = [...chosen(await options.sample(signal), random)];
    const worker = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        signal.throwIfAborted();
        await audited(...next, figures).catch((error: unknown) => {
          signal.throwIfAborted();
          figures.silent++;
          options.log?.(
            `the audit of ${next?.[0].slice(-8)} got no answer: ${asDatameshError(error).message}`,
          );
        });
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_HOLDERS }, worker));
    for (const key of Object.keys(total) as (keyof AuditFigures)[]) total[key] += figures[key];
    return figures;
  };

  const schedule = () => {
    const delayMs = ROUND_EVERY_MS * (1 - JITTER + 2 * JITTER * random.fraction());
    timer = clock.after(delayMs, () => {
      round()
        .catch((error: unknown) => {
          if (!signal.aborted) options.log?.(`an audit broke off: ${asDatameshError(error).message}`);
        })
        .finally(() => {
          if (!signal.aborted) schedule();
        });
    });
  };

  return {
    start: schedule,
    stop() {
      stopper.abort();
      timer?.cancel();
    },
    round,
    figures: total,
  };
}

/** Which of the targets are challenged in this round, by holder: in random order, each shard of a holder once, within its bounds. */
function chosen<T extends AuditTarget>(targets: readonly T[], random: Random): Map<PeerId, T[]> {
  const order = [...targets];
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random.fraction() * (at + 1));
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  const byHolder = new Map<PeerId, { targets: T[]; ids: Set<ShardId>; bytes: number }>();
  for (const target of order) {
    let held = byHolder.get(target.holder);
    if (held === undefined) byHolder.set(target.holder, (held = { targets: [], ids: new Set(), bytes: 0 }));
    const bytes = target.lengthBytes ?? UNKNOWN_BYTES;
    const full =
      held.targets.length === CHALLENGES_PER_HOLDER ||
      (held.targets.length > 0 && held.bytes + bytes > BYTES_PER_HOLDER);
    if (full || held.ids.has(target.id)) continue;
    held.targets.push(target);
    held.ids.add(target.id);
    held.bytes += bytes;
  }
  return new Map([...byHolder].map(([holder, held]) => [holder, held.targets]));
}

function noFigures(): AuditFigures {
  return { challenges: 0, proved: 0, gone: 0, absent: 0, wrong: 0, silent: 0 };
}
