import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { objectRouting } from '../../../src/engine/mesh/dht.ts';
import type { HostDatastore } from '../../../src/engine/mesh/host-datastore.ts';
import type { ObjectId } from '../../../src/engine/types.ts';
import { startPeer, type TestPeer, until } from './support.ts';

const peers: TestPeer[] = [];
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
});

test('who announced an object is found by others, and nobody is for an object that nobody announced', async () => {
  const hub = await startPeer('hub');
  peers.push(hub);
  for (let i = 0; i < 5; i++) peers.push(await startPeer(`n${i}`, { bootstrap: [hub.address] }));
  // Not in the public type: how many nodes a DHT knows by now.
  const size = ({ host }: TestPeer) =>
    (host.services.dht as unknown as { routingTable: { size: number } }).routingTable.size;
  await until(() => peers.every((peer) => size(peer) >= 4), 15_000, 'routing tables');
  const routing = peers.map(({ host }) => objectRouting(host, realClock()));
  const objects = Array.from({ length: 4 }, () => randomBytes(32).toString('hex') as ObjectId);
  for (const [i, object] of objects.entries()) {
    expect(await routing[i]!.provide(object)).toBeGreaterThan(0);
    expect(await routing[5]!.findProviders(object)).toEqual([peers[i]!.peerId]);
  }
  expect(await routing[5]!.findProviders(randomBytes(32).toString('hex') as ObjectId)).toEqual([]);

  // Not in the public type either.
  const datastoreOf = ({ host }: TestPeer) =>
    (host as unknown as { components: { datastore: HostDatastore } }).components.datastore;
  const ownPointers = async (peer: TestPeer) => {
    let found = 0;
    for await (const { key } of datastoreOf(peer).query({ prefix: '/dht/provider' }))
      if (key.toString().endsWith(`/${peer.peerId}`)) found++;
    return found;
  };
  expect(await ownPointers(peers[0]!)).toBe(1);
  await routing[0]!.withdraw(objects[1]!);
  expect(await ownPointers(peers[0]!)).toBe(1);
  await routing[0]!.withdraw(objects[0]!);
  expect(await ownPointers(peers[0]!)).toBe(0);
});
