/** What of the review stands in a window of few rows: the numbered answers and the actions first, then the file and the command, then what changes. */
import { wrap } from '../commands/format/help.ts';

const MAX_DIFF_LINES = 6;
/** A list that is cut shows that many at least. */
const MIN_LIST_ROWS = 3;

export interface ReviewParts {
  /** Numbered answers, in so many columns side by side. */
  answers: number;
  columns: number;
  /** The line whose number is being typed is in sight; 0: none. */
  typed: number;
  diff: number;
  /** Lines of the command. */
  same: number;
  /** Lines below that always stand there: actions, what is typed, what is wrong. */
  below: number;
}

export interface ReviewFit {
  /** The answers in sight, by index, `perColumn` in each column. */
  from: number;
  to: number;
  perColumn: number;
  /** Room for the file and this many lines of the command; 0: for neither. */
  same: number;
  /** Lines of what changes; if fewer than all, one more says how many are left. */
  diff: number;
}

export function fitReview(parts: ReviewParts, height: number): ReviewFit {
  let left = height - parts.below;
  const wanted = Math.ceil(parts.answers / parts.columns);
  const list = fitList(parts, Math.max(MIN_LIST_ROWS, left));
  left -= Math.min(wanted, Math.max(MIN_LIST_ROWS, left));
  // An empty line, the file, and one line of the command at least.
  let same = left >= 3 ? 1 : 0;
  left -= same === 0 ? 0 : 3;
  const diff = parts.diff === 0 || left < 2 ? 0 : diffLines(parts.diff, left - 1);
  left -= diff === 0 ? 0 : 1 + diff + (diff < parts.diff ? 1 : 0);
  if (same > 0) same = Math.min(parts.same, 1 + Math.max(0, left));
  return { ...list, same, diff };
}

function fitList(
  { answers, columns, typed }: ReviewParts,
  room: number,
): Pick<ReviewFit, 'from' | 'to' | 'perColumn'> {
  if (Math.ceil(answers / columns) <= room)
    return { from: 0, to: answers, perColumn: Math.ceil(answers / columns) };
  // One line says that there are others.
  const perColumn = room - 1;
  const page = perColumn * columns;
  const wanted = page * Math.floor((Math.min(Math.max(typed, 1), answers) - 1) / page);
  const from = Math.min(wanted, Math.max(0, answers - page));
  return { from, to: Math.min(answers, from + page), perColumn };
}

function diffLines(lines: number, room: number): number {
  return lines <= Math.min(MAX_DIFF_LINES, room) ? lines : Math.max(0, Math.min(MAX_DIFF_LINES, room - 1));
}

/** Broken at blanks, and within a word that is longer than a line. */
export function brokenLines(text: string, width: number): string[] {
  const room = Math.max(1, width);
  return wrap(text, room).flatMap((line) =>
    Array.from({ length: Math.ceil(line.length / room) }, (_, at) => line.slice(at * room, (at + 1) * room)),
  );
}
