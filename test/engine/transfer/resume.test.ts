import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { fetchManifest, openWithOwner, readRange } from '../../../src/engine/transfer/get.ts';
import { type PutContext, type StoredObject, storeObject } from '../../../src/engine/transfer/put.ts';
import { type PutJournals, putJournals } from '../../../src/engine/transfer/put-journals.ts';
import type { ObjectId, PeerId } from '../../../src/engine/types.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { bytesOf, collect, MemoryMesh } from '../../support/memory-mesh.ts';
import { ModelDisk } from '../../support/model-disk.ts';

const CHUNK = 4 << 20;
const STRIPES = 6;
const data = randomBytes(STRIPES * CHUNK - 1000);

let mesh: MemoryMesh;
let disk: ModelDisk;
let journals: PutJournals;
let committed: Set<ObjectId>;

beforeEach(() => {
  mesh = new MemoryMesh(8);
  disk = new ModelDisk();
  committed = new Set();
  journals = putJournals({
    disk,
    clock: manualClock(),
    random: { bytes: (length) => new Uint8Array(randomBytes(length)), fraction: () => 0 },
    dir: '/journal',
    believedMs: () => undefined,
    committed: (id) => committed.has(id),
    release: () => {},
    log: () => {},
  });
});

const options = { name: 'a', sizeBytes: data.length, source: 'the file as it is' };
const put = (content: Uint8Array, more: object = {}) => putFrom(bytesOf(content, 1 << 20), more);
/** The same again, when the pool has changed. */
const putAgain = (changes: Partial<PutContext>) =>
  storeObject(bytesOf(data, 1 << 20), options, { ...mesh.putContext(), journals, ...changes }, {});
const putFrom = (source: AsyncIterable<Uint8Array>, more: object = {}, signal?: AbortSignal) =>
  storeObject(source, { ...options, ...more }, { ...mesh.putContext(), journals }, { signal });

/** A source during which the put is stopped, as by Ctrl-C, when so many shards have been stored. */
function stoppedAfter(shards: number): [AsyncIterable<Uint8Array>, AbortSignal] {
  const stopper = new AbortController();
  const source = (async function* () {
    for await (const piece of bytesOf(data, 1 << 20)) {
      if (mesh.shardCount() >= shards) stopper.abort();
      yield piece;
    }
  })();
  return [source, stopper.signal];
}

async function interrupted(afterShards: number): Promise<void> {
  const [source, signal] = stoppedAfter(afterShards);
  await expect(putFrom(source, {}, signal)).rejects.toMatchObject({
    code: 'cancelled',
    mend: expect.stringContaining('again'),
  });
}

async function readBack(stored: StoredObject): Promise<Buffer> {
  const context = mesh.getContext();
  const signal = new AbortController().signal;
  const manifest = await fetchManifest(stored.objectId, stored.manifestHolders, 'a', context, signal);
  const range = { offset: 0, length: data.length };
  return await collect(readRange('a', manifest, openWithOwner(manifest, mesh.owner), range, context, signal));
}

const puts = () => mesh.nodes.reduce((sum, node) => sum + node.puts, 0);

test('on a long line chunks are longer, and a put that goes on keeps those of its first run', async () => {
  const long = { line: () => ({ bandwidthBytesPerSecond: 40e6, rttMs: 200 }) };
  const [source, signal] = stoppedAfter(7);
  const context = { ...mesh.putContext(), journals, ...long };
  await expect(storeObject(source, options, context, { signal })).rejects.toMatchObject({
    code: 'cancelled',
  });
  const resumed = await putAgain({});
  expect(resumed).toMatchObject({ chunkBytes: 2 * CHUNK, stripes: STRIPES / 2 });
  expect(resumed.stripesFound).toBeGreaterThan(0);
  expect((await readBack(resumed)).equals(data)).toBe(true);
  await resumed.journal?.remove();
  expect(await putAgain({})).toMatchObject({ chunkBytes: CHUNK, stripes: STRIPES });
});

test('put again after it was stopped, only what is missing is sent, and the object is whole', async () => {
  await interrupted(13);
  const kept = mesh.shardCount();
  expect(kept).toBeGreaterThanOrEqual(13);
  const before = puts();
  const stored = await put(data);
  // The rest of the shards, and three copies of the manifest.
  expect(puts() - before).toBe(STRIPES * 6 - kept + 3);
  expect(stored.stripesFound).toBeGreaterThanOrEqual(1);
  expect(stored.shardsDurable).toBe(stored.shardsWanted);
  expect(Buffer.compare(await readBack(stored), data)).toBe(0);
  await stored.journal!.remove();
  expect(await disk.list('/journal')).toEqual([]);
});

test('a shard that is gone meanwhile, or whose holder is, is sent again, and placed by the rule', async () => {
  await interrupted(20);
  mesh.nodes[0]!.shards.clear();
  mesh.nodes[1]!.fault = 'dead';
  const stored = await put(data);
  expect(stored.shardsDurable).toBe(stored.shardsWanted);
  expect(stored.keepsRule).toBe(true);
  expect(stored.shardsByHolder.has(mesh.nodes[1]!.peer)).toBe(false);
  for (const node of mesh.nodes.slice(2, 4)) node.fault = 'dead';
  expect(Buffer.compare(await readBack(stored), data)).toBe(0);
});

