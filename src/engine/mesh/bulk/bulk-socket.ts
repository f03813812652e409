/**
 * One socket of the bulk plane: frames out of a queue, frames in through a reader. A dialled socket reads straight into the final
 * place of a body (`onread`); an accepted one cannot, so a link lets the side that receives much dial (see link.ts).
 */
import type { TLSSocket } from 'node:tls';
import { nextTurn } from '../../effects/turn.ts';
import { encodeFrameHead, type FrameHead, FrameReader, type FrameSink } from './bulk-frame.ts';
import { MAX_BATCH_BYTES, SMALL_BODY_BYTES, WRITE_TIMEOUT_MS } from './limits.ts';

/** `onread` of node:net, given when the socket is dialled, before there is a BulkSocket. */
export class ReadDoor {
  private reader: FrameReader | undefined;
  private failed: ((error: Error) => void) | undefined;
  private early: Uint8Array[] = [];
  private readonly first = Buffer.allocUnsafeSlow(4096);
  private given: Uint8Array = this.first;

  readonly buffer = (): Uint8Array => {
    this.given = this.reader?.next() ?? this.first;
    return this.given;
  };

  /** False pauses the socket. */
  readonly callback = (count: number): boolean => {
    if (this.reader === undefined || this.given === this.first) {
      this.early.push(Buffer.from(this.first.subarray(0, count)));
      if (this.reader !== undefined) this.drainEarly();
      return true;
    }
    try {
      this.reader.got(count);
    } catch (error) {
      this.failed?.(error as Error);
      return false;
    }
    return !this.reader.stalled;
  };

  open(reader: FrameReader, failed: (error: Error) => void): void {
    this.reader = reader;
    this.failed = failed;
    this.drainEarly();
  }

  private drainEarly(): void {
    try {
      for (const chunk of this.early.splice(0)) this.reader!.feed(chunk);
    } catch (error) {
      this.failed?.(error as Error);
    }
  }
}

interface Outgoing {
  head: Uint8Array;
  body: Uint8Array;
  /** See Sending. */
  bodyFree: boolean;
  done(sent: boolean): void;
}

export interface Sending {
  /** True when the frame was handed to the system, false when the socket closed or the frame was withdrawn; its body is read until then. */
  ended: Promise<boolean>;
  /** Nothing reads its body: it has ended, or its body was copied into the write under way. */
  readonly bodyFree: boolean;
  /** Takes the frame back. False when that is too late: some of it has been sent. */
  withdraw(): boolean;
}

export interface SocketEvents {
  /** Bytes of frames, not of TLS records. */
  sent(bytes: number): void;
  closed(reason: Error): void;
}

export class BulkSocket {
  /** When the peer began the frame it has not finished (monotonic), as `watch` last saw it. */
  private owingSinceMs: number | undefined;
  private readonly queue: Outgoing[] = [];
  private writing = false;
  /** Frames of the write under way. */
  private leaving: Outgoing[] = [];
  private scheduled: 'at once' | 'this turn' | undefined;
  /** When `watch` first saw the write that is under way (monotonic). */
  private stuckSinceMs: number | undefined;
  private closedBy: Error | undefined;
  private readonly socket: TLSSocket;
  private readonly reader: FrameReader;
  private readonly events: SocketEvents;
  private sentBytes = 0;

