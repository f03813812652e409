/** Objects that may be damaged: when each was first found so, and when it is to be looked at next. Bounded; what does not fit the next census finds again. */
import type { ObjectId } from '../types.ts';

interface Suspect {
  /** Monotonic time of the first look that found damage; undefined before it. */
  sinceMs: number | undefined;
  nextMs: number;
  /** Looks in a row after which nothing could be done. */
  futile: number;
}

/** 100 bytes each. */
const MAX_SUSPECTS = 200_000;
/** Wait after the first futile look, doubled with each further one. */
const FIRST_WAIT_MS = 5_000;
const LAST_WAIT_MS = 300_000;

export class DamageList {
  private readonly suspects = new Map<ObjectId, Suspect>();

  get size(): number {
    return this.suspects.size;
  }

  /** To be looked at soon, whatever was found before. */
  suspect(id: ObjectId, nowMs: number): void {
    const known = this.suspects.get(id);
    if (known !== undefined) {
      known.nextMs = Math.min(known.nextMs, nowMs);
      known.futile = 0;
    } else if (this.suspects.size < MAX_SUSPECTS) {
      this.suspects.set(id, { sinceMs: undefined, nextMs: nowMs, futile: 0 });
    }
  }

  /** The mesh has changed: what was futile may now help. */
  retryAll(nowMs: number): void {
    for (const suspect of this.suspects.values()) {
      suspect.nextMs = Math.min(suspect.nextMs, nowMs);
      suspect.futile = 0;
    }
  }

  due(nowMs: number, limit: number): ObjectId[] {
    const due: ObjectId[] = [];
    for (const [id, { nextMs }] of this.suspects) {
      if (nextMs > nowMs) continue;
      due.push(id);
      if (due.length === limit) break;
    }
    return due;
  }

  /** How long it has been damaged; 0 when it is first noted now. */
  ageMs(id: ObjectId, nowMs: number): number {
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return 0;
    suspect.sinceMs ??= nowMs;
    return nowMs - suspect.sinceMs;
  }

  /** Damaged, but its time has not come. */
  waitUntil(id: ObjectId, atMs: number): void {
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return;
    suspect.nextMs = atMs;
    // Behind those that are due.
    this.suspects.delete(id);
    this.suspects.set(id, suspect);
  }

  /** Damaged, and nothing could be done now. */
  futile(id: ObjectId, nowMs: number): void {
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return;
    this.waitUntil(id, nowMs + Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** suspect.futile));
    suspect.futile++;
  }

  whole(id: ObjectId): void {
    this.suspects.delete(id);
  }

  /** Objects known to be damaged. */
  damaged(): ObjectId[] {
    return [...this.suspects].filter(([, { sinceMs }]) => sinceMs !== undefined).map(([id]) => id);
  }
}
