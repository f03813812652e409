/** Makes the shards of one stripe durable: all at once, a failed holder replaced by a spare one. */
import { asDatameshError, DatameshError, type ErrorCode } from '../../errors.ts';
import type { Backend } from '../backends/backend.ts';
import { unlessAborted } from '../codec/unless-aborted.ts';
import type { Clock } from '../effects/clock.ts';
import { type Candidate, type PlacementPolicy, type Site, standing } from '../placement/domains.ts';
import { planStripe, spareFor } from '../placement/place.ts';
import type { OwnerId, PeerId, ShardId } from '../types.ts';
import type { Asking } from './asking.ts';
import { CutOff } from './cut-off.ts';
import { ASK_TIMEOUT_MS, PUT_TIMEOUT_MS } from './limits.ts';

export interface StripeToWrite {
  ids: readonly ShardId[];
  shards: readonly Uint8Array[];
  /** Durable shards below which the stripe counts as failed. */
  quorum: number;
  policy: PlacementPolicy;
  /** Holders that have its shards already, by index: those are not sent. */
  held?: readonly (PeerId | undefined)[] | undefined;
  /** It is a manifest: its holders make the object findable. */
  announce?: boolean;
  /**
   * Called once, when nothing reads the shards' memory any more. That may be after the end: a request to a holder that takes no bytes in ends when its
   * connection is closed, a minute later.
   */
  unread?: () => void;
}

export interface WriteContext {
  clock: Clock;
  owner: OwnerId;
  /** Nodes that may take shards right now. */
  candidates(): Candidate[];
  /** Where a holder stands that takes no shards now. */
  siteOf?(holder: PeerId): Site | undefined;
  backend(peer: PeerId): Backend | undefined;
  /** False: it failed of late (its breaker is open), and gets a shard only when nobody else can. */
  mayAsk(peer: PeerId): boolean;
  /**
   * Told of every shard that is on its way to a holder, so that a failed put can take it back: one whose answer was not
   * waited for may have become durable all the same. Called again with `refused` when the holder said no.
   */
  placed(id: ShardId, holder: PeerId, refused?: 'refused'): void;
  failed(holder: PeerId, error: DatameshError): void;
  /** It had not answered after `elapsedMs`, when k others had long been durable: a spare holder takes its place. */
  overtaken(holder: PeerId, elapsedMs: number): void;
  /** All requests of the put: who takes back what they placed waits for them first. */
  asking: Asking;
  /** Stopped, a stripe ends at once, whatever its requests do. */
  signal: AbortSignal;
}

/** Holder of each shard by index; undefined where none could be made durable. Throws `write-quorum-failed`. */
export async function writeStripe(
  stripe: StripeToWrite,
  context: WriteContext,
): Promise<(PeerId | undefined)[]> {
  const running: Running = new Map();
  try {
    return await write(stripe, context, running);
  } finally {
    void Promise.all(running.values()).then(stripe.unread);
  }
}

/** Requests of this stripe under way: what stops each, and its end, which never rejects. */
type Running = Map<AbortController, Promise<unknown>>;

