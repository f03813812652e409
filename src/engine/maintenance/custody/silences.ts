/** Who lets questions time out. Every step of a repair waits for the slowest, so one that keeps silent would hold up each step of each batch for all of the time-out. */
import { asDatameshError } from '../../../errors.ts';
import type { Clock } from '../../effects/clock.ts';
import type { PeerId } from '../../types.ts';

export interface AskingContext {
  silences: Silences;
  signal: AbortSignal;
  log(text: string): void;
}

export interface Patience {
  /** For how long none of its questions was answered before it is left out. */
  afterMs: number;
  /** How long it is not asked then. */
  forMs: number;
}

/** Of custodians. As long as a question waits for its answer. Whoever is not asked meanwhile gave no lease and heard of no move: the others' word is enough for both. */
const CUSTODIANS: Patience = { afterMs: 0, forMs: 5_000 };
/** Of holders, whose shards count as lost while they are not asked: by then they do in any case (`silenceMs`). */
export const HOLDERS: Patience = { afterMs: 15_000, forMs: 15_000 };
/** Of holders whose shards are read, or that are given some, in repairs: they come last then. Three times what such a request may take. */
export const LATE: Patience = { afterMs: 0, forMs: 60_000 };
/** Those asked are members of the mesh; strangers cannot make it grow. */
const MAX_PEERS = 2_000;

export class Silences {
  private readonly silent = new Map<PeerId, { sinceMs: number; untilMs: number }>();
  private readonly clock: Clock;
  private readonly patience: Patience;

  constructor(clock: Clock, patience = CUSTODIANS) {
    this.clock = clock;
    this.patience = patience;
  }

  /** It is not to be asked now. */
  has(peer: PeerId): boolean {
    return (this.silent.get(peer)?.untilMs ?? 0) > this.clock.monotonic();
  }

  answered(peer: PeerId): void {
    this.silent.delete(peer);
  }

  /** A question to it has failed: one that failed at once held nobody up. */
  failed(peer: PeerId, error: unknown): void {
    if (asDatameshError(error).code !== 'timeout') return;
    if (this.silent.size >= MAX_PEERS) this.silent.clear();
    const nowMs = this.clock.monotonic();
    const { afterMs, forMs } = this.patience;
    const sinceMs = this.silent.get(peer)?.sinceMs ?? nowMs;
    this.silent.set(peer, { sinceMs, untilMs: nowMs - sinceMs >= afterMs ? nowMs + forMs : 0 });
  }
}

/** Those of them that are to be asked now. */
export function heard<T>(byPeer: ReadonlyMap<PeerId, T>, { silences }: AskingContext): [PeerId, T][] {
  return [...byPeer].filter(([peer]) => !silences.has(peer));
}

/** Asks each at once. A failure is told, begun with `said` of who it was, and ends nothing for the others; throws only what the signal does. */
export async function askEach<T>(
  of: readonly (readonly [PeerId, T])[],
  { silences, signal, log }: AskingContext,
  said: (peer: string) => string,
  ask: (peer: PeerId, its: T) => Promise<void>,
): Promise<void> {
  await Promise.all(
    of.map(async ([peer, its]) => {
      try {
        await ask(peer, its);
      } catch (error) {
        signal.throwIfAborted();
        silences.failed(peer, error);
        log(`${said(peer.slice(-8))}: ${asDatameshError(error).message}`);
      }
    }),
  );
}
