/**
 * The stripes of a large object as a tree of pages, so that a range reads the root and one or two pages instead of the whole table. A page is stored
 * like a manifest, replicated, and named by its hash; the root's references are signed with the layout, so all below is. The tree's shape follows from the
 * number of stripes alone: there is nothing to loop in, no depth to claim, and every page has one lawful length. Format: docs/FORMATS.md "Stripe pages".
 */
import { DatameshError } from '../../errors.ts';
import { bytesToHex, type CodeProfile, type PeerId, type ShardId, shardIdOf } from '../types.ts';
import { blake3 } from './hash.ts';
import { LruCache } from './lru.ts';
import { MAX_PEERS } from './manifest-limits.ts';
import {
  encodeRecords,
  holderIndex,
  ID_BYTES,
  NOWHERE,
  readStripes,
  recordBytes,
  type ShardLengths,
  type StripeLayout,
  type StripeTable,
} from './stripe-table.ts';

export interface PageShape {
  /** Stripes of a leaf, all but the last one full. */
  leafStripes: number;
  /** References of an inner page, and of the root. */
  fanOut: number;
}

/** At 4+2 a leaf is 104 KiB for 2 GiB of 4 MiB chunks; 1 TiB has 512 leaves, all in the root; 2 PiB need one level between. */
export const PAGE_SHAPE: PageShape = { leafStripes: 512, fanOut: 1024 };
/** Root, two inner levels, leaf: 2^39 stripes. A stripe count beyond is refused. */
const MAX_LEVELS = 2;
/** Leaves and inner pages that a reader keeps: a sequential read needs the ones on its way. */
const KEPT_PAGES = 8;

const MAGIC = Buffer.from('DMP\x01');
const HEAD_BYTES = 16;

export interface PageRef {
  id: ShardId;
  /** 1 + m replicas, as of a manifest. */
  holders: (PeerId | undefined)[];
}

export interface PagedStripes {
  code: CodeProfile;
  stripeCount: number;
  lengths: ShardLengths;
  peers: readonly PeerId[];
  /** The root's references, encoded. */
  root: Uint8Array;
}

/** Pages per level, leaves first; the last is what the root refers to. Throws `malformed-data` for what no tree can hold. */
export function pageCounts(stripeCount: number, shape: PageShape = PAGE_SHAPE): number[] {
  if (!Number.isSafeInteger(stripeCount) || stripeCount < 1) throw malformed(`${stripeCount} stripes`);
  const counts = [Math.ceil(stripeCount / shape.leafStripes)];
  while (counts.at(-1)! > shape.fanOut) counts.push(Math.ceil(counts.at(-1)! / shape.fanOut));
  if (counts.length > 1 + MAX_LEVELS) throw malformed(`${stripeCount} stripes`);
  return counts;
}

/** Takes the stripes in order; memory is one page per level. `store` places a page's bytes and says where. */
export class PageWriter {
  readonly #code: CodeProfile;
  readonly #shape: PageShape;
  readonly #store: (bytes: Uint8Array, id: ShardId) => Promise<(PeerId | undefined)[]>;
  readonly #indices = new Map<PeerId, number>();
  readonly #references: PageRef[][] = [];
  readonly #written: number[] = [];
  #leaf: StripeLayout[] = [];
  #stripeCount = 0;

  constructor(
    code: CodeProfile,
    store: (bytes: Uint8Array, id: ShardId) => Promise<(PeerId | undefined)[]>,
    shape: PageShape = PAGE_SHAPE,
  ) {
    this.#code = code;
    this.#store = store;
    this.#shape = shape;
  }

