/** Which segments a new one takes the place of, so that a head names few of them. Pure. */
import type { MirrorSegment } from '../catalog/mirror/book.ts';
import { MAX_SEGMENTS } from './head.ts';

/** A segment takes those before it into it that have at most this many times its records: so each record is written log2(n) times, and log2(n) segments remain. */
const ABSORBED_RATIO = 2;
/** Of those that can be read; a head names MAX_SEGMENTS with the others. */
const MAX_LIVE_SEGMENTS = 32;

/** The newest segments that a new one of `records` takes into it. */
export function absorbedBy(live: readonly MirrorSegment[], records: number): MirrorSegment[] {
  const absorbed: MirrorSegment[] = [];
  let sum = records;
  const readable = live.filter(({ unread }) => !unread);
  const most = Math.min(MAX_LIVE_SEGMENTS, MAX_SEGMENTS - (live.length - readable.length));
  for (const segment of readable.toReversed()) {
    const tooMany = readable.length - absorbed.length >= most;
    if (segment.records > ABSORBED_RATIO * sum && !tooMany) break;
    absorbed.push(segment);
    sum += segment.records;
  }
  return absorbed;
}

/** What a head has room for beside a new segment: of those that cannot be read, the ones with the most records. */
export function withinHead(segments: readonly MirrorSegment[]): readonly MirrorSegment[] {
  const over = segments.length - (MAX_SEGMENTS - 1);
  if (over <= 0) return segments;
  const unread = segments.filter((segment) => segment.unread).toSorted((a, b) => a.records - b.records);
  const dropped = new Set(unread.slice(0, over));
  return segments.filter((segment) => !dropped.has(segment));
}
