/** Integers of variable length (LEB128), byte strings and ids, as all formats of backups use them. */
import { DatameshError } from '../../errors.ts';

/** 32 bytes: keyed BLAKE3 of a chunk's content. */
export const CHUNK_ID_BYTES = 32;
/** Seven bits a byte; 2^53 needs eight of them. */
const MAX_VARINT_BYTES = 8;

/** Zigzag takes a bit. */
const MAX_SECONDS = 2 ** 52 - 1;

/** Bytes of growing number. */
export class FieldWriter {
  #bytes = Buffer.allocUnsafe(1024);
  #length = 0;

  get lengthBytes(): number {
    return this.#length;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + bytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }

  byte(value: number): this {
    this.#room(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** 0 to 2^53 - 1. */
  whole(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`no whole number: ${value}`);
    this.#room(MAX_VARINT_BYTES);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#length++] = rest;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** With their length before them. */
  bytes(value: Uint8Array): this {
    return this.whole(value.length).raw(value);
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value));
  }

  /** Nanoseconds since 1970, before it too: whole seconds as zigzag, then the rest. The nearest that can be told: anybody may give a file any time. */
  time(ns: bigint): this {
    const nanos = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    const exact = Number((ns - nanos) / 1_000_000_000n);
    const seconds = Math.max(-MAX_SECONDS - 1, Math.min(exact, MAX_SECONDS));
    return this.whole(seconds >= 0 ? seconds * 2 : -seconds * 2 - 1).whole(Number(nanos));
  }

  /** What was written, valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written; the writer is empty afterwards. */
  take(): Buffer {
    const taken = Buffer.from(this.view());
    this.#length = 0;
    return taken;
  }

  clear(): void {
    this.#length = 0;
  }
}

/** Reads what FieldWriter wrote. Throws `malformed-data`, whatever the bytes are. */
export class FieldReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at = 0;

  /** @param what what the bytes are, for the error: "a snapshot" */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get position(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    if (this.left < 1) throw this.bad('it is cut off');
    return this.#bytes[this.#at++]!;
  }

  whole(max = Number.MAX_SAFE_INTEGER): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && i > 0) throw this.bad('a number is longer than it need be');
        if (value > max) throw this.bad(`a number is ${value} where at most ${max} can be`);
        return value;
      }
      scale *= 0x80;
    }
    throw this.bad('a number does not end');
  }

  /** A view of the next bytes. */
  raw(length: number): Buffer {
    if (length > this.left) throw this.bad('it is cut off');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  bytes(max: number): Buffer {
    return this.raw(this.whole(max));
  }

  text(max: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes(max));
    } catch (cause) {
      if (cause instanceof DatameshError) throw cause;
      throw this.bad('a text is no UTF-8');
    }
  }

  time(): bigint {
    const coded = this.whole();
    const seconds = coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
    return BigInt(seconds) * 1_000_000_000n + BigInt(this.whole(999_999_999));
  }

  /** Nothing may follow. */
  end(): void {
    if (this.left > 0) throw this.bad(`${this.left} bytes follow its end`);
  }

  bad(why: string): DatameshError {
    return new DatameshError('malformed-data', { what: `${this.#what} is malformed`, why });
  }
}
