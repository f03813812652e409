/** Re-cuts a stream of any pieces into chunks of an exact length. */

export interface Chunk {
  /** From 0. */
  index: number;
  /** `chunkBytes` long, the last one 1 to `chunkBytes`. The consumer's own: never written again. */
  bytes: Uint8Array;
  last: boolean;
}

/**
 * Chunks of `source` in order; none when it is empty. A chunk is yielded when the first byte after it, or the end, is known: that is how
 * `last` is certain with at most one source piece read ahead. A piece that holds whole chunks is handed on in place, not copied: it must
 * not be written again by the source. Ending early ends the source.
 */
export async function* chunks(source: AsyncIterable<Uint8Array>, chunkBytes: number): AsyncGenerator<Chunk> {
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes <= 0)
    throw new RangeError(`no chunk length: ${chunkBytes}`);
  let index = 0;
  let full: Uint8Array | undefined;
  let partial: Uint8Array | undefined;
  let filled = 0;
  for await (const piece of source) {
    let rest = piece;
    while (rest.length > 0) {
      if (full !== undefined) {
        yield { index: index++, bytes: full, last: false };
        full = undefined;
      }
      if (filled === 0 && rest.length >= chunkBytes) {
        full = rest.subarray(0, chunkBytes);
        rest = rest.subarray(chunkBytes);
        continue;
      }
      partial = roomFor(partial, filled, Math.min(chunkBytes, filled + rest.length), chunkBytes);
      const taken = rest.subarray(0, chunkBytes - filled);
      partial.set(taken, filled);
      filled += taken.length;
      rest = rest.subarray(taken.length);
      if (filled === chunkBytes) {
        full = partial;
        partial = undefined;
        filled = 0;
      }
    }
  }
  const rest = filled > 0 ? partial!.subarray(0, filled) : full;
  if (filled > 0 && full !== undefined) yield { index: index++, bytes: full, last: false };
  if (rest !== undefined) yield { index, bytes: rest, last: true };
}

/** Small objects must not cost a whole chunk's buffer, so it doubles as bytes come. */
function roomFor(
  buffer: Uint8Array | undefined,
  filled: number,
  needed: number,
  chunkBytes: number,
): Uint8Array {
  if (buffer !== undefined && buffer.length >= needed) return buffer;
  const size = Math.min(chunkBytes, Math.max(needed, filled * 2, 64 * 1024));
  const larger = Buffer.allocUnsafeSlow(size);
  if (buffer !== undefined) larger.set(buffer.subarray(0, filled));
  return larger;
}
