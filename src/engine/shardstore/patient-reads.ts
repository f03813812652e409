/**
 * Reads a file as far as its device gives it: a place that it refuses reads as zeros, which fit no record, and is
 * remembered. After several of them the rest of the file is taken for lost, too: a failing disk tries each place for
 * seconds, and a start would wait for hours.
 */
import type { DiskFile } from '../effects/disk.ts';
import { isUnreadable } from './store-errors.ts';

/** A sector of today's disks, a page of the kernel's. */
const BLOCK_BYTES = 4096;
const MAX_REFUSALS = 16;

export class PatientReads {
  readonly #file: DiskFile;
  /** In the order they were met; those beside each other are one. */
  readonly #refused: { from: number; to: number }[] = [];
  #refusals = 0;
  /** From here on nothing is asked for any more. */
  #giveUpAt = Number.POSITIVE_INFINITY;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Whether any of it was refused so far. */
  refused(from: number, to: number): boolean {
    return this.#refused.some((it) => it.from < to && from < it.to);
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const end = position + buffer.length;
    if (end <= this.#giveUpAt && !this.refused(position, end)) {
      try {
        return await this.#file.read(buffer, position);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
      }
    }
    const to = Math.min(end, await this.#file.sizeBytes());
    let next = position;
    for (let at = position; at < to; at = next) {
      next = Math.min(to, at - (at % BLOCK_BYTES) + BLOCK_BYTES);
      await this.#block(buffer.subarray(at - position, next - position), at);
    }
    return Math.max(0, to - position);
  }

  async #block(bytes: Uint8Array, at: number): Promise<void> {
    const to = at + bytes.length;
    if (at < this.#giveUpAt && !this.refused(at, to)) {
      try {
        await this.#file.read(bytes, at);
        return;
      } catch (error) {
        if (!isUnreadable(error)) throw error;
      }
      this.#refusals += 1;
      if (this.#refusals === MAX_REFUSALS) this.#giveUpAt = at;
    }
    bytes.fill(0);
    const last = this.#refused.at(-1);
    if (last?.to === at) last.to = to;
    else if (!this.refused(at, to)) this.#refused.push({ from: at, to });
  }
}
