import { decodeManifest, decodeOwnManifest, type Manifest } from '../../codec/manifest.ts';
import { ManifestCache } from '../../transfer/manifest-cache.ts';
import type { ObjectId, OwnerId, PeerId } from '../../types.ts';
import type { CustodyStore } from './custody-store.ts';

/** Decoded, of some three thousand objects. */
const CACHE_BYTES = 8 * 1024 * 1024;

/** Who had the stripes' shards when they were written: without this in the store nobody here is told that one of them is gone. The bytes are the owner's object's; nobody where they cannot be read. */
export function writtenTo(manifest: Uint8Array, ownerId: OwnerId): readonly PeerId[] {
  try {
    return decodeOwnManifest(manifest, { ownerId }).peers;
  } catch {
    return [];
  }
}

/** Manifests of the objects in custody, decoded; those used last are kept. */
export class CustodyManifests {
  private readonly cache = new ManifestCache(CACHE_BYTES);
  private readonly store: CustodyStore;

  constructor(store: CustodyStore) {
    this.store = store;
  }

  /** Without a look at the disk. */
  cached(id: ObjectId): Manifest | undefined {
    return this.cache.get(id);
  }

  /** Undefined where it cannot be read as well: one object would else keep all others from being looked at. */
  get(id: ObjectId): Manifest | undefined {
    const known = this.cached(id);
    if (known !== undefined) return known;
    const bytes = this.store.manifest(id);
    if (bytes === undefined) return undefined;
    try {
      return this.add(id, bytes, this.store.mark(id)?.owner);
    } catch {
      return undefined;
    }
  }

  /**
   * `bytes` have been found to be this object's; a copy is kept, as they may lie in a buffer that is used again. Throws as `decodeManifest`.
   * @param signedBy whose order for this very object was verified: it signs the bytes' hash, so their own signature by the same owner tells nothing more
   */
  add(id: ObjectId, bytes: Uint8Array, signedBy?: OwnerId): Manifest {
    const own = Uint8Array.from(bytes);
    const manifest =
      signedBy === undefined ? decodeManifest(own) : decodeOwnManifest(own, { ownerId: signedBy });
    this.cache.add(id, manifest);
    return manifest;
  }

  /** Of an object whose release was carried out: nobody asks for it again. */
  forget(id: ObjectId): void {
    this.cache.delete(id);
  }
}
