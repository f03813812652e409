/** Offsets to lines and columns. A line ends at LF, CRLF or a lone CR, as in every editor. */
import type { Span } from './types.ts';

export interface SourceText {
  readonly text: string;
  span(start: number, end: number): Span;
  /** The line's text without its end, for showing it under a diagnostic; lines count from 1. */
  line(number: number): string;
}

export function sourceText(text: string): SourceText {
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
      return { start, end, line: index + 1, column: start - (starts[index] ?? 0) + 1 };
    },
    line(number) {
      const from = starts[number - 1] ?? text.length;
      return text.slice(from, starts[number] ?? text.length).replace(/[\r\n]+$/, '');
    },
  };
}
