/** Backups after the nodes that had some packs are gone for good, while the index still tells what was in them. */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { suspected } from '../../../src/engine/backup/lost-packs.ts';
import type { HealthReport } from '../../../src/engine/engine.ts';
import { openEngineMesh, untilEligible } from '../../support/engine-mesh.ts';
import { differences } from '../../support/same-tree.ts';
import { tempFolder } from './support.ts';

it('what lay in packs that are lost is stored anew, and older snapshots have it again', async () => {
  const folder = tempFolder();
  const source = join(folder, 'source');
  fs.mkdirSync(source);
  for (let i = 0; i < 5; i++) fs.writeFileSync(join(source, `${i}`), randomBytes(200_000));
  const mesh = await openEngineMesh({ k: 1, m: 1 });
  try {
    for (const name of ['one', 'two', 'far', 'further']) await mesh.add(name);
    const [{ engine } = mesh.engines[0]!, ...others] = mesh.engines;
    await untilEligible(
      engine,
      others.map(({ peerId }) => peerId),
    );
    await engine.pools.create('near', { nodes: ['one', 'two'] });
    await engine.pools.create('far', { nodes: ['far', 'further'] });
    const { backups } = engine;
    const before = await backups.backup({ source, pool: 'far' });
    // Five files and the tree; the tree's pack fits into its manifest, which custodians keep.
    expect(before).toMatchObject({ packsLost: 0, chunksNew: 6 });
    for (const it of mesh.engines.splice(2)) await it.engine.close();

    // A try tells it and stores nothing.
    expect(await backups.backup({ source, pool: 'near', full: true, dryRun: true })).toMatchObject({
      packsLost: 1,
      chunksNew: 5,
    });
    expect((await engine.health()).lost).toBeGreaterThan(0);
    fs.writeFileSync(join(source, 'later'), 'later');
    const after = await backups.backup({ source, pool: 'near' });
    expect(after).toMatchObject({ packsLost: 1, chunksNew: 7 });
    const again = join(folder, 'again');
    expect((await backups.restore({ id: 'latest', destination: again })).failed).toEqual([]);
    expect(differences(source, again)).toBe('');
    fs.rmSync(join(source, 'later'));
    const old = join(folder, 'old');
    expect((await backups.restore({ id: before.snapshot.id, destination: old })).failed).toEqual([]);
    expect(differences(source, old)).toBe('');

    // Nothing that lives is in the lost pack alone.
    expect(await backups.prune({ alone: true })).toMatchObject({ packsDeleted: 1, packsUnread: 0 });
    expect(await backups.backup({ source, pool: 'near', full: true })).toMatchObject({
      packsLost: 0,
      chunksKnown: 5,
    });
  } finally {
    await mesh.close();
  }
}, 120_000);

it('those that the last census has found lost are asked for, or all where it does not name all', () => {
  const worst = ['a', 'b'].map((name) => ({ name, state: name === 'a' ? 'lost' : 'critical' }));
  const health = (lost: number) => ({ lost, worst }) as HealthReport;
  expect(suspected(['a', 'b', 'c'], undefined)).toEqual([]);
  expect(suspected(['a', 'b', 'c'], health(0))).toEqual([]);
  expect(suspected(['a', 'b', 'c'], health(1))).toEqual(['a']);
  expect(suspected(['a', 'b', 'c'], health(2))).toEqual(['a', 'b', 'c']);
});
