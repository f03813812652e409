/** Where everything stands, as a pure function of the terminal's size and of what is focused. No memory, so no hysteresis. */
import type { PanelId } from '../panels/panel.ts';

/** Below this the full screen has no room for a panel: the line REPL is used (ux.md D.3). */
export const MIN_COLUMNS = 60;
export const MIN_ROWS = 16;
const MEDIUM_COLUMNS = 100;
const LARGE_COLUMNS = 160;
/** Six rows of transcript and the frame around them. */
const MIN_OUTPUT = 8;
const MAX_OUTPUT = 14;
/** A panel with fewer rows than this shows nothing of use. */
const MIN_PANEL = 5;
/** Job line, prompt, hint, keys. */
const FOOT = 4;

export type LayoutSize = 'tiny' | 'S' | 'M' | 'L';

export interface PanelBox {
  id: PanelId;
  width: number;
  height: number;
}

/** Columns of one band stand side by side; the boxes of a column below each other. */
export interface Band {
  height: number;
  columns: readonly (readonly PanelBox[])[];
}

export interface Layout {
  size: LayoutSize;
  columns: number;
  rows: number;
  /** The strip of gauges that stands for the panels which are not in sight. */
  gauges: boolean;
  bands: readonly Band[];
  /** Height of the Output box with its frame; 0 when a focused panel needs all there is. */
  outputHeight: number;
}

export interface LayoutWish {
  columns: number;
  rows: number;
  /** The panel with the keyboard, or the one looked at last. */
  panel: PanelId;
  panelFocused: boolean;
  zoomed: boolean;
}

export function layoutFor(wish: LayoutWish): Layout {
  const { columns, rows } = wish;
  if (columns < MIN_COLUMNS || rows < MIN_ROWS) {
    return { size: 'tiny', columns, rows, gauges: false, bands: [], outputHeight: Math.max(0, rows - 2) };
  }
  const large = columns >= LARGE_COLUMNS && rows >= 40;
  const medium = columns >= MEDIUM_COLUMNS;
  const size: LayoutSize = large ? 'L' : medium ? 'M' : 'S';
  const gauges = size === 'S' || wish.zoomed;
  const room = rows - 1 - (gauges ? 1 : 0) - FOOT;
  const outputHeight = Math.min(MAX_OUTPUT, Math.max(MIN_OUTPUT, Math.round(room * 0.42)));
  const grid = room - outputHeight;
  const base = { size, columns, rows, gauges };
  if (grid < MIN_PANEL) {
    if (!wish.panelFocused) return { ...base, bands: [], outputHeight: room };
    return { ...base, bands: [single(wish.panel, columns, room)], outputHeight: 0 };
  }
  if (wish.zoomed || size === 'S')
    return { ...base, bands: [single(wish.panel, columns, grid)], outputHeight };
  if (size === 'L') return { ...base, bands: largeBands(columns, grid), outputHeight };
  return { ...base, bands: mediumBands(wish, columns, grid), outputHeight };
}

function single(id: PanelId, width: number, height: number): Band {
  return { height, columns: [[{ id, width, height }]] };
}

function mediumBands(wish: LayoutWish, columns: number, grid: number): Band[] {
  const left = Math.round(columns * 0.6);
  const right = columns - left;
  if (grid < 2 * MIN_PANEL + 6) {
    const beside = wish.panel === 'peers' ? 'health' : wish.panel;
    const row = [
      [{ id: 'peers' as const, width: left, height: grid }],
      [{ id: beside, width: right, height: grid }],
    ];
    return [{ height: grid, columns: row }];
  }
  const low = Math.min(10, Math.max(MIN_PANEL, Math.round(grid * 0.28)));
  const top = grid - low;
  const health = Math.ceil(top / 2);
  return [
    {
      height: top,
      columns: [
        [{ id: 'peers', width: left, height: top }],
        [
          { id: 'health', width: right, height: health },
          { id: 'bandwidth', width: right, height: top - health },
        ],
      ],
    },
    {
      height: low,
      columns: [[{ id: 'jobs', width: left, height: low }], [{ id: 'events', width: right, height: low }]],
    },
  ];
}

function largeBands(columns: number, grid: number): Band[] {
  const side = Math.floor(columns * 0.24);
  const low = Math.min(12, Math.max(MIN_PANEL + 2, Math.round(grid * 0.33)));
  const top = grid - low;
  const third = Math.floor(columns / 3);
  return [
    {
      height: top,
      columns: [
        [{ id: 'peers', width: columns - 2 * side, height: top }],
        [{ id: 'health', width: side, height: top }],
        [{ id: 'bandwidth', width: side, height: top }],
      ],
    },
    {
      height: low,
      columns: [
        [{ id: 'jobs', width: third, height: low }],
        [{ id: 'events', width: third, height: low }],
        [{ id: 'storage', width: columns - 2 * third, height: low }],
      ],
    },
  ];
}

/** Panels in sight, in reading order: Tab goes through these. */
export function visiblePanels(layout: Layout): PanelId[] {
  return layout.bands.flatMap((band) => band.columns.flatMap((column) => column.map((box) => box.id)));
}

export function boxOf(layout: Layout, id: PanelId): PanelBox | undefined {
  return layout.bands.flatMap((band) => band.columns.flat()).find((box) => box.id === id);
}
