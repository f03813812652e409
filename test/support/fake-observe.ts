/** What the engine in memory measures of itself: fixed figures. */
import type { ReloadCalls } from '../../src/engine/live-options.ts';
import type { MetricCalls } from '../../src/engine/views/metrics.ts';

export function fakeObserve(
  enter: (method: 'metrics' | 'reload') => Promise<void>,
): MetricCalls & ReloadCalls {
  return {
    async reload() {
      await enter('reload');
      return { applied: ['bandwidth.upBytesPerSecond'], restart: [] };
    },
    async metrics() {
      await enter('metrics');
      return [
        {
          name: 'datamesh_puts_total',
          help: 'Puts by how they ended',
          type: 'counter',
          samples: [
            { name: 'datamesh_puts_total', labels: { result: 'ok' }, value: 12 },
            { name: 'datamesh_puts_total', labels: { result: 'failed' }, value: 1 },
          ],
        },
        {
          name: 'datamesh_repair_backlog_objects',
          help: 'Objects to be looked at, "damaged" ones, and others',
          type: 'gauge',
          samples: [{ name: 'datamesh_repair_backlog_objects', labels: { state: 'a "b", c' }, value: 0.5 }],
        },
      ];
    },
  };
}
