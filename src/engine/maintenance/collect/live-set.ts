/**
 * A set of shard ids in 16 bytes each: the first 52 bits of an id stand for all of it. Two ids that share them are taken for one, which keeps an
 * orphan where it should go (once in 4 million runs with a million shards each way) and never loses a live one.
 */
import type { ShardId } from '../../types.ts';

const DIGITS = 13;
const FIRST_SLOTS = 1024;
/** Half empty, so that a search ends after two looks on average. */
const FILL = 0.5;

export class LiveSet {
  size = 0;
  /** 0: empty. */
  private slots = new Float64Array(FIRST_SLOTS);

  add(id: ShardId): void {
    if (this.size >= this.slots.length * FILL) this.grow();
    if (put(this.slots, keyOf(id))) this.size++;
  }

  has(id: ShardId): boolean {
    const key = keyOf(id);
    return this.slots[find(this.slots, key)] === key;
  }

  private grow(): void {
    const slots = new Float64Array(this.slots.length * 2);
    for (const key of this.slots) if (key !== 0) put(slots, key);
    this.slots = slots;
  }
}

/** 1 to 2^52. */
function keyOf(id: ShardId): number {
  return Number.parseInt(id.slice(0, DIGITS), 16) + 1;
}

/** Where the key is, or would be. */
function find(slots: Float64Array, key: number): number {
  let at = key % slots.length;
  while (slots[at] !== 0 && slots[at] !== key) at = (at + 1) % slots.length;
  return at;
}

function put(slots: Float64Array, key: number): boolean {
  const at = find(slots, key);
  if (slots[at] === key) return false;
  slots[at] = key;
  return true;
}
