/** Changes of the catalog as they stand in its mirror: each tells the last state of one entry or pool. Format: docs/FORMATS.md "Catalog mirror". */
import { DatameshError } from '../../../errors.ts';
import { MAX_NAME_BYTES, MAX_TAG_BYTES, MAX_TAGS } from '../../codec/manifest-limits.ts';
import type { Domain } from '../../placement/domains.ts';
import { isHexId, type ObjectId, type PeerId } from '../../types.ts';
import type { PoolFolder, PoolRecord } from '../catalog.ts';
import { isStamp, type Stamp } from './stamp.ts';

/** Name, object and time of storing tell an entry from every other, whatever device numbered it how. */
export interface EntryIdentity {
  name: string;
  objectId: ObjectId;
  createdAtMs: number;
}

export interface EntryRecord extends EntryIdentity {
  kind: 'entry';
  stamp: Stamp;
  version: number;
  /** It is what the bare name means. */
  current: boolean;
  /** It is what the bare name meant until it was deleted. */
  deleted: boolean;
  /** When it ceased to be current; 0 while it is. */
  endedAtMs: number;
  sizeBytes: number;
  contentHash: string;
  mimeType: string;
  tags: string[];
  k: number;
  m: number;
  chunkBytes: number;
  stripes: number;
  storedBytes: number;
  pool: string;
  manifestHolders: PeerId[];
  /** The custodians had not all confirmed its order when this was written. */
  untold: { domain: Domain; members: PeerId[] } | undefined;
}

export interface RemovedRecord extends EntryIdentity {
  kind: 'removed';
  stamp: Stamp;
}

export interface PoolChange {
  kind: 'pool';
  stamp: Stamp;
  pool: PoolRecord;
}

export type MirrorRecord = EntryRecord | RemovedRecord | PoolChange;

const DOMAINS: readonly Domain[] = ['none', 'disk', 'node', 'rack', 'zone'];
const LETTER = { entry: 'e', removed: 'r', pool: 'p' } as const;
const MAX_HOLDERS = 512;
const MAX_TEXT = 4096;
/** A pool that a newer datamesh made may name what this one does not know. */
const MAX_FOLDERS = 1024;

/** One record as a line of JSON, without the line feed (JSON writes none). */
export function encodeRecord(record: MirrorRecord): string {
  if (record.kind === 'pool') {
    const { name, code, domain, compress, nodes, folders, separateDisks, createdAtMs, keep } = record.pool;
    return JSON.stringify([
      LETTER.pool,
      record.stamp,
      name,
      [code.k, code.m, domain, compress ? 1 : 0, separateDisks ? 1 : 0, createdAtMs],
      nodes === 'all' ? 0 : nodes,
      folders.map(({ path, holder, quotaBytes }) => [path, holder, quotaBytes ?? -1]),
      [keep?.versions ?? -1, keep?.ageMs ?? -1, keep?.bytes ?? -1],
    ]);
  }
  const head = [LETTER[record.kind], record.stamp, record.name, record.objectId, record.createdAtMs];
  if (record.kind === 'removed') return JSON.stringify(head);
  const { version, current, sizeBytes, contentHash, mimeType, tags, k, m, chunkBytes, stripes } = record;
  return JSON.stringify([
    ...head,
    [version, current ? 1 : 0, sizeBytes, k, m, chunkBytes, stripes, record.storedBytes],
    [contentHash, mimeType, record.pool],
    tags,
    record.manifestHolders,
    record.untold === undefined ? 0 : [record.untold.domain, record.untold.members],
    [record.deleted ? 1 : 0, record.endedAtMs],
  ]);
}

