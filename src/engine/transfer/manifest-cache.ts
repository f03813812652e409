import type { Manifest } from '../codec/manifest.ts';
import { recordBytes } from '../codec/stripe-table.ts';
import type { ObjectId } from '../types.ts';

/** Of an owner's own objects, that is of some ten thousand. */
const OWN_BYTES = 32 * 1024 * 1024;
/** Fixed cost of an entry beside its stripe table and its sealed half. */
const BASE_BYTES = 2048;

/** Decoded manifests kept for the next get or census: immutable, so never stale. The oldest used goes first. */
export class ManifestCache {
  private readonly maxBytes: number;
  private readonly entries = new Map<ObjectId, Manifest>();
  private bytes = 0;
  deletions = 0;

  constructor(maxBytes = OWN_BYTES) {
    this.maxBytes = maxBytes;
  }

  get(id: ObjectId): Manifest | undefined {
    const manifest = this.entries.get(id);
    if (manifest === undefined) return undefined;
    this.entries.delete(id);
    this.entries.set(id, manifest);
    return manifest;
  }

  /** Of an object that was deleted: a manifest whose fetch had begun before does not come back with `add`. */
  delete(id: ObjectId): void {
    this.deletions++;
    const manifest = this.entries.get(id);
    if (manifest === undefined) return;
    this.entries.delete(id);
    this.bytes -= sizeOf(manifest);
  }

  /** @param before `deletions` when its fetch began */
  add(id: ObjectId, manifest: Manifest, before = this.deletions): void {
    if (before !== this.deletions) return;
    const size = sizeOf(manifest);
    if (this.entries.has(id)) return;
    this.entries.set(id, manifest);
    this.bytes += size;
    for (const [oldest, of] of this.entries) {
      // The largest that there may be is kept as well, alone.
      if (this.bytes <= this.maxBytes || oldest === id) break;
      this.entries.delete(oldest);
      this.bytes -= sizeOf(of);
    }
  }
}

function sizeOf(manifest: Manifest): number {
  return BASE_BYTES + manifest.sealed.box.length + manifest.stripeCount * recordBytes(manifest.code);
}
