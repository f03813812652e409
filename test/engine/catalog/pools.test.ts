import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PoolRecord } from '../../../src/engine/catalog/catalog.ts';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { ALICE, BOB, entry } from './entries.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'datamesh-pools-'));
  path = join(folder, 'catalog.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pool = (name: string, change: Partial<PoolRecord> = {}): PoolRecord => ({
  name,
  code: { k: 10, m: 4 },
  domain: 'zone',
  compress: true,
  nodes: 'all',
  folders: [],
  separateDisks: false,
  createdAtMs: 1_790_000_000_000,
  ...change,
});

test('pools come back field by field, each to its owner, also from the file', () => {
  const catalog = openCatalog(path, realClock());
  const disks = pool('disks', {
    code: { k: 2, m: 1 },
    domain: 'disk',
    compress: false,
    nodes: ['12D3KooWA' as PeerId],
    folders: [
      { path: '/mnt/a', holder: 'DirA' as PeerId, quotaBytes: 1e12 },
      { path: '/mnt/b', holder: 'DirB' as PeerId },
    ],
    separateDisks: true,
  });
  catalog.createPool(ALICE, pool('zones'));
  catalog.createPool(ALICE, disks);
  expect(catalog.pools(ALICE)).toEqual([disks, pool('zones')]);
  expect(catalog.pools(BOB)).toEqual([]);
  catalog.close();
  const again = openCatalog(path, realClock());
  expect(again.pools(ALICE)).toEqual([disks, pool('zones')]);
  again.close();
});

test('a name is given once to an owner, and an update replaces', () => {
  const catalog = openCatalog(path, realClock());
  catalog.createPool(ALICE, pool('a'));
  expect(() => catalog.createPool(ALICE, pool('a', { compress: false }))).toThrow(/already a pool a/);
  expect(catalog.pools(ALICE)).toEqual([pool('a')]);
  catalog.createPool(BOB, pool('a', { compress: false }));
  catalog.updatePool(ALICE, pool('a', { code: { k: 4, m: 2 } }));
  expect(catalog.pools(ALICE)).toEqual([pool('a', { code: { k: 4, m: 2 } })]);
  expect(catalog.pools(BOB)).toEqual([pool('a', { compress: false })]);
  catalog.close();
});

test('an entry tells its pool; those of a catalog from before pools are in the default one', () => {
  const catalog = openCatalog(path, realClock());
  catalog.commit(entry('new', { pool: 'zones' }));
  expect(catalog.find(ALICE, 'new')?.pool).toBe('zones');
  expect(catalog.list(ALICE, {}).objects.map((it) => it.pool)).toEqual(['zones']);
  catalog.close();

  // Back to what the first format was: the step to pools undone.
  const db = new DatabaseSync(path);
  db.exec(
    `DROP TRIGGER pool_entries_added; DROP TRIGGER pool_entries_turned; DROP TRIGGER pool_entries_gone; DROP TABLE pool_totals; DROP TRIGGER words_changed; DROP TRIGGER words_gone;
     DROP TRIGGER words_last_gone; DROP TABLE words; DROP TABLE words_state; DROP TABLE reads; DROP TABLE shares; DROP INDEX entries_ended;
     DROP INDEX entries_old; DROP INDEX entries_deleted; DROP INDEX entries_deleted_size;
     DROP INDEX entries_deleted_created; ALTER TABLE entries DROP COLUMN deleted; ALTER TABLE entries DROP COLUMN ended_at_ms;
     DROP INDEX entries_segment; ALTER TABLE entries DROP COLUMN segment; ALTER TABLE entries DROP COLUMN stamp;
     DROP TABLE removed; DROP TABLE mirror_segments; DROP TABLE mirror_state;
     ALTER TABLE entries DROP COLUMN pool; DROP TABLE pools; DROP TABLE pending_orders; DELETE FROM migrations WHERE version > 1`,
  );
  db.close();
  const raised = openCatalog(path, realClock());
  expect(raised.find(ALICE, 'new')).toMatchObject({ pool: 'default', sizeBytes: 1000 });
  expect(raised.pools(ALICE)).toEqual([]);
  expect(raised.poolTotals(ALICE).get('default')).toMatchObject({ objects: 1, logicalBytes: 1000 });
  // What was there before has to be mirrored as well.
  expect(raised.mirror.pending(ALICE)).toBe(1);
  raised.createPool(ALICE, pool('zones'));
  expect(raised.pools(ALICE)).toHaveLength(1);
  raised.close();
});
