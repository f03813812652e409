/** Reads of objects whose shards have moved: custodians are asked before everybody, and believed by nobody. */
import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { decodeManifest, type Manifest } from '../../../src/engine/codec/manifest.ts';
import {
  fetchManifest,
  type GetContext,
  openWithOwner,
  readRange,
} from '../../../src/engine/transfer/get.ts';
import { type StoredObject, storeObject } from '../../../src/engine/transfer/put.ts';
import { type Located, Whereabouts } from '../../../src/engine/transfer/whereabouts.ts';
import { manifestShardId, type PeerId } from '../../../src/engine/types.ts';
import { bytesOf, collect, MemoryMesh } from '../../support/memory-mesh.ts';

const NEVER = new AbortController().signal;
const data = randomBytes(3 * (4 << 20) + 5);

let mesh: MemoryMesh;
let stored: StoredObject;
let manifest: Manifest;
/** What custodians would say. */
let claims: Located[];
let searches: number;
let questions: number;

beforeEach(async () => {
  mesh = new MemoryMesh(12);
  stored = await storeObject(bytesOf(data), { name: 'a', sizeBytes: data.length }, mesh.putContext(), {});
  manifest = await fetchManifest(stored.objectId, stored.manifestHolders, 'a', mesh.getContext(), NEVER);
  claims = [];
  searches = 0;
  questions = 0;
});

function contextOf(more: Partial<GetContext> = {}): GetContext {
  const context = mesh.getContext();
  const whereabouts = new Whereabouts(async () => {
    questions++;
    return claims;
  });
  const reachable = () => {
    searches++;
    return context.read.reachable();
  };
  return { ...context, whereabouts, read: { ...context.read, reachable }, ...more };
}

const readAll = async (context: GetContext) => {
  const opened = openWithOwner(manifest, mesh.owner);
  const range = { offset: 0, length: data.length };
  return await collect(readRange('a', manifest, opened, range, context, NEVER));
};

/** Three shards of each stripe go to nodes that have none of it; claimed as custodians would. */
function moveThree(): void {
  for (let stripe = 0; stripe < manifest.stripeCount; stripe++) {
    const { ids, holders } = manifest.stripe(stripe);
    const free = mesh.nodes.filter(({ peer }) => !holders.includes(peer));
    for (const index of [0, 1, 2]) {
      const from = mesh.node(holders[index]!);
      const to = free[index]!;
      to.shards.set(ids[index]!, from.shards.get(ids[index]!)!);
      from.shards.delete(ids[index]!);
      claims.push({ stripe, index, holder: to.peer });
    }
  }
}

test('what custodians say is enough: once asked, and nobody else is', async () => {
  moveThree();
  const context = contextOf();
  expect(Buffer.compare(await readAll(context), data)).toBe(0);
  expect(questions).toBe(1);
  expect(searches).toBe(0);
});

test('stripes after the first miss begin with what was told', async () => {
  moveThree();
  const context = contextOf();
  await context.whereabouts!.of(0, NEVER);
  for (const node of mesh.nodes) node.gets = 0;
  expect(Buffer.compare(await readAll(context), data)).toBe(0);
  // k of each stripe, and no question in vain.
  expect(mesh.nodes.reduce((sum, { gets }) => sum + gets, 0)).toBe(4 * manifest.stripeCount);
});

test('nobody is asked while the noted holders give enough', async () => {
  await readAll(contextOf());
  expect([questions, searches]).toEqual([0, 0]);
});

test('custodians who are wrong, liars or silent cost nothing but time: everybody is asked then', async () => {
  moveThree();
  claims = claims.map((claim) => ({ ...claim, holder: mesh.nodes.at(-1)!.peer }));
  expect(Buffer.compare(await readAll(contextOf()), data)).toBe(0);
  claims = [{ stripe: 0, index: 77, holder: 'nobody' as PeerId }];
  expect(Buffer.compare(await readAll(contextOf()), data)).toBe(0);
  const silent = new Whereabouts(() => Promise.reject(new Error('timeout')));
  expect(Buffer.compare(await readAll(contextOf({ whereabouts: silent })), data)).toBe(0);
  expect(searches).toBeGreaterThan(0);
});

test('of thousands of claims for one shard a few are tried', async () => {
  const many = Array.from({ length: 5000 }, () => ({ stripe: 0, index: 1, holder: mesh.nodes[0]!.peer }));
  const whereabouts = new Whereabouts(async () => many);
  expect((await whereabouts.of(0, NEVER)).length).toBe(4);
});

test('a manifest whose holders are all gone comes from custodians before the mesh is searched', async () => {
  const id = manifestShardId(stored.objectId);
  const bytes = mesh.node(stored.manifestHolders[0]!).shards.get(id)!.bytes;
  for (const node of mesh.nodes) node.shards.delete(id);
  const fetched = (context: GetContext) =>
    fetchManifest(stored.objectId, stored.manifestHolders, 'a', context, NEVER);
  const found = await fetched(contextOf({ manifestInCustody: async () => Uint8Array.from(bytes) }));
  expect(found.stripeCount).toBe(decodeManifest(bytes).stripeCount);
  expect(searches).toBe(0);
  await expect(fetched(contextOf({ manifestInCustody: async () => undefined }))).rejects.toMatchObject({
    code: 'shards-missing',
  });
});
