import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fakeBackupCalls } from '../../support/fake-backups.ts';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { runLine, testHost } from '../../support/host.ts';
import { schemaProblem } from '../../support/schemas.ts';

const folder = mkdtempSync(join(tmpdir(), 'dm-folders-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const host = () => testHost({ engine: createFakeEngine() });

describe('backup', () => {
  it('tells what it stored', async () => {
    const it = host();
    expect(await runLine(it, 'backup', folder, '--tag', 'a,b')).toBe(0);
    expect(it.seen.records).toMatchObject([
      {
        snapshotId: 'cccc000000000004',
        source: folder,
        tags: ['a', 'b'],
        filesRead: 12,
        // As `snapshots` tells it.
        addedBytes: 300_000,
      },
    ]);
  });

  it('names what was skipped, and ends with 3', async () => {
    const it = host();
    expect(await runLine(it, 'backup', folder, '--exclude', 'skip-one')).toBe(3);
    expect(it.seen.warnings.join()).toContain('x: this user may not read it');
  });

  it('says when it was stored degraded', async () => {
    const it = host();
    expect(await runLine(it, 'backup', folder, '--allow-degraded')).toBe(3);
    expect(it.seen.warnings.join()).toContain('fewer shards than wanted');
  });

  it('reads patterns from files, and says which file is missing', async () => {
    writeFileSync(join(folder, 'patterns'), '# comment\nskip-one\n');
    const it = host();
    expect(await runLine(it, 'backup', folder, '--exclude-file', join(folder, 'patterns'))).toBe(3);
    expect(await runLine(host(), 'backup', folder, '--exclude-file', join(folder, 'none'))).toBe(8);
  });

  it('refuses what is no folder, and what contradicts itself', async () => {
    expect(await runLine(host(), 'backup', join(folder, 'patterns'))).toBe(8);
    expect(await runLine(host(), 'backup', join(folder, 'nothing'))).toBe(8);
    expect(await runLine(host(), 'backup', folder, '--full', '--incremental')).toBe(2);
  });

  it('stores nothing in a dry run, and says so', async () => {
    const it = host();
    expect(await runLine(it, 'backup', folder, '--dry-run')).toBe(0);
    expect(it.seen.records).toMatchObject([{ dryRun: true, snapshotId: null }]);
    expect(await runLine(it, 'snapshots')).toBe(0);
    expect(it.seen.records.length).toBe(4);
  });
});

describe('snapshots and restore', () => {
  it('lists, filtered', async () => {
    const it = host();
    expect(await runLine(it, 'snapshots', 'list', '--tag', 'daily')).toBe(0);
    expect(it.seen.records).toMatchObject([{ id: 'aaaa000000000001', takenAt: '2026-11-20T02:00:00.000Z' }]);
  });

  it('shows what is in one', async () => {
    const it = host();
    expect(await runLine(it, 'snapshots', 'show', 'latest')).toBe(0);
    expect(it.seen.records).toMatchObject([{ path: 'album', mode: '0755' }, { path: 'album/a.jpg' }]);
    expect(await runLine(host(), 'snapshots', 'show', 'ffff')).toBe(8);
  });

  it('shows what has a time that no date is', async () => {
    const engine = createFakeEngine();
    const show: typeof engine.backups.show = async (query) => {
      const page = await engine.backups.show(query);
      return { ...page, entries: page.entries.map((it) => ({ ...it, mtimeMs: 4e18 })) };
    };
    const it = testHost({ engine: { ...engine, backups: { ...engine.backups, show } } });
    expect(await runLine(it, 'snapshots', 'show', 'latest')).toBe(0);
    expect(it.seen.records[0]).toMatchObject({ modifiedAt: '+275760-09-13T00:00:00.000Z' });
  });

  it('shows one snapshot to its end, whatever the latest is by then', async () => {
    const engine = createFakeEngine();
    const show: typeof engine.backups.show = async (query) => {
      const page = await engine.backups.show(query);
      if (query.skip === 0) await engine.backups.backup({ source: folder });
      return { ...page, entries: [{ ...page.entries[0]!, path: page.snapshot.id }], more: query.skip === 0 };
    };
    const it = testHost({ engine: { ...engine, backups: { ...engine.backups, show } } });
    expect(await runLine(it, 'snapshots', 'show', 'latest')).toBe(0);
    expect(it.seen.records.map(({ path }) => path)).toEqual(['aaaa000000000001', 'aaaa000000000001']);
  });

  it('restores, and ends with 3 when something is lost', async () => {
    const it = host();
    expect(await runLine(it, 'restore', 'aaaa000000000001', join(folder, 'to'))).toBe(0);
    expect(it.seen.records).toMatchObject([{ snapshotId: 'aaaa000000000001', files: 1200 }]);
    const other = host();
    expect(await runLine(other, 'restore', 'latest', join(folder, 'to'), '--path', 'lost')).toBe(3);
    expect(other.seen.warnings.join()).toContain('lost: no pack');
  });

  it('forgets by a rule only after a yes, and exactly what was shown', async () => {
    const it = host();
    expect(await runLine(it, 'snapshots', 'forget', '--keep-last', '2')).not.toBe(0);
    expect(await runLine(it, 'snapshots', 'forget', '--keep-last', '2', '--yes')).toBe(0);
    expect(it.seen.records.map(({ action }) => action)).toEqual(['kept', 'kept', 'forgotten']);
    const after = host();
    expect(await runLine(after, 'snapshots', 'forget', 'bbbb', '--dry-run')).toBe(0);
    expect(after.seen.records.at(-1)).toMatchObject({
      dryRun: true,
      action: 'forgotten',
      id: 'bbbb000000000003',
    });
  });

  it('prunes', async () => {
    const it = host();
    expect(await runLine(it, 'snapshots', 'prune')).toBe(0);
    expect(it.seen.records).toMatchObject([{ freedBytes: 12_000_000 }]);
  });
});

describe('a snapshot that cannot be read', () => {
  const lost = 'dddd000000000009';
  const beside = () => {
    const backups = fakeBackupCalls(async () => {}, [lost]);
    const engine = { ...createFakeEngine(), backups };
    return () => testHost({ engine });
  };

  it('is named beside the others, and the list ends with 3', async () => {
    const it = beside()();
    expect(await runLine(it, 'snapshots')).toBe(3);
    expect(it.seen.records.length).toBe(3);
    expect(it.seen.warnings.join()).toMatch(
      new RegExp(`snapshot ${lost}, stored .* cannot be read: .*datamesh snapshots forget ${lost}`),
    );
  });

  it('is told of where the latest of the others is taken', async () => {
    for (const words of [
      ['snapshots', 'show', 'latest'],
      ['restore', 'latest', join(folder, 'beside')],
    ]) {
      const it = beside()();
      expect(await runLine(it, ...words)).toBe(0);
      expect(it.seen.warnings.join()).toContain('may be newer than aaaa000000000001');
    }
  });

  it('is told of, as packs are, where a prune leaves them alone', async () => {
    const it = beside()();
    expect(await runLine(it, 'snapshots', 'prune')).toBe(3);
    expect(it.seen.warnings.join()).toContain('packs that cannot be read: 1');
  });

  it('stays where a rule is given, and goes by its id', async () => {
    const host = beside();
    const ruled = host();
    expect(await runLine(ruled, 'snapshots', 'forget', '--keep-last', '1', '--yes')).toBe(3);
    expect(ruled.seen.warnings.join()).toContain(`snapshot ${lost}`);
    expect(ruled.seen.records.some(({ id }) => id === lost)).toBe(false);
    const named = host();
    expect(await runLine(named, 'snapshots', 'forget', lost, '--yes')).toBe(0);
    expect(named.seen.records.at(-1)).toMatchObject({ action: 'forgotten', id: lost, takenAt: null });
    expect(schemaProblem('snapshots-forget', named.seen.records.at(-1))).toBeUndefined();
    expect(await runLine(host(), 'snapshots')).toBe(0);
  });
});
