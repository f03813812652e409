/** A snapshot object: when, of what, by whom, its figures, and the chunks that its tree is made of. Storing it is what makes a backup exist. */
import { MAX_PATTERN_CHARACTERS, MAX_PATTERNS } from './exclude.ts';
import { CHUNK_ID_BYTES, FieldReader, FieldWriter } from './fields.ts';
import { MAX_PATH_BYTES } from './limits.ts';

export interface Snapshot {
  /** When the run began, milliseconds since 1970. */
  takenAtMs: number;
  /** Name and peer id of the node that took it. */
  node: string;
  device: string;
  /** Absolute path of the folder, bytes as the system has them. */
  source: Buffer;
  tags: string[];
  excludes: string[];
  files: number;
  directories: number;
  /** Symbolic links, and further names of files. */
  links: number;
  /** Of all files, each counted once. */
  sizeBytes: number;
  /** Bytes that this run stored for it, tables included; without this record, which cannot hold its own length. */
  addedBytes: number;
  /** Things that could not be read or are no files, folders or links. */
  skipped: number;
  durationMs: number;
  tree: Buffer[];
}

const MAGIC = Buffer.from('DMSN');
const VERSION = 1;
/** As many patterns as may be asked for, and as long: what is written must be read. */
const MAX_TEXTS = MAX_PATTERNS;
const MAX_TEXT_BYTES = 4 * MAX_PATTERN_CHARACTERS;

export function encodeSnapshot(snapshot: Snapshot): Buffer {
  const out = new FieldWriter().raw(MAGIC).byte(VERSION).whole(snapshot.takenAtMs);
  out.text(snapshot.node).text(snapshot.device).bytes(snapshot.source);
  for (const texts of [snapshot.tags, snapshot.excludes]) {
    out.whole(texts.length);
    for (const text of texts) out.text(text);
  }
  out.whole(snapshot.files).whole(snapshot.directories).whole(snapshot.links);
  out.whole(snapshot.sizeBytes).whole(snapshot.addedBytes).whole(snapshot.skipped);
  out.whole(Math.round(snapshot.durationMs)).whole(snapshot.tree.length);
  for (const id of snapshot.tree) out.raw(id);
  return out.take();
}

/** Throws `malformed-data`. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const from = new FieldReader(bytes, 'a snapshot');
  if (!from.raw(MAGIC.length).equals(MAGIC)) throw from.bad('it is no snapshot');
  const version = from.byte();
  if (version !== VERSION) throw from.bad(`it is of version ${version}, which is not known here`);
  const texts = () => {
    const count = from.whole(MAX_TEXTS);
    return Array.from({ length: count }, () => from.text(MAX_TEXT_BYTES));
  };
  const snapshot: Snapshot = {
    takenAtMs: from.whole(),
    node: from.text(MAX_TEXT_BYTES),
    device: from.text(MAX_TEXT_BYTES),
    source: from.bytes(MAX_PATH_BYTES),
    tags: texts(),
    excludes: texts(),
    files: from.whole(),
    directories: from.whole(),
    links: from.whole(),
    sizeBytes: from.whole(),
    addedBytes: from.whole(),
    skipped: from.whole(),
    durationMs: from.whole(),
    tree: [],
  };
  const count = from.whole(Math.floor(from.left / CHUNK_ID_BYTES));
  for (let i = 0; i < count; i++) snapshot.tree.push(from.raw(CHUNK_ID_BYTES));
  from.end();
  return snapshot;
}
