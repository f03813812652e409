/**
 * The prompt as a pure reducer: a key gives the next state and the effects wanted of the outside (run a line, ask for completions). History
 * walking, Ctrl-R search, the completion menu and the offered correction are all here; drawing and running are elsewhere.
 */

import { edit } from './editor.ts';
import { editorAction } from './editor-keys.ts';
import { graphemes } from './graphemes.ts';
import { continuation, searchHistory } from './history-search.ts';
import { BUILT_IN_KEYS, type KeyBindings } from './key-bindings.ts';
import type { ActionName } from './key-table.ts';
import { type KeyPress, keyPress } from './keys.ts';
import {
  type Completion,
  clearedPrompt,
  type Menu,
  only,
  type PromptServices,
  type PromptState,
  type PromptStep,
  type Search,
  settledState,
  typed,
} from './prompt-state.ts';
import { toNormal, VI_NORMAL, type ViState, viCommand } from './vi.ts';

export function promptKey(
  state: PromptState,
  key: KeyPress,
  services: PromptServices,
  keys: KeyBindings = BUILT_IN_KEYS,
): PromptStep {
  return settled(promptStep(state, key, services, keys));
}

function settled(step: PromptStep): PromptStep {
  return { ...step, state: settledState(step.state) };
}

function promptStep(
  state: PromptState,
  key: KeyPress,
  services: PromptServices,
  keys: KeyBindings,
): PromptStep {
  if (state.search !== undefined) return searchKey(state, state.search, key, services, keys);
  const action = keys.prompt(key);
  if (state.menu !== undefined) {
    const step = menuKey(state, state.menu, key, action);
    if (step !== undefined) return step;
    state = { ...state, menu: undefined };
  }
  if (state.vi !== undefined) return viKey(state, state.vi, key, action, services);
  return lineKey(state, key, action, services);
}

/** Keys that vi leaves alone (Enter, arrows, what Ctrl does) do what they do without it. */
function viKey(
  state: PromptState,
  vi: ViState,
  key: KeyPress,
  action: ActionName | undefined,
  services: PromptServices,
): PromptStep {
  // Esc and a letter right behind it come from the terminal as that letter with Alt.
  const escaped = key.name === 'char' && key.alt && !key.ctrl && key.after === undefined;
  if (key.name === 'escape' || escaped) {
    const { editor, vi: now } = vi.mode === 'insert' ? toNormal(state.editor) : { ...state, vi: VI_NORMAL };
    const normal = { ...state, editor, vi: now, correction: undefined, tabbed: false };
    return escaped ? viLetters(normal, VI_NORMAL, key.text, services) : only(normal);
  }
  if (vi.mode === 'insert') return lineKey(state, key, action, services);
  if (key.name === 'text') return viLetters(state, vi, key.text, services);
  const waiting = { ...state, vi: VI_NORMAL };
  if (key.name === 'backspace') return viLetters(waiting, VI_NORMAL, 'h', services);
  // The word before the caret is not what would be completed here.
  if (action === 'complete' && state.editor.text !== '') return only(waiting);
  return lineKey(waiting, key, action, services);
}

/** Letters of normal mode come singly or several in one chunk; behind one that begins to insert the rest is text. */
function viLetters(state: PromptState, vi: ViState, text: string, services: PromptServices): PromptStep {
  let next: PromptState = { ...state, vi };
  let rest = text;
  for (const letter of graphemes(text)) {
    if (next.search !== undefined || next.vi?.mode !== 'normal') break;
    rest = rest.slice(letter.length);
    const { editor, vi: after, action } = viCommand(next.editor, next.vi, letter);
    next = { ...typed(next, editor), vi: after };
    if (action !== undefined)
      next = settledState(lineKey(next, keyPress('function'), action, services).state);
  }
  if (rest === '') return only(next);
  const more = keyPress('text', { text: rest });
  return next.search === undefined
    ? lineKey(next, more, undefined, services)
    : only({ ...next, search: { ...next.search, query: next.search.query + rest } });
}

