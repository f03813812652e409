import { expect, test } from 'vitest';
import { MAX_KNOWN_PEERS } from '../../../src/engine/mesh/limits.ts';
import { PeerTable } from '../../../src/engine/mesh/peer-table.ts';
import type { PeerId } from '../../../src/engine/types.ts';

const idOf = (name: string, at: number) => `${name} ${at}` as PeerId;

test('names that come and go do not push out a member that is away', () => {
  const forgotten: PeerId[] = [];
  const table = new PeerTable('self' as PeerId, 'home', (peer) => forgotten.push(peer));
  const seen = (peer: PeerId, atMs: number, knownForMs: number) =>
    Object.assign(table.entry(peer), { lastSeenMs: atMs, knownForMs });
  for (let i = 0; i < 10; i++) seen(idOf('member', i), i, 3_600_000);
  for (let i = 0; i < 2 * MAX_KNOWN_PEERS; i++) seen(idOf('stranger', i), 1_000_000 + i, 0);
  expect(table.all().length).toBe(MAX_KNOWN_PEERS);
  expect(forgotten.filter((peer) => peer.startsWith('member'))).toEqual([]);
  // Of equals the one that was seen longest ago goes.
  expect(forgotten.slice(0, 3)).toEqual([0, 1, 2].map((i) => idOf('stranger', i)));
});

test('who is here is not forgotten', () => {
  const table = new PeerTable('self' as PeerId, 'home', () => expect.fail('nobody is away'));
  for (let i = 0; i < MAX_KNOWN_PEERS; i++) table.entry(idOf('peer', i)).state = 'active';
  table.entry('one more' as PeerId);
  expect(table.all().length).toBe(MAX_KNOWN_PEERS + 1);
});
