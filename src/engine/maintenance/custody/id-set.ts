/** Many ids in little memory: what a Set of strings needs 120 bytes for takes 11 to 21 here. */
import { type ObjectId, wordOfId } from '../../types.ts';

const MIN_SLOTS = 64;
/** Beyond that share of used slots the table grows: looking for what is not there takes 8 slots on average (Knuth, TAOCP 3, 6.4, linear probing: (1 + 1/(1-α)²)/2). */
const MOST_USED = 0.75;

/**
 * A set of object ids by their last 64 bits. Ids are hashes: of a million the chance that any two agree in those is 3 in 10^8, and to make one that agrees with somebody else's is
 * 2^64 hashes of work. So it may say of an id that it is there when it is not; keep nothing in it on which a byte depends.
 */
export class IdSet {
  /** Two words a slot, open addressing, linear probing; both zero: free. */
  #words = new Uint32Array(2 * MIN_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(id: ObjectId): boolean {
    const [high, low] = digits(id);
    return this.#words[2 * this.#find(high, low) + 1] !== 0;
  }

  add(id: ObjectId): void {
    const [high, low] = digits(id);
    const slot = this.#find(high, low);
    if (this.#words[2 * slot + 1] !== 0) return;
    this.#put(slot, high, low);
    if (++this.#size > MOST_USED * this.#slots) this.#resize(2 * this.#slots);
  }

  delete(id: ObjectId): void {
    const [high, low] = digits(id);
    const words = this.#words;
    let free = this.#find(high, low);
    if (words[2 * free + 1] === 0) return;
    this.#size--;
    // What lies behind without a gap moves up, unless it is at or after its own place already.
    for (let at = this.#after(free); words[2 * at + 1] !== 0; at = this.#after(at)) {
      const home = words[2 * at]! & (this.#slots - 1);
      const stays = free < at ? free < home && home <= at : free < home || home <= at;
      if (stays) continue;
      this.#put(free, words[2 * at]!, words[2 * at + 1]!);
      free = at;
    }
    this.#put(free, 0, 0);
  }

  get #slots(): number {
    return this.#words.length / 2;
  }

  #after(slot: number): number {
    return (slot + 1) & (this.#slots - 1);
  }

  /** Where it is, or the free slot where it would be. */
  #find(high: number, low: number): number {
    const words = this.#words;
    let slot = high & (this.#slots - 1);
    while (words[2 * slot + 1] !== 0 && (words[2 * slot] !== high || words[2 * slot + 1] !== low))
      slot = this.#after(slot);
    return slot;
  }

  #put(slot: number, high: number, low: number): void {
    this.#words[2 * slot] = high;
    this.#words[2 * slot + 1] = low;
  }

  #resize(slots: number): void {
    const before = this.#words;
    this.#words = new Uint32Array(2 * slots);
    for (let at = 0; at < before.length; at += 2) {
      const [high, low] = [before[at]!, before[at + 1]!];
      if (low !== 0) this.#put(this.#find(high, low), high, low);
    }
  }
}

/** The last 64 bits; the second word is never 0, which marks a free slot. */
function digits(id: ObjectId): [high: number, low: number] {
  return [wordOfId(id, 48), wordOfId(id, 56) || 1];
}
