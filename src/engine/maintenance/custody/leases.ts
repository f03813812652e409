/** Who may rebuild an object now: given by custodians, so that two leaders do not both work on it for long. In memory: a lease outlives no restart. */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../effects/clock.ts';
import type { ObjectId, PeerId } from '../../types.ts';

/** Longer than the rebuild of an object's stripes takes between two renewals, short enough that the next leader need not wait for long. */
export const LEASE_MS = 120_000;
/** A lease that falls out early lets two leaders waste work, no more. */
const MAX_LEASES = 100_000;
/** Bounded by a sum of ones: by `max` the cache would make room for all of them at once, 2.7 MiB and 5 ms. */
const BOUND = { maxSize: MAX_LEASES, sizeCalculation: () => 1 };

export class Leases {
  private readonly held = new LRUCache<ObjectId, { by: PeerId; untilMs: number }>(BOUND);
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Gives or renews the lease. False while another has it. */
  take(id: ObjectId, by: PeerId): boolean {
    const nowMs = this.clock.monotonic();
    const held = this.held.get(id);
    if (held !== undefined && held.by !== by && held.untilMs > nowMs) return false;
    this.held.set(id, { by, untilMs: nowMs + LEASE_MS });
    return true;
  }

  giveBack(id: ObjectId, by: PeerId): void {
    if (this.held.get(id)?.by === by) this.held.delete(id);
  }

  /** Its holder has gone: nobody waits for it. */
  drop(by: PeerId): void {
    for (const [id, lease] of this.held) if (lease.by === by) this.held.delete(id);
  }
}
