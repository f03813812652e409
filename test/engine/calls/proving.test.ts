/** `verify --deep` on real engines in one process. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type EngineMesh,
  getBytes,
  openEngineMesh,
  putBytes,
  type TestEngine,
  untilEligible,
} from '../../support/engine-mesh.ts';

let mesh: EngineMesh;
let reader: TestEngine;
beforeAll(async () => {
  mesh = await openEngineMesh({ k: 2, m: 1 });
  reader = await mesh.add('reader', { reads: { cacheBytes: 2 ** 24, cacheTtlMs: 600_000 } });
  for (const name of ['b', 'c', 'd']) await mesh.add(name);
  await untilEligible(
    reader.engine,
    mesh.engines.slice(1).map(({ peerId }) => peerId),
  );
}, 60_000);
afterAll(() => mesh.close());

test('reads what the holders have, not what a read has left here', async () => {
  const bytes = randomBytes(300_000);
  await putBytes(reader.engine, 'box', bytes);
  for (let i = 0; i < 2; i++) expect((await getBytes(reader.engine, 'box')).equals(bytes)).toBe(true);
  const hits = async () => (await reader.engine.stats()).reads.cacheHits;
  const before = await hits();
  expect(before).toBeGreaterThan(0);

  const { deep } = await reader.engine.verify({ deep: true });
  expect(deep).toMatchObject({ objects: 1, bytes: bytes.length, unreadable: 0 });
  expect(await hits()).toBe(before);

  // Nobody has it any more: what lies in the cache is no proof of it.
  await Promise.all(mesh.engines.slice(1).map(({ engine }) => engine.close()));
  expect((await reader.engine.verify({ deep: true })).deep).toMatchObject({ unreadable: 1 });
}, 60_000);
