/** The figures a fake engine shows: fixed shapes that move with `elapsedMs` and nothing else. */
import type {
  BandwidthView,
  EventView,
  HealthReport,
  ObjectView,
  PeerState,
  PeerView,
  RateWindow,
} from '../../src/engine/engine.ts';
import type { ObjectId, PeerId } from '../../src/engine/types.ts';
import type { CleanupQuery, CleanupReport } from '../../src/engine/views/cleanup.ts';
import type { DrainQuery, DrainView } from '../../src/engine/views/drain.ts';
import type { RepairReport } from '../../src/engine/views/repair.ts';

const MIB = 1024 * 1024;
const NAMES =
  'birch cedar dogwood elm fir ginkgo hazel ironwood juniper katsura larch maple nutmeg oak pine quince rowan spruce'.split(
    ' ',
  );
/** States in the order of the peers: mostly active, one of each other state. */
const STATES: PeerState[] = [
  'active',
  'active',
  'suspect',
  'active',
  'active',
  'joining',
  'active',
  'draining',
];

export function fakePeerId(index: number): PeerId {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  // The first 58 differ in every letter; of more the last three count on.
  const round = Math.floor(index / alphabet.length);
  let text = '';
  for (let i = 0; i < 44; i += 1) {
    const counted = i < 41 ? 0 : Math.floor(round / alphabet.length ** (43 - i));
    text += alphabet[(index * 31 + i * (7 + index) + counted) % alphabet.length];
  }
  return `12D3KooW${text}` as PeerId;
}

function stateOf(index: number): PeerState {
  if (index === 10) return 'offline';
  if (index === 13) return 'quarantined';
  return STATES[index % STATES.length]!;
}

export function fakePeers(count: number, elapsedMs: number, startMs: number): PeerView[] {
  const tick = Math.floor(elapsedMs / 1000);
  return Array.from({ length: count }, (_, index) => {
    const state = stateOf(index);
    // One peer without a name, as one whose NodeInfo has not come yet.
    const ownName = index === 5 ? undefined : (NAMES[index] ?? `node-${index + 1}`);
    const away = state === 'offline' || state === 'quarantined';
    const rttAt = (second: number) =>
      state === 'suspect' && second % 3 !== 0
        ? undefined
        : Math.round((0.4 + index * 9.3 + ((second * 7 + index * 3) % 11) * 0.6) * 100) / 100;
    return {
      peerId: fakePeerId(index + 1),
      name: ownName,
      nickname: undefined,
      ownName,
      banned: false,
      direction: away ? undefined : index % 3 === 0 ? 'inbound' : 'outbound',
      address: `/ip4/192.168.${Math.floor(index / 6)}.${10 + index}/tcp/4001`,
      transport: away ? undefined : 'tcp',
      zone: ['eu-1', 'eu-2', 'us-1'][Math.floor(index / 6)] ?? 'eu-1',
      rack: `r${(index % 2) + 1}`,
      agent: 'datamesh/0.1.0',
      version: '0.1.0',
      role: index === 0 ? 'bootstrap' : 'regular',
      state,
      eligible: state === 'active',
      rttMs: away ? undefined : rttAt(tick),
      rttHistoryMs: Array.from({ length: 60 }, (_, i) => (away ? undefined : rttAt(tick + i - 59))),
      upBytesPerSecond: away ? 0 : ((tick * 13 + index * 17) % 23) * 48_000,
      downBytesPerSecond: away ? 0 : ((tick * 5 + index * 29) % 19) * 96_000,
      sentBytes: 5 * MIB * (index + 1) + tick * 96_000,
      receivedBytes: 9 * MIB * (index + 1) + tick * 192_000,
      shards: away ? undefined : 100 + index * 13,
      freeBytes: away ? undefined : (20 + index) * 1024 * MIB,
      capacityBytes: away ? undefined : (40 + index) * 1024 * MIB,
      requests: 1000 + index * 50 + tick,
      failures: state === 'suspect' ? 12 + tick : index % 4,
      score: state === 'quarantined' ? 12.5 : 60 + (index % 4) * 10,
      breaker: state === 'suspect' ? 'open' : 'closed',
      latencyP50Ms: away ? undefined : 2.5 + index,
      latencyP95Ms: away ? undefined : 8 + index * 2,
      lateReads: { hedged: index, overtaken: index >> 1 },
      servedBytes: index * 3 * MIB,
      planes: {
        libp2p: { sentBytes: 5 * MIB * (index + 1) + tick * 96_000, receivedBytes: 9 * MIB * (index + 1) },
        tls: { sentBytes: 0, receivedBytes: tick * 192_000 },
      },
      connectedAtMs: away || state === 'joining' ? undefined : startMs - (index + 1) * 60_000,
      lastSeenMs: away ? startMs - 600_000 : startMs + elapsedMs,
      clockSkewMs: away ? undefined : -40,
      heardMs: away ? undefined : startMs + elapsedMs - 700,
    };
  });
}

