/** A wall clock by which something may go for good: a clock alone deletes nothing. */
import type { Clock } from '../effects/clock.ts';
import { HEARD_MS } from '../mesh/limits.ts';
import type { Node } from '../node.ts';

/** A clock that was set, or ran away from the time that passed, by more than this. */
const MAX_DRIFT_MS = 5 * 60_000;
/** After a start ages wait: who comes back after a year must not find everything gone that he had meant to look at. */
const SETTLED_MS = 60 * 60_000;

/** The wall time where it may be believed, by what this node has seen since it was made. */
export function believedTime(node: Pick<Node, 'clock' | 'membership'>): () => number | undefined {
  const { clock } = node;
  const trusted = clockWatch(clock);
  return () => (trusted(peerClocks(node)) ? clock.now() : undefined);
}

/** How far the peers' clocks are from this node's, by their newest heartbeats, whose numbers are the wall time of their issue. */
function peerClocks({ membership, clock }: Pick<Node, 'membership' | 'clock'>): number[] {
  const at = clock.monotonic();
  return membership
    .members()
    .map(({ heard }) => heard)
    .filter((heard) => heard !== undefined && at - heard.atMs < HEARD_MS)
    .map((heard) => heard!.seq - (clock.now() - (at - heard!.atMs)));
}

/**
 * Whether the wall clock may be believed: it has gone on as time has since the start, that was a while ago, and most of the peers heard, at least one, have about the same.
 * @param offsets of the peers' clocks, milliseconds
 */
export function clockWatch(clock: Pick<Clock, 'now' | 'monotonic'>): (offsets: readonly number[]) => boolean {
  const startedMs = clock.now();
  const startedAt = clock.monotonic();
  return (offsets) => {
    const ranMs = clock.monotonic() - startedAt;
    if (ranMs < SETTLED_MS || Math.abs(clock.now() - startedMs - ranMs) > MAX_DRIFT_MS) return false;
    const near = offsets.filter((offset) => Math.abs(offset) <= MAX_DRIFT_MS).length;
    return near > 0 && 2 * near > offsets.length;
  };
}