async function write(
  stripe: StripeToWrite,
  context: WriteContext,
  running: Running,
): Promise<(PeerId | undefined)[]> {
  context.signal.throwIfAborted();
  const shardBytes = stripe.shards[0]?.length ?? 0;
  const offered = context.candidates();
  const candidates = [...offered, ...placesOf(stripe.held, offered, context)];
  const shunned = new Set(candidates.filter(({ peer }) => !context.mayAsk(peer)).map(({ peer }) => peer));
  const failed = new Set<PeerId>();
  const targets = stripe.held?.some((holder) => holder !== undefined)
    ? planRest(stripe, stripe.held, candidates)
    : planFor(stripe, shardBytes, candidates, shunned).targets;
  const { domain, allowDegraded } = stripe.policy;
  /** Of shards that count against a further one there: elsewhere the rule gives a node one of each stripe. */
  const planned = (peer: PeerId) =>
    domain === 'none' || allowDegraded ? targets.filter((target) => target === peer).length : 0;
  /** Who has each shard or is being sent it now: what the rule for a spare counts. */
  const holding = [...targets];
  // Nodes that were left out because a shard, beside those that they get, does not fit in what they still offer: their refusal is known beforehand.
  const failures = offered.flatMap(({ peer, freeBytes }) => {
    const shards = 1 + planned(peer);
    if (freeBytes >= shardBytes * shards) return [];
    const wanted =
      shards === 1 ? `a shard has ${shardBytes}` : `${shards} shards have ${shardBytes * shards}`;
    return new DatameshError('quota-full', {
      what: `${peer.slice(-8)} offers ${freeBytes} more bytes and ${wanted}`,
    });
  });

  const nextFor = (index: number): PeerId | undefined => {
    const spares = spareFor({ ...stripe, shardBytes, holders: holding }, index, candidates, failed);
    return spares.find((peer) => !shunned.has(peer)) ?? spares[0];
  };
  const { clock } = context;
  const cutOff = new CutOff(clock, stripe.policy.code.k);
  const stop = () => {
    for (const attempt of running.keys()) attempt.abort();
  };
  context.signal.addEventListener('abort', stop, { once: true });
  /** One holder's answer: 'late' when it is to be replaced instead of being waited for. */
  const ask = (index: number, holder: PeerId): Promise<DatameshError | undefined | 'late'> =>
    new Promise((resolve, reject) => {
      let sinceMs = clock.monotonic();
      const waiting = (ms: number) => {
        sinceMs += ms;
        cutOff.waits(index, ms);
      };
      const attempt = new AbortController();
      cutOff.asked(index, () => {
        // Without a spare there is nothing to gain by giving up.
        if (nextFor(index) === undefined) return;
        context.overtaken(holder, Math.max(0, clock.monotonic() - sinceMs));
        attempt.abort();
        // It fails when the whole put is stopped, which takes this shard back with all others.
        trial.then(() => release(stripe.ids[index]!, holder, context)).catch(() => {});
        resolve('late');
      });
      const trial = tryHolder(stripe, index, holder, context, { signal: attempt.signal, waiting });
      context.asking.add(trial);
      running.set(
        attempt,
        trial.catch(() => {}).then(() => running.delete(attempt)),
      );
      trial
        .then((error) => {
          if (!attempt.signal.aborted) cutOff.answered(index, error === undefined);
          resolve(error);
        })
        .catch(reject);
    });

  const place = async (index: number): Promise<PeerId | undefined> => {
    let target = targets[index];
    if (target !== undefined && stripe.held?.[index] === target) {
      context.placed(stripe.ids[index]!, target);
      return target;
    }
    while (target !== undefined) {
      context.signal.throwIfAborted();
      const error = await unlessAborted(ask(index, target), context.signal);
      if (error === undefined) return target;
      if (error !== 'late') failures.push(error);
      failed.add(target);
      target = nextFor(index);
      holding[index] = target;
    }
    return undefined;
  };
  try {
    const holders = await Promise.all(stripe.ids.map((_id, index) => place(index)));
    context.signal.throwIfAborted();
    const durable = holders.filter((holder) => holder !== undefined).length;
    if (durable < stripe.quorum) throw quorumFailed(durable, stripe.quorum, stripe.ids.length, failures);
    return holders;
  } finally {
    cutOff.end();
    context.signal.removeEventListener('abort', stop);
  }
}

/** Who failed of late gets a shard only where the rule finds no place without it. */
function planFor(
  { ids, policy }: StripeToWrite,
  shardBytes: number,
  candidates: readonly Candidate[],
  shunned: ReadonlySet<PeerId>,
) {
  if (shunned.size > 0) {
    const willing = candidates.filter(({ peer }) => !shunned.has(peer));
    const plan = planStripe(ids, shardBytes, willing, policy);
    if (plan.targets.every((target) => target !== undefined)) return plan;
  }
  return planStripe(ids, shardBytes, candidates, policy);
}

