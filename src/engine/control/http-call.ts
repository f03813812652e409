/** HTTP over the control socket, seen from the client: one call, its errors in the words of datamesh. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { asDatameshError, DatameshError, type ErrorRecord } from '../../errors.ts';
import { cutOff } from './frames.ts';
import { isErrno } from './socket-path.ts';
import { API_HEADER, API_VERSION, type PingAnswer, ROUTE } from './wire.ts';

/**
 * Not imported: the import of a built-in module reads all that it exports, and with that of node:http Node loads undici for its WebSocket, 40 ms of a
 * one-shot command's 200.
 */
const { Agent, request: httpRequest } = process.getBuiltinModule('node:http');

/** A living service answers a ping at once; one that is busy for longer than this is stuck. */
const PING_TIMEOUT_MS = 5000;
/** An answer that is read whole: a snapshot with 10,000 peers is some 20 MB. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;

export interface Call {
  method: 'GET' | 'POST';
  path: string;
  contentType?: string;
  signal?: AbortSignal | undefined;
}

/** One service, by the path of its socket; keeps connections alive between calls. */
export class SocketCaller {
  readonly socketPath: string;
  // No limit: the console polls while transfers run. Idle connections do not keep the process alive.
  readonly #agent = new Agent({ keepAlive: true });

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** A request whose body the caller writes; the promise has the response once its headers are there. */
  open(call: Call): { request: ClientRequest; response: Promise<IncomingMessage> } {
    const request = httpRequest({
      socketPath: this.socketPath,
      agent: this.#agent,
      method: call.method,
      path: call.path,
      headers: {
        [API_HEADER]: String(API_VERSION),
        ...(call.contentType === undefined ? {} : { 'content-type': call.contentType }),
      },
    });
    // Without an error of ours: a socket that the agent has taken back already would throw it where nobody listens.
    // Whoever waits is told "cancelled" by callError, which looks at the signal.
    const stop = () => request.destroy();
    if (call.signal?.aborted) stop();
    call.signal?.addEventListener('abort', stop, { once: true });
    request.on('close', () => call.signal?.removeEventListener('abort', stop));
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve);
      request.on('error', (error) => reject(callError(error, call.signal)));
    });
    // The caller may be busy sending when it fails; the rejection is looked at later.
    response.catch(() => undefined);
    return { request, response };
  }

  /** Sends JSON, if any, and reads the JSON answer. Throws what the service threw. */
  async json(call: Call, body?: unknown): Promise<unknown> {
    const { request, response } = this.open({
      ...call,
      ...(body === undefined ? {} : { contentType: 'application/json' }),
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
    return readAnswer(await response, call.signal);
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The whole JSON body of an answer; an error record in it is thrown. */
export async function readAnswer(response: IncomingMessage, signal?: AbortSignal): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of response as AsyncIterable<Uint8Array>) {
      bytes += part.length;
      if (bytes > MAX_ANSWER_BYTES) {
        throw new DatameshError('input-too-large', {
          what: `the service's answer is longer than ${MAX_ANSWER_BYTES} bytes`,
        });
      }
      parts.push(part);
    }
  } catch (error) {
    throw callError(error, signal);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch (error) {
    throw cutOff(error);
  }
  if (response.statusCode !== 200) throw DatameshError.fromRecord((value as { error: ErrorRecord }).error);
  return value;
}

/** What went wrong below HTTP: the caller cancelled, nobody listens, or the connection broke. */
export function callError(error: unknown, signal?: AbortSignal): DatameshError {
  if (error instanceof DatameshError) return error;
  if (signal?.aborted) return cancelled();
  if (isErrno(error, 'ENOENT', 'ECONNREFUSED')) {
    return new DatameshError('service-not-running', {
      what: 'the service has stopped',
      mend: 'start it again: datamesh service start',
      cause: error,
    });
  }
  if (isErrno(error, 'ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR')) return cutOff(error);
  if (isErrno(error, 'EACCES', 'EPERM')) {
    return new DatameshError('denied', {
      what: 'the service belongs to another user',
      mend: 'run the command as the user who started it',
      cause: error,
    });
  }
  return asDatameshError(error);
}

/**
 * Who answers at a socket: a service, nobody any more (`dead`: the file is there, the process is not), nobody at all
 * (`absent`), or somebody who listens and is no service in working order (`stuck`).
 */
export async function pingSocket(socketPath: string): Promise<PingAnswer | 'dead' | 'absent' | 'stuck'> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath,
      path: ROUTE.ping,
      agent: false,
      timeout: PING_TIMEOUT_MS,
      headers: { [API_HEADER]: String(API_VERSION) },
    });
    request.on('timeout', () => {
      request.destroy();
      resolve('stuck');
    });
    request.on('error', (error) => {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) resolve('absent');
      else if (isErrno(error, 'ECONNREFUSED', 'ENOTSOCK')) resolve('dead');
      else if (isErrno(error, 'ECONNRESET', 'EPIPE')) resolve('stuck');
      else reject(callError(error));
    });
    request.on('response', (response) => {
      readAnswer(response).then((answer) => resolve(answer as PingAnswer), reject);
    });
    request.end();
  });
}

function cancelled(): DatameshError {
  return new DatameshError('cancelled', { what: 'cancelled' });
}
