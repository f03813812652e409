/** How families are made of figures. */
import type { MetricFamily, MetricSample } from '../views/metrics.ts';
import type { Histogram } from './histogram.ts';

export type Labels = Readonly<Record<string, string>>;
export type Value = readonly [labels: Labels, value: number | undefined];

const NONE: Labels = {};

/** A gauge; what is undefined was not measured and has no sample. */
export function gauge(
  name: string,
  help: string,
  values: number | undefined | readonly Value[],
): MetricFamily {
  return { name, help, type: 'gauge', samples: samplesOf(name, values) };
}

/** A counter; its name ends in `_total`. */
export function counter(
  name: string,
  help: string,
  values: number | undefined | readonly Value[],
): MetricFamily {
  return { name, help, type: 'counter', samples: samplesOf(name, values) };
}

export function histogram(name: string, help: string, from: Histogram): MetricFamily {
  const { buckets, sum, count } = from.view();
  const bucket = (le: string, value: number) => ({ name: `${name}_bucket`, labels: { le }, value });
  return {
    name,
    help,
    type: 'histogram',
    samples: [
      ...buckets.map((it) => bucket(String(it.le), it.count)),
      bucket('+Inf', count),
      { name: `${name}_sum`, labels: NONE, value: sum },
      { name: `${name}_count`, labels: NONE, value: count },
    ],
  };
}

/** Each key of `record` as a value of the label. */
export function by(label: string, record: Readonly<Record<string, number>>): Value[] {
  return Object.entries(record).map(([key, value]) => [{ [label]: key }, value] as const);
}

function samplesOf(name: string, values: number | undefined | readonly Value[]): MetricSample[] {
  const all: readonly Value[] = typeof values === 'object' ? values : [[NONE, values]];
  return all.flatMap(([labels, value]) =>
    value === undefined || !Number.isFinite(value) ? [] : [{ name, labels, value }],
  );
}