/** A pasted block is put on the line as it is; it runs when Enter is pressed, never by itself. */
export function promptPaste(state: PromptState, text: string): PromptState {
  if (state.search !== undefined) {
    return {
      ...state,
      search: { ...state.search, query: state.search.query + text.replace(/\s+/g, ' '), index: 0 },
    };
  }
  const trimmed = text.replace(/[\r\n]+$/, '');
  return settledState(
    typed({ ...state, menu: undefined }, edit(state.editor, { type: 'insert', text: trimmed })),
  );
}

function lineKey(
  state: PromptState,
  key: KeyPress,
  action: ActionName | undefined,
  services: PromptServices,
): PromptStep {
  const { editor } = state;
  switch (action) {
    case 'accept-line':
      return enter(state, services);
    case 'complete':
      return tab(state);
    case 'previous-history':
      return only(walkHistory(state, -1, services));
    case 'next-history':
      return only(walkHistory(state, 1, services));
    case 'reverse-search-history':
      return only({ ...state, search: { query: '', scope: 'session', index: 0, before: editor.text } });
    default:
  }
  if (key.name === 'escape') return only({ ...state, correction: undefined, tabbed: false });
  const change = editorAction(key, action);
  if (change === undefined) return only(state);
  if (change.type === 'move' && change.direction === 1 && change.reach !== 'word') {
    const ghost = ghostText(state, services);
    if (ghost !== '' && editor.caret === editor.text.length) {
      return only(typed(state, edit(editor, { type: 'insert', text: ghost })));
    }
  }
  return only(typed(state, edit(editor, change)));
}

function enter(state: PromptState, services: PromptServices): PromptStep {
  const line = state.editor.text;
  if (line.trim() === '') return only({ ...state, editor: edit(state.editor, { type: 'set', text: '' }) });
  if (services.incomplete(line))
    return only(typed(state, edit(state.editor, { type: 'set', text: `${line}\n` })));
  return { state: clearedPrompt(state), effects: [{ type: 'run', line }] };
}

function tab(state: PromptState): PromptStep {
  const { editor, correction } = state;
  if (editor.text === '' && correction !== undefined) {
    return only(typed(state, edit(editor, { type: 'insert', text: correction })));
  }
  return { state, effects: [{ type: 'complete', text: editor.text, caret: editor.caret }] };
}

/** Up and Down walk through lines that begin as the typed one does; what was being typed comes back at the bottom. */
function walkHistory(state: PromptState, direction: -1 | 1, services: PromptServices): PromptState {
  const entries = services.entries();
  const draft = state.walk?.draft ?? state.editor.text;
  const shown = state.editor.text;
  let at = state.walk?.at ?? entries.length;
  do {
    at += direction;
  } while (at >= 0 && at < entries.length && !fits(entries[at]?.cmd, draft, shown));
  if (at < 0) return state;
  const text = at >= entries.length ? draft : (entries[at]?.cmd ?? '');
  const editor = edit(state.editor, { type: 'set', text });
  const walk = at >= entries.length ? undefined : { at, draft };
  return { ...state, editor, walk, tabbed: false, correction: undefined };
}

function fits(cmd: string | undefined, prefix: string, shown: string): boolean {
  return cmd?.startsWith(prefix) === true && cmd !== shown;
}

/** The keys of a list that is open are fixed: Tab, arrows, Enter, Esc; what completes goes on to the next choice. */
function menuKey(
  state: PromptState,
  menu: Menu,
  key: KeyPress,
  action: ActionName | undefined,
): PromptStep | undefined {
  const move = (by: number) => {
    const index = (menu.index + by + menu.items.length) % menu.items.length;
    return only({ ...state, menu: { ...menu, index } });
  };
  if (key.name === 'tab' || action === 'complete') return move(key.shift ? -1 : 1);
  if (key.name === 'down') return move(1);
  if (key.name === 'up') return move(-1);
  if (key.name === 'escape') return only({ ...state, menu: undefined, tabbed: false });
  if (key.name === 'enter' || key.name === 'right') {
    const item = menu.items[menu.index];
    if (item === undefined) return undefined;
    return only(insertItem(state, menu, item.text));
  }
  return undefined;
}

