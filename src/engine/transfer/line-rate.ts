/** How fast large puts to a pool went of late: with the round trip, what its line has on its way (codec/chunk-size.ts). */

/** A shorter put is over before the line is full. */
const MIN_BYTES = 32 * 1024 * 1024;
/** The fastest of so many: a put may also wait for its source, or share the line. */
const KEPT = 8;
const MAX_AGE_MS = 60 * 60_000;
/** A node has a handful; the one not written to for longest is forgotten. */
const MAX_POOLS = 64;

export class LineRates {
  private readonly pools = new Map<string, { bytesPerSecond: number; atMs: number }[]>();

  /** All of a put's bytes were sent in this time. */
  note(pool: string, sizeBytes: number, elapsedMs: number, nowMs: number): void {
    if (sizeBytes < MIN_BYTES || elapsedMs <= 0) return;
    const known = this.pools.get(pool) ?? [];
    this.pools.delete(pool);
    const rate = { bytesPerSecond: (sizeBytes * 1000) / elapsedMs, atMs: nowMs };
    this.pools.set(pool, [...known.slice(1 - KEPT), rate]);
    if (this.pools.size > MAX_POOLS) this.pools.delete(this.pools.keys().next().value!);
  }

  /** Of the last hour; undefined without any. */
  best(pool: string, nowMs: number): number | undefined {
    const fresh = (this.pools.get(pool) ?? []).filter(({ atMs }) => nowMs - atMs <= MAX_AGE_MS);
    return fresh.length === 0 ? undefined : Math.max(...fresh.map(({ bytesPerSecond }) => bytesPerSecond));
  }
}
