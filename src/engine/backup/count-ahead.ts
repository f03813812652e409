/** How many bytes a backup has before it, counted while it runs: a second walk of the tree, some steps ahead for each one that the backup makes. */
import { type WalkOptions, walk } from './walk.ts';

/** The count is ready when one in so many entries is stored; reading a file takes much longer than looking at it. */
const STEPS = 64;

export interface CountAhead {
  /** Goes on with the count. */
  step(): void;
  /** Undefined until it has come to its end. */
  totalBytes(): number | undefined;
}

/** What changes meanwhile makes the two walks differ a little: it is for showing how far the work is. */
export function countAhead(options: Omit<WalkOptions, 'skipped'>): CountAhead {
  const found = walk({ ...options, skipped: () => {} });
  /** Of files with several names, which are stored once. */
  const seen = new Set<string>();
  let sum = 0;
  let ended = false;
  return {
    step() {
      for (let i = 0; i < STEPS && !ended; i++) {
        const next = found.next();
        if (next.done === true) {
          ended = true;
          seen.clear();
          return;
        }
        const { kind, links, device, inode, sizeBytes } = next.value.stat;
        if (kind !== 'file') continue;
        if (links > 1) {
          const key = `${device}:${inode}`;
          if (seen.has(key)) continue;
          seen.add(key);
        }
        sum += sizeBytes;
      }
    },
    totalBytes: () => (ended ? sum : undefined),
  };
}
