/** Puts and gets, counted and timed, and traced where somebody listens: those of callers and of backups. The catalog's mirror goes by itself. */
import { DatameshError } from '../../errors.ts';
import type { Objects } from '../calls/objects.ts';
import type { Clock } from '../effects/clock.ts';
import type { CallOptions, GetResult } from '../engine.ts';
import type { Measures, TransferMeter } from './measures.ts';
import type { Span, Tracer } from './spans.ts';

export interface MeasuredBy {
  clock: Clock;
  measures: Measures;
  tracer: Tracer | undefined;
}

export function measuredObjects(objects: Objects, { clock, measures, tracer }: MeasuredBy): Objects {
  return {
    ...objects,
    put(source, options, call) {
      const startedMs = clock.monotonic();
      const span = tracer?.start('datamesh.put', {
        'datamesh.pool': options.pool ?? 'default',
        ...(options.sizeBytes === undefined ? {} : { 'datamesh.size_bytes': options.sizeBytes }),
      });
      const putting = objects.put(source, options, withSpan(call, span));
      // Beside the caller's own promise, which is handed through: measuring changes nothing of when he hears.
      putting.then(
        (receipt) => {
          measures.puts.bytes += receipt.object.sizeBytes;
          measures.puts.ended(receipt.degraded ? 'degraded' : 'ok', clock.monotonic() - startedMs);
          span?.set({ 'datamesh.stripes': receipt.object.stripes, 'datamesh.spare': receipt.spare });
          span?.end();
        },
        (error: unknown) => {
          measures.puts.failed(error, clock.monotonic() - startedMs);
          span?.end(error);
        },
      );
      return putting;
    },
    get(ref, options, call) {
      const startedMs = clock.monotonic();
      const span = tracer?.start('datamesh.get', {});
      const ended = (error?: unknown) => {
        if (error === undefined) measures.gets.ended('ok', clock.monotonic() - startedMs);
        else measures.gets.failed(error, clock.monotonic() - startedMs);
        span?.end(error);
      };
      const getting = objects.get(ref, options, withSpan(call, span));
      // Runs before the caller's own continuation, which so finds the watched body.
      getting.then((result) => {
        span?.set({ 'datamesh.length_bytes': result.length });
        result.body = watched(result.body, measures.gets, ended);
      }, ended);
      return getting;
    },
  };
}

function withSpan(call: CallOptions, span: Span | undefined): CallOptions {
  return span === undefined ? call : { ...call, span };
}

/** The same pieces at the same moments; `ended` hears once how it went, a reader that stops early included. */
function watched(
  body: GetResult['body'],
  meter: TransferMeter,
  ended: (error?: unknown) => void,
): GetResult['body'] {
  return {
    [Symbol.asyncIterator]() {
      const inner = body[Symbol.asyncIterator]();
      let told = false;
      const tell = (error?: unknown) => {
        if (!told) ended(error);
        told = true;
      };
      return {
        next() {
          const next = inner.next();
          next.then((it) => {
            if (it.done) tell();
            else meter.bytes += it.value.length;
          }, tell);
          return next;
        },
        return(value?: unknown) {
          tell(STOPPED);
          return inner.return?.(value) ?? Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
}

/** Whoever reads no further has not failed. */
const STOPPED = new DatameshError('cancelled', { what: 'the reader stopped' });
