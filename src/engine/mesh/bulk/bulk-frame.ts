/**
 * Frames of the bulk plane: a 16-byte prefix, a header, a body. Layout in docs/FORMATS.md "Bulk frame". The reader hands out the buffer that the
 * socket reads into, so that a large body lands in its final place; it allocates nothing before the lengths were checked and whoever is
 * responsible has named a place for the body.
 */
import { DatameshError } from '../../../errors.ts';
import { MAX_BODY_BYTES, MAX_HEADER_BYTES, NO_BYTES } from '../../effects/net.ts';
import { READ_BUFFER_BYTES } from './limits.ts';

const MAGIC = 0x4442; // "DB"
const VERSION = 1;
export const PREFIX_BYTES = 16;
const KIND = { request: 1, response: 2 } as const;

/** A body with at least this much outstanding is read in place; less is read with what follows and copied. */
const IN_PLACE_BYTES = 4 * 1024;

export interface FrameHead {
  kind: keyof typeof KIND;
  /** Chosen by the asker, unique among its requests under way on this link. */
  id: number;
  /** Which protocol the request belongs to; 0–255. */
  service: number;
  bodyBytes: number;
}

/** Prefix and header in one buffer; the body follows as it is. */
export function encodeFrameHead(head: FrameHead, header: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + header.length);
  bytes.writeUInt16BE(MAGIC, 0);
  bytes[2] = VERSION;
  bytes[3] = KIND[head.kind];
  bytes.writeUInt32BE(head.id, 4);
  bytes.writeUInt32BE(head.bodyBytes, 8);
  bytes.writeUInt16BE(header.length, 12);
  bytes[14] = head.service;
  bytes[15] = 0;
  bytes.set(header, PREFIX_BYTES);
  return bytes;
}

export interface FrameSink {
  /**
   * A frame has begun. Returns where its body goes (at least `bodyBytes` long), 'skip' to drop the body, or 'wait': nothing more is read until
   * `resume`. `header` is valid during the call only. Throws to refuse the frame and with it the socket.
   */
  begin(head: FrameHead, header: Uint8Array): Uint8Array | 'skip' | 'wait';
  /** The frame whose body was placed is complete. */
  end(head: FrameHead, header: Uint8Array, body: Uint8Array): void;
}

export class FrameReader {
  private readonly sink: FrameSink;
  private readonly buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  private start = 0;
  private filled = 0;
  private head: FrameHead | undefined;
  private header: Uint8Array = NO_BYTES;
  private body: Uint8Array = NO_BYTES;
  private bodyFilled = 0;
  private skipBytes = 0;
  private inPlace = false;
  private waiting = false;
  private diverted: (() => void)[] = [];

  constructor(sink: FrameSink) {
    this.sink = sink;
  }

  /** True when a frame has begun and is not complete: the sender owes bytes. False while this side makes it wait. */
  get midFrame(): boolean {
    return !this.waiting && (this.head !== undefined || this.skipBytes > 0 || this.filled > this.start);
  }

  get stalled(): boolean {
    return this.waiting;
  }

  /** Where the next bytes are to be written. Valid until `got`. */
  next(): Uint8Array {
    const { head } = this;
    if (head !== undefined && this.start === this.filled) {
      const owed = head.bodyBytes - this.bodyFilled;
      if (owed >= IN_PLACE_BYTES) {
        this.inPlace = true;
        return this.body.subarray(this.bodyFilled, head.bodyBytes);
      }
    }
    this.inPlace = false;
    this.makeRoom();
    return this.buffer.subarray(this.filled);
  }

  /** `count` bytes were written to what `next` returned. Throws `malformed-data`; the socket is then useless. */
  got(count: number): void {
    if (this.inPlace) this.bodyFilled += count;
    else this.filled += count;
    this.settleDiverted();
    this.parse();
  }

