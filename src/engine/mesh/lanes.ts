/**
 * Kept streams to one peer for one protocol. One request is outstanding per stream (a lane), so memory is bounded by
 * lanes × the largest frame, and a slow answer holds up nothing but its own lane. Once a request has settled nothing reads its body.
 */
import type { Connection, Stream } from '@libp2p/interface';
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import { MAX_BODY_BYTES, type NetMessage, type RequestOptions } from '../effects/net.ts';
import { encodeHead, FrameReceiver } from './frame.ts';
import { LANES_PER_PEER, MAX_QUEUED_REQUESTS } from './limits.ts';
import type { Caps } from './rate-limit.ts';
import { writeAll } from './stream-write.ts';

interface Waiting {
  message: NetMessage;
  options: RequestOptions;
  resolve(response: NetMessage): void;
  reject(error: unknown): void;
  /** Set when the caller was answered or gave up. */
  gone: boolean;
  /** The lane it runs on, once it has one. */
  lane: Lane | undefined;
  /** The answer has come: what it still waits for is this node's own budget. */
  arrived(): void;
}

interface Lane {
  stream: Stream;
  receiver: FrameReceiver;
  pending: { resolve(response: NetMessage): void; reject(error: unknown): void } | undefined;
  /** Requests this lane has answered; a fresh one's failure is the peer's, a used one's may be a timed-out stream. */
  answered: number;
}

export class Lanes {
  private readonly idle: Lane[] = [];
  private readonly queue: Waiting[] = [];
  private openCount = 0;
  private closed = false;
  /** For those that wait for the budget. */
  private readonly ending = new AbortController();
  private readonly connect: () => Promise<Connection>;
  private readonly protocol: string;
  private readonly clock: Clock;
  private readonly caps: Caps;

  constructor(connect: () => Promise<Connection>, protocol: string, clock: Clock, caps: Caps) {
    this.connect = connect;
    this.protocol = protocol;
    this.clock = clock;
    this.caps = caps;
  }

  /** Waiting for the budget is no time of the peer's: the time-out begins after it. */
  request(message: NetMessage, options: RequestOptions): Promise<NetMessage> {
    const { up } = this.caps;
    if (!up.capped) return this.ask(message, options);
    const passed = up.passWhile(message.body.length, this.ending.signal, options);
    return passed.then(() => this.ask(message, options));
  }

  private ask(message: NetMessage, options: RequestOptions): Promise<NetMessage> {
    if (this.closed) return Promise.reject(unreachable('the connection is closed'));
    if (this.queue.length >= MAX_QUEUED_REQUESTS)
      return Promise.reject(unreachable('too many requests wait'));
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        message,
        options,
        resolve,
        reject,
        gone: false,
        lane: undefined,
        arrived() {},
      };
      this.queue.push(waiting);
      this.armTimeout(waiting);
      this.pump();
    });
  }

  /** Rejects everything under way; the peer is gone. */
  close(reason: unknown): void {
    this.closed = true;
    this.ending.abort();
    for (const lane of this.idle.splice(0)) lane.stream.abort(new Error('peer disconnected'));
    for (const waiting of this.queue.splice(0)) waiting.reject(reason);
  }

  private armTimeout(waiting: Waiting): void {
    const { timeoutMs, signal } = waiting.options;
    const give = (error: Error) => {
      waiting.reject(error);
      // The late answer would meet the next request of this lane: reset it.
      waiting.lane?.stream.abort(error);
    };
    const timer = this.clock.after(timeoutMs, () =>
      give(new DatameshError('timeout', { what: `no answer within ${timeoutMs} ms` })),
    );
    waiting.arrived = () => timer.cancel();
    const onAbort = () => give(new DatameshError('cancelled', { what: 'cancelled' }));
    const settle =
      <T>(done: (value: T) => void) =>
      (value: T) => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        waiting.gone = true;
        done(value);
      };
    waiting.resolve = settle(waiting.resolve);
    waiting.reject = settle(waiting.reject);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  }

  private pump(): void {
    while (this.queue.length > 0) {
      if (this.queue[0]!.gone) {
        this.queue.shift();
        continue;
      }
      const lane = this.idle.pop();
      if (lane !== undefined) {
        void this.run(lane, this.queue.shift()!);
      } else if (this.openCount < LANES_PER_PEER) {
        this.openCount++;
        void this.openLane(this.queue.shift()!);
      } else return;
    }
  }

  private async openLane(first: Waiting): Promise<void> {
    let lane: Lane;
    try {
      const connection = await this.connect();
      const stream = await connection.newStream(this.protocol, { maxOutboundStreams: 4 * LANES_PER_PEER });
      lane = this.listen(stream);
    } catch (error) {
      this.openCount--;
      first.reject(unreachable(asText(error), error));
      this.pump();
      return;
    }
    // Given up meanwhile: its caller may have filled the body's memory anew.
    if (first.gone) this.release(lane);
    else await this.run(lane, first);
  }

  private listen(stream: Stream): Lane {
    const receiver = new FrameReceiver(0, (message) => {
      const pending = lane.pending;
      lane.pending = undefined;
      if (pending === undefined) lane.stream.abort(new Error('an answer nobody asked for'));
      else pending.resolve(message);
    });
    const lane: Lane = { stream, receiver, pending: undefined, answered: 0 };
    lane.stream.addEventListener('message', (event) => {
      try {
        receiver.feed(event.data);
      } catch (error) {
        lane.pending?.reject(error);
        lane.pending = undefined;
        lane.stream.abort(error as Error);
      }
    });
    const gone = () => {
      const at = this.idle.indexOf(lane);
      if (at >= 0) {
        this.idle.splice(at, 1);
        this.openCount--;
      }
      lane.pending?.reject(unreachable('the stream was closed'));
      lane.pending = undefined;
    };
    lane.stream.addEventListener('close', gone);
    lane.stream.addEventListener('remoteCloseWrite', gone);
    return lane;
  }

  private async run(lane: Lane, waiting: Waiting): Promise<void> {
    try {
      const answer = new Promise<NetMessage>((resolve, reject) => {
        lane.pending = { resolve, reject };
      });
      answer.catch(() => {}); // awaited below; a stream that closes during the write must not be an unhandled rejection
      waiting.lane = lane;
      lane.receiver.maxBodyBytes = waiting.options.maxBodyBytes ?? MAX_BODY_BYTES;
      await writeAll(lane.stream, encodeHead(waiting.message), waiting.message.body);
      const response = await answer;
      waiting.arrived();
      const { urgent, waiting: told } = waiting.options;
      await this.caps.down.pass(response.body.length, { urgent, waiting: told });
      lane.answered++;
      waiting.resolve(response);
      this.release(lane);
    } catch (error) {
      this.openCount--;
      lane.stream.abort(error instanceof Error ? error : new Error(String(error)));
      const isWrong = error instanceof DatameshError && error.code === 'malformed-data';
      if (isWrong) waiting.reject(error);
      else if (lane.answered > 0 && !waiting.gone && !this.closed) this.queue.unshift(waiting);
      else waiting.reject(unreachable(asText(error), error));
      this.pump();
    }
  }

  private release(lane: Lane): void {
    if (this.closed || lane.stream.status !== 'open') {
      this.openCount--;
      lane.stream.abort(new Error('lane closed'));
    } else this.idle.push(lane);
    this.pump();
  }
}

function asText(error: unknown): string {
  return asDatameshError(error).message;
}

function unreachable(why: string, cause?: unknown): DatameshError {
  return new DatameshError('peer-unreachable', { what: 'the peer could not be asked', why, cause });
}
