/** How far a transfer is: one line on a terminal's stderr, or JSON lines for a program that asked for them. */

import { safeJson } from '../commands/format/json.ts';
import { safeText } from '../commands/format/safe-text.ts';
import { formatBytes, formatDuration, formatRate } from '../commands/format/units.ts';
import type { Progress } from '../engine/engine.ts';
import { JobRate } from '../engine/observe/job-rate.ts';

/** Ten a second look smooth; short transfers never show one at all. */
const EVERY_MS = 100;
const FIRST_AFTER_MS = 400;

/** A program draws no faster than this. */
const JSON_EVERY_MS = 500;

/**
 * Bytes a second of what was seen: what went before (opening the engine, a question, the hour of work that `jobs wait` joins) is no part of it.
 * Undefined until there is something to measure.
 */
class Pace {
  private rate: JobRate | undefined;
  private sinceMs = 0;
  private doneBytes = 0;

  perSecond(nowMs: number, doneBytes: number): number | undefined {
    // Less than before is other work of the same command: the next pass of a watch, the get after a put.
    if (this.rate === undefined || doneBytes < this.doneBytes) {
      this.rate = new JobRate(nowMs, doneBytes);
      this.sinceMs = nowMs;
    }
    this.doneBytes = doneBytes;
    this.rate.note(nowMs, doneBytes);
    return nowMs - this.sinceMs < EVERY_MS ? undefined : this.rate.perSecond(nowMs, doneBytes);
  }
}

/** Of what is left. */
function leftMs(totalBytes: number | undefined, doneBytes: number, perSecond: number | undefined) {
  return totalBytes === undefined || !perSecond
    ? undefined
    : (Math.max(0, totalBytes - doneBytes) * 1000) / perSecond;
}

export interface ProgressLine {
  update(label: string, progress: Progress): void;
  /** Takes the line away, so that other text may be written. */
  clear(): void;
}

export function progressLine(write: (text: string) => void, columns: () => number): ProgressLine {
  const startedAt = performance.now();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let visible = false;
  const pace = new Pace();
  return {
    update(label, { doneBytes, totalBytes, doneItems, totalItems }) {
      const now = performance.now();
      const rate = pace.perSecond(now, doneBytes);
      if (now - startedAt < FIRST_AFTER_MS || now - drawnAt < EVERY_MS) return;
      drawnAt = now;
      visible = true;
      const share = totalBytes ? `${Math.floor((doneBytes / totalBytes) * 100)}%` : '';
      const etaMs = leftMs(totalBytes, doneBytes, rate);
      const left = etaMs === undefined ? '' : `ETA ${formatDuration(etaMs)}`;
      const items =
        doneItems === undefined ? '' : `${doneItems}${totalItems ? ` of ${totalItems}` : ''} items`;
      const bytes =
        doneItems !== undefined && doneBytes === 0
          ? []
          : [formatBytes(doneBytes), rate === undefined ? '' : formatRate(rate)];
      const figures = [share, items, ...bytes, left].filter((text) => text !== '').join('  ');
      const room = Math.max(8, columns() - figures.length - 4);
      const name = safeText(label);
      write(`\r\x1b[K${name.length > room ? `${name.slice(0, room - 1)}…` : name}  ${figures}`);
    },
    clear() {
      if (visible) write('\r\x1b[K');
      visible = false;
    },
  };
}

/** `{"type":"progress","label","doneBytes","totalBytes","bytesPerSecond","etaMs"}`, twice a second at most; null is what is not known. */
export function jsonProgress(write: (line: string) => void): ProgressLine {
  let toldAt = Number.NEGATIVE_INFINITY;
  const pace = new Pace();
  return {
    update(label, { doneBytes, totalBytes }) {
      const now = performance.now();
      const rate = pace.perSecond(now, doneBytes);
      if (now - toldAt < JSON_EVERY_MS) return;
      toldAt = now;
      const left = leftMs(totalBytes, doneBytes, rate);
      write(
        safeJson({
          ...{ type: 'progress', label, doneBytes, totalBytes: totalBytes ?? null },
          ...{ bytesPerSecond: rate === undefined ? null : Math.round(rate) },
          ...{ etaMs: left === undefined ? null : Math.round(left) },
        }),
      );
    },
    clear() {},
  };
}
