/** `cleanup` of real engines in one process: two nodes of one owner, and holders that are anybody's. */
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { shardIdOfBytes } from '../../../../src/engine/codec/hash.ts';
import { realClock } from '../../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../../src/engine/effects/random.ts';
import { realDisk } from '../../../../src/engine/effects/real-disk.ts';
import type { Engine } from '../../../../src/engine/engine.ts';
import { openKeyring } from '../../../../src/engine/keys/keyring.ts';
import { engineOn } from '../../../../src/engine/local.ts';
import { type Node, startNode } from '../../../../src/engine/node.ts';
import { dataPaths, type EngineOptions } from '../../../../src/engine/options.ts';
import type { ShardId } from '../../../../src/engine/types.ts';
import { getBytes, putBytes, untilEligible } from '../../../support/engine-mesh.ts';
import { until } from '../../../support/until.ts';

const CODE = { k: 2, m: 1 };
let folder: string;
const made: { node: Node; engine: Engine }[] = [];

function optionsOf(name: string, bootstrap: string[]): EngineOptions {
  return {
    name,
    dataDir: join(folder, name),
    role: 'regular',
    mode: 'service',
    network: { name: 'collecting', preset: 'local', port: 0, bootstrap, zone: undefined, rack: undefined },
    storage: { quotaBytes: 2 ** 30, reserveFraction: 0 },
    reads: { cacheBytes: 0, cacheTtlMs: 0 },
    code: CODE,
    access: { mode: 'open', allow: [], deny: [] },
    cleanupDelayMs: 0,
    bandwidth: { upBytesPerSecond: undefined, downBytesPerSecond: undefined },
    passphrase: undefined,
  };
}

