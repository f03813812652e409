/** The mouse, where it was switched on: the wheel scrolls what is under it, a click gives the keyboard to it. Positions are told as SGR reports. */

import { rowIds } from '../panels/catalogue.ts';
import type { PanelId } from '../panels/panel.ts';
import type { PanelBox } from './layout.ts';
import type { MouseReport } from './mouse-reports.ts';
import { focusPanel, focusPrompt } from './panel-focus.ts';
import { movePanel } from './panel-keys.ts';
import { type ConsoleState, layoutOf, withPanel } from './state.ts';
import { scrollBy } from './transcript.ts';

/** As most terminals scroll by a notch. */
const WHEEL_ROWS = 3;

export type Area = { kind: 'panel'; id: PanelId } | { kind: 'output' } | { kind: 'foot' } | undefined;

export function mouseStep(state: ConsoleState, report: MouseReport): ConsoleState {
  const area = areaAt(state, report.column, report.row);
  if (area === undefined) return state;
  switch (report.kind) {
    case 'wheel-up':
      return wheel(state, area, -1);
    case 'wheel-down':
      return wheel(state, area, 1);
    case 'press':
      return press(state, area);
    default:
      return state;
  }
}

/** What is drawn at a cell, both counted from 1. */
export function areaAt(state: ConsoleState, column: number, row: number): Area {
  const layout = layoutOf(state);
  const outside = column < 1 || row < 1 || column > state.columns || row > state.rows;
  if (outside || layout.size === 'tiny') return undefined;
  let top = 1 + (layout.gauges ? 1 : 0);
  if (row <= top) return undefined;
  for (const band of layout.bands) {
    if (row <= top + band.height) {
      const box = boxAt(band.columns, column, row - top);
      return box === undefined ? undefined : { kind: 'panel', id: box.id };
    }
    top += band.height;
  }
  return row <= top + layout.outputHeight ? { kind: 'output' } : { kind: 'foot' };
}

function boxAt(columns: readonly (readonly PanelBox[])[], column: number, row: number): PanelBox | undefined {
  let left = 0;
  for (const boxes of columns) {
    left += boxes[0]?.width ?? 0;
    if (column > left) continue;
    let top = 0;
    return boxes.find((box) => {
      top += box.height;
      return row <= top;
    });
  }
  return undefined;
}

function wheel(state: ConsoleState, area: NonNullable<Area>, direction: -1 | 1): ConsoleState {
  const by = direction * WHEEL_ROWS;
  if (area.kind === 'panel') return browse(state, area.id, by);
  if (area.kind !== 'output') return state;
  if (state.help !== undefined)
    return { ...state, help: { ...state.help, scroll: Math.max(0, state.help.scroll + by) } };
  const height = Math.max(1, layoutOf(state).outputHeight - 2);
  return { ...state, transcript: scrollBy(state.transcript, -by, state.columns - 4, height) };
}

/** The panel moves and shows where, and the keyboard stays where it is. */
function browse(state: ConsoleState, panel: PanelId, by: number): ConsoleState {
  const moved = movePanel({ ...state, browsed: panel }, panel, by);
  if (panel !== 'events' || by < 0) return moved;
  // At the newest one it follows again.
  const own = moved.panels.events;
  const newest = rowIds(panel, moved.snapshot, own).at(-1);
  return own.selectedId === newest ? withPanel(moved, panel, { selectedId: undefined }) : moved;
}

/** A question keeps the keyboard. A click on the panel that has it already is no wish to zoom. */
function press(state: ConsoleState, area: NonNullable<Area>): ConsoleState {
  if (state.asking !== undefined) return state;
  if (area.kind === 'panel') {
    const free = { ...state, typingFilter: undefined, help: undefined };
    return state.focus === area.id ? free : focusPanel(free, area.id);
  }
  return area.kind === 'output' && state.help !== undefined ? state : focusPrompt(state);
}