function insertItem(state: PromptState, span: Completion, text: string): PromptState {
  const editor = edit(state.editor, { type: 'replace', start: span.start, end: span.end, text });
  return { ...typed(state, editor), menu: undefined };
}

/** The answer to a `complete` effect; one that comes after further typing is dropped. */
export function promptCompletion(
  state: PromptState,
  asked: { text: string; caret: number },
  completion: Completion,
): PromptState {
  const { editor } = state;
  if (editor.text !== asked.text || editor.caret !== asked.caret || state.search !== undefined) return state;
  const { items, start, end } = completion;
  if (items.length === 0) return { ...state, tabbed: false };
  const typedWord = editor.text.slice(start, end);
  // Fuzzy hits are for the menu; what Tab adds by itself continues what was typed.
  const going = items.filter((item) => item.text.startsWith(typedWord));
  const sure = going.length === 1 ? going[0] : items.length === 1 ? items[0] : undefined;
  if (sure !== undefined) return insertItem(state, completion, sure.text);
  const common = commonPrefix(going.map((item) => item.text));
  if (common.length > end - start) return { ...insertItem(state, completion, common), tabbed: true };
  if (!state.tabbed) return { ...state, tabbed: true };
  return { ...state, menu: { ...completion, index: 0 }, tabbed: false };
}

/** Whole characters: two emoji may share the first half of theirs. */
function commonPrefix(texts: readonly string[]): string {
  let prefix = graphemes(texts[0] ?? '');
  for (const text of texts.slice(1)) {
    const own = graphemes(text);
    const differs = prefix.findIndex((each, at) => each !== own[at]);
    if (differs >= 0) prefix = prefix.slice(0, differs);
  }
  return prefix.join('');
}

/** Hits of the search in progress, best first. */
export function searchHits(search: Search, services: PromptServices): string[] {
  return searchHistory(services.entries(), search.query, services.session, search.scope);
}

/** Esc and Ctrl-G leave it, as in readline; Enter, Tab, arrows are fixed. */
function searchKey(
  state: PromptState,
  search: Search,
  key: KeyPress,
  services: PromptServices,
  keys: KeyBindings,
): PromptStep {
  const hits = searchHits(search, services);
  const abort = key.name === 'char' && key.ctrl && key.text === 'g';
  const update = (change: Partial<Search>) => only({ ...state, search: { ...search, ...change } });
  if (keys.prompt(key) === 'reverse-search-history') {
    if (search.scope === 'session') return update({ scope: 'all', index: 0 });
    return update({ index: Math.min(search.index + 1, Math.max(0, hits.length - 1)) });
  }
  if (key.name === 'up') return update({ index: Math.min(search.index + 1, Math.max(0, hits.length - 1)) });
  if (key.name === 'down') return update({ index: Math.max(0, search.index - 1) });
  if (key.name === 'text') return update({ query: search.query + key.text, index: 0 });
  if (key.name === 'backspace') return update({ query: [...search.query].slice(0, -1).join(''), index: 0 });
  if (key.name === 'escape' || abort || keys.anywhere(key) === 'cancel') {
    const editor = edit(state.editor, { type: 'set', text: search.before });
    return only({ ...state, editor, search: undefined });
  }
  const text = hits[search.index] ?? search.before;
  const accepted: PromptState = {
    ...state,
    editor: edit(state.editor, { type: 'set', text }),
    search: undefined,
    walk: undefined,
    correction: undefined,
  };
  // Enter only puts the line there; any other key goes on to edit it.
  if (key.name === 'enter' || key.name === 'tab' || key.name === 'right') return only(accepted);
  return promptKey(accepted, key, services, keys);
}

/** Text shown dimmed after the caret: the offered correction on an empty line, else how the newest like line went on. */
export function ghostText(state: PromptState, services: PromptServices): string {
  const { text, caret } = state.editor;
  if (state.menu !== undefined || state.search !== undefined) return '';
  if (text === '') return state.correction ?? '';
  if (caret !== text.length) return '';
  return continuation(services.entries(), text)?.slice(text.length) ?? '';
}
