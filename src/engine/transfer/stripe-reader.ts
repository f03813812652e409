/** Fetches k shards of one stripe, verified unless the caller does that: the likely best holders first, hedged, any that answer. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Backend } from '../backends/backend.ts';
import type { Landing } from '../codec/codec.ts';
import { MAX_MANIFEST_BYTES } from '../codec/manifest-limits.ts';
import type { Clock, Timer } from '../effects/clock.ts';
import { bytesToHex, type PeerId, type ShardId } from '../types.ts';
import type { Hedging } from './hedging.ts';
import { ASK_AGAIN_AFTER_MS, ASK_TIMEOUT_MS, GET_TIMEOUT_MS, OVERDUE_MS } from './limits.ts';
import type { ShardCache } from './shard-cache.ts';

export interface StripeToRead {
  /** For messages: "stripe 3 of photo.jpg" or "the manifest of …". */
  label: string;
  k: number;
  /** Shards by index with the holder noted at write time. */
  shards: readonly { index: number; id: ShardId; holder: PeerId | undefined }[];
  shardBytes: number | undefined;
  /** Where the shards may be received, so that the codec need not copy them. */
  landing?: Landing | undefined;
  /** Shards are not hashed here, their lengths looked at alone: whoever uses them verifies them. */
  unverified?: boolean | undefined;
  /** Its shards are kept in the cache. */
  keep?: boolean | undefined;
  /** Who may have which shard by now, asked for when the holders noted do not give enough. */
  moved?: ((signal: AbortSignal) => Promise<readonly { index: number; holder: PeerId }[]>) | undefined;
}

export interface ReadContext {
  clock: Clock;
  hash(bytes: Uint8Array): Uint8Array;
  backend(peer: PeerId): Backend | undefined;
  /** Every backend that can be asked now: this node first, then peers by round-trip time. */
  reachable(): Backend[];
  /** Its connection ended a moment ago: it may well be there, on the next one. Absent: nobody is. */
  comesBack?(holder: PeerId): boolean;
  hedging: Hedging;
  /** Shards of earlier reads. */
  cache?: ShardCache | undefined;
  /** What is known of a holder from earlier requests; `shardBytes` 0 while that is not known. */
  standing(holder: PeerId, shardBytes: number): Standing;
  failed(holder: PeerId, error: DatameshError): void;
  /** It was asked, was late with `elapsedMs`, and others had meanwhile given enough. */
  overtaken(holder: PeerId, elapsedMs: number, shardBytes: number): void;
  signal: AbortSignal;
}

export interface Standing {
  /** False: ask it only when nobody else is left (its breaker is open, or it is in quarantine). */
  mayAsk: boolean;
  /** Its usual time for such a shard, more while it is behind; undefined while it is not known. */
  expectedMs: number | undefined;
}

/** Holders that are usually this quick count as equally good: then data shards come before parity, which costs a decoding. */
const QUICK_MS = 16;
/** Of a holder that owes an overdue answer. */
const MAX_RANK = 64;

interface Attempt {
  index: number;
  id: ShardId;
  backend: Backend;
}

/** k shards by index, each verified against its id unless the caller does that. Throws `shards-missing` naming what is missing. */
export async function readStripe(
  stripe: StripeToRead,
  context: ReadContext,
): Promise<Map<number, Uint8Array>> {
  const race = new StripeRace(stripe, context);
  race.takeCached();
  if (race.complete) return race.got;
  const away = stripe.shards.flatMap(({ holder }) =>
    holder === undefined || context.backend(holder) !== undefined ? [] : [holder],
  );
  const isComing = (holder: PeerId) =>
    context.backend(holder) !== undefined || context.comesBack?.(holder) === true;
  try {
    await race.run(noted(stripe, context));
    if (!race.complete && stripe.moved !== undefined) await race.run(await moved(stripe, context, race));
    if (!race.complete) await race.run(await searched(stripe, context, race));
    if (!race.complete && (race.brokenOff || away.some(isComing))) {
      await context.clock.sleep(ASK_AGAIN_AFTER_MS, context.signal);
      await race.run(noted(stripe, context));
    }
  } finally {
    race.stop();
  }
  if (!race.complete) throw missing(stripe, race.got);
  return race.got;
}

/** Attempts at the write-time holders: this node, then by class of speed (a factor of two each), data before parity; who should not be asked last. */
function noted(stripe: StripeToRead, context: ReadContext): Attempt[] {
  const attempts: Attempt[] = [];
  for (const { index, id, holder } of stripe.shards) {
    const backend = holder === undefined ? undefined : context.backend(holder);
    if (backend !== undefined) attempts.push({ index, id, backend });
  }
  const shardBytes = stripe.shardBytes ?? 0;
  const rank = new Map(attempts.map(({ backend }) => [backend, rankOf(backend, shardBytes, context)]));
  return attempts.sort((a, b) => rank.get(a.backend)! - rank.get(b.backend)! || a.index - b.index);
}

