/** Keys while a panel has the focus. Letters act here and only here. */
import { rowIds, sortsOf } from '../panels/catalogue.ts';
import { PANELS, type PanelId, type PanelState } from '../panels/panel.ts';
import { type KeyPress, keyPress } from '../repl/keys.ts';
import { boxOf, visiblePanels } from './layout.ts';
import { panelAction, subjectOf } from './panel-actions.ts';
import { focusPanel, focusPrompt, openHelp, selectRow } from './panel-focus.ts';
import {
  type ConsoleEffect,
  type ConsoleState,
  type ConsoleStep,
  layoutOf,
  notice,
  withPanel,
} from './state.ts';

export function panelKey(state: ConsoleState, panel: PanelId, key: KeyPress): ConsoleStep {
  if (state.typingFilter !== undefined) return filterKey(state, state.typingFilter, key);
  if (key.name === 'text') return lettersTyped(state, key.text);
  return panelStep(state, panel, key) ?? only(state);
}

/** Undefined where the key means nothing in this panel. */
function panelStep(state: ConsoleState, panel: PanelId, key: KeyPress): ConsoleStep | undefined {
  const own = state.panels[panel];
  const page = Math.max(1, (boxOf(layoutOf(state), panel)?.height ?? 6) - 4);
  const action = state.keys.panel(panel, key);
  switch (action) {
    case undefined:
      return undefined;
    case 'next-panel':
      return only(nextPanel(state, panel, 1));
    case 'previous-panel':
      return only(nextPanel(state, panel, -1));
    case 'back':
      return only(back(state, panel));
    case 'select-previous':
      return only(movePanel(state, panel, -1));
    case 'select-next':
      return only(movePanel(state, panel, 1));
    case 'page-up':
      return only(movePanel(state, panel, -page));
    case 'page-down':
      return only(movePanel(state, panel, page));
    case 'select-first':
      return only(movePanel(state, panel, Number.NEGATIVE_INFINITY));
    case 'select-last':
      return only(movePanel(state, panel, Number.POSITIVE_INFINITY));
    case 'open':
      return drillDown(state, panel);
    case 'sort':
      return only(nextSort(state, panel));
    case 'reverse-sort':
      return only(withPanel(state, panel, { reverse: !own.reverse }));
    case 'zoom':
      return only({ ...state, zoomed: !state.zoomed });
    case 'follow':
      return only(withPanel(state, panel, { selectedId: undefined }));
    case 'filter':
      return only({ ...state, typingFilter: { panel, text: own.filter, before: own.filter } });
    case 'copy':
      return copy(state, panel);
    case 'help':
      return only(openHelp(state));
    case 'mark':
      return only(toggleMark(state, panel));
    default: {
      const other = PANELS.find((each) => action === `focus-${each}`);
      return other === undefined ? panelAction(state, panel, action) : only(focusPanel(state, other));
    }
  }
}

function only(state: ConsoleState): ConsoleStep {
  return { state, effects: [] };
}

/** Tab from the last panel leads back to the prompt. */
function nextPanel(state: ConsoleState, panel: PanelId, by: 1 | -1): ConsoleState {
  const layout = layoutOf(state);
  const ring = layout.size === 'S' || state.zoomed ? PANELS : visiblePanels(layout);
  const next = ring[ring.indexOf(panel) + by];
  if (next === undefined) return focusPrompt(state);
  return focusPanel({ ...state, typingFilter: undefined }, next);
}

function back(state: ConsoleState, panel: PanelId): ConsoleState {
  const own = state.panels[panel];
  if (own.drill.length > 0) {
    const left = own.drill.at(-1);
    // Back in the list the object that was looked at is the selected one.
    const selectedId =
      left?.kind === 'object'
        ? left.name
        : left?.kind === 'peer'
          ? left.peerId
          : left?.kind === 'objects'
            ? left.pool
            : own.selectedId;
    const before = left?.kind === 'objects' ? left.before : undefined;
    return withPanel(state, panel, { drill: own.drill.slice(0, -1), scroll: 0, selectedId, ...before });
  }
  if (own.filter !== '') return withPanel(state, panel, { filter: '' });
  return focusPrompt(state);
}

/** Moves the selection, or scrolls where there is none. A row that went away leaves the selection at its neighbour. */
export function movePanel(state: ConsoleState, panel: PanelId, by: number): ConsoleState {
  const own = state.panels[panel];
  const ids = rowIds(panel, state.snapshot, own);
  if (ids.length === 0) {
    const scroll = Math.max(
      0,
      Math.min(own.scroll + (Number.isFinite(by) ? by : Math.sign(by) * 1000), 1000),
    );
    return withPanel(state, panel, { scroll });
  }
  return selectRow(state, panel, by);
}

/** Letters come singly or, typed fast, several in one chunk. */
function lettersTyped(state: ConsoleState, text: string): ConsoleStep {
  let next = state;
  const effects: ConsoleEffect[] = [];
  for (const letter of text) {
    const focus = next.focus;
    if (focus === 'prompt') break;
    const key = keyPress('text', { text: letter });
    const step =
      next.typingFilter === undefined
        ? (panelStep(next, focus, key) ?? only(unknownLetter(next)))
        : filterKey(next, next.typingFilter, key);
    next = step.state;
    effects.push(...step.effects);
  }
  return { state: next, effects };
}

