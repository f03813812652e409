/** How many columns of a terminal a text takes. */
import { createRequire } from 'node:module';

/**
 * Characters that take one column and never join their neighbours: ASCII, Latin letters, punctuation, arrows, mathematical signs, frames, blocks, most
 * geometric shapes, braille. A test holds each to string-width.
 */
const NARROW =
  /^[ -~\u00a1-\u00ac\u00ae-\u024f\u2010-\u2027\u2190-\u22ff\u2500-\u25fc\u2713\u2717\u2800-\u28ff]*$/;
/** Colours, which take none. */
const COLOURS = /\u001b\[(?:\d{1,4}(?:;\d{0,4})*)?m/g;

let widthOfAny: ((text: string) => number) | undefined;

/**
 * Columns of `text`; control characters and colours take none. string-width knows the rules of Unicode for it, and its tables take 25 ms to load, a tenth of
 * what the console needs to its first frame: it is asked for what needs them, a Chinese name or an emoji.
 */
export function textWidth(text: string): number {
  const plain = text.includes('\u001b') ? text.replace(COLOURS, '') : text;
  if (NARROW.test(plain)) return plain.length;
  // Loaded at once, since who draws a row cannot wait for it.
  widthOfAny ??= (createRequire(import.meta.url)('string-width') as { default: (text: string) => number })
    .default;
  return widthOfAny(text);
}
