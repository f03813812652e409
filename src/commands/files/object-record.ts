/** Stored objects as rows. */
import type { ObjectView } from '../../engine/engine.ts';
import type { VersionView } from '../../engine/views/names.ts';
import type { Column, OutputRecord } from '../command.ts';

export function objectRecord(object: ObjectView): OutputRecord {
  const {
    name,
    objectId,
    version,
    sizeBytes,
    contentHash,
    mimeType,
    tags,
    code,
    chunkBytes,
    stripes,
    createdAtMs,
    ownerKey,
    pool,
  } = object;
  return {
    name,
    objectId,
    version,
    sizeBytes,
    contentHash,
    mimeType,
    tags,
    code: `${code.k}+${code.m}`,
    chunkBytes,
    stripes,
    createdAtMs,
    ownerKey,
    pool: pool ?? null,
  };
}

/** With what has become of the version. */
export function versionRecord(version: VersionView): OutputRecord {
  return { ...objectRecord(version), state: version.state, endedAtMs: version.endedAtMs ?? null };
}

export const OBJECT_COLUMNS: readonly Column[] = [
  { key: 'name', title: 'NAME' },
  { key: 'sizeBytes', title: 'SIZE', align: 'right', format: 'bytes' },
  { key: 'createdAtMs', title: 'CREATED', format: 'time', priority: 2 },
  { key: 'version', title: 'VER', align: 'right', priority: 5 },
  { key: 'code', title: 'CODE', priority: 4 },
  { key: 'tags', title: 'TAGS', format: 'list', priority: 3 },
  { key: 'objectId', title: 'ID', format: 'id', priority: 1 },
];
