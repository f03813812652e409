/**
 * Damage of an index file that shows before LMDB opens it: LMDB has no sums, reads through a memory map, and ends the process (SIGBUS, SIGSEGV) over a file that is cut
 * short or whose head makes no sense. Deeper damage shows when it is met, as an error at best; against all of it there is `doctor --rebuild-index`.
 */
import type { Disk, DiskFile } from '../effects/disk.ts';

/** At byte 24 of a page of its head (16 in older releases), in the machine's own byte order. */
const MAGIC = 0xbeefc0de;
const HEAD_AT = 24;
const OLD_HEAD_AT = 16;
/** Behind the magic: version, address and size of the map, two tables, last page, transaction. */
const TABLES_AT = 24;
const TABLE_BYTES = 48;
const ROOT_AT = 40;
const LAST_PAGE_AT = TABLES_AT + 2 * TABLE_BYTES;
const HEAD_BYTES = LAST_PAGE_AT + 16;
const NO_ROOT = 2n ** 64n - 1n;
const MAX_PAGE_BYTES = 65_536;

/** Whether there is an index file that LMDB did not write, or not to the end, or that has been cut since. */
export async function isDamagedIndex(disk: Disk, dir: string): Promise<boolean> {
  const path = `${dir}/data.mdb`;
  const found = await disk.stat(path);
  if (found === undefined || found.sizeBytes === 0) return false;
  const file = await disk.open(path, 'read');
  try {
    const first = await bytesAt(file, 0, HEAD_AT + HEAD_BYTES);
    if (first === undefined) return true;
    if (first.readUInt32LE(HEAD_AT) !== MAGIC) {
      const others = [
        first.readUInt32BE(HEAD_AT),
        first.readUInt32LE(OLD_HEAD_AT),
        first.readUInt32BE(OLD_HEAD_AT),
      ];
      return !others.includes(MAGIC);
    }
    const pageBytes = first.readUInt32LE(HEAD_AT + TABLES_AT);
    if (pageBytes < HEAD_AT + HEAD_BYTES || pageBytes > MAX_PAGE_BYTES) return true;
    const second = await bytesAt(file, pageBytes, HEAD_AT + HEAD_BYTES);
    if (second?.readUInt32LE(HEAD_AT) !== MAGIC) return true;
    // The one of the last commit counts.
    const heads = [first, second].map((bytes) => bytes.subarray(HEAD_AT));
    const newest = heads.reduce((a, b) => (transactionOf(b) > transactionOf(a) ? b : a));
    const lastPage = newest.readBigUInt64LE(LAST_PAGE_AT);
    const roots = [0, 1].map((table) => newest.readBigUInt64LE(TABLES_AT + table * TABLE_BYTES + ROOT_AT));
    if (roots.some((root) => root !== NO_ROOT && root > lastPage)) return true;
    // Asked for now: of a file that a node has open it may have grown since.
    if ((lastPage + 1n) * BigInt(pageBytes) > BigInt(await file.sizeBytes())) return true;
    for (const root of roots) {
      if (root === NO_ROOT) continue;
      const page = await bytesAt(file, Number(root) * pageBytes, HEAD_AT);
      if (page === undefined || !isTreePage(page, root, pageBytes)) return true;
    }
    return false;
  } finally {
    await file.close();
  }
}

/** A page of a tree begins with its own number, and says that it is a branch or a leaf and what is free in it. */
function isTreePage(head: Buffer, number: bigint, pageBytes: number): boolean {
  const [kind, lower, upper] = [18, 20, 22].map((at) => head.readUInt16LE(at)) as [number, number, number];
  const isOne = (kind & 3) === 1 || (kind & 3) === 2;
  return head.readBigUInt64LE(0) === number && isOne && lower <= upper && upper <= pageBytes;
}

/** LMDB's own errors, by their numbers, that say that the file is not what it wrote. */
export function saysDamaged(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'number' && DAMAGED.includes(code);
}

/** MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_PANIC, MDB_VERSION_MISMATCH, MDB_INVALID, MDB_INCOMPATIBLE, MDB_BAD_TXN. */
const DAMAGED: readonly number[] = [-30797, -30796, -30795, -30794, -30793, -30784, -30782];

function transactionOf(head: Buffer): bigint {
  return head.readBigUInt64LE(LAST_PAGE_AT + 8);
}

async function bytesAt(file: DiskFile, position: number, length: number): Promise<Buffer | undefined> {
  const bytes = Buffer.alloc(length);
  return (await file.read(bytes, position)) < length ? undefined : bytes;
}
