/** Fields of the records of the commands to begin with. */
import {
  anything,
  bytes,
  count,
  type Fields,
  listOf,
  ms,
  objectOf,
  oneOf,
  orNull,
  text,
  texts,
  timeMs,
} from '../fields.ts';

export const VERSION_INFO_FIELDS: Fields = { version: text, node: text, platform: text };

export const DOCTOR_FIELDS: Fields = {
  check: text,
  state: oneOf('ok', 'warn', 'fail'),
  detail: text,
  mend: orNull(text),
};

export const INIT_FIELDS: Fields = {
  configPath: text,
  dataDir: text,
  peerId: text,
  key: text,
  ownerId: text,
};

export const RECOVER_FIELDS: Fields = {
  owner: text,
  segments: count,
  missingSegments: texts,
  objects: count,
  versions: count,
  logicalBytes: bytes,
  pools: count,
  added: count,
  conflicts: texts,
  durationMs: ms,
  headSequence: orNull(count),
  headWrittenAtMs: orNull(timeMs),
  headAgreed: orNull(count),
  headAsked: orNull(count),
  headRefused: orNull(count),
  scanned: orNull(objectOf({ asked: count, named: count, added: count, missing: texts })),
};

const NODE_STARTED = objectOf({ name: text, pid: count, address: text });
const HOLDER_ROW = objectOf({ node: text, data: count, parity: count, manifest: count, total: count });

/** One a step; what it found stands beside, and which of these that is says the step. */
export const DEMO_FIELDS: Fields = {
  step: oneOf('file', 'start', 'meet', 'put', 'layout', 'health', 'kill', 'get', 'compare', 'heal'),
  ms,
  'path?': text,
  'bytes?': bytes,
  'blake3?': text,
  'sha256?': text,
  'folder?': text,
  'nodes?': { anyOf: [count, listOf(NODE_STARTED)] },
  'by?': text,
  'code?': text,
  'objectId?': text,
  'shardsDurable?': count,
  'shardsWanted?': count,
  'spare?': { type: 'integer' },
  'stripes?': count,
  'holders?': listOf(HOLDER_ROW),
  'objects?': count,
  'ok?': count,
  'degraded?': count,
  'critical?': count,
  'lost?': count,
  'shardsLive?': count,
  'shardsExpected?': count,
  'silent?': texts,
  'killed?': texts,
  'identical?': { const: true },
};

const NAMED = { name: text, summary: text };

/** Of a command, of the list of topics, and of a topic. */
export const HELP_FIELDS: readonly Fields[] = [
  {
    ...NAMED,
    synonyms: texts,
    group: text,
    effects: oneOf('reads', 'writes', 'destructive'),
    needs: oneOf('nothing', 'config', 'engine', 'service'),
    args: listOf(anything),
    options: listOf(anything),
    examples: listOf(objectOf({ line: text, note: text })),
    exits: listOf(objectOf({ code: count, meaning: text })),
    fields: texts,
  },
  NAMED,
  { name: text, text },
];