async function add(name: string, keyringOf?: string, more: Partial<EngineOptions> = {}) {
  const disk = realDisk();
  const paths = dataPaths(join(folder, name));
  await disk.makeDir(dirname(paths.keyring), 0o700);
  if (keyringOf !== undefined) await cp(dataPaths(join(folder, keyringOf)).keyring, paths.keyring);
  else
    await (await openKeyring({ disk, random: realRandom(), clock: realClock() }, paths.keyring)).create(name);
  const bootstrap = made.slice(0, 1).map((one) => one.node.net.addresses()[0]!);
  const node = await startNode({ ...optionsOf(name, bootstrap), ...more });
  made.push({ node, engine: engineOn(node) });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dm-collect-'));
  await add('one');
  await add('two', 'one');
  for (const name of ['c', 'd', 'e']) await add(name);
  for (const { engine, node } of made)
    await untilEligible(
      engine,
      made.map((one) => one.node.net.self).filter((id) => id !== node.net.self),
    );
}, 60_000);
afterAll(async () => {
  await Promise.all(made.map(({ engine }) => engine.close()));
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const ALL = { orphaned: true, duplicates: true, dryRun: false };

test('leaves what the owner’s other node stored, sweeps what neither knows, and waits while the other is away', async () => {
  const [one, two] = made as [(typeof made)[0], (typeof made)[0]];
  const [mine, theirs] = [randomBytes(500_000), randomBytes(700_000)];
  const owner = one.node.owner!.ownerId;
  // With an empty catalog it knows too little to call anything an orphan.
  expect((await one.engine.cleanup(ALL)).orphaned!.blocked.join()).toMatch(/no objects/);
  await putBytes(one.engine, 'mine', mine);
  await putBytes(two.engine, 'theirs', theirs);
  const orphan = randomBytes(5000);
  const id: ShardId = shardIdOfBytes(orphan);
  await made[3]!.node.store.put({ id, bytes: orphan, owner });

  expect((await one.engine.cleanup({ ...ALL, dryRun: true })).orphaned).toMatchObject({
    marked: 1,
    swept: 0,
    blocked: [],
  });
  expect((await one.engine.cleanup(ALL)).orphaned).toMatchObject({
    marked: 1,
    swept: 0,
    blocked: [],
    waits: [],
  });
  // Put again between the marks: it is somebody's after all.
  await made[3]!.node.store.put({ id, bytes: orphan, owner });
  expect((await one.engine.cleanup(ALL)).orphaned).toMatchObject({ marked: 1, swept: 0 });

  await two.engine.close();
  const away = (await one.engine.cleanup(ALL)).orphaned!;
  expect(away).toMatchObject({ swept: 0 });
  expect(away.blocked.length + away.waits.length).toBeGreaterThan(0);
  expect(made[3]!.node.store.has(id)).toBe(true);

  made.splice(1, 1);
  await add('two', 'one');
  const again = made.at(-1)!;
  await untilEligible(one.engine, [again.node.net.self]);
  const swept = (await one.engine.cleanup(ALL)).orphaned!;
  expect(swept).toMatchObject({ swept: 1, sweptBytes: 5000, blocked: [] });
  expect(made.some(({ node }) => node.store.has(id))).toBe(false);
  expect(await getBytes(one.engine, 'mine')).toEqual(mine);
  expect(await getBytes(again.engine, 'theirs')).toEqual(theirs);
}, 60_000);

test('copies too many go once the one that stays is proved, and no other', async () => {
  const [{ engine, node }] = made as [(typeof made)[0]];
  await putBytes(engine, 'twice', randomBytes(300_000));
  const { stripesDetail } = await engine.info('twice');
  const [shard] = stripesDetail[0]!.shards;
  const bytes = await node.backend(shard!.holder)!.get(shard!.shardId, { timeoutMs: 5000 });
  const holders = new Set(stripesDetail[0]!.shards.map(({ holder }) => holder));
  const free = made.filter((one) => !holders.has(one.node.net.self));
  for (const one of free)
    await one.node.store.put({
      id: shard!.shardId,
      bytes: Uint8Array.from(bytes!),
      owner: node.owner!.ownerId,
    });
  const query = { orphaned: false, duplicates: true, dryRun: true };
  expect((await engine.cleanup(query)).duplicates).toMatchObject({ shards: 1, released: free.length });
  expect((await engine.cleanup({ ...query, dryRun: false })).duplicates).toEqual({
    shards: 1,
    released: free.length,
    releasedBytes: free.length * bytes!.length,
    unproved: 0,
    failed: 0,
  });
  const left = made.filter((one) => one.node.store.has(shard!.shardId));
  expect(left.map((one) => one.node.net.self)).toEqual([shard!.holder]);
  expect((await engine.verify({ ref: 'twice' })).health.shardsLive).toBe(5);
}, 60_000);

test('the mirrored catalog stays, whatever custodians say of it', async () => {
  await add('f', undefined, { mirrorsCatalog: true });
  const { engine, node } = made.at(-1)!;
  const { ownerId } = node.owner!;
  await untilEligible(
    engine,
    made.slice(0, -1).map((one) => one.node.net.self),
  );
  const names = Array.from({ length: 40 }, (_, at) => `${at} ${randomBytes(300).toString('hex')}`);
  await Promise.all(names.map((name) => putBytes(engine, name, randomBytes(100))));
  const settled = () =>
    node.catalog.mirror.segments(ownerId).length > 0 &&
    node.catalog.mirror.pending(ownerId) === 0 &&
    node.catalog.pendingOrders(ownerId, undefined, 1).length === 0;
  await until('the catalog is in the mesh', settled);
  const liars = made.map((one) =>
    vi.spyOn(one.node.collect.holder, 'orders').mockReturnValue({ items: [], cursor: undefined }),
  );
  const query = { ...ALL, duplicates: false };
  for (let epoch = 0; epoch < 2; epoch++)
    expect((await engine.cleanup(query)).orphaned).toMatchObject({ marked: 0, swept: 0, blocked: [] });
  for (const liar of liars) liar.mockRestore();
}, 60_000);