export function fakeHealth(objects: ObjectView[], peers: PeerView[], takenAtMs: number): HealthReport {
  const stripes = objects.reduce((sum, it) => sum + it.stripes, 0);
  const named = (name: string, otherwise: string) => ({
    name,
    objectId: objects.find((it) => it.name === name)?.objectId ?? (otherwise.repeat(32) as ObjectId),
  });
  return {
    depth: 'asked',
    takenAtMs,
    durationMs: 184,
    objects: 120 + objects.length,
    ok: 116 + objects.length,
    degraded: 3,
    critical: 1,
    lost: 0,
    stripes: { lost: 0, spare0: 1, spare1: 9, spare2: 470 + stripes, spare3plus: 0 },
    shardsExpected: 6 * (480 + stripes),
    shardsLive: 6 * (480 + stripes) - 11,
    silentPeers: peers.filter((peer) => peer.state === 'offline').map((peer) => peer.peerId),
    worst: [
      { ...named('photos/2019/archive.tar', 'a1'), spare: 0, state: 'critical' },
      { ...named('backup/mail.mbox', 'b2'), spare: 1, state: 'degraded' },
      { ...named('notes/thesis draft.odt', 'c3'), spare: 1, state: 'degraded' },
      { ...named('video/résumé.mp4', 'd4'), spare: 1, state: 'degraded' },
    ],
  };
}

export function fakeBandwidth(elapsedMs: number): BandwidthView {
  const tick = Math.floor(elapsedMs / 1000);
  const window = (scale: number, phase: number): RateWindow => {
    const at = (second: number) => Math.round(scale * (1 + Math.sin((second + phase) / 6)));
    const history = Array.from({ length: 60 }, (_, i) => at(tick + i - 59));
    const avg = Math.round(history.reduce((a, b) => a + b, 0) / 60);
    return {
      now: history[59]!,
      avg1m: avg,
      avg5m: Math.round(avg * 0.9),
      peak: scale * 2,
      totalBytes: 700 * MIB + tick * avg,
      history,
      history10m: history.map((value) => Math.round(value / 2)),
      history24h: history.slice(0, 12).map((value) => Math.round(value / 3)),
    };
  };
  return {
    up: window(1_500_000, 0),
    down: window(4_200_000, 9),
    capUpBytesPerSecond: 10_000_000,
    capDownBytesPerSecond: undefined,
    byProtocol: [
      { protocol: '/datamesh/shard/1', sentBytes: 612 * MIB, receivedBytes: 820 * MIB },
      { protocol: '/datamesh/kad/1', sentBytes: 9 * MIB, receivedBytes: 11 * MIB },
    ],
  };
}

export function fakeEvents(elapsedMs: number, startMs: number): EventView[] {
  const first: EventView[] = [
    { seq: 1, atMs: startMs - 3_600_000, level: 'info', source: 'node', text: 'started' },
    { seq: 2, atMs: startMs - 3_599_000, level: 'info', source: 'mesh', text: 'birch connected' },
    { seq: 3, atMs: startMs - 600_000, level: 'warn', source: 'mesh', text: 'larch is offline' },
    {
      seq: 4,
      atMs: startMs - 50_000,
      level: 'error',
      source: 'get',
      text: 'get backup/mail.mbox failed',
    },
  ];
  const later = Array.from({ length: Math.min(200, Math.floor(elapsedMs / 5000)) }, (_, i): EventView => {
    return {
      seq: 5 + i,
      atMs: startMs + (i + 1) * 5000,
      level: 'debug',
      source: 'census',
      text: `probe ${i + 1}`,
    };
  });
  return [...first, ...later];
}

/** Of a mesh in which one node of twelve was lost. */
export function fakeRepair(applied: boolean): RepairReport {
  return {
    applied,
    objects: 3,
    damaged: 2,
    shardsMissing: 4,
    shardsMisplaced: 1,
    shardsRebuilt: applied ? 4 : 0,
    shardsMoved: applied ? 1 : 0,
    shardsUnplaced: 0,
    stripesLost: 0,
    trafficBytes: applied ? 4_194_304 : 0,
    durationMs: 1500,
    worst: [
      {
        name: 'photo.jpg',
        objectId: 'ab'.repeat(32) as ObjectId,
        stripe: 0,
        spare: 0,
        missing: 2,
        misplaced: 0,
      },
      {
        name: 'a.txt',
        objectId: 'cd'.repeat(32) as ObjectId,
        stripe: undefined,
        spare: 2,
        missing: 0,
        misplaced: 1,
      },
    ],
  };
}

/** A third node was away, one orphan is swept, and one copy too many is given back. */
export function cleanupReport({ orphaned, duplicates, dryRun }: CleanupQuery): CleanupReport {
  const sums = { marked: 2, waiting: 0, swept: 1 };
  return {
    dryRun,
    orphaned: orphaned
      ? {
          epoch: 7,
          delayMs: 86_400_000,
          objectsLive: 3,
          shardsLive: 21,
          shardsListed: 24,
          ...sums,
          sweptBytes: 4096,
          holders: [
            { holder: fakePeerId(1), name: 'alpha', listed: 24, orphans: 3, ...sums, failed: undefined },
            {
              holder: fakePeerId(2),
              name: 'beta',
              listed: 0,
              orphans: 0,
              marked: 0,
              waiting: 0,
              swept: 0,
              failed: 'timeout',
            },
          ],
          blocked: [],
          waits: ['1 holders did not answer to the end: what they have is looked at next time'],
        }
      : undefined,
    duplicates: duplicates
      ? { shards: 1, released: 1, releasedBytes: 1024, unproved: 0, failed: 0 }
      : undefined,
    durationMs: 900,
  };
}

/** A drain that is done, or was never begun. */
export function drainView(action: DrainQuery['action']): DrainView {
  const isDone = action === 'start';
  return {
    state: isDone ? 'done' : 'off',
    sinceMs: isDone ? 1_795_000_000_000 : undefined,
    shardsLeft: isDone ? 0 : 12,
    bytesLeft: isDone ? 0 : 49_152,
    shardsDropped: isDone ? 12 : 0,
    waiting: 0,
    blocked: 0,
    unnamed: 0,
    reasons: [],
  };
}
