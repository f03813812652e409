/**
 * Buffers for received request bodies, used again: a fresh mebibyte costs its page faults every time, and freed ones pile up until the
 * garbage collector looks. A buffer goes back only when nobody reads it any more.
 */
import { MAX_POOLED_BYTES } from './limits.ts';

/** Below, an allocation is cheap. */
const MIN_POOLED_BYTES = 64 * 1024;

export class BodyPool {
  private free: Uint8Array[] = [];
  private freeBytes = 0;
  private readonly maxBytes: number;

  constructor(maxBytes = MAX_POOLED_BYTES) {
    this.maxBytes = maxBytes;
  }

  /** At least `lengthBytes` long, its content undefined. */
  take(lengthBytes: number): Uint8Array {
    if (lengthBytes < MIN_POOLED_BYTES) return Buffer.allocUnsafe(lengthBytes);
    // Sizes of one mesh repeat exactly; one twice as large would waste more than it saves.
    const at = this.free.findLastIndex(
      (buffer) => buffer.length >= lengthBytes && buffer.length <= 2 * lengthBytes,
    );
    if (at < 0) return Buffer.allocUnsafeSlow(lengthBytes);
    const [buffer] = this.free.splice(at, 1);
    this.freeBytes -= buffer!.length;
    return buffer!;
  }

  /** What `take` gave, or the part of it that was used. */
  give(body: Uint8Array): void {
    // Below that size it lies in a slab of Buffer's own pool, together with others' bytes.
    if (body.length < MIN_POOLED_BYTES) return;
    const buffer = new Uint8Array(body.buffer);
    if (buffer.length > this.maxBytes) return;
    this.free.push(buffer);
    this.freeBytes += buffer.length;
    while (this.freeBytes > this.maxBytes) this.freeBytes -= this.free.shift()!.length;
  }

  get pooledBytes(): number {
    return this.freeBytes;
  }
}
