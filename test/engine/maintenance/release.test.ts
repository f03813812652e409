import { expect, test } from 'vitest';
import type { Backend } from '../../../src/engine/backends/backend.ts';
import { releaseShards } from '../../../src/engine/maintenance/release.ts';
import type { OwnerId, PeerId, ShardId } from '../../../src/engine/types.ts';

const peers = ['a', 'b', 'c'] as PeerId[];
const group = (name: string, k: number) => ({
  code: { k, m: 3 - k },
  shards: peers.map((holder, at) => ({ id: (k === 1 ? name : `${name}${at}`) as ShardId, holder })),
});
const groups = [group('manifest', 1), group('stripe', 2)];

async function released(reachable: (holder: PeerId) => boolean) {
  const dropped: string[] = [];
  const result = await releaseShards(groups, {
    owner: 'owner' as OwnerId,
    backend: (holder) =>
      reachable(holder)
        ? ({ delete: async (id: ShardId) => dropped.push(id) > 0 } as Partial<Backend> as Backend)
        : undefined,
    log: () => {},
  });
  return { ...result, dropped };
}

test('the copies of the manifest go last', async () => {
  const { dropped, shardsReleased, unreachable } = await released(() => true);
  expect(dropped.slice(0, 3).sort()).toEqual(['stripe0', 'stripe1', 'stripe2']);
  expect(dropped.slice(3)).toEqual(['manifest', 'manifest', 'manifest']);
  expect({ shardsReleased, unreachable }).toEqual({ shardsReleased: 6, unreachable: [] });
});

test('while a holder of other shards is not reached, custodians can still learn from the manifest what is to go', async () => {
  const { dropped, shardsReleased, unreachable } = await released((holder) => holder !== 'b');
  expect(dropped.sort()).toEqual(['stripe0', 'stripe2']);
  expect({ shardsReleased, unreachable }).toEqual({ shardsReleased: 2, unreachable: ['b'] });
});
