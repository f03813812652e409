/** The line as it is drawn: the part of it that fits, with the caret in sight. */
import { textWidth } from '../commands/format/text-width.ts';

/** How a control character inside the line is drawn: one column each. */
export function visibleLine(text: string): string {
  return text.replaceAll('\n', '⏎').replaceAll('\t', '⇥');
}

/** The part of the line that fits into `columns` with the caret visible, and the caret's column in it. */
export function visibleWindow(
  text: string,
  caret: number,
  columns: number,
): { text: string; caretColumn: number } {
  const before = visibleLine(text.slice(0, caret));
  const after = visibleLine(text.slice(caret));
  const room = Math.max(1, columns - 1);
  let shown = before;
  let cut = false;
  while (textWidth(shown) + (cut ? 1 : 0) > room) {
    cut = true;
    shown = dropFirst(shown, Math.max(1, textWidth(shown) + 1 - room));
  }
  const head = cut ? `…${shown}` : shown;
  return { text: head + after, caretColumn: textWidth(head) };
}

function dropFirst(text: string, atLeastColumns: number): string {
  let dropped = 0;
  let at = 0;
  for (const part of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)) {
    if (dropped >= atLeastColumns) break;
    dropped += textWidth(part.segment);
    at = part.index + part.segment.length;
  }
  return text.slice(at);
}
