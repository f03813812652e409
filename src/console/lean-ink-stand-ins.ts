/** What the modules are made of that stand in for some of Ink (lean-ink.ts). */

/** Ink's own caches of a frame, each by the text that was measured or cut. */
interface FrameCaches {
  widths: Map<string, unknown>;
  blockWidths: Map<string, unknown>;
  styledChars: Map<string, unknown>;
}

interface InkOutput {
  prototype: { caches: FrameCaches; get(): unknown };
}

/** Knows what the frame before knew. What a frame did not look at is forgotten with the next, so two frames' worth is all that is ever kept. */
class TwoFrames extends Map<string, unknown> {
  older: Map<string, unknown> | undefined;

  constructor(older: Map<string, unknown> | undefined) {
    super();
    if (older instanceof TwoFrames) older.older = undefined;
    this.older = older;
  }

  override get(text: string): unknown {
    const known = super.get(text);
    if (known !== undefined || this.older === undefined) return known;
    const before = this.older.get(text);
    if (before !== undefined) this.set(text, before);
    return before;
  }
}

/** Ink makes an Output for each frame, and each begins with empty caches. */
export function keepCaches(Output: InkOutput): void {
  const { get } = Output.prototype;
  let before: FrameCaches | undefined;
  Output.prototype.get = function (this: InkOutput['prototype']) {
    const caches: FrameCaches = {
      widths: new TwoFrames(before?.widths),
      blockWidths: new TwoFrames(before?.blockWidths),
      styledChars: new TwoFrames(before?.styledChars),
    };
    before = caches;
    Object.assign(this.caches, caches);
    return get.call(this);
  };
}

/** A screen has a dozen texts; with the changing ones some frames' worth. */
const TEXTS_REMEMBERED = 128;

export function rememberWidths(widestLine: (text: string) => number): (text: string) => number {
  const known = new Map<string, number>();
  return (text) => {
    const width = known.get(text);
    if (width !== undefined) return width;
    if (known.size >= TEXTS_REMEMBERED) known.clear();
    const measured = widestLine(text);
    known.set(text, measured);
    return measured;
  };
}

/** `begin` finds no fetch while it runs, that is until its first wait; nobody else runs meanwhile. */
export function withoutFetch<Result>(begin: () => Result): Result {
  const { fetch } = globalThis;
  Reflect.set(globalThis, 'fetch', undefined);
  try {
    return begin();
  } finally {
    globalThis.fetch = fetch;
  }
}