/** What a holder that was given up on may have stored after all: nobody would look for it there. */
function release(id: ShardId, holder: PeerId, context: WriteContext): void {
  context
    .backend(holder)
    ?.delete(id, context.owner, { timeoutMs: ASK_TIMEOUT_MS })
    .catch(() => {}); // an orphan, which garbage collection finds
}

/** Holders of shards that take no more: they are full, or leaving. */
function placesOf(
  held: StripeToWrite['held'],
  offered: readonly Candidate[],
  { siteOf }: WriteContext,
): Candidate[] {
  if (held === undefined || siteOf === undefined) return [];
  const known = new Set(offered.map(({ peer }) => peer));
  return standing(held.filter((holder) => holder !== undefined && !known.has(holder)) as PeerId[], siteOf);
}

/** Holders for the shards that nobody has yet, by the same rule. */
function planRest(
  stripe: StripeToWrite,
  held: readonly (PeerId | undefined)[],
  candidates: readonly Candidate[],
): (PeerId | undefined)[] {
  const shardBytes = stripe.shards[0]?.length ?? 0;
  const holders = [...held];
  for (const index of holders.keys()) {
    if (holders[index] !== undefined) continue;
    [holders[index]] = spareFor({ ...stripe, shardBytes, holders }, index, candidates, new Set());
  }
  return holders;
}

/** Answers of a holder that surely has not kept the shard. After any other failure it may have. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(['quota-full', 'disk-full', 'denied']);

async function tryHolder(
  { ids, shards, announce }: StripeToWrite,
  index: number,
  holder: PeerId,
  context: WriteContext,
  { signal, waiting }: { signal: AbortSignal; waiting(ms: number): void },
): Promise<DatameshError | undefined> {
  const id = ids[index]!;
  try {
    const backend = context.backend(holder);
    if (backend === undefined) throw new DatameshError('peer-unreachable', { what: 'the peer left' });
    context.placed(id, holder);
    await backend.put(id, shards[index]!, context.owner, {
      signal,
      waiting,
      timeoutMs: PUT_TIMEOUT_MS,
      announce,
    });
    return undefined;
  } catch (error) {
    context.signal.throwIfAborted();
    const failure = asDatameshError(error);
    if (REFUSALS.has(failure.code)) context.placed(id, holder, 'refused');
    if (!signal.aborted) context.failed(holder, failure);
    return failure;
  }
}

/** When every holder failed for the same reason, that reason is the put's: a full disk is not a network fault. */
function quorumFailed(
  durable: number,
  quorum: number,
  wanted: number,
  failures: DatameshError[],
): DatameshError {
  const sameCode = (code: ErrorCode) =>
    failures.length > 0 && failures.every((failure) => failure.code === code);
  const what = `only ${durable} of ${wanted} shards of a stripe could be made durable; ${quorum} are needed`;
  const why = [...new Set(failures.map((failure) => failure.message))].slice(0, 3).join('; ');
  const details = { durable, quorum, wanted };
  for (const code of ['quota-full', 'disk-full', 'denied'] as const) {
    if (!sameCode(code)) continue;
    return new DatameshError(code, {
      what,
      why,
      mend:
        code === 'denied'
          ? 'let those nodes admit your owner (datamesh config set access.mode open, or access.allow)'
          : 'free space or raise the quota on the holders (datamesh config set storage.quotaBytes …), or add nodes',
      details,
    });
  }
  return new DatameshError('write-quorum-failed', {
    what,
    why: why || 'no further node is left to take them',
    mend: 'check `datamesh peers`; nothing was stored, the previous version (if any) is untouched; put again when more nodes answer',
    details,
  });
}
