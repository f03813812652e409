/** Figures → settings. Pure. Nothing is proposed without a figure that speaks for it; the figure stands beside it. */
import { formatSize } from '../../config/units.ts';
import { formatBytes, formatDuration, formatRate } from '../format/units.ts';

export interface Proposal {
  area: 'cache' | 'storage' | 'network';
  /** Of the configuration. */
  key: string;
  now: number;
  /** Equal to `now` where nothing better was measured. */
  proposed: number;
  measured: string;
  /** What the change brings, in what was measured; undefined where nothing changes. */
  gain: string | undefined;
}

export interface CacheFigures {
  firstMs: number;
  againMs: number;
  /** The second reads were served from memory. */
  againFromCache: boolean;
  /** Of objects that this node read more than once within a week. */
  workingSetBytes: number;
  repeatedReads: number;
  memoryBytes: number;
}

export interface StorageFigures {
  writeBytesPerSecond: number;
  syncMs: number;
  freeBytes: number;
  usedBytes: number;
  quotaBytes: number;
  reserveBytes: number;
}

export interface LineFigures {
  peer: string;
  upBytesPerSecond: number;
  downBytesPerSecond: number;
  idleMs: number;
  /** Undefined: no round trip was measured meanwhile. */
  upLoadedMs: number | undefined;
  downLoadedMs: number | undefined;
  /** In force while it was measured. */
  capUpBytesPerSecond: number | undefined;
  capDownBytesPerSecond: number | undefined;
}

const MIB = 2 ** 20;
/** Of the machine's memory, for the cache. */
const CACHE_MEMORY_SHARE = 1 / 16;
const MIN_CACHE_BYTES = 16 * MIB;
/** A gain below this is within what two measurements differ by. */
const WORTH = 1.25;
/** A line that is filled makes everything else wait: so much longer, and so long, that one notices. */
const BLOAT = 3;
const BLOAT_MS = 30;
/** Of the measured rate: what is sent below the line's own speed does not queue in front of it. */
const LINE_SHARE = 0.85;

export function proposeCache(figures: CacheFigures, nowBytes: number): Proposal {
  const { firstMs, againMs, againFromCache, workingSetBytes, repeatedReads, memoryBytes } = figures;
  const most = floorTo(memoryBytes * CACHE_MEMORY_SHARE, MIN_CACHE_BYTES);
  // Reads larger than a quarter of it pass the cache by, so it is four times the largest; twice the set leaves room for what changes.
  const wanted = Math.min(most, ceilTo(2 * workingSetBytes, MIN_CACHE_BYTES));
  const factor = firstMs / againMs;
  const measured = `a read ${formatDuration(firstMs)}, again ${formatDuration(againMs)}${againFromCache ? ' from the cache' : ''}; ${repeatedReads} repeated reads of ${formatBytes(workingSetBytes)} in a week`;
  const base = { area: 'cache', key: 'reads.cacheBytes', now: nowBytes, measured } as const;
  const better = againFromCache && factor >= WORTH && repeatedReads > 0 && wanted > nowBytes;
  return better
    ? {
        ...base,
        proposed: wanted,
        gain: `repeated reads ${factor.toFixed(1)} times as fast, for ${formatSize(wanted)} of memory at most`,
      }
    : { ...base, proposed: nowBytes, gain: undefined };
}

export function proposeStorage(figures: StorageFigures): Proposal {
  const { writeBytesPerSecond, syncMs, freeBytes, usedBytes, quotaBytes, reserveBytes } = figures;
  const room = floorTo(Math.max(0, usedBytes + freeBytes - reserveBytes), MIB);
  const measured = `${formatRate(writeBytesPerSecond)} written and synced, ${formatDuration(syncMs)} a sync; ${formatBytes(freeBytes)} free, ${formatBytes(usedBytes)} used`;
  const base = { area: 'storage', key: 'storage.quotaBytes', now: quotaBytes, measured } as const;
  if (quotaBytes === 0 || room >= quotaBytes) return { ...base, proposed: quotaBytes, gain: undefined };
  return {
    ...base,
    proposed: room,
    gain: `others no longer send ${formatBytes(quotaBytes - room)} that this disk must refuse`,
  };
}

/** @param set what the configuration has, 0 for none: at some hours its schedule has another limit in force */
export function proposeLine(figures: LineFigures, set: { up: number; down: number }): Proposal[] {
  const { peer, idleMs } = figures;
  const ways = [
    ['up', figures.upBytesPerSecond, figures.upLoadedMs, figures.capUpBytesPerSecond],
    ['down', figures.downBytesPerSecond, figures.downLoadedMs, figures.capDownBytesPerSecond],
  ] as const;
  return ways.map(([way, rate, loadedMs, cap]): Proposal => {
    const trips =
      loadedMs === undefined
        ? `round trip ${formatDuration(idleMs)}`
        : `round trip ${formatDuration(loadedMs)} meanwhile, ${formatDuration(idleMs)} before`;
    // What comes near the limit is the limit's rate and not the line's, which nobody has seen then.
    const isHeld = cap !== undefined && rate >= cap * LINE_SHARE;
    const held = isHeld ? `, as the limit of ${formatRate(cap)} lets it` : '';
    const base = {
      area: 'network',
      key: `bandwidth.${way}BytesPerSecond`,
      now: set[way],
      measured: `${formatRate(rate)} ${way === 'up' ? 'to' : 'from'} ${peer}${held}; ${trips}`,
    } as const;
    const waits = loadedMs !== undefined && loadedMs >= BLOAT * idleMs && loadedMs - idleMs >= BLOAT_MS;
    const limit = floorTo(rate * LINE_SHARE, 1024);
    if (!waits || limit === 0 || isHeld || (base.now > 0 && base.now <= limit))
      return { ...base, proposed: base.now, gain: undefined };
    return {
      ...base,
      proposed: limit,
      gain: `others on this line no longer wait ${formatDuration(loadedMs - idleMs)} longer, for ${Math.round((1 - LINE_SHARE) * 100)}% of its speed`,
    };
  });
}

function ceilTo(value: number, unit: number): number {
  return Math.max(unit, Math.ceil(value / unit) * unit);
}

function floorTo(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}
