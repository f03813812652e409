/** Rows of the catalog's tables as entries, and names as the bytes that stand in them. */
import { DatameshError } from '../../errors.ts';
import { MAX_NAME_BYTES } from '../codec/manifest-limits.ts';
import type { Row } from '../effects/sqlite-file.ts';
import type { ObjectView } from '../engine.ts';
import type { ObjectId, OwnerId, PeerId } from '../types.ts';
import type { Entry } from './catalog.ts';
import { nameBytes } from './list-query.ts';

/** Candidates shown for an ambiguous id. */
export const MAX_CANDIDATES = 10;

export function viewOf(row: Row): ObjectView {
  return {
    name: textOf(row.name),
    objectId: row.object_id as ObjectId,
    version: row.version as number,
    sizeBytes: row.size_bytes as number,
    contentHash: row.content_hash as string,
    mimeType: row.mime_type as string,
    tags: JSON.parse(row.tags as string) as string[],
    code: { k: row.k as number, m: row.m as number },
    chunkBytes: row.chunk_bytes as number,
    stripes: row.stripes as number,
    createdAtMs: row.created_at_ms as number,
    ownerKey: row.owner_key as string,
    pool: row.pool as string,
  };
}

export function entryOf(row: Row): Entry {
  return {
    ...viewOf(row),
    owner: row.owner_id as OwnerId,
    state: row.current === 1 ? 'current' : row.deleted === 1 ? 'deleted' : 'old',
    endedAtMs: row.ended_at_ms === 0 ? undefined : (row.ended_at_ms as number),
    storedBytes: row.stored_bytes as number,
    manifestHolders: JSON.parse(row.manifest_holders as string) as PeerId[],
  };
}

/** ignoreBOM: a name may begin with U+FEFF and must come back with it. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function textOf(value: unknown): string {
  return utf8.decode(value as Uint8Array);
}

export function checkedName(name: string): Uint8Array {
  const bytes = nameBytes(name);
  const fault = !name.isWellFormed()
    ? 'it holds half a surrogate pair, which is no character'
    : bytes.length === 0
      ? 'it is empty'
      : bytes.length > MAX_NAME_BYTES
        ? `it has ${bytes.length} bytes, more than ${MAX_NAME_BYTES}`
        : undefined;
  if (fault === undefined) return bytes;
  throw new DatameshError('bad-name', {
    what: 'an object cannot have this name',
    why: fault,
    mend: 'choose another name',
  });
}

export function ambiguous(prefix: string, hits: Entry[]): DatameshError {
  const more = hits.length > MAX_CANDIDATES;
  const shown = hits.slice(0, MAX_CANDIDATES);
  return new DatameshError('bad-value', {
    what: `the id ${prefix} fits ${more ? `more than ${MAX_CANDIDATES}` : hits.length} objects`,
    why: shown.map((it) => `${it.objectId.slice(0, 16)}… ${JSON.stringify(it.name)}`).join(', '),
    mend: 'give more digits',
    details: {
      candidates: shown.map((it) => ({ objectId: it.objectId, name: it.name, version: it.version })),
    },
  });
}
