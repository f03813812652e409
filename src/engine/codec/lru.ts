/** A map of at most `limit` entries that forgets the one not used for longest. */
export class LruCache<Key, Value> {
  readonly #limit: number;
  readonly #entries = new Map<Key, Value>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  /** The entry under `key`, made by `make` when there is none. */
  getOrMake(key: Key, make: () => Value): Value {
    const known = this.#entries.get(key);
    const value = known ?? make();
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#limit) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest!);
    }
    return value;
  }
}
