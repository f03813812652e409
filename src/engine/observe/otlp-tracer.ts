/** Spans to an OpenTelemetry collector over OTLP/HTTP with JSON. Loaded only where the configuration names a collector. */
import { type Context, type Span as OtelSpan, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { asDatameshError } from '../../errors.ts';
import type { Span, SpanFields, Tracer } from './spans.ts';

/** Spans that wait for the collector; beyond that they are dropped: a collector that is away costs memory for these and no more. */
const MAX_WAITING_SPANS = 2048;
const SEND_EVERY_MS = 1_000;
const SEND_TIMEOUT_MS = 5_000;

export interface OtlpTracerOptions {
  url: string;
  /** For the resource of every span. */
  service: { name: string; version: string; instance: string };
  /** The collector does not take spans, or does again; not once per batch. */
  log(text: string): void;
}

export function otlpTracer({ url, service, log }: OtlpTracerOptions): Tracer {
  const exporter = told(new OTLPTraceExporter({ url, timeoutMillis: SEND_TIMEOUT_MS }), url, log);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'datamesh',
      'service.version': service.version,
      'service.instance.id': service.instance,
      'datamesh.node': service.name,
    }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: MAX_WAITING_SPANS,
        scheduledDelayMillis: SEND_EVERY_MS,
        exportTimeoutMillis: SEND_TIMEOUT_MS,
      }),
    ],
  });
  const tracer = provider.getTracer('datamesh', service.version);
  const begin = (name: string, fields: SpanFields, within: Context): Span => {
    const span = tracer.startSpan(name, { attributes: { ...fields } }, within);
    return wrapped(span, (child, childFields) =>
      begin(child, childFields, trace.setSpan(ROOT_CONTEXT, span)),
    );
  };
  return {
    start: (name, fields) => begin(name, fields, ROOT_CONTEXT),
    close: () => provider.shutdown().catch(() => undefined),
  };
}

function wrapped(span: OtelSpan, child: (name: string, fields: SpanFields) => Span): Span {
  return {
    child: (name, fields = {}) => child(name, fields),
    set: (fields) => void span.setAttributes({ ...fields }),
    end(error) {
      if (error !== undefined) {
        const { code } = asDatameshError(error);
        // The code alone: messages name files.
        span.setStatus({ code: SpanStatusCode.ERROR, message: code });
        span.setAttribute('error.type', code);
      }
      span.end();
    },
  };
}

/** The same exporter; a change between taken and refused is logged, with the collector's place. */
function told(exporter: SpanExporter, url: string, log: (text: string) => void): SpanExporter {
  let failing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== 0;
        if (failed !== failing)
          log(
            failed
              ? `the trace collector at ${url} takes no spans: ${result.error?.message.slice(0, 200)}`
              : `the trace collector at ${url} takes spans`,
          );
        failing = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}
