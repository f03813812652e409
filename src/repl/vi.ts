/**
 * vi's keys on the one line of the prompt, as a pure reducer. In normal mode the caret stands on a character, in insert mode between two. All steps
 * are whole grapheme clusters; line ends within the line are blanks like others.
 */
import { type EditorState, edit } from './editor.ts';
import { graphemes, previousBoundary, snapToBoundary } from './graphemes.ts';

export interface ViState {
  mode: 'insert' | 'normal';
  /** `d`, `c` and `r` wait for what follows. */
  pending: 'd' | 'c' | 'r' | undefined;
}

/** Of normal mode, for the help and docs/KEYS.md. */
export const VI_KEYS: readonly { keys: readonly string[]; text: string }[] = [
  { keys: ['h', 'l', '0', '^', '$'], text: 'left, right, begin, first word, end' },
  { keys: ['w', 'b', 'e'], text: 'next word, word before, end of the word' },
  { keys: ['i', 'a', 'I', 'A'], text: 'insert here, behind, at the begin, at the end' },
  { keys: ['x', 'X', 'D', 'C'], text: 'cut this, the one before, to the end; and insert' },
  { keys: ['dd', 'dw', 'cw'], text: 'cut the line; d and c also with h l b e 0 ^ $' },
  { keys: ['r'], text: 'replace a character by the next one typed' },
  { keys: ['p', 'P'], text: 'put back what was cut, behind or before' },
  { keys: ['u'], text: 'undo' },
  { keys: ['k', 'j'], text: 'older and newer line that begins like this' },
  { keys: ['/'], text: 'search the history' },
];

/** What a key means beyond the line. */
export type ViAction = 'previous-history' | 'next-history' | 'reverse-search-history';

export interface ViStep {
  editor: EditorState;
  vi: ViState;
  action?: ViAction;
}

export const VI_INSERT: ViState = { mode: 'insert', pending: undefined };
export const VI_NORMAL: ViState = { mode: 'normal', pending: undefined };

/** Esc: the character before the caret is then the one it stands on. */
export function toNormal(editor: EditorState): ViStep {
  const at = previousBoundary(editor.text, editor.caret);
  return { editor: onCharacter(edit(editor, { type: 'caret', at })), vi: VI_NORMAL };
}

/** The caret where normal mode may have it: on a character, or at the begin of an empty line. */
export function onCharacter(editor: EditorState): EditorState {
  const { text, caret } = editor;
  const last = previousBoundary(text, text.length);
  const at = Math.min(snapToBoundary(text, caret), last);
  return at === caret ? editor : { ...editor, caret: at };
}

/** One character typed in normal mode. */
export function viCommand(editor: EditorState, vi: ViState, char: string): ViStep {
  const line = lineOf(editor);
  switch (vi.pending) {
    case 'r':
      return normal(replaced(editor, line, char));
    case 'd':
    case 'c':
      return operated(editor, line, vi.pending, char);
    default:
      return command(editor, line, char);
  }
}

function command(editor: EditorState, line: Line, char: string): ViStep {
  const { cells, at } = line;
  const last = Math.max(0, cells.length - 1);
  switch (char) {
    case 'h':
    case 'l':
    case ' ':
    case 'w':
    case 'b':
    case 'e':
    case '0':
    case '^':
    case '$':
      return normal(moved(editor, line, Math.min(last, reach(line, char).to)));
    case 'x':
      return normal(cut(editor, line, at, at + 1));
    case 'X':
      return normal(cut(editor, line, at - 1, at));
    case 'D':
      return normal(cut(editor, line, at, cells.length));
    case 'C':
      return inserting(cut(editor, line, at, cells.length));
    case 'i':
      return inserting(editor);
    case 'a':
      return inserting(moved(editor, line, at + 1));
    case 'I':
      return inserting(moved(editor, line, reach(line, '^').to));
    case 'A':
      return inserting(moved(editor, line, cells.length));
    case 'd':
    case 'c':
    case 'r':
      return { editor, vi: { mode: 'normal', pending: char } };
    case 'u':
      return normal(edit(editor, { type: 'undo' }));
    case 'p':
      return normal(put(editor, line, at + 1));
    case 'P':
      return normal(put(editor, line, at));
    case 'k':
      return { ...normal(editor), action: 'previous-history' };
    case 'j':
      return { ...normal(editor), action: 'next-history' };
    case '/':
      return { ...normal(editor), action: 'reverse-search-history' };
    default:
      return normal(editor);
  }
}

function normal(editor: EditorState): ViStep {
  return { editor: onCharacter(editor), vi: VI_NORMAL };
}

