/** Panel 3: what this node sends and receives, as two graphs of the last minute. */
import { measuredRates } from '../commands/format/measured-rates.ts';
import type { BandwidthView, RateWindow } from '../engine/engine.ts';
import { cell, fitGroups, type Row, type Tone } from './cells.ts';
import { bytesText, durationText, rateText } from './format.ts';
import { areaGraph } from './graph.ts';
import { type PanelBody, type PanelInput, type PanelState, waiting } from './panel.ts';
import type { Theme } from './theme.ts';
import { trafficTable } from './traffic-drill.ts';

const MAX_GRAPH_ROWS = 6;

export function bandwidthPanel(input: PanelInput): PanelBody {
  const { snapshot, theme } = input;
  if (snapshot === undefined) return waiting('Bandwidth');
  if (input.state.drill.at(-1)?.kind === 'traffic') return trafficTable(snapshot, input);
  const { window } = input.state;
  const inner = input.width - 4;
  const room = input.height - 2;
  const { bandwidth } = snapshot;
  const protocols = byTraffic(bandwidth);
  // Two heading rows and one for caps and totals; what is left is graph, and then the protocols.
  const graphRows = Math.max(0, Math.min(MAX_GRAPH_ROWS, Math.floor((room - 3) / 2)));
  const tail = [...capRows(bandwidth, theme)];
  const rows: Row[] = [
    ...direction('up', bandwidth.up, window, graphRows, inner, theme),
    ...direction('down', bandwidth.down, window, graphRows, inner, theme),
    ...tail.slice(0, Math.max(1, room - 2 - 2 * graphRows)),
  ];
  const left = room - rows.length;
  if (left >= 2 && protocols.length > 0) {
    rows.push([]);
    for (const each of protocols.slice(0, left - 1)) rows.push(protocolRow(each, inner, theme));
  }
  return { title: 'Bandwidth', tags: windowTags(bandwidth.up, window), rows };
}

/** Points of a whole window and what each stands for; while it is not full yet, the graph grows from the right. */
const WINDOW = {
  '60s': { points: 60, everyMs: 1_000 },
  '10m': { points: 60, everyMs: 10_000 },
  '24h': { points: 288, everyMs: 300_000 },
} as const;

function measured(rate: RateWindow, window: PanelState['window']): readonly number[] {
  return window === '60s' ? rate.history : window === '10m' ? rate.history10m : rate.history24h;
}

function pointsOf(rate: RateWindow, window: PanelState['window']): readonly number[] {
  const values = measured(rate, window);
  return [...Array.from({ length: Math.max(0, WINDOW[window].points - values.length) }, () => 0), ...values];
}

/** The beginning of a window that is not full yet is as empty as a quiet line: how much of it was measured is said. */
function windowTags(rate: RateWindow, window: PanelState['window']): string[] {
  const { points, everyMs } = WINDOW[window];
  const count = measured(rate, window).length;
  if (count >= points) return [window];
  return [count === 0 ? 'nothing measured yet' : `measured ${durationText(count * everyMs)}`, window];
}

function direction(
  which: 'up' | 'down',
  rate: RateWindow,
  window: PanelState['window'],
  rows: number,
  width: number,
  theme: Theme,
): Row[] {
  const points = pointsOf(rate, window);
  const tone: Tone = which;
  const { now, avg1m, peak } = measuredRates(rate);
  const text = (value: number | undefined) => (value === undefined ? theme.glyphs.none : rateText(value));
  const glyph = which === 'up' ? theme.glyphs.up : theme.glyphs.down;
  const head = fitGroups(
    [
      [cell(`${glyph} ${which.padEnd(5)}`, tone), cell(text(now).padStart(9))],
      [cell(`  1m ${text(avg1m)}`, 'dim')],
      [cell(`  peak ${text(peak)}`, 'dim')],
    ],
    width,
  );
  if (rows === 0) return [head];
  // A quiet line must not look busy: the scale never goes below 10 kB/s.
  const top = Math.max(10_000, ...points);
  // One sample is half a cell in braille: 60 samples are 30 cells; a wider panel repeats each.
  const graph = areaGraph(
    stretch(points, theme.glyphs.unicode ? width * 2 : width),
    width,
    rows,
    top,
    theme.glyphs,
  );
  return [head, ...graph.map((text): Row => [cell(text, tone)])];
}

/** The whole window over the whole width: each sample takes its share of the points. */
export function stretch(values: readonly number[], points: number): number[] {
  if (values.length === 0) return [];
  return Array.from({ length: points }, (_, at) => values[Math.floor((at * values.length) / points)] ?? 0);
}

/** What is allowed, and what has passed since the node started. */
function capRows(bandwidth: BandwidthView, theme: Theme): Row[] {
  const cap = (value: number | undefined) => (value === undefined ? 'none' : rateText(value));
  const { up, down } = theme.glyphs;
  const row = (label: string, first: string, second: string): Row => [
    cell(label.padEnd(8), 'dim'),
    cell(`${up} ${first.padEnd(11)} ${down} ${second}`),
  ];
  return [
    row('limit', cap(bandwidth.capUpBytesPerSecond), cap(bandwidth.capDownBytesPerSecond)),
    row('total', bytesText(bandwidth.up.totalBytes), bytesText(bandwidth.down.totalBytes)),
  ];
}

type Protocol = BandwidthView['byProtocol'][number];

function byTraffic(bandwidth: BandwidthView): Protocol[] {
  const sum = (each: Protocol) => each.sentBytes + each.receivedBytes;
  return [...bandwidth.byProtocol].sort((a, b) => sum(b) - sum(a) || (a.protocol < b.protocol ? -1 : 1));
}

function protocolRow(each: Protocol, width: number, theme: Theme): Row {
  const { up, down } = theme.glyphs;
  const figures = `${up} ${bytesText(each.sentBytes).padStart(9)}  ${down} ${bytesText(each.receivedBytes).padStart(9)}`;
  const name =
    each.protocol.length > width - 26
      ? `${each.protocol.slice(0, width - 27)}${theme.glyphs.more}`
      : each.protocol;
  return [cell(name.padEnd(Math.max(0, width - 26))), cell(figures, 'dim')];
}
