/** Keys as the console sees them: who has the keyboard, and what every key does whoever has it. */
import { many } from '../commands/format/units.ts';
import { countText } from '../panels/format.ts';
import { PANELS } from '../panels/panel.ts';
import { edit, MAX_LINE_UNITS } from '../repl/editor.ts';
import { editorAction } from '../repl/editor-keys.ts';
import { keyHints } from '../repl/key-bindings.ts';
import { keyName, PREFIX } from '../repl/key-names.ts';
import { type KeyPress, keyPress } from '../repl/keys.ts';
import { clearedPrompt } from '../repl/prompt-state.ts';
import { ghostText, promptKey, promptPaste } from '../repl/repl-model.ts';
import { visiblePanels } from './layout.ts';
import { focusPanel, focusPrompt, openHelp } from './panel-focus.ts';
import { panelKey } from './panel-keys.ts';
import {
  type Asking,
  asked,
  type ConsoleServices,
  type ConsoleState,
  type ConsoleStep,
  layoutOf,
  notice,
} from './state.ts';
import { scrollBy } from './transcript.ts';

/** A second Ctrl-C within this time gives up waiting for the command. */
const ABANDON_MS = 2_000;

export function consoleKey(state: ConsoleState, key: KeyPress, services: ConsoleServices): ConsoleStep {
  const action = state.keys.anywhere(key);
  if (action === 'redraw') return { state, effects: [{ type: 'redraw' }] };
  if (state.chord) return secondKey({ ...state, chord: false }, key, services);
  if (action === 'suspend') return { state, effects: [{ type: 'suspend' }] };
  if (state.asking !== undefined) return askingKey(state, state.asking, key);
  if (state.help !== undefined) return only(helpKey(state, state.help, key));
  if (action === 'help') return only(openHelp(state));
  if (action === 'pause' && state.prompt.search === undefined) return only(togglePause(state));
  if (action === 'cancel' && state.prompt.search === undefined) return interrupt(state);
  const panel = PANELS.find((each) => action === `focus-${each}`);
  if (panel !== undefined) return only(focusPanel(state, panel));
  if (state.focus !== 'prompt') return panelKey(state, state.focus, key);
  return promptFocusKey(state, key, services);
}

export function consolePaste(state: ConsoleState, text: string): ConsoleState {
  if (state.asking !== undefined) {
    const editor = edit(state.asking.editor, { type: 'insert', text: text.replace(/[\r\n]+/g, '') });
    return { ...state, asking: { ...state.asking, editor } };
  }
  // Half a script is another script.
  if (state.prompt.editor.text.length + text.length > MAX_LINE_UNITS) {
    const most = countText(MAX_LINE_UNITS);
    return notice(state, `not pasted: longer than ${most} characters; "source FILE" runs a script`);
  }
  const pasted: ConsoleState = {
    ...focusPrompt(state),
    help: undefined,
    prompt: promptPaste(state.prompt, text),
  };
  const lines = pasted.prompt.editor.text.split('\n').length;
  if (lines === 1) return pasted;
  const how = keyHints(state.keys, ['accept-line', 'runs them'], ['cancel', 'clears them']);
  return notice(pasted, `${lines} lines pasted: ${how}`);
}

function only(state: ConsoleState): ConsoleStep {
  return { state, effects: [] };
}

/** A pair that is bound to nothing does nothing, whatever its second key does alone. */
function secondKey(state: ConsoleState, key: KeyPress, services: ConsoleServices): ConsoleStep {
  const { name, ...rest } = key;
  const paired = keyPress(name === 'text' ? 'char' : name, { ...rest, after: PREFIX });
  return state.keys.prompt(paired) === undefined ? only(state) : promptFocusKey(state, paired, services);
}

function promptFocusKey(state: ConsoleState, key: KeyPress, services: ConsoleServices): ConsoleStep {
  const { prompt, keys } = state;
  const blank = prompt.editor.text === '' && prompt.search === undefined && prompt.menu === undefined;
  const action = keys.prompt(key);
  if (action === 'scroll-up' || action === 'scroll-down')
    return only(scrollOutput(state, action === 'scroll-up' ? 1 : -1));
  if (action === 'edit-line') return { state, effects: [{ type: 'edit', text: prompt.editor.text }] };
  if (keyName(key) === PREFIX) return only({ ...state, chord: true });
  if (prompt.editor.text.trim() === '&' && action === 'accept-line' && state.running !== undefined) {
    return { state: { ...state, prompt: clearedPrompt(prompt) }, effects: [{ type: 'background' }] };
  }
  const step = blank ? blankKey(state, key, services) : undefined;
  return step ?? lineKey(state, key, services);
}

/** What a key does while nothing is on the prompt, if it is not what it does on a line. */
function blankKey(state: ConsoleState, key: KeyPress, services: ConsoleServices): ConsoleStep | undefined {
  const visible = () => visiblePanels(layoutOf(state));
  switch (state.keys.emptyLine(key)) {
    case 'quit':
      return quit(state);
    case 'help':
      return only(openHelp(state));
    case 'focus-last-panel':
      return only(focusPanel(state, visible().at(-1) ?? state.shown));
    case 'focus-panels':
      // A suggestion that is offered comes first.
      if (ghostText(state.prompt, services) !== '') return undefined;
      return only(focusPanel(state, visible()[0] ?? state.shown));
    default:
      return undefined;
  }
}

