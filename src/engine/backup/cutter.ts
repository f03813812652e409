/** Cuts a run of bytes by its content, in a buffer of its own that the source is read into. */
import { CutFinder, type CutSizes } from '../codec/content-chunker.ts';

export class Cutter {
  readonly #gear: Uint32Array;
  readonly #sizes: CutSizes;
  readonly #buffer: Buffer;
  #finder: CutFinder;
  /** Where the chunk begins, how far it was looked at, and what is there. */
  #start = 0;
  #seen = 0;
  #filled = 0;

  /** @param roomBytes what is at least free for the next read */
  constructor(gear: Uint32Array, sizes: CutSizes, roomBytes: number) {
    this.#gear = gear;
    this.#sizes = sizes;
    this.#buffer = Buffer.allocUnsafeSlow(sizes.maxBytes + roomBytes);
    this.#finder = new CutFinder(gear, sizes);
  }

  /** Where the next bytes are to be put; valid until `advance`. */
  room(): Buffer {
    const need = this.#buffer.length - this.#sizes.maxBytes;
    if (this.#buffer.length - this.#filled < need) {
      this.#buffer.copyWithin(0, this.#start, this.#filled);
      this.#seen -= this.#start;
      this.#filled -= this.#start;
      this.#start = 0;
    }
    return this.#buffer.subarray(this.#filled);
  }

  /** `count` bytes were put there: the chunks that end now, each valid until the next call. */
  *advance(count: number): Generator<Buffer> {
    this.#filled += count;
    while (this.#seen < this.#filled) {
      const { taken, cut } = this.#finder.next(this.#buffer.subarray(0, this.#filled), this.#seen);
      this.#seen += taken;
      if (!cut) continue;
      const chunk = this.#buffer.subarray(this.#start, this.#seen);
      this.#start = this.#seen;
      yield chunk;
    }
  }

  /** What is left, if anything; the next bytes begin anew. */
  rest(): Buffer | undefined {
    const chunk = this.#buffer.subarray(this.#start, this.#filled);
    this.#start = 0;
    this.#seen = 0;
    this.#filled = 0;
    this.#finder = new CutFinder(this.#gear, this.#sizes);
    return chunk.length === 0 ? undefined : chunk;
  }
}
