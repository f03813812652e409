/** The objects of backups where some cannot be read. */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NAMES } from '../../../src/engine/backup/object-door.ts';
import { packEnd } from '../../../src/engine/backup/pack-table.ts';
import { Repository } from '../../../src/engine/backup/repository.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../src/engine/backup/snapshot-file.ts';
import type { Objects } from '../../../src/engine/calls/objects.ts';
import { hashProvider } from '../../../src/engine/codec/hash.ts';
import type { Node } from '../../../src/engine/node.ts';
import { DatameshError } from '../../../src/errors.ts';
import { ModelDisk } from '../../support/model-disk.ts';
import { makeOddTree } from '../../support/odd-tree.ts';
import { differences } from '../../support/same-tree.ts';
import { backup, MemoryObjects, prune, restore, SECRET, tempFolder } from './support.ts';

/** A repository on objects in memory; those in `lost` are in the catalog, and no node gives them. */
function repositoryOn(objects: Map<string, Buffer>, lost: ReadonlySet<string>, events: string[] = []) {
  const list = (_owner: unknown, { prefix }: { prefix: string }) => ({
    objects: [...objects]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, { length }]) => ({ name, sizeBytes: length, objectId: name.replaceAll('/', '-') })),
    cursor: undefined,
  });
  const node = {
    owner: { ownerId: 'owner' },
    options: { dataDir: '/data' },
    disk: new ModelDisk(),
    catalog: { list },
    events: { add: (level: string, _part: string, text: string) => events.push(`${level} ${text}`) },
  };
  const get = async (name: string) => {
    if (lost.has(name)) throw new DatameshError('shards-missing', { what: `${name} is lost` });
    const bytes = objects.get(name)!;
    return { body: [bytes], length: bytes.length };
  };
  return new Repository(node as unknown as Node, { get } as unknown as Objects, new AbortController().signal);
}

describe('of the objects of backups', () => {
  const folder = tempFolder();

  it('a lost snapshot keeps none of the others from being found, and is named', async () => {
    const objects = new MemoryObjects();
    makeOddTree(`${folder}/from`, { files: 2, averageBytes: 1000 });
    const { snapshotId } = await backup(objects, `${folder}/from`);
    const first = `${NAMES.snapshot}${snapshotId}`;
    const snapshot = decodeSnapshot(objects.objects.get(first)!);
    const lost = 'feedfeedfeedfeed';
    objects.objects.set(`${NAMES.snapshot}${lost}`, encodeSnapshot({ ...snapshot, takenAtMs: 5 }));
    const repository = repositoryOn(objects.objects, new Set([`${NAMES.snapshot}${lost}`]));
    const named = await repository.snapshots(snapshotId.slice(0, 4));
    expect(named).toMatchObject({ found: [{ id: snapshotId }], lost: [] });
    expect(await repository.snapshots()).toMatchObject({
      found: [{ id: snapshotId }],
      lost: [{ id: lost, error: { code: 'shards-missing' } }],
    });
  });

  it('a lost index, and a lost pack of a run that was broken off, keep nobody from restoring, nor from the next backup', async () => {
    const objects = new MemoryObjects();
    makeOddTree(`${folder}/whole`, { files: 20, averageBytes: 20_000 });
    const { snapshotId } = await backup(objects, `${folder}/whole`);
    const [index] = objects.named(NAMES.index);
    const orphan = `${NAMES.data}orphan-0`;
    objects.objects.set(orphan, Buffer.alloc(1000));
    objects.lost.add(orphan);
    const events: string[] = [];
    const repository = repositoryOn(objects.objects, new Set([index!.name]), events);
    const indexFiles = await repository.indexFiles();
    expect(events).toEqual([expect.stringContaining(`warn ${index!.name} cannot be read`)]);
    expect(await restore(objects, snapshotId, `${folder}/to`, { indexFiles })).toMatchObject({ failed: [] });
    expect(differences(`${folder}/whole`, `${folder}/to`)).toBe('');
    // It counts on what packs say of themselves.
    expect(await backup(objects, `${folder}/whole`, { indexFiles })).toMatchObject({ chunksNew: 0 });
  });
});

