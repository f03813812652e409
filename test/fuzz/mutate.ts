/** Seeded mutations of byte strings: the same seed gives the same inputs. */

export interface Dice {
  /** 0 … below-1. */
  roll(below: number): number;
}

/** xorshift32. */
export function dice(seed: number): Dice {
  let state = seed >>> 0 || 1;
  return {
    roll(below) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      state >>>= 0;
      return state % below;
    },
  };
}

/** Values at which lengths, counts and varints break. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x20, 0x40];
const MAX_EDITS = 6;

/** One to six edits of a copy; may splice in a part of `other`. */
export function mutate(input: Uint8Array, other: Uint8Array, { roll }: Dice): Buffer {
  let bytes = Buffer.from(input);
  for (let edits = 1 + roll(MAX_EDITS); edits > 0; edits--) {
    const at = roll(bytes.length + 1);
    const length = roll(16);
    switch (roll(9)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << roll(8);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = roll(256);
        break;
      case 2:
        if (at < bytes.length) bytes[at] = EDGES[roll(EDGES.length)]!;
        break;
      case 3:
        bytes = bytes.subarray(0, at);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 5:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)]);
        break;
      case 6: {
        const from = roll(other.length + 1);
        const part = other.subarray(from, from + roll(64));
        bytes = Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
        break;
      }
      case 7:
        // An over-long or huge varint.
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(1 + roll(10), 0xff), bytes.subarray(at)]);
        break;
      default:
        bytes.subarray(at, at + length).fill(EDGES[roll(EDGES.length)]!);
    }
  }
  return bytes;
}
