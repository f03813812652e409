/** A node that leaves: a flag in its data folder, which all others see in its NodeInfo, and rounds of drain until nothing named is left. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Codec } from '../codec/codec.ts';
import type { Clock } from '../effects/clock.ts';
import type { Disk } from '../effects/disk.ts';
import { fileError } from '../effects/file-errors.ts';
import type { Random } from '../effects/random.ts';
import type { CallOptions } from '../engine.ts';
import { inTurn } from '../in-turn.ts';
import { CUSTODIANS } from '../maintenance/custody/custodians.ts';
import { type DrainContext, type DrainRound, drainRound } from '../maintenance/drain.ts';
import type { ProofMemory } from '../maintenance/proof/memory.ts';
import type { Membership } from '../mesh/membership.ts';
import type { EventLog } from '../observe/events.ts';
import type { Jobs } from '../observe/jobs.ts';
import { type ShardStore, withOther } from '../shardstore/store.ts';
import { ASK_TIMEOUT_MS } from '../transfer/limits.ts';
import type { DrainQuery, DrainState, DrainView } from '../views/drain.ts';
import type { Closers } from './closers.ts';
import type { Custody } from './custody.ts';
import type { Holders } from './holders.ts';
import type { Sites } from './sites.ts';

export interface DrainFlag {
  isSet(): boolean;
  sinceMs(): number | undefined;
  /** Durable when it resolves. */
  set(on: boolean): Promise<void>;
}

export interface Drain {
  /** `start` resolves when the node is drained or stuck; ending the call does not end the drain. */
  run(query: DrainQuery, call: CallOptions): Promise<DrainView>;
}

interface Parts {
  flag: DrainFlag;
  name: string;
  network: string;
  clock: Clock;
  random: Random;
  store: ShardStore;
  codec: Codec;
  custody: Custody;
  membership: Membership;
  holders: Holders;
  sites: Sites;
  proofs: ProofMemory;
  jobs: Jobs;
  events: EventLog;
}

const MAX_FLAG_BYTES = 1024;
/** Custodians copy in between. */
const ROUND_MS = 2_000;
/** With nothing left to do, or nothing that can be done. */
const IDLE_ROUND_MS = 30_000;
/** What no custodian names may be named by one that was not connected yet, and what has no place may get one. */
const SURE_AFTER_MS = 20_000;
/** Custodians have had their turns, half a minute each, and a proof its time: whoever waits is told so. */
const STALLED_AFTER_MS = 180_000;

/** Throws `malformed-data` for a file that is none: a node must not forget that it leaves. */
export async function openDrainFlag({
  disk,
  clock,
  path,
}: {
  disk: Disk;
  clock: Clock;
  path: string;
}): Promise<DrainFlag> {
  let sinceMs = await readFlag(disk, path);
  return {
    isSet: () => sinceMs !== undefined,
    sinceMs: () => sinceMs,
    async set(on) {
      const next = on ? (sinceMs ?? Math.trunc(clock.now())) : undefined;
      const text = `${JSON.stringify({ sinceMs: next ?? null })}\n`;
      await disk.writeFileAtomic(path, Buffer.from(text), 0o600);
      sinceMs = next;
    },
  };
}

async function readFlag(disk: Disk, path: string): Promise<number | undefined> {
  try {
    const bytes = await disk.readFile(path, MAX_FLAG_BYTES);
    if (bytes === undefined) return undefined;
    const { sinceMs } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { sinceMs?: unknown };
    if (sinceMs === null) return undefined;
    if (typeof sinceMs === 'number' && Number.isSafeInteger(sinceMs)) return sinceMs;
  } catch (error) {
    if (fileError(error) !== undefined) throw error;
  }
  throw new DatameshError('malformed-data', {
    what: `${path} does not say whether this node is being drained`,
    mend: 'remove the file if it is not',
  });
}

/** The store, which takes no further shard while the node leaves: who does not know of it yet finds another holder. */
export function refusingToFill(store: ShardStore, flag: Pick<DrainFlag, 'isSet'>): ShardStore {
  return withOther(store, {
    put: (record) => (flag.isSet() && !store.has(record.id) ? Promise.reject(leaving()) : store.put(record)),
  });
}

function leaving(): DatameshError {
  return new DatameshError('quota-full', {
    what: 'this node is being drained and takes no more shards',
    mend: 'put again: others take them; `datamesh drain --cancel` on that node lets it take shards again',
  });
}

