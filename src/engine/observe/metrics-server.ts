/** /metrics of a service, for Prometheus on this machine. */
import { asDatameshError } from '../../errors.ts';
import { type LoopbackServer, serveLoopback } from '../effects/loopback-http.ts';
import type { MetricCalls } from '../views/metrics.ts';
import { EXPOSITION_TYPE, expositionOf } from './exposition.ts';

/** A port that is taken costs the figures, not the storage: it is told, and the node runs without. */
export async function serveMetrics(
  engine: MetricCalls,
  port: number,
  log: (level: 'info' | 'error', text: string) => void,
): Promise<LoopbackServer | undefined> {
  try {
    const server = await serveLoopback(port, {
      path: '/metrics',
      type: EXPOSITION_TYPE,
      text: async () => expositionOf(await engine.metrics()),
    });
    // The event loop is measured from the first call on.
    await engine.metrics();
    log('info', `metrics at http://127.0.0.1:${server.port}/metrics`);
    return server;
  } catch (error) {
    const { message, mend } = asDatameshError(error);
    log('error', `no metrics are served: ${message}${mend === undefined ? '' : ` (${mend})`}`);
    return undefined;
  }
}