  async add(stripe: StripeLayout): Promise<void> {
    if (this.#leaf.length === this.#shape.leafStripes) await this.#endLeaf();
    this.#leaf.push(stripe);
    this.#stripeCount++;
  }

  async end(): Promise<{ stripeCount: number; peers: PeerId[]; root: Uint8Array }> {
    const top = pageCounts(this.#stripeCount, this.#shape).length - 1;
    await this.#endLeaf();
    for (let level = 0; level < top; level++) await this.#endPage(level);
    const root = encodeRefs(this.#references[top]!, this.#code, this.#indices);
    const peers = [...this.#indices.keys()];
    if (peers.length > MAX_PEERS) {
      throw new DatameshError('input-too-large', {
        what: `the object lies on ${peers.length} peers, over ${MAX_PEERS}`,
      });
    }
    return { stripeCount: this.#stripeCount, peers, root };
  }

  async #endLeaf(): Promise<void> {
    const records = encodeRecords(this.#code, this.#leaf, this.#indices);
    this.#leaf = [];
    await this.#place(0, records);
  }

  /** An inner page of the references that have gathered at `level`. */
  async #endPage(level: number): Promise<void> {
    const records = encodeRefs(this.#references[level]!, this.#code, this.#indices);
    this.#references[level] = [];
    await this.#place(level + 1, records);
  }

  async #place(level: number, records: Uint8Array): Promise<void> {
    const number = this.#written[level] ?? 0;
    this.#written[level] = number + 1;
    const bytes = Buffer.concat([head(level, number), records]);
    const id = shardIdOf(blake3(bytes));
    const holders = await this.#store(bytes, id);
    const siblings = (this.#references[level] ??= []);
    // A full page is written when one more shows that the tree needs its level.
    if (siblings.length === this.#shape.fanOut) await this.#endPage(level);
    this.#references[level]!.push({ id, holders });
  }
}

/** Finds stripes by fetching the pages on the way to them; `fetch` may give any bytes, they are checked against the id. */
export class PageReader {
  readonly #paged: PagedStripes;
  readonly #fetch: (ref: PageRef) => Promise<Uint8Array>;
  readonly #shape: PageShape;
  readonly #counts: number[];
  readonly #kept = new LruCache<string, Promise<Uint8Array>>(KEPT_PAGES);

  /** Throws `malformed-data` when the root does not fit the number of stripes. */
  constructor(
    paged: PagedStripes,
    fetch: (ref: PageRef) => Promise<Uint8Array>,
    shape: PageShape = PAGE_SHAPE,
  ) {
    this.#paged = paged;
    this.#fetch = fetch;
    this.#shape = shape;
    this.#counts = pageCounts(paged.stripeCount, shape);
    if (paged.root.length !== this.#counts.at(-1)! * refBytes(paged.code))
      throw malformed('its root has another length');
  }

  /** Throws RangeError outside 0 … stripeCount-1, `hash-mismatch` and `malformed-data` for pages that are not the right ones. */
  async stripe(index: number): Promise<StripeLayout> {
    const { stripeCount } = this.#paged;
    if (!Number.isInteger(index) || index < 0 || index >= stripeCount)
      throw new RangeError(`no stripe ${index} of ${stripeCount}`);
    const { leafStripes } = this.#shape;
    const leaf = Math.floor(index / leafStripes);
    const table = this.#leafTable(leaf, await this.#records(0, leaf));
    return table.stripe(index - leaf * leafStripes);
  }

  #leafTable(leaf: number, records: Uint8Array): StripeTable {
    const { code, stripeCount, lengths, peers } = this.#paged;
    const count = Math.min(this.#shape.leafStripes, stripeCount - leaf * this.#shape.leafStripes);
    const table = readStripes(code, count, lengths, peers, records);
    const whole =
      !lengths.same || leaf === this.#counts[0]! - 1 || table.shardBytes(count - 1) === lengths.maxBytes;
    if (!whole) throw malformed(`leaf ${leaf} has a short stripe amid the object`);
    return table;
  }

  /** What stands behind the head of a page. */
  #records(level: number, number: number): Promise<Uint8Array> {
    const key = `${level}/${number}`;
    const page = this.#kept.getOrMake(key, () => this.#fetched(level, number));
    page.catch(() => this.#kept.delete(key));
    return page;
  }

  /** The same, verified: what is no page of this tree is not kept, however long it is. */
  async #fetched(level: number, number: number): Promise<Uint8Array> {
    const ref = await this.#reference(level, number);
    const bytes = await this.#fetch(ref);
    const page = `page ${level}/${number}`;
    if (shardIdOf(blake3(bytes)) !== ref.id) {
      throw new DatameshError('hash-mismatch', { what: `${page} of the manifest is not what was stored` });
    }
    if (bytes.length !== this.#pageBytes(level, number)) throw malformed(`${page} has another length`);
    if (Buffer.compare(bytes.subarray(0, HEAD_BYTES), head(level, number)) !== 0)
      throw malformed(`${page} begins like another`);
    return bytes.subarray(HEAD_BYTES);
  }

  #pageBytes(level: number, number: number): number {
    const { code, stripeCount } = this.#paged;
    const { leafStripes, fanOut } = this.#shape;
    if (level === 0)
      return HEAD_BYTES + Math.min(leafStripes, stripeCount - number * leafStripes) * recordBytes(code);
    return HEAD_BYTES + Math.min(fanOut, this.#counts[level - 1]! - number * fanOut) * refBytes(code);
  }

  async #reference(level: number, number: number): Promise<PageRef> {
    const { code, peers, root } = this.#paged;
    const top = level === this.#counts.length - 1;
    const { fanOut } = this.#shape;
    const parent = Math.floor(number / fanOut);
    const records = top ? root : await this.#records(level + 1, parent);
    return readRef(records, top ? number : number - parent * fanOut, code, peers);
  }
}

/** "DMP" | 01 | level u8 | three zero bytes | number of the page within its level u64. */
function head(level: number, number: number): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.set(MAGIC);
  bytes.writeUInt8(level, 4);
  bytes.writeBigUInt64BE(BigInt(number), 8);
  return bytes;
}

/** Id | 1 + m holders u16. */
function refBytes(code: CodeProfile): number {
  return ID_BYTES + 2 * (1 + code.m);
}

function encodeRefs(refs: readonly PageRef[], code: CodeProfile, indices: Map<PeerId, number>): Uint8Array {
  const bytes = Buffer.alloc(refs.length * refBytes(code));
  let at = 0;
  for (const { id, holders } of refs) {
    at += bytes.write(id, at, 'hex');
    for (let i = 0; i <= code.m; i++) at = bytes.writeUInt16BE(holderIndex(indices, holders[i]), at);
  }
  return bytes;
}

function readRef(
  records: Uint8Array,
  position: number,
  code: CodeProfile,
  peers: readonly PeerId[],
): PageRef {
  const size = refBytes(code);
  const bytes = Buffer.from(records.buffer, records.byteOffset + position * size, size);
  const holders = Array.from({ length: 1 + code.m }, (_, i) => {
    const index = bytes.readUInt16BE(ID_BYTES + 2 * i);
    if (index !== NOWHERE && index >= peers.length)
      throw malformed(`a page names holder ${index} of ${peers.length}`);
    return peers[index];
  });
  return { id: bytesToHex(bytes.subarray(0, ID_BYTES)) as ShardId, holders };
}

function malformed(why: string): DatameshError {
  return new DatameshError('malformed-data', { what: 'the pages of a manifest are malformed', why });
}
