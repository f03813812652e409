/** How far a transfer is: one line on a terminal's stderr, or JSON lines for a program that asked for them. */

import { safeJson } from '../commands/format/json.ts';
import { safeText } from '../commands/format/safe-text.ts';
import { formatBytes, formatDuration, formatRate } from '../commands/format/units.ts';
import type { Progress } from '../engine/engine.ts';

/** Ten a second look smooth; short transfers never show one at all. */
const EVERY_MS = 100;
const FIRST_AFTER_MS = 400;

/** A program draws no faster than this. */
const JSON_EVERY_MS = 500;

export interface ProgressLine {
  update(label: string, progress: Progress): void;
  /** Takes the line away, so that other text may be written. */
  clear(): void;
}

export function progressLine(write: (text: string) => void, columns: () => number): ProgressLine {
  const startedAt = performance.now();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let visible = false;
  return {
    update(label, { doneBytes, totalBytes, doneItems, totalItems }) {
      const now = performance.now();
      if (now - startedAt < FIRST_AFTER_MS || now - drawnAt < EVERY_MS) return;
      drawnAt = now;
      visible = true;
      const rate = (doneBytes * 1000) / (now - startedAt);
      const share = totalBytes ? `${Math.floor((doneBytes / totalBytes) * 100)}%` : '';
      const left =
        totalBytes && rate > 0 ? `ETA ${formatDuration(((totalBytes - doneBytes) / rate) * 1000)}` : '';
      const items =
        doneItems === undefined ? '' : `${doneItems}${totalItems ? ` of ${totalItems}` : ''} items`;
      const bytes =
        doneItems !== undefined && doneBytes === 0 ? [] : [formatBytes(doneBytes), formatRate(rate)];
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
  const startedAt = performance.now();
  let toldAt = Number.NEGATIVE_INFINITY;
  return {
    update(label, { doneBytes, totalBytes }) {
      const now = performance.now();
      if (now - toldAt < JSON_EVERY_MS) return;
      toldAt = now;
      const rate = now > startedAt ? (doneBytes * 1000) / (now - startedAt) : 0;
      const left = totalBytes === undefined || rate === 0 ? null : ((totalBytes - doneBytes) / rate) * 1000;
      write(
        safeJson({
          ...{ type: 'progress', label, doneBytes, totalBytes: totalBytes ?? null },
          ...{ bytesPerSecond: Math.round(rate), etaMs: left === null ? null : Math.round(left) },
        }),
      );
    },
    clear() {},
  };
}
