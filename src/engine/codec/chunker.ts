/** Re-cuts a stream of any pieces into chunks of an exact length, without copying any but small pieces. */

export interface Chunk {
  /** From 0. */
  index: number;
  /** In order. The consumer's own: never written again. */
  pieces: readonly Uint8Array[];
  /** Of all pieces: the chunk length, for the last chunk 1 to that. */
  lengthBytes: number;
  last: boolean;
}

/** Smaller pieces are gathered: each costs the cipher and the hash a call of a microsecond, and its view some 200 bytes. */
const SMALL_BYTES = 16 * 1024;
const GATHER_BYTES = 64 * 1024;

/**
 * Chunks of `source` in order; none when it is empty. A chunk is yielded when the first byte after it, or the end, is known: that is how
 * `last` is certain with at most one source piece read ahead. Pieces are handed on in place, so the source must not write them again.
 * Ending early ends the source.
 */
export async function* chunks(source: AsyncIterable<Uint8Array>, chunkBytes: number): AsyncGenerator<Chunk> {
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes <= 0)
    throw new RangeError(`no chunk length: ${chunkBytes}`);
  let index = 0;
  const gathered = new Gatherer();
  for await (const piece of source) {
    for (let at = 0; at < piece.length; ) {
      if (gathered.lengthBytes === chunkBytes) yield { index: index++, ...gathered.take(), last: false };
      const taken = piece.subarray(at, at + chunkBytes - gathered.lengthBytes);
      gathered.add(taken);
      at += taken.length;
    }
  }
  if (gathered.lengthBytes > 0) yield { index, ...gathered.take(), last: true };
}

/** The pieces of one chunk after another; small ones next to each other in blocks. */
class Gatherer {
  lengthBytes = 0;
  #pieces: Uint8Array[] = [];
  /** With room left. A full one is in #pieces alone: its consumer may give its memory back. */
  #block: Uint8Array | undefined;
  /** What of the block belongs to no piece of #pieces yet. */
  #from = 0;
  #to = 0;
  #isFirst = true;

  add(piece: Uint8Array): void {
    this.lengthBytes += piece.length;
    if (piece.length >= SMALL_BYTES) {
      this.#endRun();
      this.#pieces.push(piece);
      return;
    }
    for (let at = 0; at < piece.length; ) {
      this.#block ??= this.#newBlock(piece.length - at);
      const part = piece.subarray(at, at + this.#block.length - this.#to);
      this.#block.set(part, this.#to);
      this.#to += part.length;
      at += part.length;
      if (this.#to === this.#block.length) this.#endRun();
    }
  }

  take(): { pieces: readonly Uint8Array[]; lengthBytes: number } {
    this.#endRun();
    const taken = { pieces: this.#pieces, lengthBytes: this.lengthBytes };
    this.#pieces = [];
    this.lengthBytes = 0;
    return taken;
  }

  #endRun(): void {
    const block = this.#block;
    if (block === undefined) return;
    if (this.#to > this.#from) this.#pieces.push(block.subarray(this.#from, this.#to));
    this.#from = this.#to;
    if (this.#to < block.length) return;
    this.#block = undefined;
    this.#from = 0;
    this.#to = 0;
  }

  /** The first one is as long as its piece: most small objects are one piece, and 64 KiB for each would be what the collector runs for. */
  #newBlock(pieceBytes: number): Uint8Array {
    const lengthBytes = this.#isFirst ? pieceBytes : GATHER_BYTES;
    this.#isFirst = false;
    return Buffer.allocUnsafeSlow(lengthBytes);
  }
}
