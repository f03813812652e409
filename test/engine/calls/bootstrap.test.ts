import { expect, test } from 'vitest';
import { bootstrapBy } from '../../../src/engine/calls/bootstrap.ts';
import type { Node } from '../../../src/engine/node.ts';
import { peer } from '../maintenance/custody/samples.ts';

const [self, other] = [peer('self'), peer('other')];

const nodeWith = (connected: string | undefined) =>
  ({
    net: {
      self,
      connected: () => (connected === undefined ? [] : [other]),
      connection: (id: string) =>
        id === other && connected !== undefined ? { address: connected } : undefined,
    },
    membership: { join: async () => ({ peerId: other, rttMs: 5 }) },
  }) as unknown as Node;

test('tells by which address the peer is connected', async () => {
  const asked = `/ip4/10.255.255.1/tcp/40871/p2p/${other}`;
  const there = `/ip4/127.0.0.1/tcp/4001/p2p/${other}`;
  expect(await bootstrapBy(nodeWith(undefined), asked)).toEqual({ address: asked, peerId: other, rttMs: 5 });
  expect((await bootstrapBy(nodeWith(there), asked)).address).toBe(there);
  expect((await bootstrapBy(nodeWith(there), '/ip4/127.0.0.1/tcp/4001')).address).toBe(
    '/ip4/127.0.0.1/tcp/4001',
  );
});

test('refuses the node’s own address', async () => {
  await expect(
    bootstrapBy(nodeWith(undefined), `/ip4/127.0.0.1/tcp/1/p2p/${self}?priority=1`),
  ).rejects.toThrow(/this node itself/);
  await expect(bootstrapBy(nodeWith(undefined), `/ip4/127.0.0.1/tcp/1/p2p/${self}`)).rejects.toMatchObject({
    code: 'bad-value',
    message: expect.stringContaining('this node itself'),
  });
});
