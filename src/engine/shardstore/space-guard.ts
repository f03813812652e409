/** Refuses politely before the disk does: the quota, the reserve, and the ballast that keeps deletes possible. */
import type { Clock } from '../effects/clock.ts';
import type { Disk, DiskSpace } from '../effects/disk.ts';
import type { StoreLimits } from './limits.ts';
import { diskFull, isMissing, quotaFull } from './store-errors.ts';

export interface SpaceGuardOptions {
  dir: string;
  disk: Disk;
  clock: Clock;
  limits: StoreLimits;
  quotaBytes: number;
  reserveFraction: number;
  liveBytes: () => number;
}

/** Of the ballast's size: with less than this free a node could not write, or open, what it needs for a delete. */
const NEEDED_PART = 8;

export class SpaceGuard {
  readonly #options: SpaceGuardOptions;
  readonly #ballastPath: string;
  /** Admitted and not yet in the log. */
  #pendingBytes = 0;
  #space: DiskSpace | undefined;
  #askedAtMs = 0;
  #admittedSinceBytes = 0;
  #asking: Promise<void> | undefined;
  #hasBallast = false;
  #short = false;

  constructor(options: SpaceGuardOptions) {
    this.#options = options;
    this.#ballastPath = `${options.dir}/BALLAST`;
  }

  /** Lays the ballast down where a node stores shards at all: it is made again later when that fails. On a disk that is full already it is given up. */
  async open(): Promise<void> {
    const { disk, limits } = this.#options;
    const found = await disk.stat(this.#ballastPath);
    this.#hasBallast = found?.sizeBytes === limits.ballastBytes;
    await this.#ask();
    await this.#layBallast();
    await this.leaveRoom(this.#space?.freeBytes ?? 0);
  }

  /** Gives up the ballast where so little is free: the databases, too, need room for a delete. */
  async leaveRoom(freeBytes: number): Promise<void> {
    if (this.#hasBallast && freeBytes < this.#options.limits.ballastBytes / NEEDED_PART)
      await this.dropBallast();
  }

  /**
   * Admits a record of this size, or throws `quota-full` or `disk-full`. The bytes count until the returned function
   * is called, once the record is in the log or was refused.
   */
  async admit(recordBytes: number): Promise<() => void> {
    const { quotaBytes, liveBytes, dir } = this.#options;
    const usedBytes = liveBytes() + this.#pendingBytes;
    if (usedBytes + recordBytes > quotaBytes) throw quotaFull(quotaBytes, usedBytes);
    this.#pendingBytes += recordBytes;
    let counted = true;
    const release = () => {
      if (counted) this.#pendingBytes -= recordBytes;
      counted = false;
    };
    try {
      if (this.#isStale()) await this.#askOnce();
      // A refusal never rests on an old answer: space may just have come back.
      else if (!this.#leavesReserve(recordBytes)) await this.#askOnce();
      if (!this.#leavesReserve(recordBytes)) throw diskFull(dir);
    } catch (error) {
      release();
      throw error;
    }
    this.#admittedSinceBytes += recordBytes;
    return release;
  }

  /**
   * `admit` at once, where the last answer of the disk is fresh and leaves no doubt. False decides nothing. Each true
   * is ended by `release`.
   */
  admitNow(recordBytes: number): boolean {
    const { quotaBytes, liveBytes } = this.#options;
    if (liveBytes() + this.#pendingBytes + recordBytes > quotaBytes) return false;
    if (this.#isStale() || !this.#leavesReserve(recordBytes)) return false;
    this.#pendingBytes += recordBytes;
    this.#admittedSinceBytes += recordBytes;
    return true;
  }

  release(recordBytes: number): void {
    this.#pendingBytes -= recordBytes;
  }

  /** True from a full disk on until the ballast is laid again: what can wait should not take room. */
  get short(): boolean {
    return this.#short;
  }

  /** Gives up the ballast on a full disk; false when there is none. */
  async dropBallast(): Promise<boolean> {
    this.#space = undefined;
    this.#short = true;
    if (!this.#hasBallast) return false;
    this.#hasBallast = false;
    await this.#options.disk.remove(this.#ballastPath).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    return true;
  }

  /** Looks, now and then, whether there is room again. */
  recheck(): void {
    // A failing statfs changes nothing.
    if (this.#isStale()) this.#askOnce().catch(() => undefined);
  }

  #leavesReserve(recordBytes: number): boolean {
    const space = this.#space;
    if (space === undefined) return false;
    const { limits, reserveFraction } = this.#options;
    const freeBytes = space.freeBytes - this.#admittedSinceBytes - recordBytes;
    // The room of a ballast that was given up is for deletes.
    const ballastBytes = this.#short ? limits.ballastBytes : 0;
    return freeBytes >= space.totalBytes * reserveFraction + ballastBytes;
  }

  #askOnce(): Promise<void> {
    this.#asking ??= this.#ask();
    return this.#asking;
  }

  #isStale(): boolean {
    const { clock, limits } = this.#options;
    return (
      this.#space === undefined ||
      this.#admittedSinceBytes > limits.spaceEveryBytes ||
      clock.monotonic() - this.#askedAtMs > limits.spaceEveryMs
    );
  }

  async #ask(): Promise<void> {
    const { disk, dir, clock } = this.#options;
    try {
      this.#space = await disk.space(dir);
      this.#askedAtMs = clock.monotonic();
      this.#admittedSinceBytes = 0;
      if (!this.#hasBallast) await this.#layBallast();
    } finally {
      this.#asking = undefined;
    }
  }

  async #layBallast(): Promise<void> {
    const { disk, limits, quotaBytes, reserveFraction } = this.#options;
    const space = this.#space;
    if (this.#hasBallast || space === undefined) return;
    if (quotaBytes === 0 || limits.ballastBytes === 0) {
      this.#short = false;
      return;
    }
    if (space.freeBytes - 2 * limits.ballastBytes < space.totalBytes * reserveFraction) return;
    try {
      // Not synced: a ballast lost in a crash is laid again, and its blocks are reserved now.
      const file = await disk.open(this.#ballastPath, 'update');
      try {
        await file.write([new Uint8Array(limits.ballastBytes)], 0);
      } finally {
        await file.close();
      }
      this.#hasBallast = true;
      this.#short = false;
    } catch {
      // No room, or a bad disk: the next question of free space tries again.
      await disk.remove(this.#ballastPath).catch(() => undefined);
    }
  }
}
