import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { realClock } from '../../../src/engine/effects/clock.ts';
import {
  type CensusGroup,
  type CensusObject,
  stateOf,
  takeCensus,
} from '../../../src/engine/maintenance/census.ts';
import { fetchManifest } from '../../../src/engine/transfer/get.ts';
import { storeObject } from '../../../src/engine/transfer/put.ts';
import { manifestShardId, type PeerId, type ShardId } from '../../../src/engine/types.ts';
import { bytesOf, MemoryMesh } from '../../support/memory-mesh.ts';

const NEVER = new AbortController().signal;

async function storedObject(mesh: MemoryMesh, name: string, size: number): Promise<CensusObject> {
  const stored = await storeObject(bytesOf(randomBytes(size)), { name }, mesh.putContext(), {});
  const manifest = await fetchManifest(
    stored.objectId,
    stored.manifestHolders,
    name,
    mesh.getContext(),
    NEVER,
  );
  const groups: CensusGroup[] = [
    {
      code: { k: 1, m: 2 },
      shards: stored.manifestHolders.map((holder) => ({ id: manifestShardId(stored.objectId), holder })),
    },
  ];
  for (let index = 0; index < manifest.stripeCount; index++) {
    const { ids, holders } = manifest.stripe(index);
    groups.push({ code: manifest.code, shards: ids.map((id, at) => ({ id, holder: holders[at]! })) });
  }
  return { name, objectId: stored.objectId, groups };
}

const census = (mesh: MemoryMesh, objects: CensusObject[]) =>
  takeCensus(
    (async function* () {
      yield* objects;
    })(),
    {
      clock: realClock(),
      backend: (peer) => mesh.backend(peer),
      timeoutMs: 1000,
      signal: NEVER,
    },
  );

test('a census equals what an omniscient look into every store counts, whatever shards vanish', async () => {
  const mesh = new MemoryMesh(7);
  const objects = await Promise.all(
    [10_000, 300_000, 5_000_000].map((size, i) => storedObject(mesh, `o${i}`, size)),
  );
  const everything = mesh.nodes.flatMap((node) =>
    [...node.shards].map(([id, shard]) => ({ node, id, shard })),
  );
  await fc.assert(
    fc.asyncProperty(fc.subarray(everything, { maxLength: 20 }), async (lost) => {
      for (const { node, id } of lost) node.shards.delete(id);
      const report = await census(mesh, objects);
      const really = { ok: 0, degraded: 0, critical: 0, lost: 0 };
      let live = 0;
      const stripes = { lost: 0, spare0: 0, spare1: 0, spare2: 0, spare3plus: 0 };
      for (const { groups } of objects) {
        const spares = groups!.map(({ code, shards }) => {
          const there = shards.filter(({ id, holder }) => mesh.node(holder).shards.has(id)).length;
          live += there;
          return { spare: there - code.k, m: code.m };
        });
        // The first group is the manifest, which is no stripe.
        for (const { spare } of spares.slice(1))
          stripes[spare < 0 ? 'lost' : (`spare${spare as 0 | 1 | 2}` as const)]++;
        if (spares.some(({ spare }) => spare < 0)) really.lost++;
        else if (spares.some(({ spare }) => spare === 0)) really.critical++;
        else if (spares.some(({ spare, m }) => spare < m)) really.degraded++;
        else really.ok++;
      }
      expect({
        ok: report.ok,
        degraded: report.degraded,
        critical: report.critical,
        lost: report.lost,
      }).toEqual(really);
      expect(report.stripes).toEqual(stripes);
      expect(report.shardsLive).toBe(live);
      expect(report.shardsExpected).toBe(everything.length);
      for (const { node, id, shard } of lost) node.shards.set(id, shard);
    }),
    { numRuns: 60 },
  );
});

test('a dead holder counts as holding nothing and is named', async () => {
  const mesh = new MemoryMesh(6);
  const object = await storedObject(mesh, 'o', 1_000_000);
  mesh.nodes[0]!.fault = 'dead';
  const report = await census(mesh, [object]);
  expect(report.silentPeers).toEqual([mesh.nodes[0]!.peer]);
  expect(report).toMatchObject({ objects: 1, degraded: 1, ok: 0 });
  expect(report.worst[0]).toMatchObject({ name: 'o', state: 'degraded', spare: 1 });
});

test('an object whose manifest cannot be read is lost, and states rank by the weakest stripe', () => {
  expect(stateOf(undefined, new Set())).toEqual({ state: 'lost', spare: -1 });
  const group = (live: number, k: number, m: number): [CensusGroup, string[]] => {
    const shards = Array.from({ length: k + m }, (_, i) => ({
      id: `${k}${m}${live}${i}` as ShardId,
      holder: `p${i}` as PeerId,
    }));
    return [{ code: { k, m }, shards }, shards.slice(0, live).map(({ id, holder }) => `${holder} ${id}`)];
  };
  const state = (...groups: [CensusGroup, string[]][]) =>
    stateOf(
      groups.map(([one]) => one),
      new Set(groups.flatMap(([, live]) => live)),
    );
  expect(state(group(6, 4, 2))).toEqual({ state: 'ok', spare: 2 });
  expect(state(group(6, 4, 2), group(5, 4, 2))).toEqual({ state: 'degraded', spare: 1 });
  expect(state(group(5, 4, 2), group(4, 4, 2))).toEqual({ state: 'critical', spare: 0 });
  expect(state(group(4, 4, 2), group(3, 4, 2))).toEqual({ state: 'lost', spare: -1 });
  expect(state(group(1, 1, 0))).toEqual({ state: 'ok', spare: 0 });
});
