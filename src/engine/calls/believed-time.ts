/** A wall clock by which something may go for good: a clock alone deletes nothing. */
import type { Clock } from '../effects/clock.ts';
import { CLOCKS_AGREE_MS, heardSkewMs, mostAgree } from '../mesh/clock-skew.ts';
import type { Node } from '../node.ts';

/** After a start ages wait: who comes back after a year must not find everything gone that he had meant to look at. */
const SETTLED_MS = 60 * 60_000;

/** The wall time where it may be believed, by what this node has seen since it was made. */
export function believedTime(node: Pick<Node, 'clock' | 'membership'>): () => number | undefined {
  const { clock } = node;
  const trusted = clockWatch(clock);
  return () => {
    const skews = node.membership.members().map((member) => heardSkewMs(clock, member));
    return trusted(skews.filter((skew) => skew !== undefined)) ? clock.now() : undefined;
  };
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
    if (ranMs < SETTLED_MS || Math.abs(clock.now() - startedMs - ranMs) > CLOCKS_AGREE_MS) return false;
    return mostAgree(offsets);
  };
}
