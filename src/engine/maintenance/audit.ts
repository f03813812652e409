/**
 * The audit: every minute a few random shards of each holder, each by a slice of a random chunk. A holder that has dropped a tenth of its shards without
 * saying so passes 66 challenges with probability 0.9^66 = 0.00096; it has met them within six rounds. Whole stripes are drawn, so that the sums of their shards can be held
 * against one another (proof/look.ts): a holder that lacks a part of a shard is met as soon.
 */
import { asDatameshError } from '../../errors.ts';
import type { Backend } from '../backends/backend.ts';
import type { Clock, Timer } from '../effects/clock.ts';
import type { Random } from '../effects/random.ts';
import { ASK_TIMEOUT_MS } from '../transfer/limits.ts';
import type { PeerId, ShardId } from '../types.ts';
import { proveShards } from './proof/ask.ts';
import type { Verdict } from './proof/attestation.ts';
import type { SumGroup } from './proof/fitting.ts';
import { Look, type LookLimits } from './proof/look.ts';
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
/** What a round may read where sums do not fit. */
const READ: LookLimits = { stripes: 4, bytes: 64 * 1024 * 1024 };

export interface AuditTarget {
  id: ShardId;
  holder: PeerId;
  lengthBytes?: number | undefined;
  /** Its stripe: the same object for all shards of it, which are drawn together. */
  group?: SumGroup | undefined;
}

/** `gone`: the holder says itself that it has it no more, which is no lie. */
export type AuditVerdict = Verdict | 'gone';

export interface AuditOptions<T extends AuditTarget> {
  clock: Clock;
  random: Random;
  /** This node. */
  self: PeerId;
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
  /** Holders that did not answer, or not for all; a holder in two rounds counts twice. And shards in doubt that could not be read. */
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
  const { clock, random, self, backend, memory } = options;
  const total = noFigures();
  const stopper = new AbortController();
  const { signal } = stopper;
  let timer: Timer | undefined;

  const tell = (target: T, verdict: AuditVerdict, figures: AuditFigures) => {
    figures.challenges++;
    figures[verdict]++;
    options.onResult?.(target, verdict);
  };
  /** Gives back those that are to be weighed by their sums. */
  const audited = async (holder: PeerId, targets: readonly T[], look: Look, figures: AuditFigures) => {
    const found = backend(holder);
    if (found === undefined) return [];
    const ids = targets.map(({ id }) => id);
    const held = await found.has(ids, { signal, timeoutMs: ASK_TIMEOUT_MS });
    const claimed = targets.filter((_, at) => held[at]);
    const verdicts = await proveShards(found, claimed, { random, signal, memory, claimed: true, look });
    if (claimed.some(({ id }) => !verdicts.has(id))) figures.silent++;
    const shown: T[] = [];
    for (const target of targets) {
      const verdict = claimed.includes(target) ? verdicts.get(target.id) : 'gone';
      if (verdict === 'proved' || verdict === 'doubted') shown.push(target);
      else if (verdict !== undefined) tell(target, verdict, figures);
    }
    return shown;
  };
  /** A chunk of each was proved: what the sums of their stripes say. Of what stays open nothing is told. */
  const weigh = async (shown: readonly T[], look: Look, figures: AuditFigures) => {
    const settled = await look.settle([...new Set(shown.flatMap(({ group }) => group ?? []))]);
    const key = ({ holder, id }: Pick<AuditTarget, 'holder' | 'id'>) => `${holder} ${id}`;
    const refuted = new Map(settled.flatMap((one) => one.refuted).map((one) => [key(one), one.verdict]));
    const unproved = new Set(settled.flatMap((one) => one.unproved).map(key));
    for (const target of shown) {
      const isRefuted = memory?.isRefuted(target.holder, target.id) === true;
      if (unproved.has(key(target))) figures.silent++;
      else tell(target, refuted.get(key(target)) ?? (isRefuted ? 'absent' : 'proved'), figures);
    }
  };

  const round = async (): Promise<AuditFigures> => {
    const figures = noFigures();
    const queue = [...chosen(await options.sample(signal), random)];
    const look = new Look({ self, random, backend, memory, signal, limits: READ });
    const shown: T[] = [];
    const worker = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        signal.throwIfAborted();
        const [holder, targets] = next;
        const theirs = await audited(holder, targets, look, figures).catch((error: unknown) => {
          signal.throwIfAborted();
          figures.silent++;
          options.log?.(`the audit of ${holder.slice(-8)} got no answer: ${asDatameshError(error).message}`);
          return [];
        });
        shown.push(...theirs);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_HOLDERS }, worker));
    await weigh(shown, look, figures);
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

/** Which of the targets are challenged in this round, by holder: in random order, stripe by stripe, each shard of a holder once, within its bounds. */
function chosen<T extends AuditTarget>(targets: readonly T[], random: Random): Map<PeerId, T[]> {
  const order = [...Map.groupBy(targets, (target): object => target.group ?? target).values()];
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random.fraction() * (at + 1));
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  const byHolder = new Map<PeerId, { targets: T[]; ids: Set<ShardId>; bytes: number }>();
  for (const target of order.flat()) {
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
