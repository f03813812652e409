/** The screen of a run that is watched: the console's panels of one of its nodes, the machines above, what happens below. Pure: a state gives rows. */
import { layoutFor, visiblePanels } from '../../src/console/layout.ts';
import { drawPanel, initialPanels } from '../../src/panels/catalogue.ts';
import { cell, fitRow, type Row, spread, type Tone } from '../../src/panels/cells.ts';
import { framed, initialPanel, type PanelInput } from '../../src/panels/panel.ts';
import type { Theme } from '../../src/panels/theme.ts';
import type { Frame, MachineFace } from './frames.ts';

export interface Watched {
  frame: Frame | undefined;
  /** The newest last. */
  notes: readonly string[];
  peerTrend: readonly number[];
  paused: boolean;
  /** Virtual seconds a real one. */
  speed: number;
  /** How the run ended. */
  outcome: readonly string[];
}

/** Notes and figures kept for the screen. */
const MAX_NOTES = 200;
const MAX_TREND = 60;
const PANELS = initialPanels();
const TONE: Readonly<Record<MachineFace['state'], Tone>> = {
  up: 'ok',
  down: 'dim',
  lies: 'bad',
  drains: 'warn',
  gone: 'dim',
};

export function firstWatched(speed: number): Watched {
  return { frame: undefined, notes: [], peerTrend: [], paused: false, speed, outcome: [] };
}

export function withFrame(watched: Watched, frame: Frame): Watched {
  const peers = frame.snapshot?.status.peersConnected ?? 0;
  return {
    ...watched,
    frame: { ...frame, snapshot: frame.snapshot ?? watched.frame?.snapshot },
    notes: [...watched.notes, ...frame.notes].slice(-MAX_NOTES),
    peerTrend: [...watched.peerTrend, peers].slice(-MAX_TREND),
  };
}

/** Bands of boxes side by side, as rows of the whole width. */
export function screenRows(watched: Watched, columns: number, rows: number, theme: Theme): Row[] {
  const layout = layoutFor({ columns, rows, panel: 'peers', panelFocused: false, zoomed: false });
  const snapshot = watched.frame?.snapshot;
  const input = (width: number, height: number): PanelInput => ({
    snapshot,
    peerTrend: watched.peerTrend,
    nowMs: snapshot?.atMs ?? 0,
    stale: false,
    state: initialPanel(),
    focused: false,
    typingFilter: undefined,
    width,
    height,
    theme,
  });
  const screen: Row[] = [headRow(watched, columns, theme)];
  for (const band of layout.bands) {
    const drawn = band.columns.map((boxes) =>
      boxes.flatMap(({ id, width, height }) => drawPanel(id, { ...input(width, height), state: PANELS[id] })),
    );
    for (let at = 0; at < band.height; at++) screen.push(drawn.flatMap((column) => column[at] ?? []));
  }
  const height = Math.max(3, rows - screen.length - 2);
  const said = [...watched.notes, ...watched.outcome].slice(-(height - 2));
  const title = visiblePanels(layout).length === 0 ? 'Trace (panels need 60x16)' : 'Trace';
  screen.push(
    ...framed(
      { title, tags: [], rows: said.map((text) => [cell(text, toneOf(text))]) },
      input(columns, height),
      0,
    ),
  );
  screen.push(machinesRow(watched, columns), footRow(watched, columns));
  return screen.slice(0, rows);
}

function toneOf(text: string): Tone {
  if (text.includes('VIOLATION')) return 'bad';
  return text.includes(' fault ') ? 'warn' : 'plain';
}

function headRow({ frame, paused }: Watched, columns: number, theme: Theme): Row {
  if (frame === undefined)
    return fitRow([cell(' datamesh', 'title'), cell('  the run begins', 'dim')], columns);
  const { seed, atMs, step, steps, snapshot } = frame;
  const left: Row = [
    cell(' datamesh simulator', 'title'),
    cell(`  seed ${seed}`, 'accent'),
    cell(`  step ${Math.min(step, steps)} of ${steps}`, 'dim'),
    cell(step >= steps ? '  all is mended' : '', 'ok'),
    cell(snapshot === undefined ? '' : `  seen by ${snapshot.status.name}`, 'dim'),
  ];
  const time = cell(`${(atMs / 1000).toFixed(0)} s `, 'dim');
  return spread(
    left,
    paused ? [cell(` PAUSED ${theme.glyphs.box.sep} `, 'selected'), time] : [time],
    columns,
  );
}

function machinesRow({ frame }: Watched, columns: number): Row {
  const faces = frame?.machines ?? [];
  const cells = faces.map(({ label, state }) =>
    cell(` ${label}${state === 'up' ? '' : ` ${state}`} `, TONE[state]),
  );
  return fitRow(cells, columns);
}

function footRow({ speed, outcome }: Watched, columns: number): Row {
  const pace = outcome.length > 0 ? 'the run has ended' : `${speed} × real time`;
  return fitRow([cell(` q leaves   space pauses   + - pace   ${pace}`, 'dim')], columns);
}
