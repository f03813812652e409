import { decodeManifest, type Manifest } from '../../codec/manifest.ts';
import { ManifestCache } from '../../transfer/manifest-cache.ts';
import type { ObjectId } from '../../types.ts';
import type { CustodyStore } from './custody-store.ts';

/** Manifests of the objects in custody, decoded; those used last are kept. */
export class CustodyManifests {
  private readonly cache = new ManifestCache();
  private readonly store: CustodyStore;

  constructor(store: CustodyStore) {
    this.store = store;
  }

  get(id: ObjectId): Manifest | undefined {
    const known = this.cache.get(id);
    if (known !== undefined) return known;
    const bytes = this.store.manifest(id);
    return bytes && this.add(id, bytes);
  }

  /** `bytes` have been found to be this object's; a copy is kept, as they may lie in a buffer that is used again. Throws as `decodeManifest`. */
  add(id: ObjectId, bytes: Uint8Array): Manifest {
    const manifest = decodeManifest(Uint8Array.from(bytes));
    this.cache.add(id, manifest);
    return manifest;
  }
}
