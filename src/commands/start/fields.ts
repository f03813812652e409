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

/** One a step, with what it found beside. */
export const DEMO_FIELDS: Fields = { step: text, 'ms?': ms };

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
