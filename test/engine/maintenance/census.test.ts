import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shardIdOfBytes } from '../../../src/engine/codec/hash.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { stateOf, takeCensus } from '../../../src/engine/maintenance/census.ts';
import {
  type CensusGroup,
  type CensusObject,
  type CensusOptions,
  LiveShards,
} from '../../../src/engine/maintenance/census-ask.ts';
import { ProofMemory } from '../../../src/engine/maintenance/proof/memory.ts';
import { fetchManifest } from '../../../src/engine/transfer/get.ts';
import { storeObject } from '../../../src/engine/transfer/put.ts';
import { manifestShardId, type ObjectId, type PeerId, type ShardId } from '../../../src/engine/types.ts';
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

const census = (mesh: MemoryMesh, objects: CensusObject[], more: Partial<CensusOptions> = {}) =>
  takeCensus(
    (async function* () {
      yield* objects;
    })(),
    {
      clock: realClock(),
      backend: (peer) => mesh.backend(peer),
      timeoutMs: 1000,
      signal: NEVER,
      random: realRandom(),
      ...more,
    },
  );

test('holders are asked for few large objects at a time, so that these do not fill the memory', async () => {
  const holder = 'nobody' as PeerId;
  const group = { code: { k: 4, m: 2 }, shards: [{ id: 'ab'.repeat(32) as ShardId, holder }] };
  const objectId = 'cd'.repeat(32) as ObjectId;
  const large: CensusObject = { name: 'large', objectId, groups: Array(10_000).fill(group) };
  const counted: number[] = [];
  await census(new MemoryMesh(1), [large, large, large], { onProgress: (done) => counted.push(done) });
  expect(counted).toEqual([1, 2, 3]);
});

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
      const has = ({ id, holder }: { id: ShardId; holder: PeerId }) => mesh.node(holder).shards.has(id);
      for (const { groups } of objects) {
        const spares = groups!.map(({ code, shards }) => {
          // Without its manifest nothing is an object's.
          const there = groups![0]!.shards.some(has) ? shards.filter(has).length : 0;
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

test.each(['4+2', '4+0'])(
  'a manifest that only custodians have is no loss, and nothing to spare (%s)',
  async (code) => {
    const mesh = new MemoryMesh(6);
    const object = await storedObject(mesh, 'o', 1_000_000);
    const [first] = object.groups!;
    if (code === '4+0') first!.code = { k: 1, m: 0 };
    for (const { id, holder } of first!.shards) mesh.node(holder).shards.delete(id);
    const asked: string[] = [];
    const inCustody = (is: boolean) => async (id: string) => asked.push(id) > 0 && is;
    expect(await census(mesh, [object])).toMatchObject({ lost: 1, shardsLive: 0 });
    expect(await census(mesh, [object], { inCustody: inCustody(false) })).toMatchObject({ lost: 1 });
    const kept = await census(mesh, [object], { inCustody: inCustody(true) });
    expect(kept).toMatchObject({ critical: 1, lost: 0, shardsLive: 6, stripes: { lost: 0, spare2: 1 } });
    expect(kept.worst[0]).toMatchObject({ state: 'critical', spare: 0 });
    expect(asked).toEqual([object.objectId, object.objectId]);
    // Whose manifest has a copy is not asked for.
    const other = await storedObject(mesh, 'p', 1_000_000);
    expect(await census(mesh, [other], { inCustody: inCustody(true) })).toMatchObject({ ok: 1 });
    expect(asked).toHaveLength(2);
  },
);

test('an object whose manifest cannot be read is lost, and states rank by the weakest stripe', () => {
  expect(stateOf(undefined, new LiveShards())).toEqual({ state: 'lost', spare: -1 });
  const group = (living: number, k: number, m: number): [CensusGroup, LiveShards] => {
    const shards = Array.from({ length: k + m }, (_, i) => ({
      id: (k === 1 ? `${m}${living}` : `${k}${m}${living}${i}`) as ShardId,
      holder: `p${i}` as PeerId,
    }));
    const live = new LiveShards();
    for (const { id, holder } of shards.slice(0, living)) live.add(holder, id);
    return [{ code: { k, m }, shards }, live];
  };
  const state = (...groups: [CensusGroup, LiveShards][]) => {
    const all = new LiveShards();
    for (const [{ shards }, live] of groups)
      for (const { id } of shards) for (const holder of live.holdersOf(id)) all.add(holder, id);
    return stateOf(
      groups.map(([one]) => one),
      all,
    );
  };
  expect(state(group(6, 4, 2))).toEqual({ state: 'ok', spare: 2 });
  expect(state(group(6, 4, 2), group(5, 4, 2))).toEqual({ state: 'degraded', spare: 1 });
  expect(state(group(5, 4, 2), group(4, 4, 2))).toEqual({ state: 'critical', spare: 0 });
  expect(state(group(4, 4, 2), group(3, 4, 2))).toEqual({ state: 'lost', spare: -1 });
  expect(state(group(1, 1, 0))).toEqual({ state: 'ok', spare: 0 });
  expect(state(group(2, 1, 2))).toEqual({ state: 'degraded', spare: 1 });
});

test('only a proof counts in a proved census, whatever holders say; what failed stays missing until it is proved again', async () => {
  const mesh = new MemoryMesh(6);
  const object = await storedObject(mesh, 'o', 3_000_000);
  const expected = mesh.shardCount();
  const learnt: string[] = [];
  const memory = new ProofMemory((holder, verdict) => learnt.push(`${holder} ${verdict}`));
  const both = { memory, reachable: () => mesh.nodes.map(({ peer }) => mesh.backend(peer)!) };
  expect(await census(mesh, [object], { ...both, depth: 'proved' })).toMatchObject({
    depth: 'proved',
    shardsLive: expected,
    ok: 1,
  });
  const [dropper, forger] = [mesh.nodes[0]!, mesh.nodes[1]!];
  dropper.fault = 'boasts';
  forger.fault = 'forges';
  const kept = [dropper, forger].flatMap((node) =>
    [...node.shards].map(([id, shard]) => ({ node, id, shard })),
  );
  dropper.shards.clear();
  forger.shards.clear();
  // They say that they have everything, and nobody who only asks can tell.
  expect(await census(mesh, [object], both)).toMatchObject({ depth: 'asked', shardsLive: expected, ok: 1 });
  const proved = await census(mesh, [object], { ...both, depth: 'proved' });
  expect(proved).toMatchObject({ shardsLive: expected - kept.length, critical: 1, silentPeers: [] });
  expect(new Set(learnt)).toEqual(new Set([`${dropper.peer} absent`, `${forger.peer} wrong`]));
  expect(await census(mesh, [object], both)).toMatchObject({ shardsLive: expected - kept.length });
  for (const { node, id, shard } of kept) node.shards.set(id, shard);
  expect(await census(mesh, [object], both)).toMatchObject({ shardsLive: expected - kept.length });
  expect(await census(mesh, [object], { ...both, depth: 'proved' })).toMatchObject({ shardsLive: expected });
  expect(await census(mesh, [object], both)).toMatchObject({ shardsLive: expected });
});

test.each(['asked', 'proved'] as const)(
  'a shard that has moved is found where it is now (%s)',
  async (depth) => {
    const mesh = new MemoryMesh(9);
    const object = await storedObject(mesh, 'o', 3_000_000);
    const reachable = () =>
      mesh.nodes.map(({ peer }) => mesh.backend(peer)).filter((backend) => backend !== undefined);
    const first = mesh.nodes.find(({ shards }) => shards.size > 0)!;
    const without = mesh.nodes.find(
      (node) => node !== first && [...first.shards.keys()].every((id) => !node.shards.has(id)),
    )!;
    for (const [id, shard] of first.shards) without.shards.set(id, shard);
    first.shards.clear();
    first.fault = 'dead';
    const report = await census(mesh, [object], { depth, reachable });
    expect(report).toMatchObject({ ok: 1, silentPeers: [first.peer] });
    expect(await census(mesh, [object], { depth })).toMatchObject({ ok: 0 });
  },
);

test('one that says it has everything hides no loss of others, also where holders are only asked', async () => {
  const mesh = new MemoryMesh(8);
  const object = await storedObject(mesh, 'o', 100_000);
  const [manifest, stripe] = object.groups as [CensusGroup, CensusGroup];
  const copies = new Set(manifest.shards.map(({ holder }) => holder));
  const lost = stripe.shards.find(({ holder }) => !copies.has(holder)) ?? stripe.shards[0]!;
  const expected = mesh.shardCount();
  const shard = mesh.node(lost.holder).shards.get(lost.id)!;
  mesh.node(lost.holder).shards.delete(lost.id);
  for (const node of mesh.nodes) if (node.peer !== lost.holder) node.fault = 'boasts';
  let proofs = 0;
  const options = {
    memory: new ProofMemory(),
    reachable: () => mesh.nodes.map(({ peer }) => mesh.backend(peer)!),
    onAttestation: () => proofs++,
  };
  expect(await census(mesh, [object], options)).toMatchObject({ shardsLive: expected - 1 });
  // Proved once where it has moved to, it counts from then on by being asked for.
  const other = mesh.nodes.find(({ peer }) => stripe.shards.every(({ holder }) => holder !== peer))!;
  other.shards.set(lost.id, shard);
  expect(await census(mesh, [object], options)).toMatchObject({ shardsLive: expected });
  expect(proofs).toBeGreaterThan(0);
  proofs = 0;
  const reachable = () => [mesh.backend(other.peer)!];
  expect(await census(mesh, [object], { ...options, reachable })).toMatchObject({ shardsLive: expected });
  expect(proofs).toBe(0);
});

test('without any copy of its manifest an object is lost with all it has, known or not', async () => {
  const mesh = new MemoryMesh(7);
  const object = await storedObject(mesh, 'o', 9_000_000);
  const stripes = object.groups!.length - 1;
  for (const { shards } of mesh.nodes) shards.delete(manifestShardId(object.objectId));
  const told = { objects: 1, lost: 1, shardsLive: 0, shardsExpected: 3 + stripes * 6 };
  const known = { code: { k: 4, m: 2 }, stripes };
  for (const one of [object, { ...object, groups: undefined, known }]) {
    const report = await census(mesh, [one]);
    expect(report).toMatchObject(told);
    expect(report.stripes).toEqual({ lost: stripes, spare0: 0, spare1: 0, spare2: 0, spare3plus: 0 });
    expect(report.worst[0]).toMatchObject({ spare: -1 });
  }
});

test('a shard that nobody took when it was written counts once somebody has it', async () => {
  const mesh = new MemoryMesh(7);
  const object = await storedObject(mesh, 'o', 100_000);
  const [manifest, stripe] = object.groups as [CensusGroup, CensusGroup];
  const [{ id, holder }, ...others] = stripe.shards as [{ id: ShardId; holder: PeerId }];
  const groups = [manifest, { ...stripe, shards: others, unplaced: [id] }];
  const reachable = () => mesh.nodes.map(({ peer }) => mesh.backend(peer)!);
  expect(await census(mesh, [{ ...object, groups }], { reachable })).toMatchObject({ ok: 1 });
  mesh.node(holder).shards.delete(id);
  expect(await census(mesh, [{ ...object, groups }], { reachable })).toMatchObject({ degraded: 1 });
});

test('shards of a stripe that are alike count once for each holder: padding was zeros once, and the last byte of a file beyond a chunk left three shards of it', async () => {
  const mesh = new MemoryMesh(8);
  const stored = await storedObject(mesh, 'one byte more', 4 * 1024 * 1024 + 1);
  const last = stored.groups!.at(-1)!;
  const zeros = new Uint8Array(last.shardBytes!);
  const id = shardIdOfBytes(zeros);
  const shards = last.shards.map((shard, index) => (index >= 1 && index <= 3 ? { ...shard, id } : shard));
  const alike = shards.slice(1, 4);
  for (const { holder } of alike)
    mesh.node(holder).shards.set(id, { bytes: zeros, owner: mesh.owner.ownerId });
  const object = { ...stored, groups: [...stored.groups!.slice(0, -1), { ...last, shards }] };
  expect(await census(mesh, [object])).toMatchObject({ ok: 1, shardsLive: 15, shardsExpected: 15 });
  mesh.node(alike[0]!.holder).shards.delete(alike[0]!.id);
  expect(await census(mesh, [object])).toMatchObject({ degraded: 1, shardsLive: 14 });
});
