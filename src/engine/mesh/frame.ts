/**
 * Frames on a datamesh stream: a 12-byte prefix, a header, a body. Layout in docs/FORMATS.md "Wire frame".
 * The receiver allocates only after the lengths were checked, so memory per stream is bounded by the protocol's limit.
 */
import type { Uint8ArrayList } from 'uint8arraylist';
import { DatameshError } from '../../errors.ts';
import { MAX_HEADER_BYTES, type NetMessage, NO_BYTES } from '../effects/net.ts';

const MAGIC = 0x444d; // "DM"
const FRAME_VERSION = 1;
export const PREFIX_BYTES = 12;

/** Prefix and header in one buffer; the body follows as it is, uncopied. */
export function encodeHead(message: NetMessage): Uint8Array {
  const head = new Uint8Array(PREFIX_BYTES + message.header.length);
  const view = new DataView(head.buffer);
  view.setUint16(0, MAGIC);
  view.setUint8(2, FRAME_VERSION);
  view.setUint32(4, message.header.length);
  view.setUint32(8, message.body.length);
  head.set(message.header, PREFIX_BYTES);
  return head;
}

/** What becomes of the body of that length behind a header: 'skip' drops it, and the frame comes without; 'wait' takes it in after `goOn`. */
type Admit = (header: Uint8Array, bodyBytes: number) => 'take' | 'skip' | 'wait';

/** Re-assembles frames from chunks of any size, copying each byte once into its final buffer. */
export class FrameReceiver {
  private readonly prefix = new Uint8Array(PREFIX_BYTES);
  private prefixFilled = 0;
  private header: Uint8Array = NO_BYTES;
  private body: Uint8Array = NO_BYTES;
  private headerFilled = 0;
  private bodyFilled = 0;
  private skipBytes = 0;
  /** Length of a body that has no memory yet. */
  private announcedBytes = 0;
  /** What came behind a header whose body must wait; undefined when none does. */
  private held: Uint8Array[] | undefined;
  /** Of the next frame. */
  maxBodyBytes: number;
  private readonly onFrame: (message: NetMessage) => void;
  private readonly admit: Admit | undefined;

  constructor(maxBodyBytes: number, onFrame: (message: NetMessage) => void, admit?: Admit) {
    this.maxBodyBytes = maxBodyBytes;
    this.onFrame = onFrame;
    this.admit = admit;
  }

  /** True when a frame has begun and is not complete: the sender owes bytes. False while this side makes it wait. */
  get midFrame(): boolean {
    return this.prefixFilled > 0 && !this.waiting;
  }

  /** A body is not let in yet. */
  get waiting(): boolean {
    return this.held !== undefined;
  }

  /** Throws `malformed-data` on a wrong magic, version or length; the stream is then useless. */
  feed(data: Uint8Array | Uint8ArrayList): void {
    if (data instanceof Uint8Array) this.feedChunk(data);
    else for (const chunk of data) this.feedChunk(chunk);
  }

  /** The body that waited is let in. Throws as `feed` does. */
  goOn(): void {
    const held = this.held ?? [];
    this.held = undefined;
    this.take();
    for (const chunk of held) this.feedChunk(chunk);
  }

  private feedChunk(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.held !== undefined) {
        this.held.push(chunk.subarray(offset));
        return;
      }
      if (this.prefixFilled < PREFIX_BYTES) {
        offset += fill(this.prefix, this.prefixFilled, chunk, offset, (n) => (this.prefixFilled += n));
        if (this.prefixFilled < PREFIX_BYTES) return;
        this.begin();
        if (this.header.length === 0) this.headed();
      } else if (this.headerFilled < this.header.length) {
        offset += fill(this.header, this.headerFilled, chunk, offset, (n) => (this.headerFilled += n));
        if (this.headerFilled === this.header.length) this.headed();
      } else if (this.skipBytes > 0) {
        const count = Math.min(this.skipBytes, chunk.length - offset);
        this.skipBytes -= count;
        offset += count;
      } else {
        offset += fill(this.body, this.bodyFilled, chunk, offset, (n) => (this.bodyFilled += n));
      }
      if (this.isComplete()) this.finish();
    }
  }

  private isComplete(): boolean {
    return (
      this.headerFilled === this.header.length &&
      this.bodyFilled === this.body.length &&
      this.announcedBytes + this.skipBytes === 0
    );
  }

  /** The header is here: who may have its body taken in, gets memory for it. */
  private headed(): void {
    const bodyBytes = this.announcedBytes;
    if (bodyBytes === 0) return;
    const verdict = this.admit?.(this.header, bodyBytes) ?? 'take';
    if (verdict === 'wait') this.held = [];
    else if (verdict === 'take') this.take();
    else {
      this.announcedBytes = 0;
      this.skipBytes = bodyBytes;
    }
  }

  private take(): void {
    this.body = newBody(this.announcedBytes);
    this.announcedBytes = 0;
  }

  private begin(): void {
    const view = new DataView(this.prefix.buffer);
    const headerBytes = view.getUint32(4);
    const bodyBytes = view.getUint32(8);
    if (view.getUint16(0) !== MAGIC || view.getUint8(2) !== FRAME_VERSION) {
      throw new DatameshError('malformed-data', {
        what: 'not a datamesh frame of a version this node speaks',
      });
    }
    if (headerBytes > MAX_HEADER_BYTES || bodyBytes > this.maxBodyBytes) {
      throw new DatameshError('malformed-data', {
        what: `a frame announces ${headerBytes} + ${bodyBytes} bytes, more than this protocol allows`,
      });
    }
    this.header = new Uint8Array(headerBytes);
    this.announcedBytes = bodyBytes;
    this.headerFilled = 0;
    this.bodyFilled = 0;
  }

  private finish(): void {
    const message = { header: this.header, body: this.body };
    this.prefixFilled = 0;
    this.header = NO_BYTES;
    this.body = NO_BYTES;
    this.headerFilled = 0;
    this.bodyFilled = 0;
    this.onFrame(message);
  }
}

/** Uninitialised and of its own allocation, so that it can be kept or transferred; every byte is overwritten. */
function newBody(lengthBytes: number): Uint8Array {
  return Buffer.allocUnsafeSlow(lengthBytes);
}

function fill(
  target: Uint8Array,
  filled: number,
  source: Uint8Array,
  offset: number,
  advance: (count: number) => void,
): number {
  const count = Math.min(target.length - filled, source.length - offset);
  target.set(source.subarray(offset, offset + count), filled);
  advance(count);
  return count;
}