function rankOf(backend: Backend, shardBytes: number, context: ReadContext): number {
  // What this machine has, in its store or a folder, needs no network.
  if (backend.kind !== 'peer') return -1;
  const { mayAsk, expectedMs } = context.standing(backend.id, shardBytes);
  if (!mayAsk) return Number.MAX_SAFE_INTEGER;
  return Math.min(MAX_RANK, Math.ceil(Math.max(0, Math.log2((expectedMs ?? 0) / QUICK_MS))));
}

/** Attempts at holders that custodians name and that were not tried yet. */
async function moved(stripe: StripeToRead, context: ReadContext, race: StripeRace): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (const { index, holder } of await stripe.moved!(context.signal)) {
    const shard = stripe.shards.find((it) => it.index === index);
    const backend = context.backend(holder);
    // Copies of a manifest are alike, whatever number they have.
    const tried = stripe.shards.some((it) => it.id === shard?.id && it.holder === holder);
    if (shard !== undefined && backend !== undefined && !tried && !race.got.has(index))
      attempts.push({ index, id: shard.id, backend });
  }
  return attempts;
}

/** Shards that nobody has told of: asks every reachable backend which of the missing ones it holds. */
async function searched(stripe: StripeToRead, context: ReadContext, race: StripeRace): Promise<Attempt[]> {
  const wanted = stripe.shards.filter(({ index }) => !race.got.has(index));
  const ids = wanted.map(({ id }) => id);
  const found: Attempt[] = [];
  await Promise.all(
    context.reachable().map(async (backend) => {
      try {
        const held = await backend.has(ids, { signal: context.signal, timeoutMs: ASK_TIMEOUT_MS });
        wanted.forEach(({ index, id, holder }, at) => {
          if (held[at] && backend.id !== holder) found.push({ index, id, backend });
        });
      } catch (error) {
        context.failed(backend.id, asDatameshError(error));
      }
    }),
  );
  return found;
}

/** One request under way. */
interface Running extends Attempt {
  startedMs: number;
  /** Of the time since then, for this node's own bandwidth. */
  waitedMs: number;
  /** The late request beside which this one was made. */
  beside: Running | undefined;
  /** Another was asked in its stead: it may still answer, and may as well never. */
  replaced: boolean;
  timer: Timer;
  /** Set once it is late. */
  notLate: (() => void) | undefined;
  delivered: boolean;
}

class StripeRace {
  readonly got = new Map<number, Uint8Array>();
  /** A request ended with its connection: its holder may well be there, on another one. */
  brokenOff = false;
  private readonly stopper = new AbortController();
  private underWay = 0;
  private readonly stripe: StripeToRead;
  private readonly context: ReadContext;
  private readonly shardBytes: number;

  constructor(stripe: StripeToRead, context: ReadContext) {
    this.stripe = stripe;
    this.context = context;
    this.shardBytes = stripe.shardBytes ?? 0;
  }

  get complete(): boolean {
    return this.got.size >= this.stripe.k;
  }

  /** An abort costs more than a small read's own request, and most often nothing is left to be stopped. */
  stop(): void {
    if (this.underWay > 0) this.stopper.abort();
  }

  takeCached(): void {
    const { cache } = this.context;
    if (cache === undefined || this.stripe.keep !== true) return;
    for (const { index, id } of this.stripe.shards) {
      const bytes = this.complete ? undefined : cache.get(id);
      if (bytes !== undefined) this.got.set(index, bytes);
    }
    cache.count(this.got.size, this.stripe.k);
  }

