/**
 * The coefficients of a look's sums: one non-zero byte for each chunk of a shard, the same for all shards of the look. docs/FORMATS.md "Sums".
 *
 * They depend on who asks. Were they those of the seed alone, a holder could pass the seed on to k others, which answer anybody, and make its own sum out of theirs: k KiB
 * would stand for the whole shard.
 */
import { blake3, HASH_BYTES, hashProvider } from '../../codec/hash.ts';
import type { PeerId } from '../../types.ts';

export const SEED_BYTES = 32;

const KEY_CONTEXT = Buffer.from('datamesh/sum/1\n');

/** What the coefficients follow from, 32 bytes. `asker`: the node that asks, as the connection has authenticated it. Throws RangeError for a seed that is none. */
export function sumKeyOf(seed: Uint8Array, asker: PeerId): Uint8Array {
  if (seed.length !== SEED_BYTES) throw new RangeError(`a seed has ${SEED_BYTES} bytes`);
  return blake3(Buffer.concat([KEY_CONTEXT, seed, Buffer.from(asker)]));
}

/** Coefficients of one key, made as far as they are needed. */
export class Coefficients {
  readonly key: Uint8Array;
  private readonly block: (counter: Uint8Array) => Uint8Array;
  private made: Uint8Array = new Uint8Array(0);
  private count = 0;
  private blocks = 0;

  constructor(key: Uint8Array) {
    this.key = key;
    this.block = hashProvider().keyedBy(key);
  }

  /**
   * The first `count`: the non-zero bytes, in their order, of keyed BLAKE3 of 0, 1, 2 … as little-endian u32. Leaving zeros out keeps the other 255 values alike likely, so no
   * coefficient is likelier than another; mapping a byte or two to 1 … 255 would not.
   */
  first(count: number): Uint8Array {
    if (this.made.length < count) {
      // A block more than is asked for, as it is used to its end.
      const room = new Uint8Array(2 * count + HASH_BYTES);
      room.set(this.made);
      const counter = Buffer.alloc(4);
      while (this.count < count) {
        counter.writeUInt32LE(this.blocks++);
        for (const byte of this.block(counter)) if (byte !== 0) room[this.count++] = byte;
      }
      this.made = room.subarray(0, this.count);
    }
    return this.made.subarray(0, count);
  }
}
