/** Manifests that this node has stored a moment ago: what is told of them next, to custodians, needs no request to a holder. */
import { LRUCache } from 'lru-cache';
import type { ObjectId } from '../types.ts';

/** Orders go out a quarter of a second after the put: some 1,700 small objects. */
const MAX_BYTES = 8 * 1024 * 1024;
/** One of a large object is fetched again. */
const MAX_MANIFEST_BYTES = 256 * 1024;

export class FreshManifests {
  private readonly stored = new LRUCache<ObjectId, Uint8Array>({
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_MANIFEST_BYTES,
    sizeCalculation: (bytes) => bytes.length,
  });

  /** Durable at its holders; `bytes` are not changed any more. */
  add(id: ObjectId, bytes: Uint8Array): void {
    this.stored.set(id, bytes);
  }

  get(id: ObjectId): Uint8Array | undefined {
    return this.stored.get(id);
  }

  /** The custodians have it. */
  delete(id: ObjectId): void {
    this.stored.delete(id);
  }
}
