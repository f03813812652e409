/**
 * The line editor as a pure reducer: text, caret, kill ring, undo. Offsets are UTF-16 code units and the caret always stands on a grapheme
 * boundary, so an emoji or a letter with accents is one step and one deletion.
 */
import { graphemes, nextBoundary, previousBoundary, snapToBoundary } from './graphemes.ts';

/** A line longer than batch accepts (64 KiB) could never run. */
export const MAX_LINE_UNITS = 65_536;
const MAX_UNDO = 200;
const MAX_KILLS = 32;

interface Moment {
  text: string;
  caret: number;
}

export interface EditorState extends Moment {
  /** Killed texts, newest last. */
  kills: readonly string[];
  undo: readonly Moment[];
  /** What the last action was: a run of typing is one undo step, a run of kills is one entry of the ring. */
  last: 'type' | 'kill-forward' | 'kill-backward' | 'yank' | 'other';
  /** Where the last yank began and which entry it was, for Alt-Y. */
  yank: { start: number; index: number } | undefined;
}

export type Reach = 'char' | 'word' | 'line';

export type EditorAction =
  | { type: 'insert'; text: string }
  | { type: 'move'; reach: Reach; direction: -1 | 1 }
  /** Backspace and Delete: gone, not in the kill ring. */
  | { type: 'erase'; direction: -1 | 1 }
  | { type: 'kill'; reach: 'word' | 'blank-word' | 'line'; direction: -1 | 1 }
  /** A span into the kill ring, as an entry of its own. */
  | { type: 'cut'; start: number; end: number }
  /** To an offset; inside a cluster, to its end. */
  | { type: 'caret'; at: number }
  | { type: 'yank' }
  | { type: 'yank-pop' }
  | { type: 'transpose' }
  | { type: 'undo' }
  | { type: 'replace'; start: number; end: number; text: string }
  | { type: 'set'; text: string; caret?: number };

export function emptyEditor(text = ''): EditorState {
  return { text, caret: text.length, kills: [], undo: [], last: 'other', yank: undefined };
}

export function edit(state: EditorState, action: EditorAction): EditorState {
  switch (action.type) {
    case 'insert':
      return insert(state, action.text);
    case 'move':
      return {
        ...state,
        caret: target(state, action.reach, action.direction),
        last: 'other',
        yank: undefined,
      };
    case 'erase': {
      const to = target(state, 'char', action.direction);
      return splice(state, Math.min(to, state.caret), Math.max(to, state.caret), '', 'other');
    }
    case 'kill':
      return kill(state, action.reach, action.direction);
    case 'cut':
      return cutSpan(state, action.start, action.end);
    case 'caret':
      return { ...state, caret: snapToBoundary(state.text, action.at), last: 'other', yank: undefined };
    case 'yank':
      return yank(state);
    case 'yank-pop':
      return yankPop(state);
    case 'transpose':
      return transpose(state);
    case 'undo':
      return undo(state);
    case 'replace':
      return splice(state, action.start, action.end, clean(action.text), 'other');
    case 'set': {
      const text = clean(action.text).slice(0, MAX_LINE_UNITS);
      const caret = snapToBoundary(text, action.caret ?? text.length);
      return { ...remember(state), text, caret, last: 'other', yank: undefined };
    }
  }
}