/** What is typed from here on is an undo step of its own. */
function inserting(editor: EditorState): ViStep {
  return { editor: { ...editor, last: 'other' }, vi: VI_INSERT };
}

/** The line as grapheme clusters, and which of them the caret is on. */
interface Line {
  cells: readonly string[];
  /** Offsets of the clusters, and of the end. */
  starts: readonly number[];
  at: number;
}

function lineOf({ text, caret }: EditorState): Line {
  const cells = graphemes(text);
  const starts = [0];
  for (const cell of cells) starts.push((starts.at(-1) ?? 0) + cell.length);
  return { cells, starts, at: Math.max(0, starts.indexOf(caret)) };
}

function offset({ starts, cells }: Line, index: number): number {
  return starts[Math.max(0, Math.min(cells.length, index))] ?? 0;
}

function moved(editor: EditorState, line: Line, to: number): EditorState {
  return edit(editor, { type: 'caret', at: offset(line, to) });
}

function cut(editor: EditorState, line: Line, from: number, to: number): EditorState {
  return edit(editor, { type: 'cut', start: offset(line, from), end: offset(line, to) });
}

function replaced(editor: EditorState, line: Line, char: string): EditorState {
  const { cells, at } = line;
  if (at >= cells.length) return editor;
  const start = offset(line, at);
  const next = edit(editor, { type: 'replace', start, end: offset(line, at + 1), text: char });
  return { ...next, caret: snapToBoundary(next.text, start) };
}

/** What was cut last, with the caret on its last character. */
function put(editor: EditorState, line: Line, to: number): EditorState {
  const text = editor.kills.at(-1);
  if (text === undefined) return editor;
  const at = offset(line, to);
  const next = edit(editor, { type: 'replace', start: at, end: at, text });
  return next === editor ? editor : { ...next, caret: previousBoundary(next.text, next.caret) };
}

function operated(editor: EditorState, line: Line, operator: 'd' | 'c', motion: string): ViStep {
  const done = operator === 'c' ? inserting : normal;
  if (motion === operator) return done(cut(editor, line, 0, line.cells.length));
  // cw leaves the blanks behind the word, as ce does.
  const word = operator === 'c' && motion === 'w' && kindOf(line, line.at) !== 'blank' ? 'cw' : motion;
  const { to, inclusive, known } = reach(line, word);
  if (!known) return normal(editor);
  const [from, end] = to < line.at ? [to, line.at] : [line.at, to + (inclusive ? 1 : 0)];
  return done(cut(editor, line, from, end));
}

interface Reach {
  to: number;
  /** An operator takes the character there as well. */
  inclusive: boolean;
  known: boolean;
}

function reach(line: Line, motion: string): Reach {
  const { cells, at } = line;
  const until = (to: number, inclusive = false): Reach => ({ to: Math.max(0, to), inclusive, known: true });
  switch (motion) {
    case 'h':
      return until(at - 1);
    case 'l':
    case ' ':
      return until(Math.min(cells.length, at + 1));
    case 'w':
      return until(nextWord(line));
    case 'b':
      return until(wordBefore(line));
    case 'e':
      return until(wordEnd(line, at + 1), true);
    case 'cw':
      return until(wordEnd(line, at), true);
    case '0':
      return until(0);
    case '^': {
      const first = cells.findIndex((cell) => /\S/u.test(cell));
      return until(first < 0 ? cells.length - 1 : first);
    }
    case '$':
      return until(cells.length - 1, true);
    default:
      return { to: at, inclusive: false, known: false };
  }
}

type Kind = 'word' | 'sign' | 'blank' | 'none';

function kindOf({ cells }: Line, at: number): Kind {
  const cell = cells[at];
  if (cell === undefined) return 'none';
  if (/^\s/u.test(cell)) return 'blank';
  return /[\p{L}\p{N}\p{M}_]/u.test(cell) ? 'word' : 'sign';
}

function nextWord(line: Line): number {
  let { at } = line;
  const kind = kindOf(line, at);
  while (kind !== 'blank' && at < line.cells.length && kindOf(line, at) === kind) at++;
  while (kindOf(line, at) === 'blank') at++;
  return at;
}

function wordBefore(line: Line): number {
  let at = line.at - 1;
  while (kindOf(line, at) === 'blank') at--;
  const kind = kindOf(line, at);
  while (kind !== 'none' && kindOf(line, at - 1) === kind) at--;
  return at;
}

/** The last character of the word at `from` or behind it. */
function wordEnd(line: Line, from: number): number {
  let at = from;
  while (kindOf(line, at) === 'blank') at++;
  const kind = kindOf(line, at);
  while (kind !== 'none' && kindOf(line, at + 1) === kind) at++;
  return Math.min(at, line.cells.length - 1);
}
