import { expect, test } from 'vitest';
import { blake3 } from '../../../../src/engine/codec/hash.ts';
import { encodeManifest } from '../../../../src/engine/codec/manifest.ts';
import { createAdoption } from '../../../../src/engine/maintenance/custody/adoption.ts';
import { CustodyManifests } from '../../../../src/engine/maintenance/custody/custody-manifests.ts';
import { MANIFEST_GROUP } from '../../../../src/engine/maintenance/custody/custody-store.ts';
import { memoryCustody } from '../../../../src/engine/maintenance/custody/memory-custody.ts';
import type { ShardStore } from '../../../../src/engine/shardstore/store.ts';
import { bytesToHex, type ObjectId, type ShardId } from '../../../../src/engine/types.ts';
import { inputOf } from '../../codec/manifest-samples.ts';
import { keepOf, member, owner, stranger } from './samples.ts';

const manifest = encodeManifest(
  inputOf(40_000, { owner, recipients: [owner.encryptionPublicKey], chunkBytes: 65_536 }),
);
const id = bytesToHex(blake3(manifest)) as ObjectId;
const { order, bytes } = keepOf({ objectId: id, state: 'released', sequence: 2 }, { manifest });
const { peer: from } = member(1);

/** A holder whose disk takes until `written`. */
function holder(written: Promise<void>) {
  const held = new Set<ShardId>();
  const inFolder = new Set<ShardId>();
  const custody = memoryCustody();
  const fetched: ObjectId[] = [];
  const adoption = createAdoption({
    self: member(0).peer,
    network: order.network,
    store: {
      async put({ id: shard }: { id: ShardId }) {
        await written;
        held.add(shard);
        return 'stored' as const;
      },
      get: async () => undefined,
      has: (shard: ShardId) => held.has(shard),
      delete: async (shard: ShardId) => held.delete(shard),
    } as Partial<ShardStore> as ShardStore,
    custody,
    manifests: new CustodyManifests(custody),
    hash: blake3,
    admitsOwner: () => true,
    manifestFrom: async (_, object) => {
      fetched.push(object);
      return manifest;
    },
    released: () => {},
    elsewhere: { release: async (shard) => inFolder.delete(shard) },
  });
  return { held, inFolder, custody, adoption, fetched };
}

test('what is on its way to a slow disk when its release comes does not stay', async () => {
  const disk = Promise.withResolvers<void>();
  const { held, adoption } = holder(disk.promise);
  const adopting = adoption.adopt(from, id, { stripe: MANIFEST_GROUP, index: 0 }, manifest);
  const dropping = adoption.drop(from, { order: bytes, manifest, claims: [] });
  disk.resolve();
  await adopting;
  expect(await dropping).toBe('kept');
  expect(held.size).toBe(0);
});

test('a release takes the copies in the store and in folders, also of what lies in both', async () => {
  const { held, inFolder, adoption } = holder(Promise.resolve());
  await adoption.adopt(from, id, { stripe: MANIFEST_GROUP, index: 0 }, manifest);
  for (const shard of held) inFolder.add(shard);
  expect(await adoption.drop(from, { order: bytes, manifest, claims: [] })).toBe('kept');
  expect([held.size, inFolder.size]).toEqual([0, 0]);
});

test('only a release by the object’s owner keeps its shards away', async () => {
  const { held, custody, adoption } = holder(Promise.resolve());
  const place = { stripe: MANIFEST_GROUP, index: 0 };
  const theirs = keepOf({ objectId: id, owner: stranger.ownerId, state: 'released' });
  custody.keep([theirs]);
  await adoption.adopt(from, id, place, manifest);
  expect(held.size).toBe(1);
  // The owner's own release takes its place.
  expect(await adoption.drop(from, { order: bytes, manifest, claims: [] })).toBe('kept');
  expect(held.size).toBe(0);
  custody.keep([{ order, bytes, manifest }]);
  await expect(adoption.adopt(from, id, place, manifest)).rejects.toMatchObject({ code: 'denied' });
});

test('the manifest of an object is asked for once, and not kept beyond its release', async () => {
  const { adoption, fetched } = holder(Promise.resolve());
  const wrong = async () =>
    await adoption.adopt(from, id, { stripe: 99, index: 0 }, manifest).catch((error: Error) => error.message);
  for (let times = 0; times < 3; times++) expect(await wrong()).toBe('the object has no such shard');
  expect(fetched).toEqual([id]);
  for (let custodian = 0; custodian < 3; custodian++)
    expect(await adoption.drop(from, { order: bytes, manifest, claims: [] })).toBe('kept');
  await wrong();
  expect(fetched).toEqual([id, id]);
});
