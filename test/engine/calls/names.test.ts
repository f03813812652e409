/** Names on real engines: what is deleted comes back, what is copied stays readable, and shards go with the last name for them. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clockWatch } from '../../../src/engine/calls/believed-time.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import {
  type EngineMesh,
  getBytes,
  openEngineMesh,
  putBytes,
  untilEligible,
} from '../../support/engine-mesh.ts';
import { until } from '../../support/until.ts';
import { pattern } from '../codec/reference.ts';

let mesh: EngineMesh;
let owner: Engine;

beforeAll(async () => {
  mesh = await openEngineMesh({ k: 2, m: 1 });
  for (const name of ['a', 'b', 'c']) await mesh.add(name);
  owner = mesh.engines[0]!.engine;
  await untilEligible(
    owner,
    mesh.engines.slice(1).map(({ peerId }) => peerId),
  );
}, 30_000);
afterAll(() => mesh.close());

const shards = async () => {
  const all = await Promise.all(mesh.engines.map(({ engine }) => engine.status()));
  return all.reduce((sum, { store }) => sum + store.shards, 0);
};
const [one, two] = [pattern(20_000, 1), pattern(20_000, 2)];
const same = async (ref: string, bytes: Uint8Array) =>
  expect(Buffer.compare(await getBytes(owner, ref), bytes)).toBe(0);

it('a deleted name keeps its shards and comes back; a purge releases them', async () => {
  const before = await shards();
  await putBytes(owner, 'a', one);
  await putBytes(owner, 'a', two);
  const held = await shards();
  expect(held).toBeGreaterThan(before);
  await owner.names.hide('a');
  await expect(owner.get('a')).rejects.toMatchObject({ code: 'not-found' });
  expect((await owner.list({ deleted: true })).objects.map(({ name }) => name)).toEqual(['a']);
  // Nothing of it is an orphan.
  const { orphaned } = await owner.cleanup({ orphaned: true, duplicates: false, dryRun: true });
  expect(orphaned).toMatchObject({ marked: 0, blocked: [] });
  await owner.names.undelete('a');
  await expect(owner.names.undelete('a')).rejects.toMatchObject({
    code: 'already-exists',
    mend: expect.stringContaining('`datamesh versions a`'),
  });
  await same('a', two);
  expect(await shards()).toBe(held);
  await owner.names.hide('a');
  expect(await owner.delete('a')).toMatchObject({ versions: 2, unreachable: [] });
  await expect(owner.names.undelete('a')).rejects.toMatchObject({ code: 'not-found' });
  await until('their shards are gone', async () => (await shards()) === before);
}, 30_000);

it('a copy stays readable when the name it was made from is purged, and after a rename', async () => {
  await putBytes(owner, 'first', one);
  await owner.names.duplicate('first', 'second');
  await owner.names.rename('first', 'dir/first');
  await owner.delete('dir/first');
  await same('second', one);
  const { orphaned } = await owner.cleanup({ orphaned: true, duplicates: false, dryRun: true });
  expect(orphaned).toMatchObject({ marked: 0, blocked: [] });
  expect(await owner.delete('second')).toMatchObject({ versions: 1, unreachable: [] });
  await expect(owner.get('second')).rejects.toMatchObject({ code: 'not-found' });
});

it('a copy that is made while the name it comes from is being purged is not emptied by it', async () => {
  await putBytes(owner, 'goes', one);
  const gone = owner.delete('goes');
  await owner.names.duplicate('goes', 'stays');
  expect(await gone).toMatchObject({ versions: 1, shardsReleased: 0 });
  await same('stays', one);
  await owner.delete('stays');
});

it('what is renamed while it is being purged stays, and is not told as deleted', async () => {
  await putBytes(owner, 'here', one);
  const gone = owner.delete('here').catch((error: unknown) => error);
  await owner.names.rename('here', 'there');
  expect(await gone).toMatchObject({ code: 'not-found' });
  await same('there', one);
  await owner.delete('there');
});

it('a name that was deleted does not become the beginning of another object’s id', async () => {
  const { object } = await putBytes(owner, 'other', one);
  const digits = object.objectId.slice(0, 5);
  expect(await owner.find(digits)).toMatchObject({ name: 'other' });
  await putBytes(owner, digits, two);
  await owner.names.hide(digits);
  await expect(owner.find(digits)).rejects.toMatchObject({
    code: 'not-found',
    mend: expect.stringContaining('undelete'),
  });
  await expect(owner.names.hide(digits)).rejects.toMatchObject({ code: 'not-found' });
  expect(await owner.find(object.objectId)).toMatchObject({ name: 'other' });
});

it('reads are counted under the name as it is now', async () => {
  await putBytes(owner, 'read', one);
  for (let i = 0; i < 3; i++) await same('read', one);
  await owner.names.rename('read', 'read/later');
  await same('read/later', one);
  const [first] = await owner.popular({ sinceMs: Date.now() - 60_000 });
  expect(first).toMatchObject({ object: { name: 'read/later' }, reads: 4, bytes: 4 * one.length });
});

it('one version goes for good and the others stay', async () => {
  await putBytes(owner, 'v', one);
  await putBytes(owner, 'v', two);
  await owner.delete('v', { version: 2 });
  const mendOf = async (ref: string) =>
    owner.get(ref, { version: 99 }).then(
      () => undefined,
      ({ code, mend }: { code: string; mend: string }) => `${code}: ${mend}`,
    );
  expect(await mendOf('v')).toBe('not-found: see which there are with `datamesh versions v`');
  expect(await mendOf('nobody')).toBe('not-found: see what is stored with `datamesh list`');
  await same('v', one);
  expect((await owner.names.versions('v')).versions).toMatchObject([{ version: 1, state: 'current' }]);
});

it('old versions go as the pool says, and never the current one', async () => {
  await owner.pools.set('default', { keep: { versions: 1 } });
  expect(await owner.pools.show('default')).toMatchObject({ keep: { versions: 1 } });
  // Another pool keeps all unless told.
  expect(await owner.pools.create('archive', { domain: 'none' })).not.toHaveProperty('keep');
  for (let i = 0; i < 4; i++) await putBytes(owner, 'kept', pattern(100, i));
  await until('two went', async () => (await owner.names.versions('kept')).versions.length === 2);
  expect((await owner.names.versions('kept')).versions.map(({ version }) => version)).toEqual([4, 3]);
  await same('kept', pattern(100, 3));
  await owner.pools.set('default', { keep: { versions: 'all' } });
  expect(await owner.pools.show('default')).not.toHaveProperty('keep');
  await expect(owner.pools.set('default', { code: { k: 1, m: 1 } })).rejects.toMatchObject({
    code: 'bad-value',
  });
  await expect(owner.pools.set('default', { keep: { versions: -1 } })).rejects.toMatchObject({
    code: 'bad-value',
  });
}, 30_000);

it('a dry run of a pool is checked as the change itself is, and makes none', async () => {
  const dryRun = true;
  expect(await owner.pools.create('dry', { code: { k: 1, m: 1 }, dryRun })).toMatchObject({
    code: { k: 1, m: 1 },
  });
  await expect(owner.pools.show('dry')).rejects.toMatchObject({ code: 'not-found' });
  await expect(owner.pools.create('dry', { code: { k: 200, m: 20 }, dryRun })).rejects.toMatchObject({
    code: 'too-few-nodes',
  });
  const made = await owner.pools.create('wet', { domain: 'none' });
  await expect(owner.pools.create('wet', { domain: 'none', dryRun })).rejects.toMatchObject({
    code: 'already-exists',
  });
  expect(await owner.pools.set('wet', { compress: true, dryRun })).toMatchObject({ compress: true });
  expect(await owner.pools.show('wet')).toEqual(made);
  expect(await owner.pools.set('default', { keep: { versions: 3 }, dryRun })).toMatchObject({
    keep: { versions: 3 },
  });
  expect(await owner.pools.show('default')).not.toHaveProperty('keep');
  const folder = join(tmpdir(), 'datamesh-never-made');
  await owner.pools.set('wet', { folders: [{ path: folder }], dryRun });
  expect(existsSync(folder)).toBe(false);
});

it('a clock is believed only when it goes as time does, agrees with most peers, and the node has run a while', () => {
  const time = { wall: 1_000_000_000, ran: 0 };
  const trusted = clockWatch({ now: () => time.wall + time.ran, monotonic: () => time.ran });
  const hour = 60 * 60_000;
  expect(trusted([0, 0])).toBe(false);
  time.ran = hour;
  expect(trusted([0, 1_000])).toBe(true);
  expect(trusted([])).toBe(false);
  expect(trusted([0, hour])).toBe(false);
  expect(trusted([0, 0, -hour])).toBe(true);
  time.wall += 24 * hour;
  expect(trusted([0, 0])).toBe(false);
  time.wall -= 48 * hour;
  expect(trusted([0, 0])).toBe(false);
});
