/** Orphans in folders of a node: found, marked, swept by a later epoch, and safe from puts that come in between. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DirectoryBackend, openDirectory } from '../../../../src/engine/backends/directory-backend.ts';
import { blake3 } from '../../../../src/engine/codec/hash.ts';
import { realRandom } from '../../../../src/engine/effects/random.ts';
import { realDisk } from '../../../../src/engine/effects/real-disk.ts';
import { folderCollectTarget } from '../../../../src/engine/maintenance/collect/collect-folder.ts';
import type { CollectTarget } from '../../../../src/engine/maintenance/collect/collect-target.ts';
import { Quarantine } from '../../../../src/engine/maintenance/collect/quarantine.ts';
import { type PeerId, type ShardId, shardIdOf } from '../../../../src/engine/types.ts';
import { attesterOf } from '../../../support/attester.ts';
import { type ManualClock, manualClock } from '../../../support/manual-clock.ts';
import { OWNER_A, OWNER_B } from '../../shardstore/shards.ts';

const CALL = { timeoutMs: 5000, signal: new AbortController().signal };
const SELF = '12D3KooWnode' as PeerId;
const DELAY_MS = 1000;
let base: string;
let clock: ManualClock;
let quarantine: Quarantine;
let folder: DirectoryBackend;
let target: CollectTarget;
let live: Set<string>;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'datamesh-folder-'));
  clock = manualClock();
  live = new Set();
  quarantine = await Quarantine.open({
    disk: realDisk(),
    clock,
    path: join(base, 'quarantine.log'),
    log: () => {},
  });
  folder = await openDirectory({
    disk: realDisk(),
    random: realRandom(),
    hash: blake3,
    path: join(base, 'shards'),
    node: SELF,
    create: true,
    adopt: false,
    reserveFraction: 0,
    quotaBytes: undefined,
    announce: () => {},
    coming: (owner, id) => quarantine.lift(owner, [id]),
    attester: attesterOf('node'),
  });
  const custody = { mark: (id: string) => (live.has(id) ? { state: 'live' } : undefined) };
  target = folderCollectTarget({ folder, owner: OWNER_A, self: SELF, quarantine, custody: custody as never });
});
afterEach(async () => {
  await quarantine.close();
  await rm(base, { recursive: true, force: true });
});

const bytesOf = (i: number) => Buffer.alloc(100 + i, i);
const idOf = (i: number) => shardIdOf(blake3(bytesOf(i)));
const put = (i: number, owner = OWNER_A) => folder.put(idOf(i), bytesOf(i), owner, CALL);
const listed = async (limit: number): Promise<ShardId[]> => {
  const ids: ShardId[] = [];
  for (let cursor: ShardId | undefined; ; ) {
    const page = await folder.list(OWNER_A, cursor, limit);
    ids.push(...page.items.map(({ id }) => id));
    if (page.cursor === undefined) return ids;
    expect(cursor === undefined || page.cursor > cursor).toBe(true);
    cursor = page.cursor;
  }
};

test('a folder lists what the owner has put, each once and in order, whatever the size of a page', async () => {
  for (let i = 0; i < 40; i++) await put(i, i % 4 === 0 ? OWNER_B : OWNER_A);
  const expected = Array.from({ length: 40 }, (_, i) => i)
    .filter((i) => i % 4 !== 0)
    .map(idOf)
    .sort();
  for (const limit of [1, 7, 40, 1000]) expect(await listed(limit)).toEqual(expected);
  const { items } = await folder.list(OWNER_A, undefined, 1000);
  expect(items.find(({ id }) => id === idOf(5))!.lengthBytes).toBe(105);
});

test('what was marked by one epoch goes with a later one after the delay, and no sooner', async () => {
  await put(1);
  await put(2);
  const ids = [idOf(1), idOf(2)];
  expect((await target.list(undefined, DELAY_MS, CALL)).items.map(({ state }) => state)).toEqual([
    'none',
    'none',
  ]);
  expect(await target.mark(1, DELAY_MS, [...ids, idOf(9)], CALL)).toEqual(['marked', 'marked', 'absent']);
  expect(await target.sweep(1, DELAY_MS, ids, CALL)).toEqual([false, false]);
  expect(await target.mark(2, DELAY_MS, ids, CALL)).toEqual(['waits', 'waits']);
  expect(await target.sweep(2, DELAY_MS, ids, CALL)).toEqual([false, false]);
  clock.advance(DELAY_MS);
  expect(await target.mark(3, DELAY_MS, ids, CALL)).toEqual(['ripe', 'ripe']);
  expect(await target.sweep(3, DELAY_MS, ids, CALL)).toEqual([true, true]);
  expect(await folder.has(ids, CALL)).toEqual([false, false]);
});

test('what is put again, and what an order names, stays', async () => {
  await put(1);
  await put(2);
  const ids = [idOf(1), idOf(2)];
  await target.mark(1, DELAY_MS, ids, CALL);
  clock.advance(DELAY_MS);
  expect(await target.mark(2, DELAY_MS, ids, CALL)).toEqual(['ripe', 'ripe']);
  await put(1);
  expect(await target.sweep(2, DELAY_MS, ids, CALL)).toEqual([false, true]);
  expect(await folder.has(ids, CALL)).toEqual([true, false]);
  live.add(idOf(1));
  expect(await target.mark(3, DELAY_MS, ids, CALL)).toEqual(['named', 'absent']);
});

test('puts and sweeps side by side: whoever was told that the shard is durable finds it', async () => {
  for (let round = 0; round < 40; round++) {
    await put(round);
    const ids = [idOf(round)];
    await target.mark(2 * round + 1, 0, ids, CALL);
    clock.advance(1);
    await target.mark(2 * round + 2, 0, ids, CALL);
    const putting = put(round);
    for (let turns = 0; turns < round % 8; turns++) await Promise.resolve();
    await Promise.all([putting, target.sweep(2 * round + 2, 0, ids, CALL)]);
    expect(await folder.has(ids, CALL), `round ${round}`).toEqual([true]);
  }
});

test('a folder whose disk is away lists nothing, and says so', async () => {
  await put(1);
  await rm(join(base, 'shards'), { recursive: true });
  await expect(target.list(undefined, DELAY_MS, CALL)).rejects.toMatchObject({ code: 'peer-unreachable' });
});