function unknownLetter(state: ConsoleState): ConsoleState {
  const ways = [state.keys.keyOf('back'), state.keys.keyOf('cancel')].filter((key) => key !== '');
  return notice(state, `panel has the keyboard: ${ways.join(' or ')} goes back to the prompt`);
}

function nextSort(state: ConsoleState, panel: PanelId): ConsoleState {
  const sorts = sortsOf(panel, state.panels[panel]);
  if (sorts.length === 0) return notice(state, 'this panel has one order only');
  const at = sorts.indexOf(state.panels[panel].sort);
  return withPanel(state, panel, { sort: sorts[(at + 1) % sorts.length] ?? '' });
}

function filterKey(
  state: ConsoleState,
  typing: NonNullable<ConsoleState['typingFilter']>,
  key: KeyPress,
): ConsoleStep {
  const apply = (text: string, done: boolean): ConsoleStep => {
    const filtered = withPanel(state, typing.panel, { filter: text });
    return only({ ...filtered, typingFilter: done ? undefined : { ...typing, text } });
  };
  switch (key.name) {
    case 'text':
      return apply(typing.text + key.text, false);
    case 'backspace':
      return apply([...typing.text].slice(0, -1).join(''), false);
    case 'enter':
      return apply(typing.text.trim(), true);
    case 'escape':
      return apply(typing.before, true);
    default:
      return state.keys.prompt(key) === 'unix-line-discard' ? apply('', false) : only(state);
  }
}

function drillDown(state: ConsoleState, panel: PanelId): ConsoleStep {
  const own = state.panels[panel];
  const inner = own.drill.at(-1);
  const into = (drill: PanelState['drill'][number], effects: ConsoleEffect[] = []): ConsoleStep => ({
    state: withPanel(state, panel, { drill: [...own.drill, drill], scroll: 0 }),
    effects,
  });
  if (panel === 'health' && inner === undefined) {
    return into({ kind: 'objects', objects: undefined, complete: false, error: undefined }, [
      { type: 'load-objects', panel, pool: undefined },
    ]);
  }
  if (panel === 'bandwidth') return inner === undefined ? into({ kind: 'traffic' }) : only(state);
  const ids = rowIds(panel, state.snapshot, own);
  const id = ids.includes(own.selectedId ?? '') ? own.selectedId : ids[0];
  if (id === undefined) return only(state);
  if (panel === 'peers') return into({ kind: 'peer', peerId: id });
  if (panel === 'events') return into({ kind: 'event', seq: Number(id) });
  if (panel === 'jobs' && inner === undefined)
    return into({ kind: 'job', id, log: undefined, error: undefined }, [{ type: 'load-job', id }]);
  if (panel === 'storage' && inner === undefined) return poolObjects(state, id);
  if (inner?.kind === 'objects') {
    return into({ kind: 'object', ref: id, name: id, detail: undefined, error: undefined }, [
      { type: 'load-object', panel, ref: id },
    ]);
  }
  return only(state);
}

/** The objects have orders and a filter of their own; those of the pools come back with Esc. */
function poolObjects(state: ConsoleState, pool: string): ConsoleStep {
  const { sort, reverse, filter } = state.panels.storage;
  const drill: PanelState['drill'][number] = {
    kind: 'objects',
    objects: undefined,
    complete: false,
    error: undefined,
    pool,
    before: { sort, reverse, filter },
  };
  return {
    state: withPanel(state, 'storage', {
      drill: [drill],
      scroll: 0,
      selectedId: undefined,
      sort: 'size',
      reverse: false,
      filter: '',
    }),
    effects: [{ type: 'load-objects', panel: 'storage', pool }],
  };
}

/** The marked rows if there are any, else what is looked at. An event is copied in full, as a record. */
function copy(state: ConsoleState, panel: PanelId): ConsoleStep {
  const own = state.panels[panel];
  const ids = rowIds(panel, state.snapshot, own);
  const marked = own.marked.filter((id) => ids.includes(id));
  const drill = own.drill.at(-1);
  const eventSeq =
    drill?.kind === 'event' ? drill.seq : panel === 'events' ? Number(own.selectedId) : undefined;
  const event = state.snapshot?.events.find(({ seq }) => seq === eventSeq);
  const text =
    marked.length > 0
      ? marked.join('\n')
      : event !== undefined
        ? JSON.stringify(event)
        : subjectOf(state, panel);
  if (text === undefined) return only(notice(state, 'nothing is selected here'));
  const said =
    marked.length > 1 ? `${marked.length} marked` : text.length > 40 ? `${text.slice(0, 39)}…` : text;
  return { state: notice(state, `copied ${said}`), effects: [{ type: 'copy', text }] };
}

/** More than anybody copies by hand, and a bound. */
const MAX_MARKED = 1000;

function toggleMark(state: ConsoleState, panel: PanelId): ConsoleState {
  const id = state.panels[panel].drill.at(-1)?.kind === 'object' ? undefined : subjectOf(state, panel);
  if (id === undefined) return state;
  const { marked } = state.panels[panel];
  const next = marked.includes(id)
    ? marked.filter((each) => each !== id)
    : [...marked, id].slice(-MAX_MARKED);
  return movePanel(withPanel(state, panel, { marked: next }), panel, 1);
}