  constructor(socket: TLSSocket, sink: FrameSink, events: SocketEvents) {
    this.socket = socket;
    this.events = events;
    this.reader = new FrameReader(sink);
    socket.setNoDelay(true);
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => {
      this.destroy(new Error('the connection closed'));
      // A write that the peer never read may end without a word; now its bytes are surely read no more.
      for (const item of this.leaving.splice(0)) item.done(false);
    });
    socket.on('end', () => this.destroy(new Error('the peer ended the connection')));
  }

  /** Begins to read; `door` may have whole frames already, which came with the handshake. */
  start(door: ReadDoor | undefined): void {
    if (door !== undefined) door.open(this.reader, (error) => this.destroy(error));
    else this.socket.on('data', (chunk: Buffer) => this.take(chunk));
    this.socket.resume();
  }

  /** Handed to the system and read from it. */
  get movedBytes(): number {
    return this.sentBytes + this.socket.bytesRead;
  }

  get open(): boolean {
    return this.closedBy === undefined;
  }

  /** Queues a frame. */
  send(head: FrameHead, header: Uint8Array, body: Uint8Array): Sending {
    if (this.closedBy !== undefined)
      return { ended: Promise.resolve(false), bodyFree: true, withdraw: () => true };
    const item: Outgoing = {
      head: encodeFrameHead(head, header),
      body,
      bodyFree: body.length === 0,
      done() {},
    };
    const ended = new Promise<boolean>((resolve) => {
      item.done = (sent) => {
        item.bodyFree = true;
        resolve(sent);
      };
      this.queue.push(item);
      this.schedule(body.length > SMALL_BODY_BYTES);
    });
    const withdraw = () => {
      const at = this.queue.indexOf(item);
      if (at < 0) return false;
      this.queue.splice(at, 1);
      item.done(false);
      return true;
    };
    return {
      ended,
      withdraw,
      get bodyFree() {
        return item.bodyFree;
      },
    };
  }

  /** See FrameReader.divert. */
  divert(kind: FrameHead['kind'], id: number): Promise<void> | undefined {
    return this.reader.divert(kind, id);
  }

  /** Lets the reader go on after its sink said 'wait'. */
  resume(): void {
    if (!this.reader.stalled || !this.open) return;
    try {
      this.reader.resume();
    } catch (error) {
      this.destroy(error as Error);
      return;
    }
    if (!this.reader.stalled) this.socket.resume();
  }

  /** Closes the socket when a frame has been under way for longer than `limitMs`. */
  watch(nowMs: number, limitMs: number): void {
    if (!this.reader.midFrame) this.owingSinceMs = undefined;
    else this.owingSinceMs ??= nowMs;
    if (this.owingSinceMs !== undefined && nowMs - this.owingSinceMs > limitMs) {
      this.destroy(new Error('a frame did not end in time'));
    }
    // Whoever does not read would keep what he asked for in memory, or what he is sent, for ever.
    if (!this.writing) this.stuckSinceMs = undefined;
    else this.stuckSinceMs ??= nowMs;
    if (this.stuckSinceMs !== undefined && nowMs - this.stuckSinceMs > WRITE_TIMEOUT_MS) {
      this.destroy(new Error('the peer does not read'));
    }
  }

  /** The frame that `watch` saw has ended; the next one has its own time. */
  frameEnded(): void {
    this.owingSinceMs = undefined;
  }

  destroy(reason: Error): void {
    if (this.closedBy !== undefined) return;
    this.closedBy = reason;
    this.socket.destroy();
    this.reader.close();
    for (const item of this.queue.splice(0)) item.done(false);
    this.events.closed(reason);
  }

  private take(chunk: Buffer): void {
    if (!this.open) return;
    try {
      this.reader.feed(chunk);
    } catch (error) {
      this.destroy(error as Error);
      return;
    }
    if (this.reader.stalled) this.socket.pause();
  }

  /**
   * Small frames of one turn travel together: a write costs some 30 µs whatever its length. A large one leaves at once, as what it costs is its bytes.
   */
  private schedule(large: boolean): void {
    if (this.writing || this.scheduled === 'at once' || (this.scheduled === 'this turn' && !large)) return;
    this.scheduled = large ? 'at once' : 'this turn';
    const write = () => {
      this.scheduled = undefined;
      this.write();
    };
    if (large) queueMicrotask(write);
    else void nextTurn().then(write);
  }

  /**
   * One write at a time: what node:tls has to buffer behind another write it would join, that is copy, first. A large body is written alone.
   */
  private write(): void {
    if (this.writing || this.queue.length === 0 || !this.open) return;
    const pieces: Uint8Array[] = [];
    const items: Outgoing[] = [];
    let bytes = 0;
    let large: Uint8Array | undefined;
    while (this.queue.length > 0 && large === undefined && bytes < MAX_BATCH_BYTES) {
      const item = this.queue.shift()!;
      items.push(item);
      pieces.push(item.head);
      bytes += item.head.length + item.body.length;
      if (item.body.length > SMALL_BODY_BYTES) large = item.body;
      else if (item.body.length > 0) pieces.push(item.body);
    }
    this.writing = true;
    this.leaving = items;
    const done = (error?: Error | null) => {
      this.writing = false;
      this.stuckSinceMs = undefined;
      if (error) this.destroy(error);
      else {
        this.sentBytes += bytes;
        this.events.sent(bytes);
      }
      for (const item of items.splice(0)) item.done(error === undefined || error === null);
      this.write();
    };
    const first = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    for (const item of items) if (item.body !== large) item.bodyFree = true;
    if (large === undefined) this.socket.write(first, done);
    else {
      this.socket.write(first);
      this.socket.write(large, done);
    }
  }
}
