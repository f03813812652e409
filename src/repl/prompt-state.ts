/** What the prompt knows between two keys. */
import { type EditorState, emptyEditor } from './editor.ts';
import type { HistoryEntry } from './history.ts';
import type { SearchScope } from './history-search.ts';
import { onCharacter, VI_INSERT, type ViState } from './vi.ts';

export interface CompletionItem {
  /** What is put on the line, quoted where needed. */
  text: string;
  note?: string | undefined;
}

export interface Completion {
  /** The span of the line that an item replaces. */
  start: number;
  end: number;
  items: readonly CompletionItem[];
}

export interface Menu extends Completion {
  index: number;
}

export interface Search {
  query: string;
  scope: SearchScope;
  index: number;
  /** The line as it was, for Esc. */
  before: string;
}

export interface PromptState {
  editor: EditorState;
  /** Position while walking the history; undefined on the line being typed. */
  walk: { at: number; draft: string } | undefined;
  menu: Menu | undefined;
  search: Search | undefined;
  /** A corrected line, offered as ghost text on the empty prompt. Never runs by itself. */
  correction: string | undefined;
  /** The last key was a Tab that could add nothing: the next one opens the menu. */
  tabbed: boolean;
  /** Undefined: readline's keys. */
  vi: ViState | undefined;
}

export type PromptEffect = { type: 'run'; line: string } | { type: 'complete'; text: string; caret: number };

export interface PromptServices {
  entries(): readonly HistoryEntry[];
  session: string;
  /** An unclosed quote or a trailing backslash: Enter then asks for more. */
  incomplete(line: string): boolean;
}

export interface PromptStep {
  state: PromptState;
  effects: PromptEffect[];
}

export function emptyPrompt(): PromptState {
  return {
    editor: emptyEditor(),
    walk: undefined,
    menu: undefined,
    search: undefined,
    correction: undefined,
    tabbed: false,
    vi: undefined,
  };
}

/** An empty line after another one: what was cut is kept, and vi begins to insert. */
export function clearedPrompt(state: PromptState): PromptState {
  return withLine(emptyPrompt(), emptyEditor(), state);
}

/** A line that was not typed here, to be edited. */
export function offeredLine(state: PromptState, text: string): PromptState {
  return withLine({ ...state, correction: undefined, walk: undefined }, emptyEditor(text), state);
}

function withLine(state: PromptState, editor: EditorState, before: PromptState): PromptState {
  const vi = before.vi === undefined ? undefined : VI_INSERT;
  return { ...state, editor: { ...editor, kills: before.editor.kills }, vi };
}

/** In vi's normal mode the caret is on a character, however the line came to be. */
export function settledState(state: PromptState): PromptState {
  return state.vi?.mode === 'normal' ? { ...state, editor: onCharacter(state.editor) } : state;
}

/** Another text on the line ends what was offered for the one before. */
export function typed(state: PromptState, editor: EditorState): PromptState {
  const changed = editor.text !== state.editor.text;
  return {
    ...state,
    editor,
    walk: changed ? undefined : state.walk,
    correction: changed ? undefined : state.correction,
    tabbed: false,
  };
}

export function only(state: PromptState): PromptStep {
  return { state, effects: [] };
}
