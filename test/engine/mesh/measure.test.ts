/** Discovery and the speed test, between real hosts. */
import { expect, test } from 'vitest';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { walkDht } from '../../../src/engine/mesh/dht.ts';
import { createDiscovery } from '../../../src/engine/mesh/discovery.ts';
import { SPEED_PROTOCOL, serveSpeedTests, testSpeed } from '../../../src/engine/mesh/speed-test.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { start } from './peers.ts';
import { until } from './support.ts';

const clock = realClock();

test('discovery finds by bootstrap, by peers, by the DHT and by gossip, and says what failed', async () => {
  const hub = await start('hub');
  const others = [
    await start('b', { bootstrap: [hub.address] }),
    await start('c', { bootstrap: [hub.address] }),
  ];
  for (const other of others) await until(() => hub.membership.member(other.peerId)?.greeted === true);
  const a = await start('a');
  const dead = `/ip4/127.0.0.1/tcp/1/p2p/${others[0]!.peerId}`;
  const discovery = createDiscovery({
    net: a.net,
    clock,
    membership: a.membership,
    bootstrap: [`${hub.address}?priority=3`, dead],
    mdns: false,
    walk: (signal) => walkDht(a.host, realRandom(), signal),
  });
  const first = await discovery.run(3_500);
  const byName = (name: string) => first.peers.find((peer) => peer.name === name)!;
  expect(first.peers.map(({ name }) => name).sort()).toEqual(['b', 'c', 'hub']);
  expect(byName('hub').via).toContain('bootstrap');
  expect(byName('b').via).toContain('bootstrap');
  expect(byName('b').isNew).toBe(true);
  expect(first.peers.every(({ via }) => via.includes('gossip'))).toBe(true);
  expect(first.asked.find(({ target }) => target === dead)?.failure).toMatch(/refused/);
  const second = await discovery.run(1_500);
  expect(second.peers.find(({ name }) => name === 'c')).toMatchObject({ isNew: false, state: 'active' });
  expect(second.peers.find(({ name }) => name === 'c')!.via).toEqual(expect.arrayContaining(['dht', 'peer']));
});

test('a discovery that is cancelled ends at once', async () => {
  const a = await start('a');
  const discovery = createDiscovery({
    net: a.net,
    clock,
    membership: a.membership,
    bootstrap: [],
    mdns: false,
    walk: (signal) => walkDht(a.host, realRandom(), signal),
  });
  const stopper = new AbortController();
  setTimeout(() => stopper.abort(), 100);
  const before = Date.now();
  await expect(discovery.run(30_000, stopper.signal)).rejects.toThrow();
  expect(Date.now() - before).toBeLessThan(2_000);
});

test('the speed test moves what it says it moved, and a cap shows in it', async () => {
  const cap = 4_000_000;
  const a = await start('a', { upBytesPerSecond: cap });
  const b = await start('b');
  await serveSpeedTests({ net: b.net, clock, introduced: () => true });
  await a.membership.join(b.address);
  const before = b.traffic.peer(a.peerId);
  const report = await testSpeed({ net: a.net, clock }, b.peerId, 4_000);
  const after = b.traffic.peer(a.peerId);
  expect(after.receivedBytes - before.receivedBytes).toBeGreaterThan(report.sentBytes);
  expect(after.sentBytes - before.sentBytes).toBeGreaterThan(report.receivedBytes);
  const sentRate = (report.sentBytes * 1000) / report.sentMs;
  expect(sentRate).toBeGreaterThan(cap * 0.7);
  expect(sentRate).toBeLessThan(cap * 1.3);
  expect(report.receivedBytes / report.receivedMs).toBeGreaterThan(report.sentBytes / report.sentMs);
  expect(report.rttMs).toBeGreaterThan(0);
  expect(report.rttMs).toBeLessThan(1_000);
});

test('over a slow line the speed test lasts no longer than it was to, by little', async () => {
  const cap = 100_000;
  const a = await start('a', { upBytesPerSecond: cap });
  const b = await start('b');
  await serveSpeedTests({ net: b.net, clock, introduced: () => true });
  await a.membership.join(b.address);
  const beforeMs = clock.monotonic();
  const report = await testSpeed({ net: a.net, clock }, b.peerId, 4_000);
  expect(clock.monotonic() - beforeMs).toBeLessThan(8_000);
  const sentRate = (report.sentBytes * 1000) / report.sentMs;
  expect(sentRate).toBeGreaterThan(cap * 0.6);
  expect(sentRate).toBeLessThan(cap * 1.4);
}, 120_000);

test('a test of more than 30 s is refused by both sides', async () => {
  const a = await start('a');
  await expect(testSpeed({ net: a.net, clock }, a.peerId, 30_001)).rejects.toMatchObject({
    code: 'bad-value',
  });
  const time = manualClock();
  const handlers = new Map<
    string,
    (from: PeerId, request: { header: Uint8Array; body: Uint8Array }) => Promise<{ header: Uint8Array }>
  >();
  const net = { handle: async (name: string, handler: never) => void handlers.set(name, handler) };
  await serveSpeedTests({ net: net as never, clock: time, introduced: (peer) => peer !== 'stranger' });
  const ask = async (from: string, header: number[] = [1, 0, 0, 0, 0]) =>
    (
      await handlers.get(SPEED_PROTOCOL)!(from as PeerId, {
        header: Uint8Array.from(header),
        body: new Uint8Array(0),
      })
    ).header[0];
  expect(await ask('stranger')).toBe(1);
  expect(await ask('a')).toBe(0);
  expect(await ask('b')).toBe(1);
  for (let s = 0; s < 35; s++) {
    expect(await ask('a')).toBe(0);
    time.advance(1_000);
  }
  time.advance(1);
  expect(await ask('a')).toBe(1);
  expect(await ask('b')).toBe(1);
  time.advance(2_000);
  expect(await ask('b')).toBe(0);
  await expect(ask('b', [3, 0xff, 0xff, 0xff, 0xff])).rejects.toMatchObject({ code: 'malformed-data' });
});
