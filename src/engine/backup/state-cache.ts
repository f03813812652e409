/**
 * What a folder's files were like at the last backup, in the order of its walk: an unchanged file is not read again. Only a cache: where it is missing, damaged or of
 * another folder every file is read, and deduplication finds the same chunks.
 */
import { hashProvider } from '../codec/hash.ts';
import type { TreeStat } from '../effects/tree.ts';
import { FieldReader, FieldWriter } from './fields.ts';
import { MAX_ENTRY_BYTES, MAX_PATH_BYTES } from './limits.ts';
import { readEntry, type TreeEntry, writeEntry } from './tree-entry.ts';
import { compareWalk } from './tree-order.ts';

const MAGIC = Buffer.from('DMFS');
const VERSION = 1;
const HASH_BYTES = 32;

export interface FileState {
  ctimeNs: bigint;
  inode: bigint;
  entry: TreeEntry;
}

/** Reads a cache from its begin to its end, along a walk. */
export class StateReader {
  readonly #from: FieldReader;
  #next: { path: Buffer; ctimeNs: bigint; inode: bigint; entry: Buffer } | undefined;

  /** An empty one where `bytes` are missing or not what was written for this folder under this key. */
  static open(bytes: Uint8Array | undefined, source: Buffer, key: Uint8Array): StateReader {
    return new StateReader(bytes === undefined ? NOTHING : (checked(bytes, source, key) ?? NOTHING));
  }

  private constructor(body: Uint8Array) {
    this.#from = new FieldReader(body, 'the cache of file states');
    this.#advance();
  }

  /** The state of the file of this path; paths must come in the order of a walk. */
  at(path: Buffer): FileState | undefined {
    while (this.#next !== undefined && compareWalk(this.#next.path, path) < 0) this.#advance();
    if (this.#next === undefined || !this.#next.path.equals(path)) return undefined;
    const { ctimeNs, inode, entry } = this.#next;
    return { ctimeNs, inode, entry: readEntry(new FieldReader(entry, 'the cache of file states')) };
  }

  #advance(): void {
    if (this.#from.left === 0) {
      this.#next = undefined;
      return;
    }
    const path = this.#from.bytes(MAX_PATH_BYTES);
    const ctimeNs = this.#from.time();
    const inode = this.#from.raw(8).readBigUInt64BE();
    this.#next = { path, ctimeNs, inode, entry: this.#from.bytes(MAX_ENTRY_BYTES) };
  }
}

const NOTHING = new Uint8Array(0);

/** The records, when hash and folder are right. */
function checked(bytes: Uint8Array, source: Buffer, key: Uint8Array): Uint8Array | undefined {
  if (bytes.length < HASH_BYTES) return undefined;
  const body = bytes.subarray(0, bytes.length - HASH_BYTES);
  const hash = Buffer.from(hashProvider().keyed(key, body));
  if (!hash.equals(bytes.subarray(body.length))) return undefined;
  const from = new FieldReader(body, 'the cache of file states');
  if (!from.raw(MAGIC.length).equals(MAGIC) || from.byte() !== VERSION) return undefined;
  if (!from.bytes(MAX_PATH_BYTES).equals(source)) return undefined;
  return body.subarray(from.position);
}

export class StateWriter {
  readonly #out = new FieldWriter();
  readonly #entry = new FieldWriter();
  readonly #key: Uint8Array;

  constructor(source: Buffer, key: Uint8Array) {
    this.#key = key;
    this.#out.raw(MAGIC).byte(VERSION).bytes(source);
  }

  add(stat: Pick<TreeStat, 'ctimeNs' | 'inode'>, entry: TreeEntry): void {
    const inode = Buffer.alloc(8);
    inode.writeBigUInt64BE(stat.inode);
    writeEntry(this.#entry, entry);
    this.#out.bytes(entry.path).time(stat.ctimeNs).raw(inode).bytes(this.#entry.view());
    this.#entry.clear();
  }

  end(): Buffer {
    const hash = hashProvider().keyed(this.#key, this.#out.view());
    return this.#out.raw(hash).take();
  }
}