export function keepDrain(parts: Parts, closers: Closers): Drain {
  const { flag, clock, store, custody, membership, holders, sites, jobs, events } = parts;
  const stopper = new AbortController();
  const { signal } = stopper;
  const { peers } = custody;
  const { client, adoption, candidates, changed } = custody.drainParts;
  let last: DrainRound | undefined;
  let state: DrainState = flag.isSet() ? 'running' : 'off';
  let shardsDropped = 0;
  let bytesDropped = 0;
  /** Since when nothing has moved. */
  let stillMs = clock.monotonic();
  let loop: { done: Promise<void>; stop: AbortController } | undefined;
  const watchers = new Set<() => void>();
  const tell = () => {
    for (const watcher of [...watchers]) watcher();
  };

  const view = (): DrainView => {
    const { shards, liveBytes } = store.usage();
    const waiting = last?.waiting.size ?? 0;
    const blocked = last?.blocked.size ?? 0;
    const unnamed = last === undefined ? 0 : Math.max(0, shards - waiting - blocked);
    return {
      state,
      sinceMs: flag.sinceMs(),
      shardsLeft: shards,
      bytesLeft: liveBytes,
      shardsDropped,
      waiting,
      blocked,
      unnamed,
      reasons: state === 'off' || last === undefined ? [] : reasonsOf(last, unnamed, state),
    };
  };

  const heardTo: DrainContext['heardTo'] = new Map();
  const round = (roundSignal: AbortSignal) =>
    drainRound({
      self: peers.self,
      clock,
      heardTo,
      network: parts.network,
      store,
      client,
      adoption,
      peers,
      custodians: () =>
        membership
          .members()
          .filter(({ greeted }) => greeted)
          .map(({ peerId }) => peerId),
      candidates,
      ruleOf: ({ domain, members }) => ({
        domain,
        members,
        siteOf: sites.siteOf,
        leaving: (holder) => holder === peers.self || membership.member(holder)?.state === 'draining',
      }),
      random: parts.random,
      memory: parts.proofs,
      hash: (bytes) => parts.codec.hash(bytes),
      backend: holders.backend,
      everybody: holders.reachable,
      timeoutMs: ASK_TIMEOUT_MS,
      signal: roundSignal,
      dropped(shards, bytes) {
        shardsDropped += shards;
        bytesDropped += bytes;
        stillMs = clock.monotonic();
      },
    });

  const work = async (loopSignal: AbortSignal) => {
    const job = jobs.start('drain', parts.name, {
      cancel: () => void oneByOne(cancel).catch(failedToCancel),
    });
    stillMs = clock.monotonic();
    try {
      while (!loopSignal.aborted) {
        last = await round(loopSignal);
        const before = state;
        state = judged(last, store.usage().shards, clock.monotonic() - stillMs);
        const { shards, liveBytes } = store.usage();
        jobs.progress(job, {
          doneBytes: bytesDropped,
          totalBytes: bytesDropped + liveBytes,
          doneItems: shardsDropped,
          totalItems: shardsDropped + shards,
        });
        if (state !== before && state !== 'running') {
          const level = state === 'done' ? 'info' : 'warn';
          events.add(level, 'drain', sentenceOf(view()));
          jobs.line(job, sentenceOf(view()), level);
        }
        if (state === 'done') jobs.end(job, 'done');
        tell();
        await clock.sleep(state === 'running' ? ROUND_MS : IDLE_ROUND_MS, loopSignal);
      }
    } catch (error) {
      jobs.fail(job, error);
      if (!loopSignal.aborted) throw error;
    } finally {
      jobs.end(job, 'cancelled');
    }
  };

  const start = () => {
    if (loop !== undefined) return;
    const stop = new AbortController();
    state = 'running';
    const again = async () => {
      while (!stop.signal.aborted && !signal.aborted) {
        try {
          await work(AbortSignal.any([stop.signal, signal]));
        } catch (error) {
          events.add('warn', 'drain', asDatameshError(error).message);
          await clock.sleep(IDLE_ROUND_MS, AbortSignal.any([stop.signal, signal])).catch(() => {});
        }
      }
    };
    loop = { done: again(), stop };
  };
  const stop = async () => {
    loop?.stop.abort();
    await loop?.done;
    loop = undefined;
  };
  if (flag.isSet()) start();
  closers.add(async () => {
    stopper.abort();
    tell();
    await stop();
  });

  /** Until it is no longer running. */
  const ended = (call: CallOptions) =>
    new Promise<void>((resolve, reject) => {
      const leave = (settle: () => void) => {
        watchers.delete(look);
        call.signal?.removeEventListener('abort', look);
        settle();
      };
      const look = () => {
        if (call.signal?.aborted || signal.aborted)
          return leave(() => reject(new DatameshError('cancelled', { what: 'the drain goes on by itself' })));
        call.onProgress?.({ doneBytes: bytesDropped, totalBytes: bytesDropped + store.usage().liveBytes });
        if (state !== 'running') leave(resolve);
      };
      watchers.add(look);
      call.signal?.addEventListener('abort', look);
      look();
    });
  const announce = () => {
    changed();
    membership.announce();
  };
  const cancel = async () => {
    await flag.set(false);
    await stop();
    state = 'off';
    last = undefined;
    announce();
    tell();
  };
  /** A drain that is begun while another is being ended would take that one for its own, and be left without rounds. */
  const oneByOne = inTurn();
  const failedToCancel = (error: unknown) =>
    events.add('warn', 'drain', `it could not be cancelled: ${asDatameshError(error).message}`);

  return {
    async run({ action }, call) {
      if (action === 'start') {
        await oneByOne(async () => {
          await flag.set(true);
          announce();
          start();
        });
        await ended(call);
      } else if (action === 'cancel') {
        await oneByOne(cancel);
      }
      return view();
    },
  };
}

