/** Objects whose holders are asked together, so that large ones do not fill the memory. */

/** 6 MB of ids at 4+2, and ten times that while their holders are asked. One object may have more. */
export const STRIPES_AT_ONCE = 16_384;

export async function* batches<T>(
  items: AsyncIterable<T> | Iterable<T>,
  mostItems: number,
  stripesOf: (item: T) => number,
): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let stripes = 0;
  for await (const item of items) {
    const more = stripesOf(item);
    if (batch.length === mostItems || (batch.length > 0 && stripes + more > STRIPES_AT_ONCE)) {
      yield batch;
      batch = [];
      stripes = 0;
    }
    batch.push(item);
    stripes += more;
  }
  if (batch.length > 0) yield batch;
}