  /** Works through `attempts`, k under way at first; a failure starts the next at once, lateness when the budget allows it. */
  run(attempts: Attempt[]): Promise<void> {
    const { clock, hedging, signal } = this.context;
    const queue = [...attempts];
    const running = new Set<Running>();
    return new Promise((resolve, reject) => {
      const finish = (error?: unknown) => {
        for (const each of running) each.timer.cancel();
        signal.removeEventListener('abort', onAbort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onAbort = () => {
        this.stopper.abort();
        finish(signal.reason);
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });

      const nextInQueue = (): Attempt | undefined => {
        let next = queue.shift();
        while (next !== undefined && this.got.has(next.index)) next = queue.shift();
        return next;
      };
      const start = (next: Attempt | undefined, beside?: Running) => {
        if (next === undefined) return;
        if (beside === undefined) hedging.asked();
        const one: Running = {
          ...next,
          startedMs: clock.monotonic(),
          waitedMs: 0,
          beside,
          replaced: false,
          timer: { cancel() {} },
          notLate: undefined,
          delivered: false,
        };
        running.add(one);
        if (queue.length > 0) watch(one, hedging.lateAfterMs(one.backend.id, this.shardBytes));
        void this.attempt(one).then(() => {
          one.timer.cancel();
          one.notLate?.();
          running.delete(one);
          if (this.complete) return finish();
          fill();
        });
      };
      /** Asks a further holder when `one` is late: at once if the budget has it, when it is overdue in any case. */
      const watch = (one: Running, waitMs: number) => {
        const { waitedMs } = one;
        one.timer = clock.after(waitMs, () => {
          if (one.waitedMs > waitedMs) return watch(one, one.waitedMs - waitedMs);
          one.notLate ??= hedging.late(one.backend.id);
          const elapsedMs = this.elapsedMs(one);
          const next = nextInQueue();
          if (next === undefined) return;
          const isOverdue = elapsedMs >= OVERDUE_MS;
          one.replaced = isOverdue || hedging.take();
          if (one.replaced) return start(next, isOverdue ? undefined : one);
          queue.unshift(next);
          // The budget fills with other requests meanwhile.
          watch(one, Math.min(elapsedMs, Math.max(1, OVERDUE_MS - elapsedMs)));
        });
      };
      /** As many under way as shards are missing, without those replaced already: their failure changes nothing, and they make up for nobody's. */
      const fill = () => {
        let counted = 0;
        for (const each of running) if (!each.replaced) counted++;
        for (; counted < this.stripe.k - this.got.size && queue.length > 0; counted++) start(nextInQueue());
        if (running.size === 0) finish();
      };
      fill();
    });
  }

  private fits(bytes: Uint8Array, id: ShardId): boolean {
    const { shardBytes, unverified } = this.stripe;
    return unverified === true ? bytes.length === shardBytes : bytesToHex(this.context.hash(bytes)) === id;
  }

  /** Of the holder's time. */
  private elapsedMs({ startedMs, waitedMs }: Running): number {
    return Math.max(0, this.context.clock.monotonic() - startedMs - waitedMs);
  }

  private async attempt(one: Running): Promise<void> {
    const { index, id, backend } = one;
    const { landing, shardBytes } = this.stripe;
    const maxBytes = shardBytes ?? MAX_MANIFEST_BYTES;
    const into = landing?.bufferFor(index);
    const waiting = (ms: number) => void (one.waitedMs += ms);
    this.underWay++;
    try {
      const bytes = await backend
        .get(id, { signal: this.stopper.signal, waiting, timeoutMs: GET_TIMEOUT_MS, into, maxBytes })
        .finally(() => {
          this.underWay--;
          if (into !== undefined) landing?.ended(index);
        });
      if (bytes === undefined || this.complete) return;
      if (!this.fits(bytes, id)) {
        throw new DatameshError('hash-mismatch', {
          what: `${backend.id.slice(-8)} sent wrong bytes for a shard`,
        });
      }
      one.delivered = true;
      if (one.beside?.delivered === false) this.context.hedging.won();
      this.got.set(index, bytes);
      // This machine's own disk is near enough.
      if (this.stripe.keep === true && backend.kind === 'peer') this.context.cache?.add(id, bytes);
    } catch (error) {
      const failure = asDatameshError(error);
      this.brokenOff ||= failure.code === 'peer-unreachable';
      if (failure.code !== 'cancelled') this.context.failed(backend.id, failure);
      else if (this.complete && one.notLate !== undefined) {
        this.context.overtaken(backend.id, this.elapsedMs(one), this.shardBytes);
      }
    }
  }
}

function missing(stripe: StripeToRead, got: ReadonlyMap<number, Uint8Array>): DatameshError {
  const lacking = stripe.shards.filter(({ index }) => !got.has(index));
  return new DatameshError('shards-missing', {
    what: `${stripe.label}: ${got.size} of the ${stripe.k} shards needed could be read`,
    why: `missing: ${lacking.map(({ index, holder }) => `shard ${index} (holder ${holder?.slice(-8) ?? 'none'})`).join(', ')}`,
    mend: 'bring back at least one of those nodes and try again; `datamesh info` shows where every shard lies',
    details: {
      have: got.size,
      need: stripe.k,
      missing: lacking.map(({ index, id, holder }) => ({ index, shardId: id, holder: holder ?? null })),
    },
  });
}
