/** Offsets to lines and columns. A line ends at LF, CRLF or a lone CR, as in every editor. */
import type { Span } from './types.ts';

export interface SourceText {
  readonly text: string;
  span(start: number, end: number): Span;
}

/** `firstLine`: which line of something longer the text begins with. */
export function sourceText(text: string, firstLine = 1): SourceText {
  const starts = [0];
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 10 || (char === 13 && text.charCodeAt(i + 1) !== 10)) starts.push(i + 1);
  }

  function lineIndexAt(offset: number): number {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  return {
    text,
    span(start, end) {
      const index = lineIndexAt(start);
      return { start, end, line: index + firstLine, column: start - (starts[index] ?? 0) + 1 };
    },
  };
}
