/** Which bytes of which packs are read for many chunks that are wanted at once: few long reads, each chunk once, for all its places. */
import type { ChunkPlace } from './chunk-index.ts';
import { RANGE_BYTES, RANGE_GAP_BYTES } from './limits.ts';

export interface Wanted<T> {
  id: Buffer;
  place: ChunkPlace;
  /** What it is wanted for. */
  targets: T[];
}

export interface PackRange<T> {
  pack: string;
  offset: number;
  lengthBytes: number;
  chunks: Wanted<T>[];
}

/** In the order of packs as they first come, within a pack by offset; a range goes on over a gap that would be read anyway. */
export function packRanges<T>(wanted: readonly Wanted<T>[]): PackRange<T>[] {
  const packs = new Map<string, Wanted<T>[]>();
  for (const one of wanted) {
    const others = packs.get(one.place.pack);
    if (others === undefined) packs.set(one.place.pack, [one]);
    else others.push(one);
  }
  const ranges: PackRange<T>[] = [];
  for (const [pack, chunks] of packs) {
    let range: PackRange<T> | undefined;
    for (const chunk of chunks.sort((a, b) => a.place.offset - b.place.offset)) {
      const { offset, storedBytes } = chunk.place;
      const end = offset + storedBytes;
      const joins =
        range !== undefined &&
        offset - (range.offset + range.lengthBytes) <= RANGE_GAP_BYTES &&
        end - range.offset <= RANGE_BYTES;
      if (range === undefined || !joins) {
        range = { pack, offset, lengthBytes: 0, chunks: [] };
        ranges.push(range);
      }
      range.chunks.push(chunk);
      range.lengthBytes = Math.max(range.lengthBytes, end - range.offset);
    }
  }
  return ranges;
}
