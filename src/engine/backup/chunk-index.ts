/** Where every chunk lies: a hash table over flat arrays, as millions of small objects would cost five times the memory. */
import type { PackTable } from './pack-table.ts';

export interface ChunkPlace {
  /** Name of the pack's object. */
  pack: string;
  offset: number;
  storedBytes: number;
  rawBytes: number;
  method: number;
}

/** Numbers kept per chunk: pack, offset, stored length and method, raw length. */
const FIELDS = 4;
const METHODS = 4;

export class ChunkIndex {
  readonly #slots = new Map<string, number>();
  readonly #packs: string[] = [];
  #rows = new Uint32Array(FIELDS * 1024);
  #used = 0;

  get chunks(): number {
    return this.#slots.size;
  }

  /** Registers a pack whose chunks come one by one; gives its number. */
  openPack(name: string): number {
    return this.#packs.push(name) - 1;
  }

  addPack(name: string, table: PackTable): void {
    const pack = this.openPack(name);
    let offset = 0;
    for (const chunk of table) {
      this.add(pack, offset, chunk.id, chunk.storedBytes, chunk.rawBytes, chunk.method);
      offset += chunk.storedBytes;
    }
  }

  /** A chunk that is known stays where it is known to be. */
  add(pack: number, offset: number, id: Buffer, storedBytes: number, rawBytes: number, method: number): void {
    const key = keyOf(id);
    if (this.#slots.has(key)) return;
    const at = this.#used * FIELDS;
    if (at === this.#rows.length) {
      const grown = new Uint32Array(2 * this.#rows.length);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    this.#rows[at] = pack;
    this.#rows[at + 1] = offset;
    this.#rows[at + 2] = storedBytes * METHODS + method;
    this.#rows[at + 3] = rawBytes;
    this.#slots.set(key, this.#used++);
  }

  has(id: Buffer): boolean {
    return this.#slots.has(keyOf(id));
  }

  find(id: Buffer): ChunkPlace | undefined {
    const slot = this.#slots.get(keyOf(id));
    if (slot === undefined) return undefined;
    const at = slot * FIELDS;
    const coded = this.#rows[at + 2]!;
    return {
      pack: this.#packs[this.#rows[at]!]!,
      offset: this.#rows[at + 1]!,
      storedBytes: Math.floor(coded / METHODS),
      rawBytes: this.#rows[at + 3]!,
      method: coded % METHODS,
    };
  }
}

function keyOf(id: Buffer): string {
  return id.toString('latin1');
}
