/**
 * Who may rebuild an object now: given by custodians, so that two leaders do not both work on it for long. In memory: a lease outlives no restart. Whoever keeps one
 * from others for as long as a rebuild takes lets them go first for a while, so that nobody holds up repairs by asking again and again.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../effects/clock.ts';
import type { ObjectId, PeerId } from '../../types.ts';

/** Longer than the rebuild of an object's stripes takes between two renewals, short enough that the next leader need not wait for long. */
export const LEASE_MS = 120_000;
/** Who asked in vain counts as waiting for so long: leaders ask again after a minute at most. */
const WISH_MS = 2 * LEASE_MS;
/** Who kept a lease from others for LEASE_MS in all lets them go first for so long: with all of the other four nodes near an object doing so one after another, the fifth still has a turn. */
const YIELD_MS = 5 * LEASE_MS;
/** A lease that falls out early lets two leaders waste work, no more. */
const MAX_LEASES = 100_000;
/** Bounded by a sum of ones: by `max` the cache would make room for all of them at once, 2.7 MiB and 5 ms. */
const BOUND = { maxSize: MAX_LEASES, sizeCalculation: () => 1 };
/** Who is near an object changes with the membership: beyond so many everything is forgotten. */
const MAX_ASKERS = 16;

interface Asker {
  wishedAtMs: number;
  /** How long it has kept the lease while others asked. */
  keptMs: number;
  yieldsUntilMs: number;
}

interface Lease {
  by: PeerId | undefined;
  sinceMs: number;
  untilMs: number;
  /** Once somebody asked in vain. */
  askers: Map<PeerId, Asker> | undefined;
}

export class Leases {
  private readonly held = new LRUCache<ObjectId, Lease>(BOUND);
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Gives or renews the lease. False while another has it, or is to go first. */
  take(id: ObjectId, by: PeerId): boolean {
    const nowMs = this.clock.monotonic();
    const lease = this.held.get(id);
    if (lease === undefined) {
      this.held.set(id, { by, sinceMs: nowMs, untilMs: nowMs + LEASE_MS, askers: undefined });
      return true;
    }
    const isHeld = lease.by !== undefined && lease.untilMs > nowMs;
    if (isHeld && lease.by !== by) {
      askerOf(lease, by).wishedAtMs = nowMs;
      return false;
    }
    account(lease, nowMs);
    if (mustYield(lease, by, nowMs)) return false;
    Object.assign(lease, { by, sinceMs: nowMs, untilMs: nowMs + LEASE_MS });
    return true;
  }

  giveBack(id: ObjectId, by: PeerId): void {
    const lease = this.held.get(id);
    if (lease?.by !== by) return;
    account(lease, this.clock.monotonic());
    if (lease.askers === undefined) this.held.delete(id);
    else lease.by = undefined;
  }

  /** It has gone: nobody waits for it, and it waits for nobody. */
  drop(by: PeerId): void {
    for (const [id, lease] of this.held) {
      const asker = lease.askers?.get(by);
      if (lease.by === by) this.held.delete(id);
      else if (asker !== undefined) asker.wishedAtMs = Number.NEGATIVE_INFINITY;
    }
  }
}

/** Notes how long its holder has kept it from others, up to now. */
function account(lease: Lease, nowMs: number): void {
  const { by, sinceMs, untilMs } = lease;
  if (by === undefined || !othersWait(lease, by, nowMs)) return;
  const asker = askerOf(lease, by);
  asker.keptMs += Math.min(nowMs, untilMs) - sinceMs;
  lease.sinceMs = nowMs;
  if (asker.keptMs < LEASE_MS) return;
  asker.keptMs = 0;
  asker.yieldsUntilMs = nowMs + YIELD_MS;
}

function mustYield(lease: Lease, by: PeerId, nowMs: number): boolean {
  return (lease.askers?.get(by)?.yieldsUntilMs ?? 0) > nowMs && othersWait(lease, by, nowMs);
}

function othersWait({ askers }: Lease, by: PeerId, nowMs: number): boolean {
  for (const [peer, { wishedAtMs }] of askers ?? [])
    if (peer !== by && nowMs - wishedAtMs < WISH_MS) return true;
  return false;
}

function askerOf(lease: Lease, peer: PeerId): Asker {
  if (lease.askers === undefined || lease.askers.size >= MAX_ASKERS) lease.askers = new Map();
  let asker = lease.askers.get(peer);
  if (asker === undefined) {
    asker = { wishedAtMs: Number.NEGATIVE_INFINITY, keptMs: 0, yieldsUntilMs: 0 };
    lease.askers.set(peer, asker);
  }
  return asker;
}
