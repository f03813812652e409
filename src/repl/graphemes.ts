/** Text as a person sees it: grapheme clusters. */

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const PRINTABLE_ASCII = /^[ -~]*$/;

export function isPlainAscii(text: string): boolean {
  return PRINTABLE_ASCII.test(text);
}

/** Grapheme clusters in order. */
export function graphemes(text: string): string[] {
  if (isPlainAscii(text)) return text.split('');
  return [...segmenter.segment(text)].map((part) => part.segment);
}

/** Offset of the last grapheme boundary before `at`; 0 at the start. */
export function previousBoundary(text: string, at: number): number {
  if (at <= 0) return 0;
  if (isPlainAscii(text)) return at - 1;
  return segmenter.segment(text).containing(Math.min(at, text.length) - 1)?.index ?? 0;
}

/** Offset of the first grapheme boundary after `at`; the length at the end. */
export function nextBoundary(text: string, at: number): number {
  if (at >= text.length) return text.length;
  if (isPlainAscii(text)) return at + 1;
  const part = segmenter.segment(text).containing(at);
  return part === undefined ? text.length : part.index + part.segment.length;
}

/** The boundary at `at`, else the next one: a caret never stands inside a cluster. */
export function snapToBoundary(text: string, at: number): number {
  if (at <= 0) return 0;
  if (at >= text.length) return text.length;
  if (isPlainAscii(text)) return at;
  const part = segmenter.segment(text).containing(at);
  return part === undefined || part.index === at ? at : part.index + part.segment.length;
}
