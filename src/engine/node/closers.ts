/** What a node has opened so far, so that one call closes it all in reverse, also when a later step of the start fails. */
export class Closers {
  private readonly all: (() => void | Promise<void>)[] = [];

  /** Notes how `value` is closed and gives it back. */
  opened<T>(value: T, close: (value: T) => void | Promise<void>): T {
    this.all.push(() => close(value));
    return value;
  }

  add(close: () => void | Promise<void>): void {
    this.all.push(close);
  }

  /** Once: a second call finds nothing left to close. */
  async close(): Promise<void> {
    for (const close of this.all.splice(0).reverse()) await close();
  }
}
