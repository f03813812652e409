/**
 * Runs `work` over `items` with at most `width` under way and yields the results in order. Memory is width × one item
 * with its result. When one fails, or the consumer stops, the source is closed and the rest is awaited, so that
 * whoever cleans up afterwards knows that nothing is still running; `stop` is called first, to make that quick. Results
 * that nobody will see are handed to `discard`.
 */
export async function* orderedWindow<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  width: number,
  work: (item: Item) => Promise<Result>,
  stop: () => void,
  discard: (result: Result) => void = () => {},
): AsyncGenerator<Result> {
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const running: Promise<Result>[] = [];
  let ended = false;
  let complete = false;
  try {
    for (;;) {
      while (!ended && running.length < width) {
        const next = await source.next();
        if (next.done) ended = true;
        else {
          const promise = work(next.value);
          promise.catch(() => {}); // awaited below in order; until then it must not count as unhandled
          running.push(promise);
        }
      }
      const first = running[0];
      if (first === undefined) {
        complete = true;
        return;
      }
      const result = await first;
      running.shift();
      yield result;
    }
  } finally {
    if (!complete) stop();
    await source.return?.();
    for (const end of await Promise.allSettled(running)) if (end.status === 'fulfilled') discard(end.value);
  }
}
