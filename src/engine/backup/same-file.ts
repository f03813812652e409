/** Whether a file that is there is what a snapshot has: by its content, which a size and a time do not tell. */
import type { FileTree, TreePath, TreeStat } from '../effects/tree.ts';
import { READ_BYTES } from './limits.ts';
import type { Segment, TreeEntry } from './tree-entry.ts';

/** Id of a chunk with this content. */
export type ChunkIdOf = (content: Uint8Array) => Buffer;

export interface SameFile {
  /** All that differed is as it should be now; false where owner, mode or time could not be set. */
  attributesSet: boolean;
}

/** `found`: as the folder shows it. Undefined when it is another file, has other bytes, or cannot be read: then it is to be written anew. */
export function sameFile(
  tree: FileTree,
  path: TreePath,
  found: TreeStat,
  entry: TreeEntry,
  idOf: ChunkIdOf,
): SameFile | undefined {
  if (found.kind !== 'file' || found.sizeBytes !== entry.sizeBytes) return undefined;
  // Whoever changes a file changes its time most often: that saves reading it.
  if (!isSameTime(found.mtimeNs, entry.mtimeNs)) return undefined;
  let file: number;
  try {
    file = tree.open(path);
  } catch {
    return undefined;
  }
  try {
    const open = tree.statOpen(file);
    if (open.inode !== found.inode || open.device !== found.device) return undefined;
    let position = 0;
    for (const segment of entry.segments) {
      if (!hasSegment(tree, file, position, segment, idOf)) return undefined;
      position += segment.lengthBytes;
    }
    const asWas = open.mode === entry.mode && open.uid === entry.uid && open.gid === entry.gid;
    // A further name of it may lie anywhere, and keeps what it has.
    if (!asWas && open.links > 1) return undefined;
    return { attributesSet: asWas || tree.setOpenAttributes(file, entry) };
  } catch {
    return undefined;
  } finally {
    tree.close(file);
  }
}

function hasSegment(
  tree: FileTree,
  file: number,
  position: number,
  { id, lengthBytes }: Segment,
  idOf: ChunkIdOf,
): boolean {
  if (id !== undefined) {
    const content = Buffer.allocUnsafe(lengthBytes);
    return readAll(tree, file, content, position) && idOf(content).equals(id);
  }
  const room = Buffer.allocUnsafe(Math.min(READ_BYTES, lengthBytes));
  const zeros = Buffer.alloc(room.length);
  for (let done = 0; done < lengthBytes; done += room.length) {
    const piece = room.subarray(0, Math.min(room.length, lengthBytes - done));
    if (!readAll(tree, file, piece, position + done)) return false;
    if (!piece.equals(zeros.subarray(0, piece.length))) return false;
  }
  return true;
}

function readAll(tree: FileTree, file: number, into: Buffer, position: number): boolean {
  for (let done = 0; done < into.length; ) {
    const count = tree.read(file, into, done, into.length - done, position + done);
    if (count === 0) return false;
    done += count;
  }
  return true;
}

/** As far as `setAttributes` can set it. */
function isSameTime(a: bigint, b: bigint): boolean {
  const apart = a > b ? a - b : b - a;
  // Before 1970 it sets milliseconds.
  return apart < (b < 0n ? 1_000_000n : 1000n);
}
