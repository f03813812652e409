/** What a node measures of itself, as callers of the engine see it: families of samples in Prometheus' terms and names. */

export interface MetricSample {
  /** The family's name; of a histogram with `_bucket`, `_sum` or `_count`. */
  name: string;
  labels: Readonly<Record<string, string>>;
  /** In the unit that the name ends in: seconds, bytes, or a count. Always finite. */
  value: number;
}

export interface MetricFamily {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram' | 'summary';
  /** None where nothing was measured yet. */
  samples: MetricSample[];
}

export interface MetricCalls {
  /** Counters are since the node started. Figures of the event loop are since the last call. */
  metrics(): Promise<MetricFamily[]>;
}
