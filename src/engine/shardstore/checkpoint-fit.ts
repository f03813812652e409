/** Whether the segments that lie there are those that an index speaks of. */
import type { Disk } from '../effects/disk.ts';
import { type Checkpoint, INDEX_FORMAT } from './index.ts';
import { segmentPath } from './segment.ts';
import { isUnreadable } from './store-errors.ts';

/** @param store the salt of the store, as hex */
export function isOurs(checkpoint: Checkpoint | undefined, store: string): checkpoint is Checkpoint {
  return checkpoint?.format === INDEX_FORMAT && checkpoint.store === store;
}

/** Those with shards of the index that are missing, or shorter than it knows them. `numbers` are those that there are. */
export async function lackingSegments(
  disk: Disk,
  dir: string,
  numbers: readonly number[],
  checkpoint: Checkpoint,
): Promise<number[]> {
  const there = new Set(numbers);
  const lacking: number[] = [];
  for (const { number, liveBytes, validBytes } of checkpoint.segments) {
    if (liveBytes === 0 || number === checkpoint.segment) continue;
    if (!there.has(number) || (await isCut(disk, segmentPath(dir, number), validBytes))) lacking.push(number);
  }
  const { segment, offset } = checkpoint;
  if (segment !== 0 && (await isCut(disk, segmentPath(dir, segment), offset))) lacking.push(segment);
  return lacking;
}

async function isCut(disk: Disk, path: string, lengthBytes: number): Promise<boolean> {
  try {
    const found = await disk.stat(path);
    return found === undefined || found.sizeBytes < lengthBytes;
  } catch (error) {
    // Nothing says that it was cut, and what other segments hold is served.
    if (isUnreadable(error)) return false;
    throw error;
  }
}
