/** What is purged is the version that was asked for, whatever number it has by the time it goes. */
import { expect, it } from 'vitest';
import { versionRemover } from '../../../src/engine/calls/removing.ts';
import type { Catalog } from '../../../src/engine/catalog/catalog.ts';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import type { Node } from '../../../src/engine/node.ts';
import type { ManifestCache } from '../../../src/engine/transfer/manifest-cache.ts';
import { ALICE, entry, idOf } from '../catalog/entries.ts';

/** Purges version 1 of `x`; `meanwhile` happens to the catalog before it goes. Tells which holders were asked to drop shards. */
async function purge(catalog: Catalog, meanwhile: () => void) {
  const asked: string[] = [];
  const node = {
    catalog,
    shardCache: { forget: () => undefined },
    events: { add: () => undefined },
    backend: (peer: string) => ({ delete: async () => asked.push(peer) > 0 }),
  } as unknown as Node;
  const remove = versionRemover(node, {
    manifests: { delete: () => true } as unknown as ManifestCache,
    manifestOf: async () => undefined as never,
    changed: () => undefined,
    learnt: async () => meanwhile(),
  });
  const { removed } = await remove(catalog.find(ALICE, 'x', 1)!, new AbortController().signal);
  return { removed, asked };
}

it('leaves what another device had stored as that version alone, and what has another number by now', async () => {
  const [here, there] = [openCatalog(':memory:', realClock()), openCatalog(':memory:', realClock())];
  here.commit(entry('x', { objectId: idOf('of here'), createdAtMs: 2_000 }));
  there.commit(entry('x', { objectId: idOf('of there'), createdAtMs: 1_000 }));
  const records = there.mirror.take(ALICE, there.mirror.begin(ALICE), [], 10);
  const { removed, asked } = await purge(here, () => void here.mirror.apply(ALICE, 0, records, 'main'));
  expect({ removed, asked }).toEqual({ removed: false, asked: [] });
  expect(here.find(ALICE, 'x', 1)?.objectId).toBe(idOf('of there'));
  expect(here.find(ALICE, 'x', 2)?.objectId).toBe(idOf('of here'));
  for (const catalog of [here, there]) catalog.close();
});

it('leaves alone what was stored under the name after a rename', async () => {
  const catalog = openCatalog(':memory:', realClock());
  catalog.commit(entry('x', { objectId: idOf('first') }));
  const { removed, asked } = await purge(catalog, () => {
    catalog.rename(ALICE, 'x', 'y');
    catalog.commit(entry('x', { objectId: idOf('second') }));
  });
  expect({ removed, asked }).toEqual({ removed: false, asked: [] });
  expect(catalog.find(ALICE, 'x')?.objectId).toBe(idOf('second'));
  expect(catalog.find(ALICE, 'y')?.objectId).toBe(idOf('first'));
  catalog.close();
});

it('takes it away, and its shards, where nothing came in between', async () => {
  const catalog = openCatalog(':memory:', realClock());
  catalog.commit(entry('x'));
  expect(await purge(catalog, () => undefined)).toEqual({
    removed: true,
    asked: ['12D3KooWA', '12D3KooWB'],
  });
  expect(catalog.find(ALICE, 'x')).toBeUndefined();
  catalog.close();
});
