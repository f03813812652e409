/** Runs a job in a thread of its own (backup-worker.ts) and serves what it asks of the node. */
import { Worker } from 'node:worker_threads';
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { CallOptions } from '../engine.ts';
import type { FromThread, JobKind, Jobs, Start, ToThread } from './door-messages.ts';
import type { ObjectDoor } from './object-door.ts';
import { PieceQueue } from './piece-queue.ts';

/** A thread that was told to stop and goes on for this long is ended: a file system may have stopped to answer. */
const STOP_MS = 3000;
/** Of its heap: a list of a million files with their chunks is some hundred of them. */
const HEAP_MIB = 2048;

/** Throws what the job threw; `cancelled` when the signal fires. */
export async function runInThread<K extends JobKind>(
  kind: K,
  job: Jobs[K]['job'],
  door: ObjectDoor,
  clock: Clock,
  call: CallOptions,
): Promise<Jobs[K]['outcome']> {
  const abort = new SharedArrayBuffer(4);
  const start: Start<K> = { kind, job, abort };
  const worker = spawn(start);
  const queues = new Map<number, PieceQueue>();
  const reply = (message: ToThread, moved: ArrayBuffer[] = []) => worker.postMessage(message, moved);

  const put = (number: number, name: string) => {
    const queue = new PieceQueue();
    queues.set(number, queue);
    door
      .put(
        name,
        taking(queue, (lengthBytes) => reply({ op: 'taken', call: number, lengthBytes })),
      )
      .then(
        () => reply({ op: 'done', call: number, bytes: undefined }),
        (error: unknown) => {
          queue.fail(error);
          reply({ op: 'refused', call: number, error: asDatameshError(error).toRecord() });
        },
      )
      .finally(() => queues.delete(number));
  };
  const read = (message: Extract<FromThread, { op: 'read' }>) => {
    door.read(message.name, message.offset, message.lengthBytes).then(
      (bytes) => {
        const { buffer, byteLength } = bytes;
        const whole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
        reply({ op: 'done', call: message.call, bytes }, whole ? [buffer] : []);
      },
      (error: unknown) =>
        reply({ op: 'refused', call: message.call, error: asDatameshError(error).toRecord() }),
    );
  };

  try {
    return await new Promise<Jobs[K]['outcome']>((resolve, reject) => {
      const cancelled = () => {
        Atomics.store(new Int32Array(abort), 0, 1);
        clock.after(STOP_MS, () => reject(new DatameshError('cancelled', { what: 'cancelled' })));
      };
      if (call.signal?.aborted) cancelled();
      call.signal?.addEventListener('abort', cancelled, { once: true });
      worker.on('error', reject);
      worker.on('exit', () => reject(new DatameshError('internal', { what: 'the backup thread has ended' })));
      worker.on('message', (message: FromThread) => {
        switch (message.op) {
          case 'put':
            return put(message.call, message.name);
          case 'piece':
            try {
              queues
                .get(message.call)
                ?.push(message.bytes)
                ?.catch(() => {});
            } catch {
              // The put has failed, and the thread is being told.
            }
            return;
          case 'end':
            return queues.get(message.call)?.end();
          case 'break':
            return queues.get(message.call)?.breakOff(DatameshError.fromRecord(message.error));
          case 'read':
            return read(message);
          case 'progress':
            return call.onProgress?.({ doneBytes: message.doneBytes, totalBytes: message.totalBytes });
          case 'outcome':
            return resolve(message.outcome as Jobs[K]['outcome']);
          case 'failed':
            return reject(DatameshError.fromRecord(message.error));
        }
      });
    });
  } catch (error) {
    throw error instanceof DatameshError ? error : asDatameshError(error);
  } finally {
    const ended = new DatameshError('cancelled', { what: 'the thread that gave the bytes has ended' });
    for (const queue of queues.values()) queue.breakOff(ended);
    worker.removeAllListeners();
    // Its last words may still be on the way to nobody.
    worker.on('error', () => {});
    await worker.terminate();
  }
}

/** The pieces, each told to be taken when the next one is wanted. */
async function* taking(
  pieces: AsyncIterable<Uint8Array>,
  taken: (lengthBytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    const { length } = piece;
    yield piece;
    taken(length);
  }
}

/** The file beside this one: TypeScript where Node strips types, JavaScript in dist. */
function spawn(start: Start): Worker {
  const file = import.meta.url.endsWith('.ts')
    ? new URL('./backup-worker.ts', import.meta.url)
    : new URL('./backup-worker.js', import.meta.url);
  return new Worker(file, {
    execArgv: [],
    workerData: start,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
}
