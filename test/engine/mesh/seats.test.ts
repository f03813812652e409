import { expect, test } from 'vitest';
import { Seats } from '../../../src/engine/mesh/seats.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { start } from './peers.ts';
import { type TestPeer, until } from './support.ts';

test('a member gets in where strangers have taken every seat, the least known of them goes, and one stranger does not push out another', () => {
  const strangers = Array.from({ length: 10 }, (_, i) => `stranger-${i}` as PeerId);
  let connected = [...strangers];
  const hungUp: PeerId[] = [];
  const seats = new Seats({ max: 10, connected: () => connected, hangUp: (peer) => hungUp.push(peer) });
  const member = (n: number) => `member-${n}` as PeerId;
  expect(seats.make(member(1))).toBe(false);
  seats.by((peer) => (peer.startsWith('member') ? 60_000 : 100 * Number(peer.slice(9))));
  expect(seats.make('stranger-00' as PeerId)).toBe(false);
  expect(seats.make(strangers[3]!)).toBe(true);
  expect(hungUp).toEqual([]);
  expect(seats.make(member(1))).toBe(true);
  expect(hungUp).toEqual([strangers[0]]);
  // Not gone yet: the next member takes another's.
  connected.push(member(1));
  expect(seats.make(member(2))).toBe(true);
  expect(hungUp).toEqual(strangers.slice(0, 2));
  connected = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(member);
  expect(seats.make(member(11))).toBe(false);
  connected.pop();
  expect(seats.make('stranger-0' as PeerId)).toBe(true);
});

test('a member whose line was gone for a moment comes back to a node that is full of strangers', async () => {
  const hub = await start('hub', { maxConnections: 3, reaches: () => false });
  const member = await start('member');
  await member.membership.join(hub.address);
  const knownFor = (peer: TestPeer) => hub.membership.member(peer.peerId)?.knownForMs ?? 0;
  await until(() => knownFor(member) > 1_500, 10_000, 'a member that is known');
  member.membership.stop();
  await hub.net.hangUp(member.peerId);
  const strangers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => start(name)));
  for (const stranger of strangers) {
    await stranger.net.dial([hub.address], 5_000).catch(() => {});
    stranger.membership.stop();
  }
  await until(() => hub.net.connected().length === 3);
  await member.net.dial([hub.address], 5_000);
  await until(() => hub.net.connected().includes(member.peerId) && hub.net.connected().length === 3);
});
