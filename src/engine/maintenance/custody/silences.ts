/** Custodians that have just let a question time out. Every step of a repair waits for the slowest of them, so one that keeps silent would hold up each step of each batch for all of the time-out. */
import { asDatameshError } from '../../../errors.ts';
import type { Clock } from '../../effects/clock.ts';
import type { PeerId } from '../../types.ts';

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