/** What a round has found, when this many shards are here and nothing has moved for so long. */
export function judged(
  { waiting, blocked, answered, failures }: Pick<DrainRound, 'waiting' | 'blocked' | 'answered' | 'failures'>,
  shards: number,
  quietMs: number,
): DrainState {
  if (shards === 0) return 'done';
  if (waiting.size > 0) return quietMs < STALLED_AFTER_MS ? 'running' : 'stuck';
  if (quietMs < SURE_AFTER_MS) return 'running';
  // Each order is with as many custodians: what a few of them do not say, for whatever reason, another has said.
  const isHeard = failures.length === 0 || (quietMs >= STALLED_AFTER_MS && failures.length < CUSTODIANS);
  return answered > 0 && isHeard && blocked.size === 0 ? 'done' : 'stuck';
}

/** What keeps a drain from its end, in words. */
export function reasonsOf(
  { reasons, failures, answered, waiting, unproved }: DrainRound,
  unnamed: number,
  state: DrainState,
): string[] {
  return [
    ...reasons,
    ...(state === 'stuck' && waiting.size > 0
      ? [
          `${waiting.size} shards have places elsewhere, but nobody has copied and proved them for ${STALLED_AFTER_MS / 60_000} minutes`,
          ...unprovedBy(waiting, unproved),
        ]
      : []),
    ...(answered + failures.length === 0 ? ['no other node is connected'] : []),
    ...failures
      .slice(0, 3)
      .map(({ peer, why }) => `${peer.slice(-8)} does not say what this node holds: ${why}`),
    ...(unnamed > 0
      ? [
          `${unnamed} shards are named by no order that a custodian has: orphans, or of an owner who has been away since he put them`,
        ]
      : []),
  ];
}

/** Whoever satisfies custodians and not this node keeps both from doing anything: which of them it is, and what to do. */
function unprovedBy(waiting: DrainRound['waiting'], unproved: DrainRound['unproved']): string[] {
  const byHolder = Map.groupBy(
    [...waiting].filter((id) => unproved.has(id)),
    (id) => unproved.get(id)!,
  );
  return [...byHolder]
    .sort(([, a], [, b]) => b.length - a.length)
    .slice(0, 3)
    .map(
      ([holder, ids]) =>
        `${holder.slice(-8)} is noted to have ${ids.length} of them and does not prove that to this node: see that the two reach each other, or stop that node, so that they are copied elsewhere`,
    );
}

function sentenceOf({ state, shardsLeft, reasons }: DrainView): string {
  if (state === 'done' && shardsLeft === 0) return 'drained: nothing is left here';
  const why = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
  return `${state === 'done' ? 'drained' : 'the drain is stuck'}, ${shardsLeft} shards stay here${why}`;
}
