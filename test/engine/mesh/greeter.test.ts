import { randomBytes } from 'node:crypto';
import { serialize } from 'node:v8';
import { describe, expect, test } from 'vitest';
import { deviceOfSeed } from '../../../src/engine/keys/device.ts';
import { createGreeter } from '../../../src/engine/mesh/greeter.ts';
import {
  decodeHelloResponse,
  encodeHelloRequest,
  encodeHelloResponse,
  type HelloResponse,
} from '../../../src/engine/mesh/hello.ts';
import {
  MAX_EXCHANGED_PEERS,
  MAX_HELLO_BYTES,
  MAX_NODE_INFO_BYTES,
} from '../../../src/engine/mesh/limits.ts';
import { PeerTable } from '../../../src/engine/mesh/peer-table.ts';
import { spokenBy } from '../../../src/engine/mesh/protocol-versions.ts';
import type { OwnerId } from '../../../src/engine/types.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { signedInfo } from './signed-info.ts';

const self = deviceOfSeed(randomBytes(32));
const newcomer = deviceOfSeed(randomBytes(32));
function greeterWith(table: PeerTable, answer?: HelloResponse) {
  return createGreeter({
    net: {
      request: () =>
        answer === undefined
          ? new Promise(() => {})
          : Promise.resolve({ header: new Uint8Array(0), body: encodeHelloResponse(answer) }),
    } as never,
    clock: manualClock(),
    random: { bytes: (length) => new Uint8Array(randomBytes(length)), fraction: Math.random },
    network: 'home',
    protocols: spokenBy(undefined),
    table,
    selfInfo: () => signedInfo(self),
    certificates: () => [],
    admitsOwner: () => true,
    turnsAway: () => undefined,
    seen: () => {},
    introduced: () => {},
    learned: () => {},
    log: () => {},
  });
}

test.each([
  { kind: 'short', addresses: 1, passedOn: MAX_EXCHANGED_PEERS },
  { kind: 'as long as strangers can make them', addresses: 14, passedOn: 32 },
])('of peers whose NodeInfos are $kind so many are passed on as fit a hello', ({ addresses, passedOn }) => {
  const table = new PeerTable(self.peerId, 'home', () => {});
  for (let i = 0; i < 100; i++) {
    const signed = signedInfo(deviceOfSeed(randomBytes(32)), {
      addresses: Array.from({ length: addresses }, () => 'a'.repeat(256)),
    });
    expect(signed.length).toBeLessThanOrEqual(MAX_NODE_INFO_BYTES);
    table.learn(signed)!.state = 'active';
  }
  const greeter = greeterWith(table);
  const hello = encodeHelloRequest({ info: signedInfo(newcomer), certificates: [], wantPeers: true });
  const answer = greeter.answer(newcomer.peerId, hello);
  expect(answer.length).toBeLessThanOrEqual(MAX_HELLO_BYTES);
  expect(decodeHelloResponse(answer).peers.length).toBeGreaterThanOrEqual(passedOn);
});

describe('a node whose clock was ahead by years', () => {
  const info = (seq: number, state: 'active' | 'draining') => signedInfo(newcomer, { seq, state });
  const hello = (signed: Uint8Array) =>
    encodeHelloRequest({ info: signed, certificates: [], wantPeers: false });
  const now = manualClock().now();
  const years = 10 * 365 * 86_400_000;

  test('is believed what it says since, be it asked or asking', async () => {
    let table = new PeerTable(self.peerId, 'home', () => {});
    greeterWith(table).answer(newcomer.peerId, hello(info(now + years, 'draining')));
    greeterWith(table).answer(newcomer.peerId, hello(info(now, 'active')));
    expect(table.find(newcomer.peerId)!.info!.state).toBe('active');
    table = new PeerTable(self.peerId, 'home', () => {});
    table.learn(info(now + years, 'draining'));
    const answer = { info: info(now, 'active'), admitted: [], peers: [] };
    await greeterWith(table, answer).greet(table.entry(newcomer.peerId));
    expect(table.find(newcomer.peerId)!.info!.state).toBe('active');
  });

  test('is not known again by what others have of it from then', async () => {
    const table = new PeerTable(self.peerId, 'home', () => {});
    table.learn(info(now, 'active'));
    const other = deviceOfSeed(randomBytes(32));
    const answer = { info: signedInfo(other), admitted: [], peers: [info(now + years, 'draining')] };
    await greeterWith(table, answer).greet(table.entry(other.peerId));
    expect(table.find(newcomer.peerId)!.info!.state).toBe('active');
  });
});

test('an older NodeInfo that a hello brings late replaces none', () => {
  const table = new PeerTable(self.peerId, 'home', () => {});
  const now = manualClock().now();
  table.learn(signedInfo(newcomer, { seq: now + 5_000, freeBytes: 7 }));
  const late = signedInfo(newcomer, { seq: now });
  const hello = encodeHelloRequest({ info: late, certificates: [], wantPeers: false });
  greeterWith(table).answer(newcomer.peerId, hello);
  expect(table.find(newcomer.peerId)!.info!.freeBytes).toBe(7);
});

test('what a stranger puts into a hello is not kept: neither the bytes of his certificates nor owners that are none', async () => {
  const table = new PeerTable(self.peerId, 'home', () => {});
  const answer = { info: signedInfo(newcomer), admitted: ['x'.repeat(100_000) as OwnerId], peers: [] };
  const greeter = greeterWith(table, answer);
  const certificates = [randomBytes(150_000)];
  greeter.answer(newcomer.peerId, encodeHelloRequest({ info: answer.info, certificates, wantPeers: false }));
  await greeter.greet(table.entry(newcomer.peerId));
  const { greeting: _, ...kept } = table.find(newcomer.peerId)!;
  expect(serialize(kept).length).toBeLessThan(4_000);
});
