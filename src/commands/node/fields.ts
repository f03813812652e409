/** Fields of the records of the commands of this node. */
import {
  anything,
  bytes,
  code,
  count,
  type Fields,
  listOf,
  ms,
  oneOf,
  orNull,
  text,
  texts,
  timeMs,
} from '../fields.ts';

export const STATUS_FIELDS: Fields = {
  name: text,
  peerId: text,
  owner: orNull(text),
  role: oneOf('regular', 'bootstrap', 'service'),
  network: text,
  'zone?': text,
  'rack?': text,
  version: text,
  pid: count,
  mode: oneOf('service', 'embedded'),
  startedAtMs: timeMs,
  uptimeMs: ms,
  addresses: texts,
  'bulkPort?': count,
  peersConnected: count,
  peersKnown: count,
  dataDir: text,
  code,
  objects: count,
  shards: count,
  usedBytes: bytes,
  quotaBytes: bytes,
  diskFreeBytes: bytes,
  reserveBytes: bytes,
};

/** Of a service that does not run only the first and the last two are known. */
export const SERVICE_FIELDS: Fields = {
  state: oneOf('running', 'busy', 'stopped'),
  'pid?': orNull(count),
  'name?': text,
  'startedAtMs?': timeMs,
  'uptimeMs?': ms,
  'addresses?': texts,
  'peersConnected?': count,
  dataDir: text,
  log: text,
};

export const LOG_FIELDS: Fields = { line: text };

export const BOOTSTRAP_FIELDS: Fields = { peerId: text, address: text, rttMs: ms };

export const DRAIN_FIELDS: Fields = {
  state: oneOf('off', 'running', 'stuck', 'done'),
  'sinceMs?': timeMs,
  shardsLeft: count,
  bytesLeft: bytes,
  shardsDropped: count,
  waiting: count,
  blocked: count,
  unnamed: count,
  reasons: texts,
};

/** An event of `service run --json`. */
export const EVENT_FIELDS: Fields = {
  atMs: timeMs,
  level: oneOf('debug', 'info', 'warn', 'error'),
  source: text,
  text,
};

/** With --dry-run also what would be written and run. */
export const INSTALL_FIELDS: Fields = {
  manager: oneOf('systemd', 'launchd'),
  scope: oneOf('user', 'system'),
  path: text,
  state: text,
  'text?': orNull(text),
  'run?': listOf(anything),
};
