/** Fields of the records of the commands of care. */
import {
  anything,
  bytes,
  count,
  type Fields,
  figure,
  integer,
  listOf,
  ms,
  objectOf,
  oneOf,
  orNull,
  rate,
  share,
  text,
  texts,
  timeMs,
  yesNo,
} from '../fields.ts';

export const CLEANUP_FIELDS: Fields = {
  objects: orNull(count),
  shardsLive: orNull(count),
  shardsListed: orNull(count),
  marked: orNull(count),
  waiting: orNull(count),
  swept: orNull(count),
  sweptBytes: orNull(bytes),
  duplicates: orNull(count),
  released: orNull(count),
  releasedBytes: orNull(bytes),
  unproved: orNull(count),
  failed: orNull(count),
  epoch: orNull(count),
  delayMs: orNull(ms),
  holders: listOf(
    objectOf({
      holder: text,
      'name?': text,
      listed: count,
      orphans: count,
      marked: count,
      waiting: count,
      swept: count,
      'failed?': text,
    }),
  ),
  blocked: texts,
  waits: texts,
  durationMs: ms,
};

export const QUOTA_FIELDS: Fields = {
  owner: text,
  usedBytes: orNull(bytes),
  limitBytes: orNull(bytes),
  ownLimit: yesNo,
  share: orNull(share),
};

export const REBALANCE_FIELDS: Fields = {
  applied: yesNo,
  pool: text,
  objects: count,
  tolerance: share,
  farthest: figure,
  farthestAfter: figure,
  moves: count,
  moveBytes: bytes,
  moved: count,
  movedBytes: bytes,
  failed: count,
  skipped: count,
  trafficBytes: bytes,
  durationMs: ms,
  holders: listOf(
    objectOf({
      holder: text,
      'name?': text,
      shards: count,
      bytes,
      shardsAfter: count,
      bytesAfter: bytes,
      'fairBytes?': figure,
    }),
  ),
};

export const REPAIR_FIELDS: Fields = {
  applied: yesNo,
  objects: count,
  damaged: count,
  shardsMissing: count,
  shardsMisplaced: count,
  shardsRebuilt: count,
  shardsMoved: count,
  shardsUnplaced: count,
  stripesLost: count,
  trafficBytes: bytes,
  durationMs: ms,
  worst: listOf(
    objectOf({
      name: text,
      objectId: text,
      'stripe?': count,
      spare: integer,
      missing: count,
      misplaced: count,
    }),
  ),
};

export const JOB_FIELDS: Fields = {
  id: text,
  verb: text,
  target: text,
  state: oneOf('running', 'done', 'failed', 'cancelled'),
  unasked: yesNo,
  share: orNull(share),
  doneBytes: bytes,
  totalBytes: orNull(bytes),
  doneItems: orNull(count),
  totalItems: orNull(count),
  bytesPerSecond: figure,
  itemsPerSecond: figure,
  etaMs: orNull(ms),
  startedAtMs: timeMs,
  endedAtMs: orNull(timeMs),
  error: orNull(text),
};

export const JOB_SHOW_FIELDS: Fields = {
  ...JOB_FIELDS,
  log: listOf(objectOf({ atMs: timeMs, level: oneOf('info', 'warn', 'error'), text })),
  logDropped: count,
};

export const CONFIG_FIELD_FIELDS: Fields = {
  key: text,
  value: anything,
  text,
  origin: text,
  source: text,
  summary: text,
  'env?': text,
};

export const CONFIG_UNSET_FIELDS: Fields = { key: text, removed: yesNo };
export const CONFIG_PATH_FIELDS: Fields = { path: text };
export const CONFIG_VALID_FIELDS: Fields = { path: text, valid: yesNo };

export const METRIC_FIELDS: Fields = {
  name: text,
  labels: { type: 'object', additionalProperties: text },
  labelText: text,
  value: figure,
  type: oneOf('counter', 'gauge', 'histogram', 'summary'),
  help: text,
};

export const BENCHMARK_FIELDS: Fields = {
  operation: oneOf('put', 'get', 'delete'),
  iterations: count,
  fileBytes: bytes,
  medianMs: ms,
  minMs: ms,
  maxMs: ms,
  bytesPerSecond: orNull(rate),
};

export const OPTIMIZE_FIELDS: Fields = {
  area: oneOf('cache', 'storage', 'network'),
  key: text,
  now: count,
  proposed: count,
  nowText: text,
  proposedText: text,
  gain: orNull(text),
  measured: text,
};
