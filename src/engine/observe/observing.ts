/** What the options let others see of a node: spans at a collector, figures on a loopback port. Each is loaded only where it is wanted. */
import { VERSION } from '../../version.ts';
import type { Engine } from '../engine.ts';
import type { Node } from '../node.ts';
import type { Tracer } from './spans.ts';

export async function openTracer(node: Node): Promise<Tracer | undefined> {
  const url = node.options.observe?.tracesUrl;
  if (url === undefined) return undefined;
  const { otlpTracer } = await import('./otlp-tracer.ts');
  return otlpTracer({
    url,
    service: { name: node.options.name, version: VERSION, instance: node.net.self },
    log: (text) => node.events.add('warn', 'traces', text),
  });
}

/** The same engine, with its figures on the port that the options name, if it is a service. */
export async function withMetricsPort(engine: Engine, node: Node): Promise<Engine> {
  const { mode, observe } = node.options;
  if (mode !== 'service' || !observe?.metricsPort) return engine;
  const { serveMetrics } = await import('./metrics-server.ts');
  const server = await serveMetrics(engine, observe.metricsPort, (level, text) =>
    node.events.add(level, 'metrics', text),
  );
  return {
    ...engine,
    async close() {
      await server?.close();
      await engine.close();
    },
  };
}