  /** For sockets that bring their own buffers. */
  feed(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const target = this.next();
      if (target.length === 0) throw malformed('a peer keeps sending although it was told to wait');
      const count = Math.min(target.length, chunk.length - at);
      target.set(chunk.subarray(at, at + count));
      at += count;
      this.got(count);
    }
  }

  /** Goes on after the sink said 'wait'. */
  resume(): void {
    if (!this.waiting) return;
    this.waiting = false;
    this.parse();
  }

  /**
   * Drops what is still to come of the frame's body, so that its place can be used for something else. Resolves when nothing more will be
   * written there; the socket may be in the middle of a read into it.
   */
  divert(kind: FrameHead['kind'], id: number): Promise<void> | undefined {
    const { head } = this;
    if (head === undefined || head.kind !== kind || head.id !== id) return undefined;
    this.skipBytes = head.bodyBytes - this.bodyFilled;
    const reading = this.inPlace;
    if (!reading) {
      this.clearFrame();
      return undefined;
    }
    // What the read under way brings still counts as this body's: see `got`.
    return new Promise((resolve) => this.diverted.push(resolve));
  }

  /** The socket is closed: nothing will be written any more, also where a read was under way. */
  close(): void {
    this.inPlace = false;
    for (const resolve of this.diverted.splice(0)) resolve();
  }

  private settleDiverted(): void {
    if (this.diverted.length === 0) return;
    this.skipBytes = this.head === undefined ? 0 : this.head.bodyBytes - this.bodyFilled;
    this.clearFrame();
    this.close();
  }

  private parse(): void {
    while (!this.waiting) {
      const available = this.filled - this.start;
      if (this.skipBytes > 0) {
        const count = Math.min(this.skipBytes, available);
        this.start += count;
        this.skipBytes -= count;
        if (this.skipBytes > 0) return;
      } else if (this.head !== undefined) {
        const count = Math.min(this.head.bodyBytes - this.bodyFilled, available);
        if (count > 0) {
          this.body.set(this.buffer.subarray(this.start, this.start + count), this.bodyFilled);
          this.start += count;
          this.bodyFilled += count;
        }
        if (this.bodyFilled < this.head.bodyBytes) return;
        this.finish();
      } else if (!this.begin()) return;
    }
  }

  /** True when a frame was begun from the buffer. */
  private begin(): boolean {
    const available = this.filled - this.start;
    if (available < PREFIX_BYTES) return false;
    const at = this.start;
    const { buffer } = this;
    const kind = buffer[at + 3] === KIND.request ? 'request' : 'response';
    if (buffer.readUInt16BE(at) !== MAGIC || buffer[at + 2] !== VERSION || buffer[at + 3] !== KIND[kind]) {
      throw malformed('not a bulk frame of a version this node speaks');
    }
    const bodyBytes = buffer.readUInt32BE(at + 8);
    const headerBytes = buffer.readUInt16BE(at + 12);
    if (headerBytes > MAX_HEADER_BYTES || bodyBytes > MAX_BODY_BYTES) {
      throw malformed(`a frame announces ${headerBytes} + ${bodyBytes} bytes, more than the plane allows`);
    }
    if (available < PREFIX_BYTES + headerBytes) return false;
    const head: FrameHead = {
      kind,
      id: buffer.readUInt32BE(at + 4),
      service: buffer[at + 14]!,
      bodyBytes,
    };
    const header = buffer.subarray(at + PREFIX_BYTES, at + PREFIX_BYTES + headerBytes);
    const place = this.sink.begin(head, header);
    if (place === 'wait') {
      this.waiting = true;
      return false;
    }
    this.start += PREFIX_BYTES + headerBytes;
    if (place === 'skip') {
      this.skipBytes = bodyBytes;
      return true;
    }
    this.head = head;
    this.header = Buffer.from(header);
    this.body = place;
    this.bodyFilled = 0;
    return true;
  }

  private finish(): void {
    const { head, header, body } = this;
    this.clearFrame();
    this.sink.end(head!, header, body.length === head!.bodyBytes ? body : body.subarray(0, head!.bodyBytes));
  }

  private clearFrame(): void {
    this.head = undefined;
    this.header = NO_BYTES;
    this.body = NO_BYTES;
    this.bodyFilled = 0;
  }

  /** A head must fit behind what is there. */
  private makeRoom(): void {
    if (this.start === this.filled) {
      this.start = 0;
      this.filled = 0;
    } else if (this.start > 0 && this.buffer.length - this.filled < PREFIX_BYTES + MAX_HEADER_BYTES) {
      this.buffer.copyWithin(0, this.start, this.filled);
      this.filled -= this.start;
      this.start = 0;
    }
  }
}

function malformed(what: string): DatameshError {
  return new DatameshError('malformed-data', { what });
}