describe('a prune', () => {
  const folder = tempFolder();
  const from = `${folder}/from`;
  const fresh = async () => {
    fs.rmSync(from, { recursive: true, force: true });
    fs.mkdirSync(from);
    for (const name of ['a', 'b', 'c']) fs.writeFileSync(`${from}/${name}`, randomBytes(100_000));
    const objects = new MemoryObjects();
    await backup(objects, from);
    const [first] = objects.named(NAMES.data);
    fs.rmSync(`${from}/a`);
    fs.rmSync(`${from}/b`);
    const { snapshotId } = await backup(objects, from);
    return { objects, first: first!.name, snapshotId };
  };
  const restores = async (objects: MemoryObjects, id: string) => {
    const to = fs.mkdtempSync(`${folder}/to-`);
    expect(await restore(objects, id, to)).toMatchObject({ failed: [] });
    expect(differences(from, to)).toBe('');
  };

  it('leaves a pack that cannot be read, or is damaged, as it is, and frees the others', async () => {
    const { objects, first, snapshotId } = await fresh();
    objects.objects.set(`${NAMES.data}dead-0`, packOf('dead'));
    objects.lost.add(first);
    const freed = { packsDeleted: 2, packsRewritten: 0, packsUnread: 1 };
    const done = await prune(objects, [snapshotId]);
    expect(done).toMatchObject(freed);
    expect(done.deletable).toContain(`${NAMES.data}dead-0`);
    expect(done.deletable).not.toContain(first);
    // It is there again.
    objects.lost.clear();
    for (const name of done.deletable) objects.objects.delete(name);
    await restores(objects, snapshotId);
    const pack = objects.objects.get(first)!;
    for (let at = 0; at < 300_000; at += 50_000) pack[at]! ^= 1;
    const indexes = objects.named(NAMES.index).length;
    expect(await prune(objects, [snapshotId])).toMatchObject({ deletable: [], packsUnread: 1 });
    expect(objects.named(NAMES.index).length).toBe(indexes);
  });

  it('deletes nothing while the tree of a snapshot cannot be read, and names it', async () => {
    const { objects, snapshotId } = await fresh();
    for (const { name } of objects.named(NAMES.tree)) objects.lost.add(name);
    const before = objects.objects.size;
    await expect(prune(objects, [snapshotId])).rejects.toMatchObject({
      code: 'shards-missing',
      message: expect.stringContaining(`snapshot ${snapshotId} cannot be read`),
      mend: expect.stringContaining(`datamesh snapshots forget ${snapshotId}`),
    });
    expect(objects.objects.size).toBe(before);
  });

  it('keeps a pack of which nobody knows what is in it while something is missing, and no longer', async () => {
    const { objects, first, snapshotId } = await fresh();
    const own = { indexFiles: objects.indexFiles.slice(1) };
    objects.lost.add(first);
    const done = await prune(objects, [snapshotId], own);
    expect(done).toMatchObject({ packsUnread: 1 });
    expect(done.deletable).not.toContain(first);
    objects.lost.clear();
    for (const name of done.deletable) objects.objects.delete(name);
    await restores(objects, snapshotId);
    // All that is live lies elsewhere.
    const other = `${NAMES.data}orphan-0`;
    objects.objects.set(other, Buffer.alloc(1000));
    objects.lost.add(other);
    expect((await prune(objects, [snapshotId], { dryRun: true })).packsUnread).toBe(0);
    expect((await prune(objects, [snapshotId])).deletable).toContain(other);
  });
});

/** One of a chunk that nothing refers to. */
function packOf(content: string): Buffer {
  const bytes = Buffer.from(content);
  const id = Buffer.from(hashProvider().keyed(SECRET, bytes));
  return Buffer.concat([
    bytes,
    packEnd([{ id, storedBytes: bytes.length, rawBytes: bytes.length, method: 0 }]),
  ]);
}
