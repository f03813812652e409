/** The objects of backups where some cannot be read. */
import { describe, expect, it } from 'vitest';
import { NAMES } from '../../../src/engine/backup/object-door.ts';
import { openIndex } from '../../../src/engine/backup/open-index.ts';
import { Repository } from '../../../src/engine/backup/repository.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../src/engine/backup/snapshot-file.ts';
import type { Objects } from '../../../src/engine/calls/objects.ts';
import type { Node } from '../../../src/engine/node.ts';
import { DatameshError } from '../../../src/errors.ts';
import { ModelDisk } from '../../support/model-disk.ts';
import { makeOddTree } from '../../support/odd-tree.ts';
import { differences } from '../../support/same-tree.ts';
import { backup, MemoryObjects, restore, tempFolder } from './support.ts';

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

  it('a lost index, and a lost pack of a run that was broken off, keep nobody from restoring', async () => {
    const objects = new MemoryObjects();
    makeOddTree(`${folder}/whole`, { files: 20, averageBytes: 20_000 });
    const { snapshotId } = await backup(objects, `${folder}/whole`);
    const [index] = objects.named(NAMES.index);
    const orphan = `${NAMES.data}orphan-0`;
    objects.objects.set(orphan, Buffer.alloc(1000));
    const read = objects.read.bind(objects);
    objects.read = (name, offset, lengthBytes) =>
      name === orphan
        ? Promise.reject(new DatameshError('shards-missing', { what: 'it is lost' }))
        : read(name, offset, lengthBytes);
    const events: string[] = [];
    const repository = repositoryOn(objects.objects, new Set([index!.name]), events);
    await expect(repository.indexFiles()).rejects.toMatchObject({ code: 'shards-missing' });
    const indexFiles = await repository.readableIndexFiles();
    expect(events).toEqual([expect.stringContaining(`warn ${index!.name} cannot be read`)]);
    expect(await restore(objects, snapshotId, `${folder}/to`, { indexFiles })).toMatchObject({ failed: [] });
    expect(differences(`${folder}/whole`, `${folder}/to`)).toBe('');
    // Who deletes must know all.
    await expect(openIndex(indexFiles, objects.packs, objects, true)).rejects.toMatchObject({
      code: 'shards-missing',
    });
  });
});
