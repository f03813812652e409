import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { stateOf, takeCensus } from '../../../src/engine/maintenance/census.ts';
import {
  type CensusObject,
  type CensusOptions,
  LiveShards,
} from '../../../src/engine/maintenance/census-ask.ts';
import { censusGroups } from '../../../src/engine/maintenance/groups.ts';
import { foresee, WhatifTally } from '../../../src/engine/maintenance/whatif.ts';
import { fetchManifest } from '../../../src/engine/transfer/get.ts';
import { storeObject } from '../../../src/engine/transfer/put.ts';
import type { ObjectId, PeerId, ShardId } from '../../../src/engine/types.ts';
import { bytesOf, MemoryMesh } from '../../support/memory-mesh.ts';

const NEVER = new AbortController().signal;

async function storedObject(mesh: MemoryMesh, name: string, size: number): Promise<CensusObject> {
  const { objectId, manifestHolders } = await storeObject(
    bytesOf(randomBytes(size)),
    { name },
    mesh.putContext(),
    {},
  );
  const manifest = await fetchManifest(objectId, manifestHolders, name, mesh.getContext(), NEVER);
  return { name, objectId, groups: censusGroups(objectId, manifestHolders, manifest) };
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

test('what it foresees is what the census finds once these nodes are really gone, wherever shards have moved to', async () => {
  const mesh = new MemoryMesh(8);
  const objects = await Promise.all(
    [10_000, 300_000, 5_000_000].map((size, i) => storedObject(mesh, `o${i}`, size)),
  );
  const whole = mesh.nodes.map((node) => new Map(node.shards));
  const options: CensusOptions = {
    clock: realClock(),
    backend: (peer) => mesh.backend(peer),
    reachable: () => mesh.nodes.map(({ peer }) => mesh.backend(peer)).filter((found) => found !== undefined),
    timeoutMs: 1000,
    signal: NEVER,
    random: realRandom(),
  };
  const chaos = fc.record({
    gone: fc.subarray(mesh.nodes, { maxLength: 5 }),
    // Shards that were lost, and shards that stand elsewhere too or have moved there.
    lost: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 6 }),
    moved: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.boolean()), { maxLength: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(chaos, async ({ gone, lost, moved }) => {
      mesh.nodes.forEach((node, at) => {
        node.shards = new Map(whole[at]);
        node.fault = undefined;
      });
      const pick = (node: number, shard: number) => {
        const from = mesh.nodes[node % 8]!;
        return { from, id: [...from.shards.keys()][shard % Math.max(1, from.shards.size)] };
      };
      for (const [node, shard] of lost) {
        const { from, id } = pick(node, shard);
        if (id !== undefined) from.shards.delete(id);
      }
      for (const [node, shard, to, stays] of moved) {
        const { from, id } = pick(node, shard);
        const held = id === undefined ? undefined : from.shards.get(id);
        if (id === undefined || held === undefined) continue;
        if (!stays) from.shards.delete(id);
        mesh.nodes[to % 8]!.shards.set(id, held);
      }
      const isGone = (holder: PeerId) => gone.some(({ peer }) => peer === holder);
      const foreseen = await foresee(each(objects), isGone, options);
      const before = await takeCensus(each(objects), options);
      for (const node of gone) node.fault = 'dead';
      const after = await takeCensus(each(objects), options);
      for (const [said, found] of [
        [foreseen.now, before],
        [foreseen.after, after],
      ] as const) {
        const { ok, degraded, critical, lost: unreadable, stripes, shardsLive } = found;
        expect(said).toEqual({ ok, degraded, critical, lost: unreadable, stripes, shardsLive });
      }
      expect(foreseen.shardsExpected).toBe(after.shardsExpected);
      expect(foreseen.newlyLost).toBe(after.lost - before.lost);
      for (const object of foreseen.worst) {
        const { spare, state } = after.worst.find(({ name }) => name === object.name)!;
        expect({ spare: object.spareAfter, state: object.after }).toEqual({ spare, state });
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);

test('the arithmetic: nobody lives longer by a loss, and to lose more loses no less', () => {
  const peers = ['a', 'b', 'c', 'd', 'e', 'f'] as PeerId[];
  const group = fc.record({
    k: fc.integer({ min: 1, max: 4 }),
    m: fc.integer({ min: 0, max: 3 }),
    holders: fc.array(fc.constantFrom(...peers), { minLength: 7, maxLength: 7 }),
    alive: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
  });
  const some = fc.subarray(peers);
  fc.assert(
    fc.property(fc.array(fc.array(group, { minLength: 1, maxLength: 3 })), some, some, (all, first, more) => {
      const live = new LiveShards();
      const objects = all.map((groups, o): CensusObject => {
        const made = groups.map(({ k, m, holders, alive }, g) => {
          const shards = holders
            .slice(0, k + m)
            .map((holder, i) => ({ id: `${o}.${g}.${i}` as ShardId, holder }));
          shards.forEach(({ id, holder }, i) => {
            if (alive[i]) live.add(holder, id);
          });
          return { code: { k, m }, shards };
        });
        return { name: `o${o}`, objectId: `${o}` as ObjectId, groups: made };
      });
      const tallied = (gone: readonly PeerId[]) => {
        const isGone = (holder: PeerId) => gone.includes(holder);
        const tally = new WhatifTally(isGone, { clock: realClock() });
        const rest = live.without(isGone);
        for (const object of objects) tally.add(object, live, rest);
        for (const object of objects) {
          expect(stateOf(object.groups, rest).spare).toBeLessThanOrEqual(stateOf(object.groups, live).spare);
        }
        return tally.report();
      };
      const nothing = tallied([]);
      expect(nothing.after).toEqual(nothing.now);
      expect({ changed: nothing.changed, newlyLost: nothing.newlyLost, worst: nothing.worst }).toEqual({
        changed: 0,
        newlyLost: 0,
        worst: [],
      });
      const less = tallied(first);
      const most = tallied([...first, ...more]);
      expect(most.after.lost).toBeGreaterThanOrEqual(less.after.lost);
      expect(most.after.shardsLive).toBeLessThanOrEqual(less.after.shardsLive);
      const { ok, degraded, critical, lost } = most.after;
      expect(ok + degraded + critical + lost).toBe(objects.length);
      expect(most.now).toEqual(nothing.now);
    }),
  );
});
