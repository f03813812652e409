/** The answers that are streams: census and put tell their progress, get carries the bytes, others just last. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { DatameshError } from '../../errors.ts';
import type { Clock, Timer } from '../effects/clock.ts';
import { asClearError } from '../effects/file-errors.ts';
import type { Engine, Progress } from '../engine.ts';
import { FRAME, frameHeader, jsonFrame, readBodyHead } from './frames.ts';
import {
  API_HEADER,
  API_VERSION,
  httpStatus,
  LINES_TYPE,
  type Line,
  readCleanupQuery,
  readDiscoverRequest,
  readDrainQuery,
  readGetRequest,
  readHealthRequest,
  readJobId,
  readPutOptions,
  readRebalanceQuery,
  readRecoverQuery,
  readRef,
  readRepairQuery,
  readSpeedRequest,
  readVerifyQuery,
  readWhatifQuery,
  STREAM_TYPE,
} from './wire.ts';
import { readBackupQuery, readPruneQuery, readRestoreQuery } from './wire-backups.ts';
import { readRevokeRequest, readShareLink } from './wire-names.ts';

/** One streaming request with its answer, and the signal that it is not wanted any more. */
export interface Exchange {
  body: unknown;
  response: ServerResponse;
  clock: Clock;
  signal: AbortSignal;
}

export async function answerHealth(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async (onProgress) =>
    engine.health({ ...readHealthRequest(body), signal, onProgress }),
  );
}

export async function answerWhatif(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async (onProgress) =>
    engine.whatif(readWhatifQuery(body), { signal, onProgress }),
  );
}

export async function answerVerify(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async (onProgress) =>
    engine.verify(readVerifyQuery(body), { signal, onProgress }),
  );
}

export async function answerRepair(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async (onProgress) =>
    engine.repair(readRepairQuery(body), { signal, onProgress }),
  );
}

export async function answerCleanup(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async (onProgress) =>
    engine.cleanup(readCleanupQuery(body), { signal, onProgress }),
  );
}

export async function answerRecover(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async () => engine.recover(readRecoverQuery(body), { signal }));
}

export async function answerShareRevoke(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async () => {
    const { id, rekey } = readRevokeRequest(body);
    return await engine.shares.revoke(id, { rekey }, { signal });
  });
}

export async function answerRebalance(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async (onProgress) =>
    engine.rebalance(readRebalanceQuery(body), { signal, onProgress }),
  );
}

export async function answerDrain(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async (onProgress) =>
    engine.drain(readDrainQuery(body), { signal, onProgress }),
  );
}

export async function answerJobWait(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async (onProgress) =>
    engine.jobs.wait(readJobId(body).id, { signal, onProgress }),
  );
}

export async function answerDiscover(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async () =>
    engine.discover(readDiscoverRequest(body).durationMs, { signal }),
  );
}

export async function answerSpeedTest(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async () => {
    const { peer, durationMs } = readSpeedRequest(body);
    return engine.speedTest(peer, durationMs, { signal });
  });
}

export async function answerBackup(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async (onProgress) =>
    engine.backups.backup(readBackupQuery(body), { signal, onProgress }),
  );
}

export async function answerRestore(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async (onProgress) =>
    engine.backups.restore(readRestoreQuery(body), { signal, onProgress }),
  );
}

export async function answerPrune(
  engine: Engine,
  { body, response, clock, signal }: Exchange,
): Promise<void> {
  await answerLines(response, clock, async (onProgress) =>
    engine.backups.prune(readPruneQuery(body), { signal, onProgress }),
  );
}

export async function answerPut(engine: Engine, { body, response, clock, signal }: Exchange): Promise<void> {
  await answerLines(response, clock, async (onProgress) => {
    if (!(body instanceof Readable)) throw notAStream();
    // An engine that stops reading midway must not take the connection with it: the reason has still to be told.
    const { head, rest } = await readBodyHead(body.iterator({ destroyOnReturn: false }));
    const options = readPutOptions(head);
    // Node copies each piece of a body out of what it read: left to the collector, they came to 120 MiB in a put of any length.
    return engine.put(unlessGone(rest, signal), options, { signal, onProgress, givesPieces: true });
  });
}

/** The request's bytes; a client that went away is a cancellation, whatever words the socket has for it. */
async function* unlessGone(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    if (error instanceof DatameshError && !signal.aborted) throw error;
    throw new DatameshError('cancelled', {
      what: 'the client went away in the middle of the file',
      cause: error,
    });
  }
}

