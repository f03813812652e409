/** How far the clocks of peers are from this node's: heartbeats and hellos carry the wall time of their issue. */
import type { Clock } from '../effects/clock.ts';
import { HEARD_MS } from './limits.ts';
import type { Member, Membership } from './membership.ts';

/** Clocks that differ by no more than this have the same time. */
export const CLOCKS_AGREE_MS = 5 * 60_000;

type Times = Pick<Clock, 'now' | 'monotonic'>;
type Seen = Pick<Member, 'heard' | 'lastSeenMs'> & { info: { seq: number } | undefined };

/** Milliseconds by which the peer is ahead, by its newest heartbeat; undefined where that says nothing of now. */
export function heardSkewMs(clock: Times, { heard }: Pick<Member, 'heard'>): number | undefined {
  if (heard === undefined) return undefined;
  const ageMs = clock.monotonic() - heard.atMs;
  return ageMs < HEARD_MS ? heard.seq - (clock.now() - ageMs) : undefined;
}

/**
 * The same, else by what it said of itself at its newest hello, which may have been issued a little before: heartbeats of a clock that is far off are not taken, and the last
 * one that was is of the time before it was.
 */
export function clockSkewMs(clock: Times, peer: Seen): number | undefined {
  const { info, lastSeenMs } = peer;
  const said = info === undefined || lastSeenMs === undefined ? undefined : info.seq - lastSeenMs;
  return heardSkewMs(clock, peer) ?? said;
}

/** Of those that are here, in order. */
export function peerSkewsMs(clock: Times, membership: Pick<Membership, 'members'>): number[] {
  return membership
    .members()
    .filter(({ greeted }) => greeted)
    .map((member) => clockSkewMs(clock, member))
    .filter((skew) => skew !== undefined)
    .sort((a, b) => a - b);
}

/** Whether most of the peers, at least one, have about the same time. */
export function mostAgree(skewsMs: readonly number[]): boolean {
  const near = skewsMs.filter((skew) => Math.abs(skew) <= CLOCKS_AGREE_MS).length;
  return near > 0 && 2 * near > skewsMs.length;
}

/** The wall time, or that of the middle one of the peers where it is earlier: what is recent must not be old by a clock that runs ahead. */
export function cautiousTimeMs(clock: Times, membership: Pick<Membership, 'members'>): number {
  const skews = peerSkewsMs(clock, membership);
  return clock.now() + Math.min(0, skews[skews.length >> 1] ?? 0);
}
