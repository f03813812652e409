import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { deviceOfSeed } from '../../../src/engine/keys/device.ts';
import type { Verdict } from '../../../src/engine/mesh/gossip.ts';
import { createHeartbeat, gossipIntervalMs, type Heartbeat } from '../../../src/engine/mesh/heartbeat.ts';
import {
  GOSSIP_FRESH_MS,
  GOSSIP_RATE,
  MAX_GOSSIP_RPC_BYTES,
  NEWCOMER_RATE,
} from '../../../src/engine/mesh/limits.ts';
import type { NodeInfo } from '../../../src/engine/mesh/node-info.ts';
import { PeerTable } from '../../../src/engine/mesh/peer-table.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { signedInfo } from './signed-info.ts';

const device = deviceOfSeed(randomBytes(32));
const self = deviceOfSeed(randomBytes(32));
const relay = 'relay' as PeerId;

let clock: ManualClock;
let table: PeerTable;
let published: number;
let offences: string[];
let heartbeat: Heartbeat;
let judge: (from: PeerId, info: Uint8Array) => Verdict;

beforeEach(() => {
  clock = manualClock();
  table = new PeerTable(self.peerId, 'home', () => {});
  published = 0;
  offences = [];
  heartbeat = createHeartbeat({
    clock,
    gossip: {
      publish: () => published++,
      judge: (by) => {
        judge = by;
      },
    },
    network: 'home',
    self: self.peerId,
    table,
    selfInfo: () => info({}, self),
    refuses: (peer) => peer === ('12D3KooWDenied' as PeerId),
    heard: () => {},
    offence: (from, what) => offences.push(`${from}: ${what}`),
  });
  heartbeat.start();
});

function info(change: Partial<NodeInfo> = {}, by = device): Uint8Array {
  return signedInfo(by, { seq: clock.now(), ...change });
}

test('news is taken and passed on, the same again is not', () => {
  const first = info({ freeBytes: 7 });
  expect(judge(relay, first)).toBe('accept');
  expect(table.find(device.peerId)?.info?.freeBytes).toBe(7);
  expect(judge(relay, first)).toBe('ignore');
  clock.advance(2_000);
  expect(judge(relay, info({ freeBytes: 8 }))).toBe('accept');
  expect(judge(relay, first)).toBe('ignore');
  expect(table.find(device.peerId)?.info?.freeBytes).toBe(8);
  expect(offences).toEqual([]);
});

test('of a message of many the rest is not kept with what it says of one node', () => {
  const bytes = info();
  const message = new Uint8Array(MAX_GOSSIP_RPC_BYTES);
  message.set(bytes);
  expect(judge(relay, message.subarray(0, bytes.length))).toBe('accept');
  expect(table.find(device.peerId)!.signed!.buffer.byteLength).toBe(bytes.length);
});

test('what a hello told already is passed on all the same', () => {
  const bytes = info();
  table.learn(bytes);
  expect(judge(relay, bytes)).toBe('accept');
});

test('a bad signature, another network and nonsense are rejected and are an offence of who passed them on', () => {
  const forged = Uint8Array.from(info());
  forged[forged.length - 1]! ^= 1;
  expect(judge(relay, forged)).toBe('reject');
  expect(judge(relay, info({ network: 'other' }))).toBe('reject');
  expect(judge(relay, new Uint8Array(100_000))).toBe('reject');
  expect(offences).toHaveLength(3);
  expect(table.all()).toEqual([]);
});

test('garbage never throws and is never accepted', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6000 }), (bytes) => {
      expect(['reject', 'ignore']).toContain(judge(relay, bytes));
    }),
  );
});

test('what was issued too long ago, or will be, is ignored without blame: clocks differ', () => {
  expect(judge(relay, info({ seq: clock.now() - GOSSIP_FRESH_MS - 1 }))).toBe('ignore');
  expect(judge(relay, info({ seq: clock.now() + GOSSIP_FRESH_MS + 1 }))).toBe('ignore');
  expect(judge(relay, info({ seq: clock.now() - GOSSIP_FRESH_MS + 1 }))).toBe('accept');
  expect(offences).toEqual([]);
});

test('a clock that was far ahead hears again when it is set right, what was heard before or not', () => {
  const rightMs = clock.now();
  clock.now = () => rightMs + 3_600_000;
  expect(judge(relay, info())).toBe('accept');
  clock.advance(2_000);
  clock.now = () => rightMs + 2_000;
  const next = info();
  expect(judge(relay, next)).toBe('accept');
  clock.advance(2_000);
  expect(judge(relay, next)).toBe('ignore');
});

test('our own words from others are ignored', () => {
  expect(judge(relay, info({}, self))).toBe('ignore');
});

test('a node that speaks without pause is heard three times a second at most', () => {
  let taken = 0;
  for (let i = 0; i < 100; i++) {
    if (judge(relay, info()) === 'accept') taken++;
    clock.advance(10);
  }
  expect(taken).toBe(4);
});

test('more than a peer may pass on is ignored before its signature is looked at', () => {
  const { burst } = GOSSIP_RATE;
  const bad = new Uint8Array(10);
  for (let i = 0; i < burst; i++) expect(judge(relay, bad)).toBe('reject');
  expect(judge(relay, bad)).toBe('ignore');
  expect(offences.at(-1)).toMatch(/too much/);
  expect(judge('other' as PeerId, info())).toBe('accept');
});

test('of nodes never heard of, a source brings some at once and then a few a second; of known ones as before', () => {
  const { burst, perSecond } = NEWCOMER_RATE;
  const ghost = () => info({}, deviceOfSeed(randomBytes(32)));
  for (let i = 0; i < burst; i++) expect(judge(relay, ghost())).toBe('accept');
  expect(judge(relay, ghost())).toBe('ignore');
  expect(judge('other' as PeerId, info())).toBe('accept');
  clock.advance(1_000);
  const after = Array.from({ length: 2 * perSecond }, () => judge(relay, ghost()));
  expect(after.filter((verdict) => verdict === 'accept')).toHaveLength(perSecond);
  expect(offences).toEqual([]);
});

test('a newcomer that said hello is told to the others, unless they were told already', () => {
  const before = published;
  heartbeat.introduce(table.learn(info())!);
  expect(published).toBe(before + 1);
  judge(relay, info({ seq: clock.now() + 1 }));
  heartbeat.introduce(table.find(device.peerId)!);
  expect(published).toBe(before + 1);
});

test('beats every two seconds alone, in a large mesh two times a second in all', () => {
  clock.advance(9_000);
  expect(published).toBe(5);
  expect(gossipIntervalMs(50)).toBe(25_000);
  expect(gossipIntervalMs(2_000)).toBe(30_000);
  heartbeat.soon();
  heartbeat.soon();
  clock.advance(100);
  expect(published).toBe(6);
  heartbeat.stop();
  clock.advance(60_000);
  expect(published).toBe(6);
});
