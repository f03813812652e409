/** Fields of the records of the folder commands. */
import {
  bytes,
  count,
  type Fields,
  isoTime,
  listOf,
  ms,
  objectOf,
  oneOf,
  orNull,
  text,
  texts,
} from '../fields.ts';

const FAULTS = listOf(objectOf({ path: text, why: text }));

export const SNAPSHOT_FIELDS: Fields = {
  id: text,
  takenAt: isoTime,
  source: text,
  node: text,
  tags: texts,
  files: count,
  directories: count,
  links: count,
  sizeBytes: bytes,
  addedBytes: {
    ...bytes,
    description:
      "bytes of packs and index that its run stored, before the erasure code; without the snapshot's own record",
  },
  skipped: count,
  durationMs: ms,
};

const { id: _id, ...SNAPSHOT_WITHOUT_ID } = SNAPSHOT_FIELDS;

export const BACKUP_FIELDS: Fields = {
  snapshotId: orNull(text),
  ...SNAPSHOT_WITHOUT_ID,
  filesRead: count,
  bytesRead: bytes,
  chunksNew: count,
  chunksKnown: count,
  packsAdopted: count,
  packsLost: count,
  degraded: count,
  skippedPaths: FAULTS,
};

export const ENTRY_FIELDS: Fields = {
  path: text,
  kind: oneOf('file', 'directory', 'link', 'hard-link'),
  mode: { type: 'string', pattern: '^[0-7]+$', description: 'octal' },
  uid: count,
  gid: count,
  sizeBytes: bytes,
  modifiedAt: isoTime,
  target: orNull(text),
};

/** Of one that could not be read, and is forgotten by its id, nothing else is known. */
const SNAPSHOT_OR_UNKNOWN: Fields = Object.fromEntries(
  Object.entries(SNAPSHOT_FIELDS).map(([key, field]) => [key, key === 'id' ? field : orNull(field)]),
);

export const FORGET_FIELDS: Fields = {
  action: oneOf('kept', 'forgotten'),
  reasons: texts,
  ...SNAPSHOT_OR_UNKNOWN,
};

export const PRUNE_FIELDS: Fields = {
  snapshots: count,
  chunksLive: count,
  bytesLive: bytes,
  packs: count,
  packsDeleted: count,
  packsRewritten: count,
  packsUnread: count,
  freedBytes: bytes,
  durationMs: ms,
};

export const RESTORE_FIELDS: Fields = {
  snapshotId: text,
  source: text,
  destination: text,
  files: count,
  directories: count,
  links: count,
  bytes,
  kept: count,
  unset: count,
  failedCount: count,
  failed: FAULTS,
  durationMs: ms,
};

export const SYNC_FIELDS: Fields = {
  action: oneOf('upload', 'download', 'delete-local', 'delete-remote', 'conflict', 'skip'),
  path: text,
  sizeBytes: orNull(bytes),
  'keptAs?': text,
  'problem?': text,
};