/** Line ends become LF; other control characters but TAB have no place in a command and would move the cursor. */
function clean(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

function insert(state: EditorState, raw: string): EditorState {
  const text = clean(raw);
  if (text === '') return state;
  const room = MAX_LINE_UNITS - state.text.length;
  if (room <= 0) return state;
  // Cutting at `room` may split a surrogate pair; the snap drops the half.
  const kept = text.length <= room ? text : text.slice(0, previousBoundary(text, room + 1));
  return splice(state, state.caret, state.caret, kept, 'type');
}

function splice(
  state: EditorState,
  start: number,
  end: number,
  text: string,
  kind: EditorState['last'],
): EditorState {
  if (start === end && text === '') return { ...state, last: 'other', yank: undefined };
  const base = kind === 'type' && state.last === 'type' ? state : remember(state);
  const next = state.text.slice(0, start) + text + state.text.slice(end);
  if (next.length > MAX_LINE_UNITS) return state;
  return {
    ...base,
    text: next,
    caret: snapToBoundary(next, start + text.length),
    last: kind,
    yank: undefined,
  };
}

function remember(state: EditorState): EditorState {
  const undoList = [...state.undo, { text: state.text, caret: state.caret }];
  return { ...state, undo: undoList.slice(-MAX_UNDO) };
}

function undo(state: EditorState): EditorState {
  const before = state.undo.at(-1);
  if (before === undefined) return state;
  return { ...state, ...before, undo: state.undo.slice(0, -1), last: 'other', yank: undefined };
}

function target(state: EditorState, reach: Reach, direction: -1 | 1): number {
  const { text, caret } = state;
  if (reach === 'line') return direction < 0 ? 0 : text.length;
  if (reach === 'char') return direction < 0 ? previousBoundary(text, caret) : nextBoundary(text, caret);
  return wordEdge(text, caret, direction, /[\p{L}\p{N}\p{M}_]/u);
}

/** Skips what is no word, then the word: readline's Alt-B and Alt-F. The line is divided once: to divide it for each step takes minutes of a long one. */
function wordEdge(text: string, from: number, direction: -1 | 1, word: RegExp): number {
  const way = direction < 0 ? graphemes(text.slice(0, from)).reverse() : graphemes(text.slice(from));
  const begin = way.findIndex((cell) => word.test(cell));
  const end = way.findIndex((cell, at) => at > begin && !word.test(cell));
  const passed = begin < 0 || end < 0 ? way : way.slice(0, end);
  return from + direction * passed.join('').length;
}

function kill(state: EditorState, reach: 'word' | 'blank-word' | 'line', direction: -1 | 1): EditorState {
  const to =
    reach === 'blank-word'
      ? wordEdge(state.text, state.caret, direction, /\S/u)
      : target(state, reach, direction);
  const start = Math.min(to, state.caret);
  const end = Math.max(to, state.caret);
  if (start === end) return state;
  const cut = state.text.slice(start, end);
  const kind = direction < 0 ? 'kill-backward' : 'kill-forward';
  const next = splice(state, start, end, '', kind);
  const running = state.last === 'kill-backward' || state.last === 'kill-forward';
  const newest = state.kills.at(-1);
  if (!running || newest === undefined) return { ...next, kills: [...state.kills, cut].slice(-MAX_KILLS) };
  const joined = direction < 0 ? cut + newest : newest + cut;
  return { ...next, kills: [...state.kills.slice(0, -1), joined] };
}

function cutSpan(state: EditorState, start: number, end: number): EditorState {
  if (start >= end) return state;
  const kills = [...state.kills, state.text.slice(start, end)].slice(-MAX_KILLS);
  return { ...splice(state, start, end, '', 'other'), kills };
}

function yank(state: EditorState): EditorState {
  const index = state.kills.length - 1;
  const text = state.kills[index];
  if (text === undefined) return state;
  const start = state.caret;
  return { ...splice(state, start, start, text, 'yank'), yank: { start, index } };
}

function yankPop(state: EditorState): EditorState {
  if (state.last !== 'yank' || state.yank === undefined || state.kills.length < 2) return state;
  const { start, index } = state.yank;
  const nextIndex = (index - 1 + state.kills.length) % state.kills.length;
  const text = state.kills[nextIndex] ?? '';
  return { ...splice(state, start, state.caret, text, 'yank'), yank: { start, index: nextIndex } };
}

/** Swaps the graphemes around the caret; at the end of the line the last two. */
function transpose(state: EditorState): EditorState {
  const { text } = state;
  const middle = state.caret >= text.length ? previousBoundary(text, text.length) : state.caret;
  const left = previousBoundary(text, middle);
  const right = nextBoundary(text, middle);
  if (left === middle || middle === right) return state;
  return splice(state, left, right, text.slice(middle, right) + text.slice(left, middle), 'other');
}
