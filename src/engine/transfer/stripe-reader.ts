/** Fetches k verified shards of one stripe: the likely best holders first, hedged, any that answer. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Backend } from '../backends/backend.ts';
import type { Landing } from '../codec/codec.ts';
import type { Clock } from '../effects/clock.ts';
import { bytesToHex, type PeerId, type ShardId } from '../types.ts';
import { ASK_TIMEOUT_MS, GET_TIMEOUT_MS, HEDGE_FACTOR, HEDGE_MAX_MS, HEDGE_MIN_MS } from './limits.ts';

export interface StripeToRead {
  /** For messages: "stripe 3 of photo.jpg" or "the manifest of …". */
  label: string;
  k: number;
  /** Shards by index with the holder noted at write time. */
  shards: readonly { index: number; id: ShardId; holder: PeerId | undefined }[];
  shardBytes: number | undefined;
  /** Where the shards may be received, so that the codec need not copy them. */
  landing?: Landing | undefined;
}

export interface ReadContext {
  clock: Clock;
  hash(bytes: Uint8Array): Uint8Array;
  backend(peer: PeerId): Backend | undefined;
  /** Every backend that can be asked now: this node first, then peers by round-trip time. */
  reachable(): Backend[];
  /** Usual time of a shard fetch, updated by this reader. */
  latency: LatencyEstimate;
  /** What is known of a holder from earlier requests. */
  standing(holder: PeerId): Standing;
  failed(holder: PeerId, error: DatameshError): void;
  /** It was asked, had not answered after `elapsedMs`, and others had meanwhile given enough. */
  overtaken(holder: PeerId, elapsedMs: number): void;
  signal: AbortSignal;
}

export interface LatencyEstimate {
  usualMs: number | undefined;
}

export interface Standing {
  /** False: ask it only when nobody else is left (its breaker is open, or it is in quarantine). */
  mayAsk: boolean;
  /** Its usual time for a shard; undefined while it is not known. */
  usualMs: number | undefined;
}

/** Holders that are usually this quick count as equally good: then data shards come before parity, which costs a decoding. */
const QUICK_MS = 16;

interface Attempt {
  index: number;
  id: ShardId;
  backend: Backend;
}

/** k shards by index, each verified against its id. Throws `shards-missing` naming what is missing. */
export async function readStripe(
  stripe: StripeToRead,
  context: ReadContext,
): Promise<Map<number, Uint8Array>> {
  const race = new StripeRace(stripe, context);
  try {
    await race.run(noted(stripe, context));
    if (!race.complete) await race.run(await searched(stripe, context, race));
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
  const rank = new Map(attempts.map(({ backend }) => [backend, rankOf(backend, context)]));
  return attempts.sort((a, b) => rank.get(a.backend)! - rank.get(b.backend)! || a.index - b.index);
}

function rankOf(backend: Backend, context: ReadContext): number {
  // What this machine has, in its store or a folder, needs no network.
  if (backend.kind !== 'peer') return -1;
  const { mayAsk, usualMs } = context.standing(backend.id);
  if (!mayAsk) return Number.MAX_SAFE_INTEGER;
  return Math.ceil(Math.max(0, Math.log2((usualMs ?? 0) / QUICK_MS)));
}

/** Shards that moved: asks every reachable backend which of the missing ones it holds. */
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

class StripeRace {
  readonly got = new Map<number, Uint8Array>();
  private readonly stopper = new AbortController();
  private readonly stripe: StripeToRead;
  private readonly context: ReadContext;

  constructor(stripe: StripeToRead, context: ReadContext) {
    this.stripe = stripe;
    this.context = context;
  }

  get complete(): boolean {
    return this.got.size >= this.stripe.k;
  }

  stop(): void {
    this.stopper.abort();
  }

  /** Works through `attempts`, k under way at first; a failure starts the next at once, slowness after the hedge time. */
  run(attempts: Attempt[]): Promise<void> {
    const { clock, signal } = this.context;
    const queue = [...attempts];
    let running = 0;
    return new Promise((resolve, reject) => {
      let timer = { cancel() {} };
      const finish = (error?: unknown) => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onAbort = () => finish(signal.reason);
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });

      const startNext = () => {
        let next = queue.shift();
        while (next !== undefined && this.got.has(next.index)) next = queue.shift();
        if (next === undefined) return;
        running++;
        void this.attempt(next).then((ok) => {
          running--;
          if (this.complete) return finish();
          if (!ok) startNext();
          if (running === 0 && queue.length === 0) finish();
        });
      };
      const armHedge = () => {
        timer = clock.after(this.hedgeMs(), () => {
          startNext();
          if (queue.length > 0) armHedge();
        });
      };
      for (let i = this.got.size; i < this.stripe.k; i++) startNext();
      if (running === 0) finish();
      else if (queue.length > 0) armHedge();
    });
  }

  private hedgeMs(): number {
    const usual = this.context.latency.usualMs ?? HEDGE_MAX_MS / HEDGE_FACTOR;
    return Math.min(HEDGE_MAX_MS, Math.max(HEDGE_MIN_MS, usual * HEDGE_FACTOR));
  }

  private async attempt({ index, id, backend }: Attempt): Promise<boolean> {
    const { clock, latency, signal } = this.context;
    const before = clock.monotonic();
    const { landing } = this.stripe;
    const into = landing?.bufferFor(index);
    try {
      const bytes = await backend
        .get(id, {
          signal: AbortSignal.any([signal, this.stopper.signal]),
          timeoutMs: GET_TIMEOUT_MS,
          into,
        })
        .finally(() => {
          if (into !== undefined) landing?.ended(index);
        });
      if (bytes === undefined) return false;
      if (this.complete) return true;
      if (bytesToHex(this.context.hash(bytes)) !== id) {
        throw new DatameshError('hash-mismatch', {
          what: `${backend.id.slice(-8)} sent wrong bytes for a shard`,
        });
      }
      const tookMs = clock.monotonic() - before;
      latency.usualMs = latency.usualMs === undefined ? tookMs : latency.usualMs * 0.9 + tookMs * 0.1;
      this.got.set(index, bytes);
      return true;
    } catch (error) {
      const failure = asDatameshError(error);
      const elapsedMs = clock.monotonic() - before;
      if (failure.code !== 'cancelled') this.context.failed(backend.id, failure);
      else if (this.complete && elapsedMs >= this.hedgeMs()) this.context.overtaken(backend.id, elapsedMs);
      return false;
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
