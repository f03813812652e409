import { randomBytes } from 'node:crypto';
import { serialize } from 'node:v8';
import { expect, test } from 'vitest';
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
