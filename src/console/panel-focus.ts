/** Who has the keyboard, and which row of a panel is the selected one. */
import { rowIds } from '../panels/catalogue.ts';
import type { PanelId } from '../panels/panel.ts';
import { visiblePanels } from './layout.ts';
import { type ConsoleState, layoutOf, notice, withPanel } from './state.ts';

/** Focus on a panel; on the focused one again: zoom. Where none can be drawn the keyboard stays at the prompt. */
export function focusPanel(state: ConsoleState, panel: PanelId): ConsoleState {
  if (isTiny(state)) return notice(state, 'no room for panels');
  const again = state.focus === panel;
  const next: ConsoleState = {
    ...state,
    focus: panel,
    shown: panel,
    zoomed: again ? !state.zoomed : state.zoomed,
  };
  // A panel that this size does not show gets the place of the others.
  const visible = visiblePanels(layoutOf(next)).includes(panel);
  return selectRow(visible ? next : { ...next, zoomed: true }, panel, 0);
}

export function focusPrompt(state: ConsoleState): ConsoleState {
  return { ...state, focus: 'prompt', zoomed: false, typingFilter: undefined };
}

export function openHelp(state: ConsoleState): ConsoleState {
  if (isTiny(state)) return notice(state, 'no room for the keys');
  return { ...state, help: { query: '', scroll: 0 } };
}

/** Keys never go to what is no longer drawn. */
export function resized(state: ConsoleState, columns: number, rows: number): ConsoleState {
  const next = { ...state, columns, rows };
  return isTiny(next) ? { ...focusPrompt(next), help: undefined } : next;
}

function isTiny(state: ConsoleState): boolean {
  return layoutOf(state).size === 'tiny';
}

/** Moves the selection by rows. One that went away leaves it at its neighbour. */
export function selectRow(state: ConsoleState, panel: PanelId, by: number): ConsoleState {
  const own = state.panels[panel];
  const ids = rowIds(panel, state.snapshot, own);
  if (ids.length === 0) return state;
  const at = own.selectedId === undefined ? -1 : ids.indexOf(own.selectedId);
  const from = at >= 0 ? at : panel === 'events' ? ids.length - 1 : 0;
  // The first step only shows where the selection is; to an end it goes at once.
  const step = at >= 0 || !Number.isFinite(by) ? by : Math.min(0, by);
  const to = Math.max(0, Math.min(ids.length - 1, from + step));
  return withPanel(state, panel, { selectedId: ids[to] });
}
