/** Fields of the records of the file commands. */
import {
  bytes,
  code,
  count,
  dryRun,
  type Fields,
  integer,
  listOf,
  ms,
  objectOf,
  oneOf,
  orNull,
  rate,
  text,
  texts,
  timeMs,
  yesNo,
} from '../fields.ts';
import { HEALTH_FIELDS, SPARE_FIELDS } from '../network/fields.ts';

export const OBJECT_FIELDS: Fields = {
  name: text,
  objectId: text,
  version: count,
  sizeBytes: bytes,
  contentHash: text,
  mimeType: text,
  tags: texts,
  code,
  chunkBytes: bytes,
  stripes: count,
  createdAtMs: timeMs,
  ownerKey: text,
  pool: orNull(text),
};

export const VERSION_FIELDS: Fields = {
  ...OBJECT_FIELDS,
  state: oneOf('current', 'deleted', 'old'),
  endedAtMs: orNull(timeMs),
};

/** Whole domains of each level that may fail, whichever they are. */
const SURVIVES = objectOf({ disk: count, node: count, rack: count, zone: count });

/** The last row of a page carries the cursor of what follows it. */
export const LIST_FIELDS: Fields = { ...OBJECT_FIELDS, 'cursor?': text };

export const PUT_FIELDS: Fields = {
  ...OBJECT_FIELDS,
  shardsDurable: count,
  shardsWanted: count,
  spare: integer,
  degraded: yesNo,
  domain: text,
  survives: SURVIVES,
  stripesResumed: count,
  nodes: count,
  holders: listOf(objectOf({ peerId: text, 'name?': text, shards: count })),
  replacedVersion: orNull(count),
  durationMs: ms,
  'bytesPerSecond?': rate,
};

export const GET_FIELDS: Fields = {
  ...OBJECT_FIELDS,
  file: text,
  offset: bytes,
  bytes,
  durationMs: ms,
  'bytesPerSecond?': rate,
  'dryRun?': dryRun,
};

const STRIPE = objectOf({
  index: count,
  shardBytes: bytes,
  spare: integer,
  shards: listOf(
    objectOf({
      index: count,
      shardId: text,
      kind: oneOf('data', 'parity', 'replica'),
      holder: text,
      'live?': yesNo,
    }),
  ),
});

export const INFO_FIELDS: Fields = {
  ...OBJECT_FIELDS,
  state: oneOf('ok', 'degraded', 'critical', 'lost'),
  spare: integer,
  survives: SURVIVES,
  outlives: text,
  'manifest?': STRIPE,
  'stripesDetail?': listOf(STRIPE),
};

export const POPULAR_FIELDS: Fields = {
  ...OBJECT_FIELDS,
  reads: count,
  readBytes: bytes,
  lastReadAtMs: timeMs,
};

export const STATS_FIELDS: Fields = {
  objects: count,
  versions: count,
  logicalBytes: bytes,
  storedBytes: bytes,
  overhead: orNull({ type: 'number', minimum: 0 }),
  localShards: count,
  localUsedBytes: bytes,
  quotaBytes: bytes,
  reserveBytes: bytes,
  diskFreeBytes: bytes,
  shardsAsked: count,
  hedges: count,
  hedgesWon: count,
  cacheHits: count,
  cacheMisses: count,
  cacheBytes: bytes,
  catalogHead: orNull(count),
  catalogWrittenAtMs: orNull(timeMs),
  catalogPending: orNull(count),
  catalogSegments: orNull(count),
  catalogHolders: orNull(count),
  catalogProblem: orNull(text),
};

export const VERIFY_FIELDS: Fields = {
  ...HEALTH_FIELDS,
  objectsRead: orNull(count),
  bytesRead: orNull(bytes),
  unreadable: orNull(count),
  failed: listOf(objectOf({ holder: text, 'name?': text, absent: count, wrong: count })),
  unreadableObjects: listOf(objectOf({ name: text, objectId: text, reason: text })),
};

export const PROVE_FIELDS: Fields = {
  objectId: text,
  ownerId: text,
  code,
  stripeCount: count,
  state: oneOf('ok', 'degraded', 'critical', 'lost'),
  spare: integer,
  stripes: objectOf(SPARE_FIELDS),
  shardsExpected: count,
  shardsProved: count,
  firstSignedAtMs: orNull(timeMs),
  lastSignedAtMs: orNull(timeMs),
  holders: listOf(objectOf({ holder: text, signer: text, shards: count, noted: yesNo })),
  holderCount: count,
  file: text,
  'dryRun?': dryRun,
};

export const DELETE_FIELDS: Fields = {
  ...OBJECT_FIELDS,
  purged: yesNo,
  versions: orNull(count),
  shardsReleased: orNull(count),
  unreachable: texts,
};

export const RENAME_FIELDS: Fields = { ...VERSION_FIELDS, from: text, versions: orNull(count) };

export const DUPLICATE_FIELDS: Fields = {
  ...VERSION_FIELDS,
  version: orNull(count),
  from: text,
  replacedVersion: orNull(count),
};

/** Shown without a change, the state is left out: it is the current version. */
export const TAG_FIELDS: Fields = {
  ...OBJECT_FIELDS,
  'state?': VERSION_FIELDS.state!,
  'endedAtMs?': VERSION_FIELDS.endedAtMs!,
};

export const BATCH_PUT_FIELDS: Fields = {
  ...OBJECT_FIELDS,
  file: text,
  spare: integer,
  degraded: yesNo,
  shardsDurable: count,
  shardsWanted: count,
};

export const BATCH_GET_FIELDS: Fields = { ...OBJECT_FIELDS, file: text, bytes, 'dryRun?': dryRun };
