/**
 * Every field of the configuration, once: from this table come defaults, validation, environment names, `config list`,
 * completion and the documentation.
 */
import {
  type Check,
  checkAbsolute,
  checkAllowed,
  checkBootstrap,
  checkCollector,
  checkEach,
  checkLabel,
  checkNetworkName,
  checkNicknames,
  checkNodeName,
  checkRange,
  MAX_PORT,
} from './checks.ts';
import { checkSpan } from './schedule.ts';
import type { Config } from './schema.ts';

export type FieldKind = 'string' | 'integer' | 'size' | 'rate' | 'boolean' | 'enum' | 'list';
export type FieldValue = string | number | boolean | string[];

export interface ConfigField {
  /** Path in the file, e.g. "storage.quotaBytes". */
  key: string;
  kind: FieldKind;
  values?: readonly string[];
  summary: string;
  /** A running node takes the new value only after a restart. */
  restart: boolean;
  /** Its key before it had this one (migrate.ts); its variable of then still works. */
  formerly?: string;
  /** What is wrong with a value of the right kind, or undefined. */
  check?: (value: FieldValue) => string | undefined;
}

/** Of the file. Raised when an older datamesh would misread it, with a step in migrate.ts. */
export const CONFIG_VERSION = 2;

/** 255 shards are what GF(2^8) allows. */
export const MAX_SHARDS = 255;
/** Longer, and it would be a store. */
const MAX_CACHE_SECONDS = 24 * 3600;

/** More than there will be; what this node knows is in engine/mesh/protocol-versions.ts. */
const MAX_PROTOCOL = 99;

/** A year. */
const MAX_DELAY_HOURS = 366 * 24;

const onText = (check: Check<string>) => (value: FieldValue) => check(value as string);
const onNumber = (check: Check<number>) => (value: FieldValue) => check(value as number);
const onList = (check: Check<string>) => (value: FieldValue) => checkEach(check)(value as string[]);

export const CONFIG_FIELDS: readonly ConfigField[] = [
  {
    key: 'node.name',
    kind: 'string',
    summary: 'name of this node, shown to other nodes',
    restart: true,
    check: onText(checkNodeName),
  },
  {
    key: 'node.dataDir',
    kind: 'string',
    summary: 'folder with identity, keyring, shards and catalog',
    restart: true,
    check: onText(checkAbsolute),
  },
  {
    key: 'node.role',
    kind: 'enum',
    values: ['regular', 'bootstrap', 'service'],
    summary: 'what the node is for: regular storage, a meeting point, or an always-on server',
    restart: true,
  },
  {
    key: 'node.priority',
    kind: 'enum',
    values: ['low', 'normal'],
    summary: 'how the service shares the processor: low gives way to the other programs of this machine',
    restart: true,
  },
  {
    key: 'network.name',
    kind: 'string',
    summary: 'network id; nodes of different networks never mix',
    restart: true,
    check: onText(checkNetworkName),
  },
  {
    key: 'network.preset',
    kind: 'enum',
    values: ['local', 'lan', 'custom'],
    summary: 'where it listens: loopback only, the local network, or every address',
    restart: true,
  },
  {
    key: 'network.port',
    kind: 'integer',
    summary: 'TCP port to listen on; 0 = any free one',
    restart: true,
    check: onNumber(checkRange(0, MAX_PORT)),
  },
  {
    key: 'network.bootstrap',
    kind: 'list',
    summary:
      'addresses of nodes to meet the network through; "?priority=10" after one: dialled later than those without',
    restart: true,
    check: onList(checkBootstrap),
  },
  {
    key: 'network.zone',
    kind: 'string',
    summary: 'house or datacenter this node stands in, shown to other nodes',
    restart: true,
    check: onText(checkLabel),
  },
  {
    key: 'network.rack',
    kind: 'string',
    summary: 'rack or room within the zone, shown to other nodes',
    restart: true,
    check: onText(checkLabel),
  },
  {
    key: 'network.protocol',
    kind: 'integer',
    summary:
      'speak no later protocol version than this, while a mesh is updated node by node; 0 = the newest',
    restart: true,
    check: onNumber(checkRange(0, MAX_PROTOCOL)),
  },
  {
    key: 'network.nicknames',
    kind: 'list',
    summary: 'your own names for peers, as PEER-ID=NAME; told to nobody',
    restart: false,
    check: (value) => checkNicknames(value as string[]),
  },
  {
    key: 'storage.quotaBytes',
    kind: 'size',
    summary: 'bytes offered for shards of the network; 0 = none',
    restart: true,
  },
  {
    key: 'storage.reservePercent',
    kind: 'integer',
    summary: 'share of the disk that stays free, in percent',
    restart: true,
    check: onNumber(checkRange(0, 90, ' percent')),
  },
  {
    key: 'reads.cacheBytes',
    kind: 'size',
    summary: 'memory for shards that were read lately, so that reading them again asks nobody; 0 = none',
    restart: true,
  },
  {
    key: 'reads.cacheSeconds',
    kind: 'integer',
    summary: 'how long they are kept',
    restart: true,
    check: onNumber(checkRange(1, MAX_CACHE_SECONDS, ' seconds')),
  },
  {
    key: 'cleanup.delayHours',
    kind: 'integer',
    summary: 'what must pass between the first mark of a shard of no object and its deletion',
    restart: true,
    check: onNumber(checkRange(0, MAX_DELAY_HOURS, ' hours')),
  },
  {
    key: 'redundancy.k',
    kind: 'integer',
    summary: 'data shards: any k of the k+m shards give a file back',
    restart: false,
    check: onNumber(checkRange(1, MAX_SHARDS - 1)),
  },
  {
    key: 'redundancy.m',
    kind: 'integer',
    summary: 'parity shards: how many nodes may be lost',
    restart: false,
    check: onNumber(checkRange(1, MAX_SHARDS - 1)),
  },
  { key: 'bandwidth.upBytesPerSecond', kind: 'rate', summary: 'limit for sending; 0 = none', restart: false },
  {
    key: 'bandwidth.downBytesPerSecond',
    kind: 'rate',
    summary: 'limit for receiving; 0 = none',
    restart: false,
  },
  {
    key: 'bandwidth.schedule',
    kind: 'list',
    summary:
      'other limits at hours of this machine’s day, such as 08:00-18:00=1MiB/s:4MiB/s (sending:receiving, 0 = none); the first that fits holds',
    restart: false,
    check: onList(checkSpan),
  },
  {
    key: 'access.mode',
    kind: 'enum',
    values: ['open', 'allow-list'],
    summary: 'who may store here: anybody, or own and listed owners',
    restart: false,
  },
  {
    key: 'access.allow',
    kind: 'list',
    summary: 'owner ids or peer ids that may store here',
    restart: false,
    check: onList(checkAllowed),
  },
  {
    key: 'access.deny',
    kind: 'list',
    summary: 'owner ids or peer ids that may not connect at all',
    restart: false,
    check: onList(checkAllowed),
  },
  {
    key: 'metrics.port',
    kind: 'integer',
    summary: 'port of 127.0.0.1 where a service shows its figures to Prometheus, at /metrics; 0 = none',
    restart: true,
    check: onNumber(checkRange(0, MAX_PORT)),
  },
  {
    key: 'observe.traces',
    kind: 'string',
    summary:
      'OTLP/HTTP collector that is told of puts and gets, e.g. http://127.0.0.1:4318/v1/traces; empty = none',
    restart: true,
    check: onText(checkCollector),
  },
  {
    key: 'observe.logLevel',
    kind: 'enum',
    values: ['debug', 'info', 'warn', 'error'],
    summary: 'what a service writes to its log: this and what is graver',
    restart: false,
  },
  {
    key: 'console.history',
    kind: 'boolean',
    summary: 'keep the console history',
    restart: false,
    formerly: 'extras.history',
  },
  {
    key: 'console.editorMode',
    kind: 'enum',
    values: ['emacs', 'vi'],
    summary: "keys of the console's prompt",
    restart: false,
  },
  {
    key: 'console.mouse',
    kind: 'boolean',
    summary: 'the wheel scrolls the console, a click chooses a panel',
    restart: false,
  },
];

