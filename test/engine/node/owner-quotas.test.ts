/** Limits of owners on a node: kept over restarts, enforced against whoever puts, and never in the way of reads and deletes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { limitingPuts, openQuotas } from '../../../src/engine/node/owner-quotas.ts';
import type { ShardStore } from '../../../src/engine/shardstore/store.ts';
import type { OwnerId, ShardId } from '../../../src/engine/types.ts';
import {
  type EngineMesh,
  getBytes,
  openEngineMesh,
  putBytes,
  untilEligible,
} from '../../support/engine-mesh.ts';
import { pattern } from '../codec/reference.ts';

const ALICE = 'aa'.repeat(32) as OwnerId;
const BOB = 'bb'.repeat(32) as OwnerId;
let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'datamesh-quota-'));
  path = join(folder, 'quotas.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('limits', () => {
  it('are kept, for one and for all, and taken away', async () => {
    const quotas = await openQuotas(realDisk(), path);
    expect(quotas.limitOf(ALICE)).toBeUndefined();
    await quotas.set(ALICE, 100);
    await quotas.set('all', 50);
    const again = await openQuotas(realDisk(), path);
    expect([again.limitOf(ALICE), again.limitOf(BOB)]).toEqual([100, 50]);
    await again.set(ALICE, undefined);
    expect((await openQuotas(realDisk(), path)).limitOf(ALICE)).toBe(50);
    await expect(again.set('nobody' as OwnerId, 1)).rejects.toMatchObject({ code: 'bad-value' });
    await expect(again.set(ALICE, -1)).rejects.toMatchObject({ code: 'bad-value' });
  });

  it('that cannot be read stop the node: it must not go on without them', async () => {
    for (const text of ['', '{}', '{"format":1,"limits":{"x":1}}', `{"format":1,"limits":{"${ALICE}":-1}}`]) {
      await writeFile(path, text);
      await expect(openQuotas(realDisk(), path)).rejects.toMatchObject({ code: 'malformed-data' });
    }
  });
});

it('what is under way counts, what is there costs nothing again, and a failed put gives its room back', async () => {
  const held = new Map<ShardId, number>();
  let answer: Promise<'stored'> = Promise.resolve('stored');
  const inner = {
    put: async ({ id, bytes }: { id: ShardId; bytes: Uint8Array }) => {
      await answer;
      held.set(id, bytes.length);
      return 'stored' as const;
    },
    stat: (id: ShardId) => (held.has(id) ? { owners: [ALICE] } : undefined),
    ownerBytes: () => [...held.values()].reduce((sum, bytes) => sum + bytes, 0),
  } as unknown as ShardStore;
  const store = limitingPuts(inner, { limitOf: () => 100 });
  const put = (id: string, bytes: number) =>
    store.put({ id: id as ShardId, bytes: new Uint8Array(bytes), owner: ALICE });
  const [first, second, third] = [put('a', 40), put('b', 40), put('c', 40)];
  await expect(third).rejects.toMatchObject({ code: 'quota-full' });
  await Promise.all([first, second]);
  await put('a', 40);
  await put('d', 20);
  await expect(put('e', 1)).rejects.toMatchObject({ code: 'quota-full' });
  held.delete('d' as ShardId);
  answer = Promise.reject(new Error('the disk'));
  await expect(put('f', 20)).rejects.toThrow('the disk');
  answer = Promise.resolve('stored');
  await put('g', 20);
});

describe('holders', () => {
  let mesh: EngineMesh;
  beforeAll(async () => {
    mesh = await openEngineMesh({ k: 2, m: 1 });
    for (const name of ['a', 'b', 'c']) await mesh.add(name);
    await untilEligible(
      mesh.engines[0]!.engine,
      mesh.engines.slice(1).map(({ peerId }) => peerId),
    );
  }, 30_000);
  afterAll(() => mesh.close());

  it('refuse an owner beyond the limit; the others, reads and deletes go on', async () => {
    const [alice, bob] = mesh.engines.map(({ engine }) => engine) as [
      (typeof mesh.engines)[0]['engine'],
      (typeof mesh.engines)[0]['engine'],
    ];
    const { owner } = await alice.status();
    await putBytes(alice, 'before', pattern(40_000, 1));
    for (const { engine } of mesh.engines) {
      const used = (await engine.quotas.list()).find((it) => it.owner === owner)!.usedBytes!;
      expect(used).toBeGreaterThan(0);
      await engine.quotas.set(owner!, used + 1_000);
    }
    await expect(putBytes(alice, 'beyond', pattern(90_000, 2))).rejects.toMatchObject({
      exit: expect.any(Number),
    });
    expect((await alice.list()).objects.map(({ name }) => name)).toEqual(['before']);
    expect(Buffer.compare(await getBytes(alice, 'before'), pattern(40_000, 1))).toBe(0);
    await untilEligible(
      bob,
      mesh.engines.filter(({ engine }) => engine !== bob).map(({ peerId }) => peerId),
    );
    await putBytes(bob, 'of bob', pattern(90_000, 3));
    await alice.delete('before');
    await putBytes(alice, 'fits again', pattern(30_000, 4));
    for (const { engine } of mesh.engines) await engine.quotas.set(owner!, undefined);
    await putBytes(alice, 'beyond', pattern(90_000, 2));
  }, 30_000);
});
