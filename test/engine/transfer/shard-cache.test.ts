import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fetchManifest, openWithOwner, readRange } from '../../../src/engine/transfer/get.ts';
import { ManifestCache } from '../../../src/engine/transfer/manifest-cache.ts';
import { storeObject } from '../../../src/engine/transfer/put.ts';
import { ShardCache } from '../../../src/engine/transfer/shard-cache.ts';
import type { ObjectId, ShardId } from '../../../src/engine/types.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { bytesOf, collect, MemoryMesh } from '../../support/memory-mesh.ts';

const idOf = (n: number) => n.toString(16).padStart(64, '0') as ShardId;

test('whatever is added, found and forgotten: never more than its bound, and only what was added', () => {
  const step = fc.record({
    id: fc.integer({ min: 0, max: 30 }),
    bytes: fc.integer({ min: 1, max: 3000 }),
    act: fc.constantFrom('add', 'get', 'forget', 'wait'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const clock = manualClock();
      const cache = new ShardCache({ clock, maxBytes: 10_000, ttlMs: 1000 });
      const added = new Map<number, { bytes: number; atMs: number }>();
      for (const { id, bytes, act } of steps) {
        const known = added.get(id);
        if (act === 'wait') clock.advance(100);
        else if (act === 'forget') {
          cache.forget(idOf(id));
          added.delete(id);
        } else if (act === 'get') {
          const found = cache.get(idOf(id));
          if (found === undefined) continue;
          expect(found.length).toBe(known?.bytes);
          expect(clock.monotonic() - known!.atMs).toBeLessThanOrEqual(1000);
        } else if (cache.get(idOf(id)) === undefined) {
          cache.add(idOf(id), new Uint8Array(bytes));
          added.set(id, { bytes, atMs: clock.monotonic() });
        }
        expect(cache.bytes).toBeLessThanOrEqual(10_000);
      }
    }),
  );
});

test('memory is given back when nobody reads', () => {
  const clock = manualClock();
  const cache = new ShardCache({ clock, maxBytes: 10_000, ttlMs: 1000 });
  cache.add(idOf(1), new Uint8Array(100));
  clock.advance(900);
  cache.add(idOf(2), new Uint8Array(100));
  clock.advance(1000);
  expect(cache.bytes).toBeGreaterThan(0);
  clock.advance(1100);
  expect(cache.bytes).toBe(0);
});

test('without bytes there is no cache', () => {
  const cache = new ShardCache({ clock: manualClock(), maxBytes: 0, ttlMs: 1000 });
  cache.add(idOf(1), new Uint8Array(100));
  expect(cache.get(idOf(1))).toBeUndefined();
  expect(cache.welcomes(1)).toBe(false);
  cache.count(0, 4);
  expect([cache.hits, cache.misses, cache.bytes]).toEqual([0, 0, 0]);
});

test('what was read is read again without asking anybody, whole or in parts; what is large is not kept', async () => {
  const mesh = new MemoryMesh(6);
  const cache = new ShardCache({ clock: manualClock(), maxBytes: 48 << 20, ttlMs: 60_000 });
  const data = randomBytes((12 << 20) - 5000);
  const stored = await storeObject(
    bytesOf(data),
    { name: 'a', sizeBytes: data.length },
    mesh.putContext(),
    {},
  );
  const context = mesh.getContext();
  context.read = { ...context.read, cache };
  const signal = new AbortController().signal;
  const manifest = await fetchManifest(stored.objectId, stored.manifestHolders, 'a', context, signal);
  const read = async (offset: number, length: number) => {
    for (const node of mesh.nodes) node.gets = 0;
    const opened = openWithOwner(manifest, mesh.owner);
    const bytes = await collect(readRange('a', manifest, opened, { offset, length }, context, signal));
    expect(bytes.equals(data.subarray(offset, offset + length))).toBe(true);
    return mesh.nodes.reduce((sum, { gets }) => sum + gets, 0);
  };
  expect(await read(5 << 20, 1000)).toBe(4);
  expect(await read((5 << 20) + 500, 9000)).toBe(0);
  expect(await read(0, data.length)).toBe(8);
  expect(await read(0, data.length)).toBe(0);
  expect([cache.hits, cache.misses]).toEqual([4 + 4 + 12, 4 + 8]);
  for (const node of mesh.nodes) node.fault = 'dead';
  expect(await read(100, 5_000_000)).toBe(0);
  for (const node of mesh.nodes) node.fault = undefined;
  // Part of a stripe is missing: only that is fetched.
  cache.forget(manifest.stripe(0).ids[2]!);
  expect(await read(0, 1000)).toBe(1);

  const small = new ShardCache({ clock: manualClock(), maxBytes: 40 << 20, ttlMs: 60_000 });
  context.read = { ...context.read, cache: small };
  expect(await read(0, data.length)).toBe(12);
  expect(await read(0, data.length)).toBe(12);
  expect(small.bytes).toBe(0);
});

test('the manifest of a deleted object does not come back from a fetch that was under way', async () => {
  const mesh = new MemoryMesh(6);
  const stored = await storeObject(bytesOf(randomBytes(100_000)), { name: 'a' }, mesh.putContext(), {});
  const signal = new AbortController().signal;
  const manifest = await fetchManifest(
    stored.objectId,
    stored.manifestHolders,
    'a',
    mesh.getContext(),
    signal,
  );
  const cache = new ManifestCache();
  const { deletions } = cache;
  cache.delete(stored.objectId);
  cache.add(stored.objectId, manifest, deletions);
  expect(cache.get(stored.objectId)).toBeUndefined();
  cache.add(stored.objectId, manifest);
  expect(cache.get(stored.objectId)).toBe(manifest);
  cache.delete(stored.objectId);
  expect(cache.get(stored.objectId)).toBeUndefined();
  expect(cache.get('00'.repeat(32) as ObjectId)).toBeUndefined();
});
