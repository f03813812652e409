import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { checkBootstrap } from '../../../src/config/checks.ts';
import { addressesToKeep, keepKnownPeers, loadKnownPeers } from '../../../src/engine/mesh/known-peers.ts';
import type { Member } from '../../../src/engine/mesh/membership.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { memoryDisk } from '../keys/memory-disk.ts';

const PATH = '/data/peers.json';
let lines: string[];
const log = (text: string) => lines.push(text);
beforeEach(() => {
  lines = [];
});

function member(n: number, change: Partial<Member> = {}): Member {
  const peerId = `12D3KooWPeer${n}` as PeerId;
  return {
    peerId,
    state: 'active',
    greeted: true,
    info: { addresses: [`/ip4/10.0.0.9/tcp/1/p2p/other`, `/ip4/10.0.0.${n}/tcp/4001/p2p/${peerId}`] },
    ...change,
  } as Member;
}

test('what is saved is loaded as bootstrap entries that come last', async () => {
  const disk = memoryDisk();
  const stop = keepKnownPeers({
    disk,
    path: PATH,
    clock: manualClock(),
    members: () => [member(1), member(2)],
    log,
  });
  await stop();
  const loaded = await loadKnownPeers(disk, PATH, log);
  expect(loaded).toEqual([
    '/ip4/10.0.0.1/tcp/4001/p2p/12D3KooWPeer1?priority=999',
    '/ip4/10.0.0.2/tcp/4001/p2p/12D3KooWPeer2?priority=999',
  ]);
  for (const entry of loaded) expect(checkBootstrap(entry)).toBeUndefined();
  expect(lines).toEqual([]);
});

test('only peers that are up are kept, sixteen at most, and each by an address that is its own', () => {
  const away = [
    member(1, { greeted: false }),
    member(2, { state: 'quarantined' }),
    member(3, { info: undefined }),
  ];
  expect(addressesToKeep(away)).toEqual([]);
  const many = Array.from({ length: 40 }, (_, n) => member(n));
  expect(addressesToKeep(many)).toHaveLength(16);
  for (const address of addressesToKeep(many)) expect(address).toMatch(/Peer\d+$/);
});

test('a node that is alone keeps what it knew', async () => {
  const disk = memoryDisk();
  let members = [member(1)];
  const clock = manualClock();
  const stop = keepKnownPeers({ disk, path: PATH, clock, members: () => members, log });
  clock.advance(60_000);
  await new Promise((resolve) => setImmediate(resolve));
  members = [];
  clock.advance(60_000);
  await stop();
  expect(await loadKnownPeers(disk, PATH, log)).toHaveLength(1);
});

test('a damaged file is no error: whatever it holds, what comes out are addresses', async () => {
  expect(await loadKnownPeers(memoryDisk(), PATH, log)).toEqual([]);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
      const disk = memoryDisk();
      await disk.writeFileAtomic(PATH, Buffer.from(text), 0o600);
      expect(await loadKnownPeers(disk, PATH, log)).toEqual([]);
    }),
  );
  const disk = memoryDisk();
  const hostile = [
    '/ip4/1.2.3.4/tcp/1/p2p/abc',
    7,
    '/ip4/1.2.3.4/tcp/1/p2p/x y',
    `/ip4/${'9'.repeat(500)}/p2p/abc`,
    null,
  ];
  await disk.writeFileAtomic(PATH, Buffer.from(JSON.stringify({ format: 1, addresses: hostile })), 0o600);
  expect(await loadKnownPeers(disk, PATH, log)).toEqual(['/ip4/1.2.3.4/tcp/1/p2p/abc?priority=999']);
});
