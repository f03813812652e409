/** What a power cut leaves of changes that were not synced. */
import type { Contents, FileChange } from './model-contents.ts';

/** How one crash treats what was not synced. */
export interface Shake {
  /** A number in [0, 1), from a seeded generator. */
  fraction: () => number;
  /**
   * lost: nothing of it stays; kept: all; cut: a beginning, the last change torn; mixed: any sectors of any changes,
   * in any order; holes: like mixed, and the file has its full length all the same, with zeros or old bytes inside.
   */
  mode: 'lost' | 'kept' | 'cut' | 'mixed' | 'holes';
  sectorBytes: 512 | 4096;
  /** Share that survives in `mixed` and `holes`. */
  keep: number;
}

const MODES = ['lost', 'kept', 'cut', 'mixed', 'holes'] as const;
const KEEPS = [0.1, 0.5, 0.9] as const;

export function randomShake(fraction: () => number): Shake {
  return {
    fraction,
    mode: pick(fraction, MODES),
    sectorBytes: pick(fraction, [512, 4096] as const),
    keep: pick(fraction, KEEPS),
  };
}

export function pick<T>(fraction: () => number, from: readonly T[]): T {
  return from[Math.floor(fraction() * from.length)]!;
}

/** Which of the changes of names survive. */
export function keepSome<T>(shake: Shake, changes: readonly T[]): T[] {
  if (shake.mode === 'lost') return [];
  if (shake.mode === 'kept') return [...changes];
  if (shake.mode === 'cut') return changes.slice(0, Math.floor(shake.fraction() * (changes.length + 1)));
  return changes.filter(() => shake.fraction() < shake.keep);
}

/** The file's bytes after the crash: `contents` (durable ones, changed in place) and what survives of `changes`. */
export function crashFile(shake: Shake, contents: Contents, changes: readonly FileChange[]): Contents {
  if (changes.length === 0 || shake.mode === 'lost') return contents;
  const count = shake.mode === 'cut' ? Math.floor(shake.fraction() * (changes.length + 1)) : changes.length;
  for (const [at, change] of changes.slice(0, count + 1).entries()) {
    const whole = shake.mode === 'kept' || (shake.mode === 'cut' && at < count);
    if (whole) contents.apply(change);
    else if (change.kind === 'write') tear(shake, contents, change);
    else if (shake.mode !== 'cut' && shake.fraction() < shake.keep) contents.apply(change);
  }
  return contents;
}

function tear(shake: Shake, contents: Contents, write: FileChange & { kind: 'write' }): void {
  const { sectorBytes } = shake;
  const end = write.position + write.data.length;
  const sectors = Math.ceil(end / sectorBytes) - Math.floor(write.position / sectorBytes);
  const kept = Math.floor(shake.fraction() * (sectors + 1));
  let at = write.position;
  for (let sector = 0; at < end; sector++) {
    const next = Math.min(end, (Math.floor(at / sectorBytes) + 1) * sectorBytes);
    const survives = shake.mode === 'cut' ? sector < kept : shake.fraction() < shake.keep;
    if (survives) {
      const data = write.data.subarray(at - write.position, next - write.position);
      contents.apply({ kind: 'write', position: at, data });
    }
    at = next;
  }
  if (shake.mode === 'holes' && end > contents.length) contents.resize(end);
}
