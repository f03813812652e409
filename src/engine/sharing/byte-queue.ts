/** Bytes that come in pieces of any length and are taken in others, without copying what is left each time. */
export class ByteQueue {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Copies: the piece may lie in memory that is used again. */
  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(Uint8Array.from(piece));
    this.#length += piece.length;
  }

  /** The next `length` bytes, of which there have to be as many. */
  take(length: number): Buffer {
    if (length > this.#length) throw new RangeError(`${length} bytes of ${this.#length}`);
    const taken = Buffer.alloc(length);
    let at = 0;
    while (at < length) {
      const first = this.#pieces[0]!;
      const part = first.subarray(0, length - at);
      taken.set(part, at);
      at += part.length;
      if (part.length === first.length) this.#pieces.shift();
      else this.#pieces[0] = first.subarray(part.length);
    }
    this.#length -= length;
    return taken;
  }
}
