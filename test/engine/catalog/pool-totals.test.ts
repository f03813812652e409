/** Totals by pool are kept by triggers: whatever happens to entries, they are what counting the entries gives. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Catalog, CatalogTotals } from '../../../src/engine/catalog/catalog.ts';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { ALICE, BOB, entry, idOf } from './entries.ts';

const POOLS = ['default', 'archive', 'disks'] as const;
const NAMES = ['a', 'b', 'c'] as const;

const step = fc.record({
  what: fc.constantFrom('put', 'put', 'put', 'hide', 'unhide', 'remove', 'rename', 'duplicate'),
  name: fc.constantFrom(...NAMES),
  to: fc.constantFrom(...NAMES, 'd'),
  pool: fc.constantFrom(...POOLS),
  sizeBytes: fc.integer({ min: 0, max: 1000 }),
});

function counted(catalog: Catalog): Map<string, CatalogTotals> {
  const sums = new Map<string, CatalogTotals>();
  const { entries } = catalog.versions(ALICE, 0, 10_000);
  const stored = new Set<string>();
  for (const it of entries) {
    const pool = it.pool ?? 'default';
    const sum = sums.get(pool) ?? { objects: 0, versions: 0, logicalBytes: 0, storedBytes: 0 };
    sum.objects += it.state === 'current' ? 1 : 0;
    sum.versions += 1;
    sum.logicalBytes += it.sizeBytes;
    // A copy has no bytes of its own in the mesh.
    if (!stored.has(`${pool} ${it.objectId}`)) sum.storedBytes += it.storedBytes;
    stored.add(`${pool} ${it.objectId}`);
    sums.set(pool, sum);
  }
  return sums;
}

it('totals by pool are those of its entries after any changes, and add up to the totals of the owner', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let nowMs = 1_000_000;
      const catalog = openCatalog(':memory:', { ...realClock(), now: () => nowMs });
      try {
        catalog.commit(entry('other', { owner: BOB, pool: 'archive' }));
        for (const { what, name, to, pool, sizeBytes } of steps) {
          nowMs += 1000;
          const more = { objectId: idOf(String(nowMs)), pool, sizeBytes, storedBytes: sizeBytes * 2 };
          if (what === 'put') catalog.commit(entry(name, { ...more, createdAtMs: nowMs }));
          else if (what === 'hide') catalog.hide(ALICE, name);
          else if (what === 'unhide') catalog.unhide(ALICE, name);
          else if (what === 'remove') catalog.remove(ALICE, name, 1);
          else if (what === 'rename') tolerating(() => catalog.rename(ALICE, name, to));
          else {
            const source = catalog.find(ALICE, name);
            if (source !== undefined) tolerating(() => catalog.duplicate(source, to, false));
          }
        }
        const byPool = catalog.poolTotals(ALICE);
        expect(byPool).toEqual(counted(catalog));
        const sum = (of: keyof CatalogTotals) => [...byPool.values()].reduce((all, it) => all + it[of], 0);
        expect({
          objects: sum('objects'),
          versions: sum('versions'),
          logicalBytes: sum('logicalBytes'),
          storedBytes: sum('storedBytes'),
        }).toEqual(catalog.totals(ALICE));
        expect([...catalog.poolTotals(BOB).keys()]).toEqual(['archive']);
      } finally {
        catalog.close();
      }
    }),
    { numRuns: 60 },
  );
});

/** A name that is taken is refused, which changes nothing. */
function tolerating(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect((error as Error).message).toMatch(/already|same/);
  }
}
