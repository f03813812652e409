/**
 * One entry of a snapshot's tree: a file with its chunks, a folder, a symbolic link, or a further name of a file. Entries stand in the order of a walk, folders
 * before what they hold (tree-order.ts). Format: docs/FORMATS.md "Backups".
 */
import { CHUNK_ID_BYTES, type FieldReader, type FieldWriter } from './fields.ts';
import { MAX_ENTRY_BYTES, MAX_PATH_BYTES } from './limits.ts';

export type EntryKind = 'file' | 'directory' | 'link' | 'hard-link';

/** A run of a file's bytes: a chunk, or zeros that were never stored. */
export interface Segment {
  /** 32 bytes; undefined for a hole. */
  id: Buffer | undefined;
  lengthBytes: number;
}

export interface TreeEntry {
  kind: EntryKind;
  /** Relative to the root, whose own path is empty; parts joined by `/`. */
  path: Buffer;
  mode: number;
  uid: number;
  gid: number;
  mtimeNs: bigint;
  /** Of a file: the sum of its segments. */
  sizeBytes: number;
  /** It had holes: zeros are to become holes again. */
  sparse: boolean;
  segments: Segment[];
  /** What a link points to, or the path of the first name of a file. */
  target: Buffer;
}

const KINDS: readonly EntryKind[] = ['file', 'directory', 'link', 'hard-link'];
const MAX_MODE = 0o7777;
const MAX_ID = 0xffff_ffff;
const NONE = Buffer.alloc(0);

/** Of a segment with its length; of a hole that alone. */
const MOST_LENGTH_BYTES = 8;
/** Path, modes, ids and time. */
const MOST_OTHER_BYTES = MAX_PATH_BYTES + 64;

/** Whether a reader takes an entry of so many segments. */
export function fitsEntry(segments: readonly Segment[]): boolean {
  const bytes = segments.reduce(
    (sum, { id }) => sum + MOST_LENGTH_BYTES + (id === undefined ? 0 : CHUNK_ID_BYTES),
    MOST_OTHER_BYTES,
  );
  return bytes <= MAX_ENTRY_BYTES;
}

export function writeEntry(out: FieldWriter, entry: TreeEntry): void {
  out.byte(KINDS.indexOf(entry.kind)).bytes(entry.path);
  out.whole(entry.mode).whole(entry.uid).whole(entry.gid).time(entry.mtimeNs);
  if (entry.kind === 'link' || entry.kind === 'hard-link') out.bytes(entry.target);
  if (entry.kind !== 'file') return;
  out.byte(entry.sparse ? 1 : 0).whole(entry.segments.length);
  for (const { id, lengthBytes } of entry.segments) {
    out.whole(lengthBytes * 2 + (id === undefined ? 1 : 0));
    if (id !== undefined) out.raw(id);
  }
}

/** Throws `malformed-data`. Views into the reader's bytes. */
export function readEntry(from: FieldReader): TreeEntry {
  const kind = KINDS[from.byte()];
  if (kind === undefined) throw from.bad('an entry is of no kind that is known');
  const entry: TreeEntry = {
    kind,
    path: from.bytes(MAX_PATH_BYTES),
    mode: from.whole(MAX_MODE),
    uid: from.whole(MAX_ID),
    gid: from.whole(MAX_ID),
    mtimeNs: from.time(),
    sizeBytes: 0,
    sparse: false,
    segments: [],
    target: NONE,
  };
  if (kind === 'link' || kind === 'hard-link') entry.target = from.bytes(MAX_PATH_BYTES);
  if (kind === 'link' && (entry.target.length === 0 || entry.target.includes(0)))
    throw from.bad('a link points to nothing');
  if (kind !== 'file') return entry;
  entry.sparse = from.byte() === 1;
  // A hole takes a byte at least, so the count is bounded by what is there.
  const count = from.whole(from.left);
  for (let i = 0; i < count; i++) {
    const coded = from.whole();
    const hole = coded % 2 === 1;
    const lengthBytes = (coded - (hole ? 1 : 0)) / 2;
    if (lengthBytes === 0) throw from.bad('a run of a file is empty');
    entry.segments.push({ id: hole ? undefined : from.raw(CHUNK_ID_BYTES), lengthBytes });
    entry.sizeBytes += lengthBytes;
  }
  if (!Number.isSafeInteger(entry.sizeBytes)) throw from.bad('a file is longer than any can be');
  return entry;
}