test('put again after the pool was given zones, what breaks its rule is stored anew, and released where it was', async () => {
  await interrupted(20);
  const zoneOf = (peer: PeerId) => 'aaaabbcc'[mesh.nodes.findIndex((node) => node.peer === peer)];
  const { candidates } = mesh.putContext();
  const stored = await putAgain({
    domain: 'zone',
    siteOf: (peer) => ({ peer, zone: zoneOf(peer) }),
    candidates: (owner) => candidates(owner).map((it) => ({ ...it, zone: zoneOf(it.peer) })),
  });
  expect(stored.keepsRule).toBe(true);
  expect(stored.shardsDurable).toBe(stored.shardsWanted);
  expect(mesh.shardCount()).toBe(STRIPES * 6 + 3);
  expect(Buffer.compare(await readBack(stored), data)).toBe(0);
});

test('put again after holders have become full, what they have is counted where they stand', async () => {
  const zoneOf = (peer: PeerId) => 'aaabbbcc'[mesh.nodes.findIndex((node) => node.peer === peer)];
  const { candidates } = mesh.putContext();
  const full = new Set<PeerId>();
  const zones = {
    domain: 'zone' as const,
    siteOf: (peer: PeerId) => ({ peer, zone: zoneOf(peer) }),
    candidates: () =>
      candidates(mesh.owner.ownerId)
        .filter(({ peer }) => !full.has(peer))
        .map((it) => ({ ...it, zone: zoneOf(it.peer) })),
  };
  const [source, signal] = stoppedAfter(20);
  const context = { ...mesh.putContext(), journals, ...zones };
  await expect(storeObject(source, options, context, { signal })).rejects.toMatchObject({
    code: 'cancelled',
  });
  for (const at of [0, 3]) full.add(mesh.nodes[at]!.peer);
  for (const node of mesh.nodes.slice(6)) node.shards.clear();
  const stored = await putAgain(zones);
  expect(stored.keepsRule).toBe(true);
  expect(stored.shardsDurable).toBe(stored.shardsWanted);
});

test('put again after nodes were taken out of the pool, nothing of the object is on them', async () => {
  await interrupted(20);
  const members = new Set(mesh.nodes.slice(2).map(({ peer }) => peer));
  const { candidates } = mesh.putContext();
  const stored = await putAgain({
    isOfPool: (peer) => members.has(peer),
    candidates: (owner) => candidates(owner).filter(({ peer }) => members.has(peer)),
  });
  expect(stored.shardsDurable).toBe(stored.shardsWanted);
  expect([...stored.shardsByHolder.keys()].filter((holder) => !members.has(holder))).toEqual([]);
  expect(Buffer.compare(await readBack(stored), data)).toBe(0);
});

test.each([
  { domain: 'node', allowDegraded: false },
  { domain: 'none', allowDegraded: false },
  { domain: 'node', allowDegraded: true },
] as const)(
  'put again into a pool of whole copies ($domain, degraded $allowDegraded), each copy has a holder of its own, and none is sent twice',
  async ({ domain, allowDegraded }) => {
    const context = { ...mesh.putContext({ k: 1, m: 2 }), journals, domain };
    const [source, signal] = stoppedAfter(9);
    await expect(
      storeObject(source, { ...options, allowDegraded }, context, { signal }),
    ).rejects.toMatchObject({ code: 'cancelled' });
    const kept = mesh.shardCount();
    const before = puts();
    const again = bytesOf(data, 1 << 20);
    const stored = await storeObject(again, { ...options, allowDegraded }, context, {});
    expect(puts() - before).toBe(STRIPES * 3 - kept + 3);
    expect(stored.stripesFound).toBeGreaterThanOrEqual(1);
    expect(stored.survives.node).toBe(2);
    expect(mesh.shardCount()).toBe(STRIPES * 3 + 3);
    expect(stored.shardsDurable).toBe(mesh.shardCount());
  },
);

test('another fingerprint begins from the start, with another key', async () => {
  await interrupted(13);
  const before = puts();
  const stored = await put(data, { source: 'the file after a change' });
  expect(puts() - before).toBe(STRIPES * 6 + 3);
  expect(stored.stripesFound).toBe(0);
});

test('content that changed under the same fingerprint is refused, and nothing of it stays; then it begins anew', async () => {
  await interrupted(13);
  const changed = Buffer.from(data);
  changed[10]! ^= 1;
  const before = puts();
  await expect(put(changed)).rejects.toMatchObject({ code: 'source-changed' });
  expect(mesh.shardCount()).toBe(0);
  const stored = await put(changed);
  expect(stored.stripesFound).toBe(0);
  expect(puts() - before).toBeGreaterThanOrEqual(STRIPES * 6 + 3);
  expect(Buffer.compare(await readBack(stored), changed)).toBe(0);
});

test('two puts of one source at the same time have nothing in common', async () => {
  const [first, second] = await Promise.all([put(data), put(data)]);
  expect([first.journal, second.journal].filter((journal) => journal !== undefined)).toHaveLength(1);
  expect(mesh.shardCount()).toBe(2 * (STRIPES * 6 + 3));
  expect(first.objectId).not.toBe(second.objectId);
});

test('a put for which there is no room keeps nothing', async () => {
  for (const node of mesh.nodes.slice(0, 4)) node.fault = 'full';
  await expect(put(data)).rejects.toMatchObject({ code: 'quota-full' });
  expect(mesh.shardCount()).toBe(0);
  expect(await disk.list('/journal')).toEqual([]);
});

test('without a fingerprint a put that is stopped takes back what it stored', async () => {
  const [source, signal] = stoppedAfter(6);
  await expect(putFrom(source, { source: undefined }, signal)).rejects.toMatchObject({ code: 'cancelled' });
  expect(mesh.shardCount()).toBe(0);
});

test('a put of more than a manifest can name keeps nothing to go on with', async () => {
  await expect(put(data, { sizeBytes: 2 ** 43 })).rejects.toMatchObject({ code: 'input-too-large' });
  expect(await disk.list('/journal')).toEqual([]);
});
