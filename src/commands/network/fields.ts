/** Fields of the records of the network commands. */
import {
  bytes,
  count,
  dryRun,
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

export const SPARE_FIELDS: Fields = {
  lost: count,
  spare0: count,
  spare1: count,
  spare2: count,
  spare3plus: count,
};

const OBJECT_STATE = oneOf('degraded', 'critical', 'lost');
const PEER_STATE = oneOf('joining', 'active', 'suspect', 'draining', 'offline', 'quarantined');

export const HEALTH_FIELDS: Fields = {
  depth: oneOf('asked', 'proved'),
  takenAtMs: timeMs,
  durationMs: ms,
  objects: count,
  ok: count,
  degraded: count,
  critical: count,
  lost: count,
  shardsLive: count,
  shardsExpected: count,
  stripesLost: count,
  stripesSpare0: count,
  stripesSpare1: count,
  stripesSpare2: count,
  stripesSpare3plus: count,
  provedWhole: orNull(count),
  provedByChunk: orNull(count),
  provedOpen: orNull(count),
  silent: count,
  silentPeers: texts,
  worst: listOf(objectOf({ name: text, objectId: text, spare: integer, state: OBJECT_STATE })),
};

export const PEER_FIELDS: Fields = {
  peerId: text,
  name: orNull(text),
  nickname: orNull(text),
  ownName: orNull(text),
  banned: yesNo,
  direction: orNull(oneOf('inbound', 'outbound')),
  address: orNull(text),
  transport: orNull(text),
  zone: orNull(text),
  rack: orNull(text),
  agent: orNull(text),
  version: orNull(text),
  role: orNull(oneOf('regular', 'bootstrap', 'service')),
  state: PEER_STATE,
  eligible: yesNo,
  rttMs: orNull(ms),
  upBytesPerSecond: rate,
  downBytesPerSecond: rate,
  sentBytes: bytes,
  receivedBytes: bytes,
  shards: orNull(count),
  freeBytes: orNull(bytes),
  capacityBytes: orNull(bytes),
  requests: count,
  failures: count,
  score: { type: 'number', minimum: 0, maximum: 100 },
  breaker: oneOf('closed', 'open', 'half-open'),
  latencyP50Ms: orNull(ms),
  latencyP95Ms: orNull(ms),
  readsHedged: count,
  readsOvertaken: count,
  servedBytes: bytes,
  libp2pSentBytes: bytes,
  libp2pReceivedBytes: bytes,
  tlsSentBytes: bytes,
  tlsReceivedBytes: bytes,
  connectedAtMs: orNull(timeMs),
  lastSeenMs: orNull(timeMs),
  heardMs: orNull(timeMs),
  clockSkewMs: orNull(figure),
};

/** Figures are null where nobody was asked for them. */
export const PEER_BAN_FIELDS: Fields = {
  peerId: text,
  name: orNull(text),
  banned: yesNo,
  shards: orNull(count),
  objectsChanged: orNull(count),
  objectsLost: orNull(count),
  'dryRun?': dryRun,
};

export const PEER_NAME_FIELDS: Fields = {
  peerId: text,
  ownName: orNull(text),
  nickname: orNull(text),
  before: orNull(text),
  'dryRun?': dryRun,
};

export const NETWORK_FIELDS: Fields = {
  kind: oneOf('zone', 'rack', 'node'),
  tree: text,
  zone: orNull(text),
  rack: orNull(text),
  name: orNull(text),
  peerId: orNull(text),
  state: orNull(text),
  rttMs: orNull(ms),
  nodes: count,
  up: count,
  freeBytes: orNull(bytes),
  capacityBytes: orNull(bytes),
  shards: orNull(count),
  // With --visualize.
  'share?': orNull(share),
  'spread?': orNull(text),
};

export const NETWORKS_FIELDS: Fields = {
  preset: oneOf('local', 'lan', 'custom'),
  inUse: yesNo,
  network: orNull(text),
  listen: text,
  finds: texts,
  publicAddresses: yesNo,
  purpose: text,
};

export const DISCOVER_FIELDS: Fields = {
  name: orNull(text),
  peerId: text,
  via: listOf(oneOf('bootstrap', 'peer', 'dht', 'mdns', 'gossip')),
  isNew: yesNo,
  state: orNull(PEER_STATE),
  rttMs: orNull(ms),
  address: orNull(text),
};

export const DISTRIBUTION_FIELDS: Fields = {
  level: oneOf('disk', 'node', 'rack', 'zone'),
  id: text,
  name: orNull(text),
  shards: count,
  bytes,
  share,
};

export const BANDWIDTH_FIELDS: Fields = {
  name: text,
  nowBytesPerSecond: orNull(rate),
  avg1mBytesPerSecond: orNull(rate),
  avg5mBytesPerSecond: orNull(rate),
  peakBytesPerSecond: orNull(rate),
  sentBytes: orNull(bytes),
  receivedBytes: orNull(bytes),
  capBytesPerSecond: orNull(rate),
};

/** With --test-peer. */
export const SPEED_FIELDS: Fields = {
  peerId: text,
  name: orNull(text),
  sentBytes: bytes,
  sentMs: ms,
  receivedBytes: bytes,
  receivedMs: ms,
  rttMs: ms,
  tlsShare: share,
  sentBytesPerSecond: figure,
  receivedBytesPerSecond: figure,
};

const WHATIF_STATE = oneOf('ok', 'degraded', 'critical', 'lost');

/** Counts, and with --objects the objects themselves. */
export const WHATIF_FIELDS: readonly Fields[] = [
  { of: oneOf('objects', 'stripes', 'shards'), state: text, now: count, after: count },
  {
    name: text,
    objectId: text,
    now: WHATIF_STATE,
    after: WHATIF_STATE,
    spareNow: integer,
    spareAfter: integer,
  },
];

export const EVENTS_FIELDS: Fields = {
  seq: count,
  atMs: timeMs,
  level: oneOf('debug', 'info', 'warn', 'error'),
  source: text,
  text,
};
