/** Who has the keyboard, and which row of a panel is the selected one. */
import { rowIds } from '../panels/catalogue.ts';
import type { PanelId } from '../panels/panel.ts';
import { visiblePanels } from './layout.ts';
import { type ConsoleState, layoutOf, withPanel } from './state.ts';

/** Focus on a panel; on the focused one again: zoom. */
export function focusPanel(state: ConsoleState, panel: PanelId): ConsoleState {
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