export const CONFIG_KEYS: readonly string[] = CONFIG_FIELDS.map(({ key }) => key);

const BY_KEY = new Map(CONFIG_FIELDS.map((field) => [field.key, field]));

export function fieldOf(key: string): ConfigField | undefined {
  return BY_KEY.get(key);
}

/** DATAMESH_STORAGE_QUOTA for storage.quotaBytes: upper case, without the unit, since a value carries its own. */
export function envNameOf(key: string): string {
  const bare = key.replace(/(BytesPerSecond|Bytes|Percent)$/, '');
  return `DATAMESH_${bare
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}

/** The value at `key`, or undefined where the object has none. */
export function valueAt(config: unknown, key: string): unknown {
  let node: unknown = config;
  for (const part of key.split('.')) {
    if (typeof node !== 'object' || node === null) return undefined;
    node = (node as Record<string, unknown>)[part];
  }
  return node;
}

/** A whole configuration for use by programs, tests and the demo; the defaults of the file are the same. */
export function defaultConfig(base: { name: string; dataDir: string }): Config {
  return {
    version: CONFIG_VERSION,
    node: { name: base.name, dataDir: base.dataDir, role: 'regular', priority: 'low' },
    network: {
      name: 'main',
      preset: 'local',
      port: 0,
      bootstrap: [],
      zone: '',
      rack: '',
      protocol: 0,
      nicknames: [],
    },
    storage: { quotaBytes: 100 * 2 ** 30, reservePercent: 10 },
    reads: { cacheBytes: 64 * 2 ** 20, cacheSeconds: 300 },
    cleanup: { delayHours: 24 },
    redundancy: { k: 4, m: 2 },
    bandwidth: { upBytesPerSecond: 0, downBytesPerSecond: 0, schedule: [] },
    access: { mode: 'allow-list', allow: [], deny: [] },
    metrics: { port: 0 },
    observe: { traces: '', logLevel: 'info' },
    console: { history: true, editorMode: 'emacs', mouse: false },
  };
}

/** Builds a configuration from a value for every field, in the order of the table: same values, same bytes. */
export function configFromFields(read: (key: string) => FieldValue): Config {
  const config: Record<string, unknown> = { version: CONFIG_VERSION };
  for (const { key } of CONFIG_FIELDS) {
    const [group, name] = key.split('.') as [string, string];
    const inner = (config[group] ??= {}) as Record<string, unknown>;
    inner[name] = read(key);
  }
  return config as unknown as Config;
}
