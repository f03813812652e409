import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { keeper } from '../../../src/engine/mesh/one-connection.ts';
import { startPeer, type TestPeer, until } from './support.ts';

const peers: TestPeer[] = [];
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
});

/** A connection seen from both ends; each end has its own idea of when it opened. */
const pair = fc.record({
  dialledByA: fc.boolean(),
  openAtA: fc.nat({ max: 50 }),
  openAtB: fc.nat({ max: 50 }),
});

test('both sides would keep a connection of the same dialler, and it is the one that the dialler keeps', () => {
  fc.assert(
    fc.property(fc.array(pair, { minLength: 1, maxLength: 6 }), (pairs) => {
      const atA = pairs.map(({ dialledByA, openAtA }, id) => ({
        id,
        direction: dialledByA ? ('outbound' as const) : ('inbound' as const),
        status: 'open',
        timeline: { open: openAtA },
      }));
      const atB = pairs.map(({ dialledByA, openAtB }, id) => ({
        id,
        direction: dialledByA ? ('inbound' as const) : ('outbound' as const),
        status: 'open',
        timeline: { open: openAtB },
      }));
      const a = keeper('a', 'b', atA)!;
      const b = keeper('b', 'a', atB)!;
      expect(pairs[a.id]!.dialledByA).toBe(pairs[b.id]!.dialledByA);
      // Only diallers close at once: what is left over is what the dialler of the kept ones keeps, whatever the other thinks.
      const left = pairs[a.id]!.dialledByA ? a.id : b.id;
      const closedByA = atA
        .filter(({ id, direction }) => direction === 'outbound' && id !== a.id)
        .map(({ id }) => id);
      const closedByB = atB
        .filter(({ id, direction }) => direction === 'outbound' && id !== b.id)
        .map(({ id }) => id);
      const survivors = pairs
        .map((_, id) => id)
        .filter((id) => !closedByA.includes(id) && !closedByB.includes(id));
      expect(survivors).toEqual([left]);
    }),
  );
});

test('closed connections are never kept', () => {
  const closed = { direction: 'outbound' as const, status: 'closed', timeline: { open: 1 } };
  const open = { direction: 'inbound' as const, status: 'open', timeline: { open: 9 } };
  expect(keeper('a', 'b', [closed, open])).toBe(open);
  expect(keeper('a', 'b', [closed])).toBeUndefined();
});

test('nodes that dial each other at once end with one connection, the same at both, and gossip goes on over it', async () => {
  const a = await startPeer('a');
  const b = await startPeer('b');
  peers.push(a, b);
  const connections = (from: TestPeer, to: TestPeer) => from.host.getConnections(peerIdFromString(to.peerId));
  // Forced, as the race of two first dials cannot be had at will.
  const dial = (from: TestPeer, to: TestPeer) => from.host.dial(multiaddr(to.address), { force: true });
  const opened = await Promise.all([dial(a, b), dial(b, a), dial(a, b)]);
  expect(opened).toHaveLength(3);
  await until(() => connections(a, b).length > 1 && connections(b, a).length > 1, 2_000, 'two connections');
  await until(
    () => connections(a, b).length === 1 && connections(b, a).length === 1,
    8_000,
    'one connection',
  );
  const [atA, atB] = [connections(a, b)[0]!, connections(b, a)[0]!];
  expect(atA.direction).toBe(a.peerId < b.peerId ? 'outbound' : 'inbound');
  expect(atB.direction).toBe(a.peerId < b.peerId ? 'inbound' : 'outbound');
  const ports = (text: string) => /\/tcp\/(\d+)/.exec(text)![1];
  const listening = ports(atA.direction === 'outbound' ? b.address : a.address);
  expect(ports((atA.direction === 'outbound' ? atA : atB).remoteAddr.toString())).toBe(listening);

  const heardSince = (at: TestPeer, of: TestPeer) => at.membership.member(of.peerId)?.heard?.seq ?? 0;
  const sinceMs = Date.now();
  await until(() => heardSince(a, b) > sinceMs && heardSince(b, a) > sinceMs, 8_000, 'gossip both ways');
  expect(a.membership.member(b.peerId)?.state).toBe('active');
});

test('a peer that dials without end is kept at a few connections', async () => {
  const a = await startPeer('a');
  const b = await startPeer('b');
  peers.push(a, b);
  let most = 0;
  for (let i = 0; i < 12; i++) {
    await b.host.dial(multiaddr(a.address), { force: true }).catch(() => {}); // cut off by a: what is tested
    most = Math.max(most, a.host.getConnections(peerIdFromString(b.peerId)).length);
  }
  expect(most).toBeLessThanOrEqual(6);
  await until(() => a.host.getConnections(peerIdFromString(b.peerId)).length === 1, 8_000, 'one connection');
});
