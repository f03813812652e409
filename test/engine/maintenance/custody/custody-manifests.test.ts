import { expect, test } from 'vitest';
import { blake3 } from '../../../../src/engine/codec/hash.ts';
import { encodeManifest } from '../../../../src/engine/codec/manifest.ts';
import { CustodyManifests } from '../../../../src/engine/maintenance/custody/custody-manifests.ts';
import { memoryCustody } from '../../../../src/engine/maintenance/custody/memory-custody.ts';
import { bytesToHex, type ObjectId } from '../../../../src/engine/types.ts';
import { inputOf } from '../../codec/manifest-samples.ts';
import { keepOf, owner } from './samples.ts';

/** As it was kept, and the manifests as they are read from the store after a restart. */
function kept(manifest: Uint8Array) {
  const id = bytesToHex(blake3(manifest)) as ObjectId;
  const store = memoryCustody();
  store.keep([keepOf({ objectId: id }, { manifest })]);
  return { id, taken: new CustodyManifests(store), manifests: new CustodyManifests(store) };
}

const encoded = (sign = owner.sign) =>
  encodeManifest(inputOf(40_000, { owner: { ...owner, sign }, recipients: [owner.encryptionPublicKey] }));

test('what was taken with its owner’s order is read again after a restart, whatever the manifest’s own signature', () => {
  const bytes = encoded(() => new Uint8Array(64));
  const { id, taken, manifests } = kept(bytes);
  expect(taken.add(id, bytes, owner.ownerId).ownerId).toBe(owner.ownerId);
  expect(manifests.get(id)?.ownerId).toBe(owner.ownerId);
});

test('one that cannot be read is as good as none, and keeps nobody from reading others', () => {
  const rotten = encoded().map((byte, at) => (at === 40 ? byte ^ 1 : byte));
  for (const bytes of [Buffer.from('no manifest'), rotten]) {
    const { id, manifests } = kept(bytes);
    expect(manifests.get(id)).toBeUndefined();
  }
});
