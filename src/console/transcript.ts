/** The Output: what was typed and answered, wrapped to the width it is looked at. */
import { cell, type Row, type Tone, wrapRow } from '../panels/cells.ts';
import { remembering } from '../panels/remember.ts';

/** Some hours of work; beyond that the oldest goes. */
export const MAX_LINES = 5_000;
/** What goes on from the row above stands a little to the right. */
const INDENT = 2;

/** Each frame shows the same lines again. */
const wrapped = remembering((row: Row, columns: number) => wrapRow(row, columns, INDENT));

export interface Transcript {
  lines: readonly Row[];
  /** Wrapped rows below the window: 0 follows the newest. */
  scroll: number;
}

export function emptyTranscript(): Transcript {
  return { lines: [], scroll: 0 };
}

/** Text of a command may hold anything: control characters are shown as blanks, tabs as two. */
export function textRow(text: string, tone: Tone = 'plain'): Row {
  return [cell(text.replaceAll('\t', '  ').replace(/[\u0000-\u001f\u007f-\u009f]/g, ' '), tone)];
}

/** One row for each line of `text`. */
export function textRows(text: string, tone: Tone = 'plain'): Row[] {
  return text.split('\n').map((line) => textRow(line, tone));
}

/** A scrolled window stays on the text it shows. */
export function appendRows(transcript: Transcript, rows: readonly Row[], columns: number): Transcript {
  const lines = [...transcript.lines, ...rows].slice(-MAX_LINES);
  if (transcript.scroll === 0) return { lines, scroll: 0 };
  const added = rows.reduce((sum, row) => sum + wrapped(row, columns).length, 0);
  return { lines, scroll: transcript.scroll + added };
}

export interface TranscriptWindow {
  rows: Row[];
  /** Wrapped rows hidden below the window. */
  below: number;
  /** False when the first line is in sight. */
  more: boolean;
}

/** At most `height` rows; only what is looked at is wrapped. */
export function windowOf(transcript: Transcript, columns: number, height: number): TranscriptWindow {
  const wanted = height + transcript.scroll;
  let rows: Row[] = [];
  let at = transcript.lines.length - 1;
  for (; at >= 0 && rows.length < wanted; at--) {
    rows = [...wrapped(transcript.lines[at] ?? [], columns), ...rows];
  }
  const below = Math.max(0, Math.min(transcript.scroll, rows.length - height));
  const end = rows.length - below;
  const start = Math.max(0, end - height);
  return { rows: rows.slice(start, end), below, more: at >= 0 || start > 0 };
}

/** Scrolls by rows; up is positive. Never past the first line. */
export function scrollBy(transcript: Transcript, by: number, columns: number, height: number): Transcript {
  const scroll = Math.max(0, transcript.scroll + by);
  const window = windowOf({ ...transcript, scroll }, columns, height);
  return { ...transcript, scroll: window.below };
}
