/** Custodians that have just let a question time out. Every step of a repair waits for the slowest of them, so one that keeps silent would hold up each step of each batch for all of the time-out. */
import { asDatameshError } from '../../../errors.ts';
import type { Clock } from '../../effects/clock.ts';
import type { PeerId } from '../../types.ts';

export interface AskingContext {
  silences: Silences;
  signal: AbortSignal;
  log(text: string): void;
}

/** As long as a question waits for its answer. Whoever is not asked meanwhile gave no lease and heard of no move: the others' word is enough for both. */
const SILENT_MS = 5_000;
/** Those asked are members of the mesh; strangers cannot make it grow. */
const MAX_PEERS = 2_000;

export class Silences {
  private readonly untilMs = new Map<PeerId, number>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** It is not to be asked now. */
  has(peer: PeerId): boolean {
    return (this.untilMs.get(peer) ?? 0) > this.clock.monotonic();
  }

  /** A question to it has failed: one that failed at once held nobody up. */
  failed(peer: PeerId, error: unknown): void {
    if (asDatameshError(error).code !== 'timeout') return;
    if (this.untilMs.size >= MAX_PEERS) this.untilMs.clear();
    this.untilMs.set(peer, this.clock.monotonic() + SILENT_MS);
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