async function answerLines<T>(
  response: ServerResponse,
  clock: Clock,
  task: (onProgress: (progress: Progress) => void) => Promise<T>,
): Promise<void> {
  const lines = new LineWriter(response, clock);
  try {
    const result = await task((progress) => lines.progress(progress));
    lines.last({ result });
  } catch (error) {
    lines.last({ error: asClearError(error).toRecord() });
  }
}

/**
 * How often an answer under way is written to. A put whose engine does not read just now would not learn from the socket that
 * the client has gone; a write does.
 */
const HEARTBEAT_MS = 500;

function notAStream(): DatameshError {
  return new DatameshError('bad-value', { what: `a put's body must be ${STREAM_TYPE}` });
}

/** Writes JSON lines; while the client does not read, only the newest progress is kept. */
class LineWriter {
  readonly #response: ServerResponse;
  #waiting: Progress | undefined;
  readonly #clock: Clock;
  #heartbeat: Timer | undefined;
  #blocked = false;

  constructor(response: ServerResponse, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
    response.writeHead(200, { 'content-type': LINES_TYPE, [API_HEADER]: String(API_VERSION) });
    response.on('close', () => this.#heartbeat?.cancel());
    this.#beat();
    response.on('drain', () => {
      this.#blocked = false;
      const progress = this.#waiting;
      this.#waiting = undefined;
      if (progress !== undefined) this.progress(progress);
    });
  }

  progress(progress: Progress): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    if (this.#blocked) this.#waiting = progress;
    else this.#blocked = !this.#write({ progress });
  }

  #beat(): void {
    this.#heartbeat = this.#clock.after(HEARTBEAT_MS, () => {
      if (this.#response.destroyed) return;
      if (!this.#blocked) this.#blocked = !this.#response.write('\n');
      this.#beat();
    });
  }

  last(line: Line<unknown>): void {
    this.#heartbeat?.cancel();
    if (this.#response.destroyed) return;
    this.#write(line);
    this.#response.end();
  }

  #write(line: Line<unknown>): boolean {
    return this.#response.write(`${JSON.stringify(line)}\n`);
  }
}

export async function answerGet(engine: Engine, { body, response, signal }: Exchange): Promise<void> {
  await answerFrames(response, signal, async () => {
    const { ref, ...options } = readGetRequest(body);
    return await engine.get(ref, options, { signal });
  });
}

export async function answerShareOpen(engine: Engine, { body, response, signal }: Exchange): Promise<void> {
  const open = () => engine.shares.open(readShareLink(body).link, { signal });
  await answerFrames(response, signal, open);
}

export async function answerProve(engine: Engine, { body, response, signal }: Exchange): Promise<void> {
  await answerFrames(response, signal, async () => await engine.prove(readRef(body).ref, { signal }));
}

/** What comes beside the bytes as the head, then the bytes. */
async function answerFrames(
  response: ServerResponse,
  signal: AbortSignal,
  task: () => Promise<{ body: AsyncIterable<Uint8Array> }>,
): Promise<void> {
  let begun = false;
  try {
    const { body: bytes, ...head } = await task();
    response.writeHead(200, { 'content-type': STREAM_TYPE, [API_HEADER]: String(API_VERSION) });
    begun = true;
    await written(response, signal, [jsonFrame(FRAME.head, head)]);
    for await (const chunk of bytes) {
      if (chunk.length > 0) await written(response, signal, [frameHeader(FRAME.data, chunk.length), chunk]);
    }
    response.end(frameHeader(FRAME.end, 0));
  } catch (thrown) {
    const error = asClearError(thrown);
    if (response.destroyed) return;
    if (begun) {
      response.end(jsonFrame(FRAME.error, error.toRecord()));
    } else {
      response.writeHead(httpStatus(error), {
        'content-type': 'application/json',
        [API_HEADER]: String(API_VERSION),
      });
      response.end(JSON.stringify({ error: error.toRecord() }));
    }
  }
}

/** Resolves when the parts have left the process, so that their memory may be used again; throws `cancelled` when nobody wants them any more. */
async function written(
  response: ServerResponse,
  signal: AbortSignal,
  parts: readonly Uint8Array[],
): Promise<void> {
  await new Promise<void>((resolve) => {
    const go = () => {
      signal.removeEventListener('abort', go);
      response.off('close', go);
      resolve();
    };
    if (signal.aborted || response.destroyed) return resolve();
    signal.addEventListener('abort', go, { once: true });
    response.on('close', go);
    parts.forEach((part, i) => {
      response.write(part, i === parts.length - 1 ? go : () => {});
    });
  });
  if (signal.aborted) throw new DatameshError('cancelled', { what: 'the read was cancelled' });
}
