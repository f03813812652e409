/** What the modules are made of that stand in for some of Ink (lean-ink.ts). */
import { rememberingTexts } from '../panels/remember.ts';

/** Ink's own caches of a frame, each by the text that was measured or cut. */
interface FrameCaches {
  widths: Map<string, unknown>;
  blockWidths: Map<string, unknown>;
  styledChars: Map<string, unknown>;
}

interface Write {
  type: 'write' | 'clip' | 'unclip';
  x: number;
  y: number;
  text: string;
  transformers: readonly ((line: string, at: number) => string)[];
}

/** Where Ink puts the texts of a frame, and makes its rows of them. */
interface Output {
  width: number;
  height: number;
  operations: Write[];
  caches: FrameCaches & {
    getStyledChars(text: string): readonly { value: string; styles: readonly unknown[] }[];
  };
  get(): { output: string; height: number };
}

interface InkOutput {
  new (size: { width: number; height: number }): Output;
  prototype: Output;
}

/** Knows what the frame before knew. What a frame did not look at is forgotten with the next, so two frames' worth is all that is ever kept. */
class TwoFrames<Known> extends Map<string, Known> {
  older: Map<string, Known> | undefined;

  constructor(older: Map<string, Known> | undefined) {
    super();
    if (older instanceof TwoFrames) older.older = undefined;
    this.older = older;
  }

  override get(text: string): Known | undefined {
    const known = super.get(text);
    if (known !== undefined || this.older === undefined) return known;
    const before = this.older.get(text);
    if (before !== undefined) this.set(text, before);
    return before;
  }
}

/** Ink makes an Output for each frame, and each begins with empty caches; it puts every row together from its characters, and most are those of the frame before. */
export function keepCaches(Output: InkOutput): void {
  const { get } = Output.prototype;
  let before: FrameCaches | undefined;
  let lines = new TwoFrames<readonly string[]>(undefined);
  let rows = new TwoFrames<string>(undefined);
  Output.prototype.get = function (this: Output) {
    const caches: FrameCaches = {
      widths: new TwoFrames(before?.widths),
      blockWidths: new TwoFrames(before?.blockWidths),
      styledChars: new TwoFrames(before?.styledChars),
    };
    before = caches;
    Object.assign(this.caches, caches);
    lines = new TwoFrames(lines);
    rows = new TwoFrames(rows);
    const writes = this.operations.map((each) => linesOf(this, each, lines));
    if (writes.includes(undefined)) return get.call(this);
    const parts = Array.from({ length: this.height }, (): Write[] => []);
    writes.forEach((texts, at) => {
      const write = this.operations[at]!;
      texts?.forEach((text, below) => {
        if (text !== '') parts[write.y + below]?.push({ ...write, y: 0, text, transformers: [] });
      });
    });
    const drawn = parts.map((operations) => {
      const key = `${this.width} ${operations.map(({ x, text }) => `${x} ${text}`).join('\n')}`;
      const known = rows.get(key);
      if (known !== undefined) return known;
      // A screen of one row, by Ink's own rules.
      const row = new Output({ width: this.width, height: 1 });
      row.operations = operations;
      row.caches = this.caches;
      const { output } = get.call(row);
      rows.set(key, output);
      return output;
    });
    return { output: drawn.join('\n'), height: this.height };
  };
}

/** The lines of what is written; nothing where Ink must see the whole: where it clips or changes a line, or where a style goes on beyond the end of one. */
function linesOf(
  output: Output,
  { type, text, transformers }: Write,
  known: Map<string, readonly string[]>,
): readonly string[] | undefined {
  if (type !== 'write') return undefined;
  let lines = known.get(text);
  if (lines === undefined) {
    const characters = output.caches.getStyledChars(text);
    if (characters.some(({ value, styles }) => value === '\n' && styles.length > 0)) return undefined;
    lines = text.split('\n');
    known.set(text, lines);
  }
  // Each <Text> has one, which does nothing where it asks for no colour.
  const changed = transformers.some((change) => lines.some((line, at) => change(line, at) !== line));
  return changed ? undefined : lines;
}

/** A screen has a dozen texts; with the changing ones some frames' worth. */
const TEXTS_REMEMBERED = 128;
/** Ink's caches hold up to twice as many. */
const TEXTS_OF_INK = 32;

export function rememberWidths(widestLine: (text: string) => number): (text: string) => number {
  return rememberingTexts(TEXTS_REMEMBERED, widestLine);
}

/** A cache by texts, of which Ink wants to keep some thousands: with the panels in one text these are frames, each new each second, and came to half a mebibyte a minute. */
export function fewTexts<Cache extends new (options: { maxSize: number }) => object>(Cache: Cache): Cache {
  const few = class extends (Cache as new (options: { maxSize: number }) => object) {
    constructor(options: { maxSize: number }) {
      super({ ...options, maxSize: Math.min(options.maxSize, TEXTS_OF_INK) });
    }
  };
  return few as Cache;
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
