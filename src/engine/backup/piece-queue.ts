/** Pieces of bytes from one who makes them to one who takes them, and no more than some megabytes between the two. */
import { MAX_PENDING_BYTES } from './limits.ts';

export class PieceQueue implements AsyncIterable<Uint8Array> {
  #pieces: Uint8Array[] = [];
  #pendingBytes = 0;
  #ended = false;
  #failure: unknown;
  #broken: unknown;
  #wakeTaker: (() => void) | undefined;
  #wakeMaker: (() => void) | undefined;

  /** Resolves when more may come; at once while there is room. Throws when the taker has failed. */
  push(piece: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    this.#pieces.push(piece);
    this.#pendingBytes += piece.length;
    this.#wakeTaker?.();
    if (this.#pendingBytes <= MAX_PENDING_BYTES) return undefined;
    return new Promise((resolve, reject) => {
      this.#wakeMaker = () => (this.#failure === undefined ? resolve() : reject(this.#failure));
    });
  }

  end(): void {
    this.#ended = true;
    this.#wakeTaker?.();
  }

  /** Of the maker: the taker learns of it after the pieces before. */
  breakOff(error: unknown): void {
    this.#broken = error;
    this.end();
  }

  /** Of the taker: whoever pushes learns of it. */
  fail(error: unknown): void {
    this.#failure = error;
    this.#wakeMaker?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        // Counted until it is taken: what lies in the hands of the taker lies in memory as well.
        const { length } = piece;
        yield piece;
        this.#pendingBytes -= length;
        if (this.#pendingBytes <= MAX_PENDING_BYTES) this.#wakeMaker?.();
      } else if (this.#ended) {
        if (this.#broken !== undefined) throw this.#broken;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wakeTaker = resolve;
        });
      }
    }
  }
}
