/**
 * Which ids may be in the index: a Bloom filter, so that a put of a new shard, which is what nearly every put is, need not look into LMDB. Ids are hashes, so
 * their own digits are the hash functions (two of 32 bits, the rest by double hashing: Kirsch and Mitzenmacher, 2006).
 */
import { nextTurn } from '../effects/turn.ts';
import { type ShardId, wordOfId } from '../types.ts';

/** 16 bits an id and 4 functions: one new id in 400 is looked up for nothing. */
const BITS_PER_ID = 16;
const FUNCTIONS = 4;
/** 64 MiB: 32 million ids, about 8 TB of the usual shards. Beyond them more is looked up for nothing, and nothing is wrong. */
const MAX_BITS = 2 ** 29;
const MIN_IDS = 2 ** 16;
/** So many looks for nothing, and the filter pays: a node that only serves what it has never makes one. */
const MISSES = 1000;
/** Ids that go into a filter in one turn of the event loop: about 0.3 ms. */
const FILL_IDS = 256;

export class PresenceFilter {
  /** Ids it was made for. */
  readonly capacity: number;
  readonly #words: Uint32Array;
  readonly #mask: number;
  #added = 0;

  constructor(ids: number) {
    let bits = MIN_IDS * BITS_PER_ID;
    while (bits < ids * BITS_PER_ID && bits < MAX_BITS) bits *= 2;
    this.capacity = bits === MAX_BITS ? Number.POSITIVE_INFINITY : bits / BITS_PER_ID;
    this.#words = new Uint32Array(bits / 32);
    this.#mask = bits - 1;
  }

  /** Calls of `add`. */
  get added(): number {
    return this.#added;
  }

  add(id: ShardId): void {
    this.#added++;
    const step = wordOfId(id, 8) | 1;
    for (let turn = 0, hash = wordOfId(id, 0); turn < FUNCTIONS; turn++, hash = (hash + step) >>> 0) {
      const bit = hash & this.#mask;
      this.#words[bit >>> 5]! |= 1 << (bit & 31);
    }
  }

  /** False: it was not added. */
  mayHave(id: ShardId): boolean {
    const step = wordOfId(id, 8) | 1;
    for (let turn = 0, hash = wordOfId(id, 0); turn < FUNCTIONS; turn++, hash = (hash + step) >>> 0) {
      const bit = hash & this.#mask;
      if (((this.#words[bit >>> 5]! >>> (bit & 31)) & 1) === 0) return false;
    }
    return true;
  }
}

export interface KnownIdsOptions {
  /** Ids of the index after `cursor`, in order. */
  ids(cursor: ShardId | undefined, limit: number): ShardId[];
  /** How many there are. */
  count(): number;
  /** Looks for nothing before a filter is made. */
  misses?: number;
}

/** Keeps a filter of everything in an index: made when it pays, filled beside other work, made anew when it is too full. */
export class KnownIds {
  readonly #options: KnownIdsOptions;
  readonly #committing = new Set<ReadonlyMap<ShardId, unknown>>();
  /** Knows of every id in the index, and of every one in a commit. */
  #filter: PresenceFilter | undefined;
  /** Will know them. */
  #filling: PresenceFilter | undefined;
  #misses = 0;
  #closed = false;

  constructor(options: KnownIdsOptions) {
    this.#options = options;
  }

  /** False: the id is not in the index. */
  mayHave(id: ShardId): boolean {
    return this.#filter?.mayHave(id) ?? true;
  }

  /** An id that may be there was not. */
  missed(): void {
    if (this.#filter !== undefined || ++this.#misses < (this.#options.misses ?? MISSES)) return;
    this.#misses = 0;
    this.#fill();
  }

  /** Carries a commit of these changes out; what it brings is known before it can be found. */
  async during(changes: ReadonlyMap<ShardId, unknown>, commit: () => Promise<void>): Promise<void> {
    this.#committing.add(changes);
    for (const id of changes.keys()) {
      this.#filter?.add(id);
      this.#filling?.add(id);
    }
    try {
      await commit();
    } finally {
      this.#committing.delete(changes);
      if (this.#filter !== undefined && this.#filter.added > this.#filter.capacity) this.#fill();
    }
  }

  close(): void {
    this.#closed = true;
  }

  #fill(): void {
    if (this.#filling !== undefined) return;
    const filling = new PresenceFilter(2 * this.#options.count());
    this.#filling = filling;
    // What is being committed now may come to the index behind the walk.
    for (const changes of this.#committing) for (const id of changes.keys()) filling.add(id);
    void this.#walk(filling).then(
      () => {
        this.#filling = undefined;
        if (!this.#closed) this.#filter = filling;
      },
      // An index that cannot be read says so where it is asked for something.
      () => {
        this.#filling = undefined;
      },
    );
  }

  async #walk(filling: PresenceFilter): Promise<void> {
    for (let cursor: ShardId | undefined; !this.#closed; await nextTurn()) {
      const ids = this.#options.ids(cursor, FILL_IDS);
      for (const id of ids) filling.add(id);
      if (ids.length < FILL_IDS) return;
      cursor = ids.at(-1);
    }
  }
}
