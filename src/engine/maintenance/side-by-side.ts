export interface SideBySide {
  /** Tasks under way at most. */
  count: number;
  /** Bytes that they may hold together; a larger one runs alone. */
  bytes: number;
}

/** Runs the task for each item, in their order, some at a time. Rejects with the first error; no further task begins then. */
export function sideBySide<T>(
  items: readonly T[],
  limits: SideBySide,
  bytesOf: (item: T) => number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let running = 0;
    let bytes = 0;
    let failed = false;
    const go = () => {
      while (!failed && next < items.length && running < limits.count) {
        const item = items[next]!;
        const cost = bytesOf(item);
        if (running > 0 && bytes + cost > limits.bytes) return;
        next++;
        running++;
        bytes += cost;
        task(item).then(
          () => {
            running--;
            bytes -= cost;
            go();
          },
          (error: unknown) => {
            failed = true;
            reject(error);
          },
        );
      }
      if (!failed && running === 0) resolve();
    };
    go();
  });
}