/** Throws `malformed-data`: it is the owner's own word, but of a device that may have been wrong. */
export function decodeRecord(line: string): MirrorRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw malformed('a line is no JSON', cause);
  }
  if (!Array.isArray(value)) throw malformed('a line is no list');
  const items = value as unknown[];
  const [letter, stamp] = items;
  if (!isStamp(stamp)) throw malformed('a stamp');
  if (letter === LETTER.pool && (items.length === 6 || items.length === 7)) return poolOf(stamp, items);
  const identity = {
    stamp,
    name: text(items[2], MAX_NAME_BYTES),
    objectId: hexId(items[3]) as ObjectId,
    createdAtMs: whole(items[4]),
  };
  if (identity.name === '' || !identity.name.isWellFormed()) throw malformed('a name');
  if (letter === LETTER.removed && items.length === 5) return { kind: 'removed', ...identity };
  if (letter !== LETTER.entry || items.length < 10 || items.length > 11)
    throw malformed('an unknown kind of line');
  // Lines of before there was deletion that can be undone have no such item.
  const [deleted, endedAtMs] = items.length === 10 ? [0, 0] : list(items[10], 2, whole);
  const [version, current, sizeBytes, k, m, chunkBytes, stripes, storedBytes] = list(items[5], 8, whole);
  const [contentHash, mimeType, pool] = list(items[6], 3, (it) => text(it, MAX_TEXT));
  const untold = items[9];
  if (version! < 1 || current! + deleted! > 1 || k! < 1 || k! + m! > 255) throw malformed('a number');
  return {
    kind: 'entry',
    ...identity,
    version: version!,
    current: current === 1,
    deleted: deleted === 1,
    endedAtMs: endedAtMs!,
    sizeBytes: sizeBytes!,
    k: k!,
    m: m!,
    chunkBytes: chunkBytes!,
    stripes: stripes!,
    storedBytes: storedBytes!,
    contentHash: hexId(contentHash),
    mimeType: mimeType!,
    pool: pool!,
    tags: list(items[7], MAX_TAGS, (it) => text(it, MAX_TAG_BYTES)),
    manifestHolders: holders(items[8]),
    untold: untold === 0 ? undefined : untoldOf(untold),
  };
}

function untoldOf(value: unknown): EntryRecord['untold'] {
  if (!Array.isArray(value) || value.length !== 2) throw malformed('an order');
  return { domain: domainOf(value[0]), members: holders(value[1]) };
}

function poolOf(stamp: Stamp, items: readonly unknown[]): PoolChange {
  const settings = items[3];
  if (!Array.isArray(settings) || settings.length !== 6) throw malformed('a pool');
  const [k, m, domain, compress, separateDisks, createdAtMs] = settings as unknown[];
  return {
    kind: 'pool',
    stamp,
    pool: {
      name: text(items[2], MAX_TEXT),
      code: { k: whole(k), m: whole(m) },
      domain: domainOf(domain),
      compress: compress === 1,
      separateDisks: separateDisks === 1,
      createdAtMs: whole(createdAtMs),
      nodes: items[4] === 0 ? 'all' : holders(items[4]),
      folders: list(items[5], MAX_FOLDERS, folderOf),
      ...(items.length === 7 ? keepOf(items[6]) : {}),
    },
  };
}

function keepOf(value: unknown): Pick<PoolRecord, 'keep'> {
  const limits = list(value, 3, (it) => (it === -1 ? undefined : whole(it)));
  const named = (['versions', 'ageMs', 'bytes'] as const).map((name, at) => [name, limits[at]] as const);
  const given = named.filter(([, limit]) => limit !== undefined);
  return given.length === 0 ? {} : { keep: Object.fromEntries(given) };
}

function folderOf(value: unknown): PoolFolder {
  if (!Array.isArray(value) || value.length !== 3) throw malformed('a folder');
  const [path, holder, quotaBytes] = value as unknown[];
  const folder = { path: text(path, MAX_TEXT), holder: text(holder, 128) as PeerId };
  return quotaBytes === -1 ? folder : { ...folder, quotaBytes: whole(quotaBytes) };
}

function domainOf(value: unknown): Domain {
  const domain = DOMAINS.find((it) => it === value);
  if (domain === undefined) throw malformed('a failure domain');
  return domain;
}

function holders(value: unknown): PeerId[] {
  return list(value, MAX_HOLDERS, (it) => text(it, 128) as PeerId);
}

function list<T>(value: unknown, max: number, read: (item: unknown) => T): T[] {
  if (!Array.isArray(value) || value.length > max) throw malformed('a list');
  return value.map(read);
}

function text(value: unknown, maxBytes: number): string {
  if (typeof value !== 'string' || Buffer.byteLength(value) > maxBytes) throw malformed('a text');
  return value;
}

function hexId(value: unknown): string {
  if (typeof value !== 'string' || !isHexId(value)) throw malformed('an id');
  return value;
}

function whole(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed('a number');
  return value;
}

function malformed(what: string, cause?: unknown): DatameshError {
  return new DatameshError('malformed-data', {
    what: 'a segment of the mirrored catalog is malformed',
    why: what,
    cause,
  });
}