function lineKey(state: ConsoleState, key: KeyPress, services: ConsoleServices): ConsoleStep {
  const step = promptKey(state.prompt, key, services, state.keys);
  const next: ConsoleState = { ...state, prompt: step.state };
  // New input belongs with the newest output, and what was said of the line holds no more.
  const ran = step.effects.some((effect) => effect.type === 'run');
  return {
    state: ran ? { ...next, notice: undefined, transcript: { ...next.transcript, scroll: 0 } } : next,
    effects: step.effects,
  };
}

function scrollOutput(state: ConsoleState, pages: number): ConsoleState {
  const layout = layoutOf(state);
  const height = Math.max(1, layout.outputHeight - 2);
  const columns = state.columns - 4;
  return {
    ...state,
    transcript: scrollBy(state.transcript, pages * Math.max(1, height - 1), columns, height),
  };
}

function togglePause(state: ConsoleState): ConsoleState {
  return state.paused === undefined
    ? { ...state, paused: { atMs: state.nowMs } }
    : { ...state, paused: undefined };
}

function interrupt(state: ConsoleState): ConsoleStep {
  if (state.focus !== 'prompt') return only(focusPrompt(state));
  if (state.running !== undefined) {
    const { cancelledAtMs } = state.running;
    if (cancelledAtMs === undefined) {
      const running = { ...state.running, cancelledAtMs: state.nowMs };
      return { state: { ...state, running, queue: [] }, effects: [{ type: 'cancel' }] };
    }
    const soon = state.nowMs - cancelledAtMs <= ABANDON_MS;
    return soon ? { state, effects: [{ type: 'abandon' }] } : { state, effects: [{ type: 'cancel' }] };
  }
  if (
    state.prompt.editor.text !== '' ||
    state.prompt.menu !== undefined ||
    state.prompt.correction !== undefined
  ) {
    return only({ ...state, notice: undefined, prompt: clearedPrompt(state.prompt) });
  }
  const leave = state.keys.keyOf('quit');
  return only(notice(state, leave === '' ? 'exit leaves the console' : `${leave} leaves the console`));
}

/** With something at work the question comes first, and staying is the default. */
export function quit(state: ConsoleState): ConsoleStep {
  const embedded = state.engine.state === 'online';
  const jobs = embedded
    ? (state.snapshot?.jobs.filter((job) => job.state === 'running' && !job.unasked).length ?? 0)
    : 0;
  const busy = state.running ?? state.background.at(-1);
  if (busy === undefined && jobs === 0) return { state, effects: [{ type: 'quit' }] };
  const what = busy === undefined ? `${many(jobs, 'job')} running` : `"${busy.line}" is running`;
  return only({ ...state, asking: asked('confirm', 'quit', `${what}. Leave and stop it?`) });
}

function askingKey(state: ConsoleState, asking: Asking, key: KeyPress): ConsoleStep {
  const answer = (value: boolean | string | undefined): ConsoleStep => ({
    state: { ...state, asking: undefined },
    effects:
      asking.purpose === 'command' ? [{ type: 'answer', value }] : value === true ? [{ type: 'quit' }] : [],
  });
  const { keys } = state;
  const cancelled =
    key.name === 'escape' || keys.anywhere(key) === 'cancel' || keys.emptyLine(key) === 'quit';
  if (asking.kind === 'confirm') {
    if (cancelled || key.name === 'enter') return answer(false);
    if (key.name !== 'text') return only(state);
    return answer(/^y/i.test(key.text));
  }
  if (cancelled) return answer(undefined);
  if (key.name === 'enter') return answer(asking.editor.text);
  const change = editorAction(key, keys.prompt(key));
  if (change === undefined) return only(state);
  return only({ ...state, asking: { ...asking, editor: edit(asking.editor, change) } });
}

function helpKey(state: ConsoleState, help: { query: string; scroll: number }, key: KeyPress): ConsoleState {
  const { keys } = state;
  const action = keys.anywhere(key);
  const closes = key.name === 'escape' || key.name === 'enter' || action === 'help' || action === 'cancel';
  if (closes || keys.emptyLine(key) === 'quit') return { ...state, help: undefined };
  if (key.name === 'text') {
    if (keys.emptyLine(key) === 'help' && help.query === '') return { ...state, help: undefined };
    return { ...state, help: { query: help.query + key.text, scroll: 0 } };
  }
  if (key.name === 'backspace')
    return { ...state, help: { query: [...help.query].slice(0, -1).join(''), scroll: 0 } };
  const by = { up: -1, down: 1, pageup: -10, pagedown: 10 }[key.name as 'up'] ?? 0;
  return { ...state, help: { ...help, scroll: Math.max(0, help.scroll + by) } };
}
