/** Gathers all that a node measures, for whoever asks: a scrape, or the `metrics` command. */
import type { MetricFamily } from '../views/metrics.ts';
import type { Measured } from './node-families.ts';
import { PeerLabels } from './peer-families.ts';

export type MeasuredSources = () => Omit<Measured, 'labels'>;

/** @param sources the parts as they are when asked */
export function createCollector(sources: MeasuredSources): () => Promise<MetricFamily[]> {
  const labels = new PeerLabels();
  let ofProcess: (() => Promise<MetricFamily[]>) | undefined;
  return async () => {
    // prom-client is loaded for those who ask.
    const [{ processFigures }, { nodeFamilies }] = await Promise.all([
      import('./exposition.ts'),
      import('./node-families.ts'),
    ]);
    ofProcess ??= processFigures();
    return [...nodeFamilies({ ...sources(), labels }), ...(await ofProcess())];
  };
}
