/** Families as Prometheus' text format 0.0.4, written by prom-client; and what prom-client measures of the process. */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import type { MetricFamily } from '../views/metrics.ts';

export const EXPOSITION_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

export async function expositionOf(families: readonly MetricFamily[]): Promise<string> {
  const registry = new Registry();
  for (const family of families) registry.registerMetric(asMetric(family));
  return await registry.metrics();
}

/** What a registry asks of a metric when it writes it, and no more. */
function asMetric({ name, help, type, samples }: MetricFamily): Metric {
  const values = samples.map((it) => ({ metricName: it.name, labels: it.labels, value: it.value }));
  const metric = { name, help, type, aggregator: 'sum', get: async () => ({ name, help, type, values }) };
  return metric as unknown as Metric;
}

/** How precisely the event loop's delay is measured: it wakes the process this often. */
const LOOP_PRECISION_MS = 20;
const TYPES: Readonly<Record<string, MetricFamily['type']>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
};

/** Of the event loop's delay since they were last asked for. */
const LOOP_FIGURES = /^nodejs_eventloop_lag_(min|max|mean|stddev|p\d+)_seconds$/;
const LOOP_LEAST = 'nodejs_eventloop_lag_min_seconds';
/** Node's histogram says 2^63 - 1 ns where it has no sample yet: some 292 years, which nobody is to be told. */
const NO_SAMPLE_S = 2 ** 63 / 1e9;

/** Since the process began, in seconds: prom-client counts from when it was asked first, and would call a minute's work nothing. */
const CPU_SECONDS: Readonly<Record<string, (usage: NodeJS.CpuUsage) => number>> = {
  process_cpu_user_seconds_total: ({ user }) => user / 1e6,
  process_cpu_system_seconds_total: ({ system }) => system / 1e6,
  process_cpu_seconds_total: ({ user, system }) => (user + system) / 1e6,
};

/** CPU, memory and descriptors of this process; garbage collection and event loop from the first call on. */
export function processFigures(): () => Promise<MetricFamily[]> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_PRECISION_MS });
  return async () => {
    const found = await registry.getMetricsAsJSON();
    const least = found.find(({ name }) => name === LOOP_LEAST)?.values[0]?.value ?? NO_SAMPLE_S;
    const told = least < NO_SAMPLE_S ? found : found.filter(({ name }) => !LOOP_FIGURES.test(name));
    const usage = process.cpuUsage();
    return told.map(({ name, help, type, values }) => ({
      name,
      help,
      type: TYPES[String(type)] ?? 'gauge',
      samples: (values as readonly RawValue[]).flatMap(({ metricName, labels, value }) =>
        Number.isFinite(value)
          ? [
              {
                name: metricName ?? name,
                labels: textLabels(labels),
                value: CPU_SECONDS[name]?.(usage) ?? value,
              },
            ]
          : [],
      ),
    }));
  };
}

interface RawValue {
  metricName?: string;
  labels?: Record<string, string | number | undefined>;
  value: number;
}

function textLabels(labels: RawValue['labels'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]));
}
