/** Gathers all that a node measures, for whoever asks: a scrape, or the `metrics` command. */
import type { Clock } from '../effects/clock.ts';
import type { MetricFamily } from '../views/metrics.ts';
import type { Measured } from './node-families.ts';
import { PeerLabels } from './peer-families.ts';

/** Counting orders in custody goes through the whole table, in this thread. */
const CUSTODY_FRESH_MS = 60_000;

export type MeasuredSources = () => Omit<Measured, 'labels' | 'custody'>;

/** @param sources the parts as they are when asked */
export function createCollector(clock: Clock, sources: MeasuredSources): () => Promise<MetricFamily[]> {
  const labels = new PeerLabels();
  let custody: { usage: Measured['custody']; atMs: number } | undefined;
  let ofProcess: (() => Promise<MetricFamily[]>) | undefined;
  return async () => {
    // prom-client is loaded for those who ask.
    const [{ processFigures }, { nodeFamilies }] = await Promise.all([
      import('./exposition.ts'),
      import('./node-families.ts'),
    ]);
    ofProcess ??= processFigures();
    const measured = sources();
    const nowMs = clock.monotonic();
    if (custody === undefined || nowMs - custody.atMs > CUSTODY_FRESH_MS)
      custody = { usage: measured.node.custody.store.usage(), atMs: nowMs };
    return [...nodeFamilies({ ...measured, labels, custody: custody.usage }), ...(await ofProcess())];
  };
}
