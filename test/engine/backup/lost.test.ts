/** Backups of which some objects are lost: the nodes that had them are gone for good. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SnapshotView } from '../../../src/engine/views/backups.ts';
import { type EngineMesh, openEngineMesh, untilEligible } from '../../support/engine-mesh.ts';
import { differences } from '../../support/same-tree.ts';
import { tempFolder } from './support.ts';

const SLOW_MS = 120_000;

describe('of backups of which one is lost', () => {
  const folder = tempFolder();
  const source = join(folder, 'source');
  let mesh: EngineMesh;
  let first: SnapshotView;
  let lost: SnapshotView;
  const calls = () => mesh.engines[0]!.engine.backups;
  const ids = (all: readonly { id: string }[]) => all.map(({ id }) => id);

  beforeAll(async () => {
    fs.mkdirSync(source);
    fs.writeFileSync(join(source, 'a'), 'first');
    mesh = await openEngineMesh({ k: 1, m: 1 });
    for (const name of ['one', 'two', 'far', 'further']) await mesh.add(name);
    const [{ engine } = mesh.engines[0]!, ...others] = mesh.engines;
    await untilEligible(
      engine,
      others.map(({ peerId }) => peerId),
    );
    await engine.pools.create('near', { nodes: ['one', 'two'] });
    await engine.pools.create('far', { nodes: ['far', 'further'] });
    first = (await calls().backup({ source, pool: 'near' })).snapshot;
    fs.mkdirSync(join(source, 'b'));
    for (let i = 0; i < 500; i++) fs.writeFileSync(join(source, 'b', String(i)), `${i}`);
    // What fits into a manifest is with every custodian as well, and comes back.
    const exclude = Array.from({ length: 1000 }, (_, i) => `no-${'x'.repeat(100)}-${i}`);
    lost = (await calls().backup({ source, exclude, pool: 'far' })).snapshot;
    const { dataDir } = await engine.status();
    fs.rmSync(join(dataDir, 'backup'), { recursive: true });
    for (const it of mesh.engines.splice(2)) await it.engine.close();
  }, SLOW_MS);
  afterAll(() => mesh.close(), SLOW_MS);

  it(
    'the others are listed, restored and judged by a rule; nothing is pruned until it is given up',
    async () => {
      const unread = [
        { id: lost.id, storedAtMs: expect.any(Number), why: expect.stringContaining('could be read') },
      ];
      const listed = await calls().snapshots();
      expect(ids(listed.snapshots)).toEqual([first.id]);
      expect(listed.unread).toMatchObject(unread);
      const to = join(folder, 'to');
      const back = await calls().restore({ id: 'latest', destination: to });
      expect(back).toMatchObject({ snapshot: { id: first.id }, unread, failed: [] });
      fs.rmSync(join(source, 'b'), { recursive: true });
      expect(differences(source, to)).toBe('');
      expect((await calls().show({ id: first.id })).unread).toEqual([]);
      for (const query of [{ ids: ['latest'] }, { ids: [lost.id], source }])
        await expect(calls().forget(query)).rejects.toMatchObject({ exit: 7 });
      expect(await calls().forget({ keep: { last: 1 } })).toMatchObject({
        kept: [{ id: first.id }],
        ...{ forgotten: [], forgottenUnread: [], unread },
      });
      for (const dryRun of [true, false])
        await expect(calls().prune({ dryRun })).rejects.toMatchObject({
          exit: 7,
          message: expect.stringContaining(`snapshot ${lost.id} cannot be read`),
          mend: expect.stringContaining(`datamesh snapshots forget ${lost.id}`),
        });
      expect(await calls().forget({ ids: [lost.id.slice(0, 6)] })).toMatchObject({
        ...{ kept: [], forgotten: [], unread: [] },
        forgottenUnread: unread,
      });
      expect(await calls().snapshots()).toMatchObject({ snapshots: [{ id: first.id }], unread: [] });
      // Its index and its packs are lost as well.
      expect((await calls().backup({ source, pool: 'near' })).skipped).toEqual([]);
      expect(await calls().prune({})).toMatchObject({ packsUnread: 0 });
      const again = join(folder, 'again');
      expect((await calls().restore({ id: 'latest', destination: again })).failed).toEqual([]);
      expect(differences(source, again)).toBe('');
    },
    SLOW_MS,
  );
});
