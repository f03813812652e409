import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EngineMesh, openEngineMesh, untilEligible } from '../../support/engine-mesh.ts';
import { makeOddTree } from '../../support/odd-tree.ts';
import { differences } from '../../support/same-tree.ts';
import { tempFolder } from './support.ts';

const SLOW_MS = 60_000;

describe('backups on real engines', () => {
  const folder = tempFolder();
  const source = join(folder, 'source');
  let mesh: EngineMesh;

  beforeAll(async () => {
    makeOddTree(source, { files: 60, averageBytes: 300_000 });
    mesh = await openEngineMesh({ k: 2, m: 1 });
    for (const name of ['one', 'two', 'three']) await mesh.add(name);
    const others = mesh.engines.slice(1).map(({ peerId }) => peerId);
    await untilEligible(mesh.engines[0]!.engine, others);
  }, SLOW_MS);
  afterAll(() => mesh.close(), SLOW_MS);
  const calls = () => mesh.engines[0]!.engine.backups;

  const same = (a: string, b: string) => expect(differences(a, b)).toBe('');

  it(
    'stops when it is cancelled, and goes on when it is asked again',
    async () => {
      const before = await calls().snapshots();
      for (const share of [0, 0.5]) {
        const stop = new AbortController();
        const onProgress = ({ doneBytes }: { doneBytes: number }) => {
          if (doneBytes > share * 18_000_000) stop.abort();
        };
        if (share === 0) stop.abort();
        const broken = calls().backup({ source }, { signal: stop.signal, onProgress });
        await expect(broken).rejects.toMatchObject({ code: 'cancelled' });
      }
      expect(await calls().snapshots()).toEqual(before);
      // Nothing is held by what was cancelled.
      const dry = await calls().backup({ source, dryRun: true });
      expect(dry.snapshot.files).toBeGreaterThan(60);
      expect(await calls().snapshots()).toEqual(before);
    },
    SLOW_MS,
  );

  it(
    'stores, lists, shows, restores, forgets and prunes',
    async () => {
      const seen: number[] = [];
      await expect(calls().backup({ source, tags: ['t'.repeat(5000)] })).rejects.toMatchObject({
        code: 'bad-value',
      });
      const first = await calls().backup(
        { source, tags: ['t'] },
        { onProgress: ({ doneBytes }) => seen.push(doneBytes) },
      );
      expect(first.skipped).toEqual([]);
      expect(first.snapshot.addedBytes).toBeGreaterThan(5_000_000);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect((await calls().snapshots()).snapshots.map(({ id }) => id)).toEqual([first.snapshot.id]);
      expect(await calls().snapshots({ tag: 'other' })).toEqual({ snapshots: [], unread: [] });

      // What it is kept in is nobody's business but on request, and not to be taken away by hand.
      const { engine } = mesh.engines[0]!;
      const [job, ...earlier] = (await engine.jobs.list()).filter(({ verb }) => verb === 'backup');
      expect(job).toMatchObject({ target: source, state: 'done' });
      // One job a run: two that were cancelled, and one that only looked.
      expect(earlier.map(({ state }) => state)).toEqual(['done', 'cancelled', 'cancelled']);
      expect((await engine.jobs.show(job!.id)).log.at(-1)!.text).toMatch(
        /^\d+ files read; \d+ chunks are new/,
      );
      expect((await engine.list()).objects).toEqual([]);
      const own = (await engine.list({ prefix: '.datamesh/' })).objects;
      expect(own.length).toBeGreaterThanOrEqual(4);
      await expect(engine.delete(own[0]!.name)).rejects.toThrow('belong to datamesh');
      const none = (async function* () {})();
      await expect(engine.put(none, { name: '.datamesh/x' })).rejects.toThrow('belong to datamesh');

      const listed = await calls().show({ id: first.snapshot.id.slice(0, 6), path: 'odd', limit: 3 });
      expect(listed.more).toBe(true);
      expect(listed.entries[0]).toMatchObject({ path: 'odd', kind: 'directory' });

      await expect(calls().show({ id: 'latest', path: 'nope' })).rejects.toMatchObject({ code: 'not-found' });

      const to = join(folder, 'to');
      const back = await calls().restore({ id: 'latest', destination: to });
      expect(back.failed).toEqual([]);
      same(source, to);
      await expect(calls().restore({ id: 'latest', destination: to })).rejects.toThrow('is not empty');
      await expect(calls().restore({ id: 'ffff', destination: to })).rejects.toThrow('no snapshot ffff');
      const fresh = join(folder, 'fresh');
      for (const [path, code] of [
        ['nope', 'not-found'],
        ['../x', 'bad-value'],
      ] as const) {
        const refused = calls().restore({ id: 'latest', destination: join(fresh, 'deep'), paths: [path] });
        await expect(refused).rejects.toMatchObject({ code });
        expect(fs.existsSync(fresh)).toBe(false);
      }
      // One that is there stays, whose ever it was.
      fs.mkdirSync(fresh);
      const refused = calls().restore({ id: 'latest', destination: fresh, paths: ['nope'] });
      await expect(refused).rejects.toMatchObject({ code: 'not-found' });
      expect(fs.readdirSync(fresh)).toEqual([]);
      const deep = join(fresh, 'deep/er/');
      expect((await calls().restore({ id: 'latest', destination: deep })).failed).toEqual([]);
      same(source, deep);
      fs.writeFileSync(join(folder, 'file'), '');
      for (const at of ['file/x', 'file/x/y'])
        await expect(calls().restore({ id: 'latest', destination: join(folder, at) })).rejects.toMatchObject({
          code: 'not-a-directory',
        });

      fs.rmSync(join(source, 'group-0/folder-0'), { recursive: true });
      fs.writeFileSync(join(source, 'new'), 'new');
      const second = await calls().backup({ source });
      expect(second.filesRead).toBeLessThanOrEqual(61);
      const dry = await calls().backup({ source, dryRun: true });
      expect(dry.chunksNew).toBe(0);
      expect((await calls().snapshots()).snapshots.length).toBe(2);

      const rule = { keep: { last: 1 }, dryRun: true };
      expect((await calls().forget(rule)).forgotten.map(({ id }) => id)).toEqual([first.snapshot.id]);
      expect((await calls().snapshots()).snapshots.length).toBe(2);
      await calls().forget({ keep: { last: 1 } });
      expect((await calls().snapshots()).snapshots.map(({ id }) => id)).toEqual([second.snapshot.id]);
      await expect(calls().forget({ keep: {} })).rejects.toThrow('keeps no snapshot');
      // One that is named is one of those that were asked for, and no rule is dropped in silence.
      const named = { ids: ['latest'], dryRun: true };
      await expect(calls().forget({ ...named, source: '/other' })).rejects.toMatchObject({
        code: 'not-found',
      });
      await expect(calls().forget({ ...named, keep: { last: 1 } })).rejects.toMatchObject({
        code: 'bad-value',
      });
      expect((await calls().forget({ ...named, source })).forgotten.map(({ id }) => id)).toEqual([
        second.snapshot.id,
      ]);

      const stored = (await engine.stats()).logicalBytes;
      const plan = await calls().prune({ dryRun: true });
      expect((await engine.stats()).logicalBytes).toBe(stored);
      const pruned = await calls().prune({});
      expect(pruned.freedBytes).toBeGreaterThan(1_000_000);
      expect(Math.abs(pruned.freedBytes - plan.freedBytes)).toBeLessThan(100_000);
      expect((await engine.stats()).logicalBytes).toBeLessThan(stored - pruned.freedBytes / 2);
      const again = join(folder, 'again');
      expect((await calls().restore({ id: 'latest', destination: again })).failed).toEqual([]);
      same(source, again);
      expect((await calls().prune({})).packsDeleted).toBe(0);
    },
    SLOW_MS,
  );
});
