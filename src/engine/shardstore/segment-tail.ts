/**
 * The end of the segment that is being written. Bytes are appended one write after another, and while an fdatasync
 * runs the next are already being written, so that neither the disk nor the processor waits for the other.
 *
 * An fdatasync vouches for what had been written when it began, and for nothing later; what it covers is reported
 * durable in the order of the file. One runs at a time: the kernel tells of a lost page once per descriptor, so of two
 * side by side one may succeed over what the other was told is lost.
 */
import type { DiskFile } from '../effects/disk.ts';
import { nextTurn } from '../effects/turn.ts';

/** Reported in one turn of the event loop: about as much as is hashed in 0.4 ms when it comes back. */
const REPORT_BYTES = 1024 * 1024;

/** What becomes of one append; exactly one of the two is called. */
export interface AppendOutcome {
  /** The bytes are durable, and so is everything before them. */
  durable: () => void;
  refused: (error: unknown) => void;
}

interface Part {
  end: number;
  outcome: AppendOutcome;
}

export class SegmentTail {
  readonly number: number;
  readonly #file: DiskFile;
  #end: number;
  #next: number;
  /** Written since the running fdatasync began. */
  #written: Part[] = [];
  #syncing: Promise<void> | undefined;
  /** Durable, to be reported; and how far that goes. */
  readonly #durable: Part[] = [];
  #durableTo: number;
  #reporting: Promise<void> | undefined;
  #writing: Promise<void> | undefined;
  #failed = false;

  /** `end`: everything before it is durable. */
  constructor(number: number, file: DiskFile, end: number) {
    this.number = number;
    this.#file = file;
    this.#end = end;
    this.#durableTo = end;
    this.#next = end;
  }

  /** All before this is durable, and reported so. */
  get end(): number {
    return this.#end;
  }

  /** Where the next append goes. */
  get next(): number {
    return this.#next;
  }

  /** After a write or fdatasync that failed: nothing more may be appended. */
  get failed(): boolean {
    return this.#failed;
  }

  /**
   * Appends; resolves, never rejects, when the bytes are written or refused. The next append may begin then, and the
   * outcome follows with the fdatasync. One append at a time.
   */
  append(buffers: readonly Uint8Array[], lengthBytes: number, outcome: AppendOutcome): Promise<void> {
    const position = this.#next;
    this.#next += lengthBytes;
    this.#writing = this.#write(buffers, position).then(
      () => {
        this.#writing = undefined;
        this.#written.push({ end: position + lengthBytes, outcome });
        this.#sync();
      },
      async (error: unknown) => {
        // What was written whole before it is still synced, and counts.
        this.#failed = true;
        await this.#cutOff(position);
        this.#writing = undefined;
        outcome.refused(error);
      },
    );
    return this.#writing;
  }

  /** Rejects where a Disk throws at once. */
  async #write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    await this.#file.write(buffers, position);
  }

  async #datasync(): Promise<void> {
    await this.#file.datasync();
  }

  #sync(): void {
    if (this.#syncing !== undefined || this.#written.length === 0) return;
    const parts = this.#written;
    this.#written = [];
    this.#syncing = this.#datasync().then(
      () => {
        this.#syncing = undefined;
        this.#durableTo = parts.at(-1)!.end;
        this.#durable.push(...parts);
        // First the disk gets its next work: what follows takes the processor.
        this.#sync();
        this.#report();
      },
      async (error: unknown) => {
        this.#failed = true;
        await this.#writing;
        await this.#cutOff(this.#durableTo);
        this.#syncing = undefined;
        for (const part of [...parts, ...this.#written.splice(0)]) part.outcome.refused(error);
      },
    );
  }

  #report(): void {
    this.#reporting ??= this.#reportAll().then(() => {
      this.#reporting = undefined;
      if (this.#durable.length > 0) this.#report();
    });
  }

  /**
   * Those who hear of it come back with their next shard and hash it at once: without a turn in between nobody would
   * see meanwhile that a write has ended, and the disk would idle until all have come.
   */
  async #reportAll(): Promise<void> {
    let turnAt = this.#end + REPORT_BYTES;
    for (let part = this.#durable.shift(); part !== undefined; part = this.#durable.shift()) {
      this.#end = part.end;
      part.outcome.durable();
      if (this.#end < turnAt) continue;
      turnAt = this.#end + REPORT_BYTES;
      await nextTurn();
    }
  }

  /** Gives the space of what is refused back where that works; the fence in the next segment's header holds either way. */
  async #cutOff(lengthBytes: number): Promise<void> {
    await this.#file.truncate(lengthBytes).catch(() => undefined);
  }

  /** Resolves when the running fdatasync has ended, or what one covered is reported. */
  async synced(): Promise<void> {
    await (this.#syncing ?? this.#reporting);
  }

  /** Resolves when every append has its outcome. */
  async settled(): Promise<void> {
    for (;;) {
      const pending = this.#writing ?? this.#syncing ?? this.#reporting;
      if (pending === undefined) return;
      await pending;
    }
  }

  /** Closes the file once everything is settled. */
  async close(): Promise<void> {
    await this.settled();
    if (this.#failed) await this.#file.close().catch(() => undefined);
    else await this.#file.close();
  }
}
