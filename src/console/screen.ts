/** The fixed rows around the panels: header, gauges, Output, job line, prompt, hint, keys. Pure: a state gives rows. */
import type { HealthReport, Snapshot } from '../engine/engine.ts';
import { cell, cut, fitGroups, fitRow, type Row, rowWidth, spread, type Tone } from '../panels/cells.ts';
import {
  bytesText,
  clockText,
  durationText,
  etaText,
  percentText,
  rateText,
  shortId,
} from '../panels/format.ts';
import { gradeMark, gradeOf, liveShare } from '../panels/grade.ts';
import { bar, sparkline } from '../panels/graph.ts';
import { jobLine } from '../panels/jobs.ts';
import { framed, initialPanel, type PanelInput } from '../panels/panel.ts';
import type { Theme } from '../panels/theme.ts';
import { keyHints } from '../repl/key-bindings.ts';
import { helpRows, keysRow } from './help-rows.ts';
import type { Layout, PanelBox } from './layout.ts';
import { type ConsoleState, isStale, panelNowMs } from './state.ts';
import { windowOf } from './transcript.ts';

export function panelInput(state: ConsoleState, box: PanelBox, theme: Theme): PanelInput {
  return {
    snapshot: state.snapshot,
    peerTrend: state.peerTrend,
    nowMs: panelNowMs(state),
    stale: isStale(state),
    state: state.panels[box.id],
    focused: state.focus === box.id,
    browsed: state.browsed === box.id,
    typingFilter: state.typingFilter?.panel === box.id ? state.typingFilter.text : undefined,
    width: box.width,
    height: box.height,
    theme,
  };
}

export function headerRow(state: ConsoleState, layout: Layout, theme: Theme): Row {
  const { columns } = layout;
  const wide = layout.size === 'M' || layout.size === 'L';
  const status = state.snapshot?.status;
  const name = status?.name ?? state.name;
  const left: Row[number][] = [cell(' datamesh', 'title'), cell(`  ${name}`, 'accent')];
  if (wide && status !== undefined) left.push(cell(` (${shortId(status.peerId)})`, 'dim'));
  left.push(
    cell(`  net:${status?.network ?? state.network}`, 'dim'),
    cell('  '),
    ...engineCells(state, theme),
  );
  if (isStale(state)) left.push(cell(`  ${theme.glyphs.warn} stale`, 'warn'));
  const right: Row[number][] = [];
  if (state.paused !== undefined) {
    right.push(cell(` PAUSED ${durationText(state.nowMs - state.paused.atMs)} `, 'selected'), cell(' '));
  }
  right.push(cell(`${clockText(state.nowMs)} `, 'dim'));
  const facts = state.snapshot === undefined || layout.gauges ? [] : factGroups(state.snapshot, theme);
  // The gauges say it where there are any.
  const room = columns - rowWidth(right) - 1;
  return spread(fitGroups([left, ...facts], room), right, columns);
}

function engineCells(state: ConsoleState, theme: Theme): Row {
  const { glyphs } = theme;
  switch (state.engine.state) {
    case 'opening':
      return [cell(`${glyphs.off} starting`, 'warn')];
    case 'offline':
      return [cell(`${glyphs.bad} offline`, 'bad')];
    case 'attached':
      return [cell(`${glyphs.idle} attached`, 'ok')];
    case 'online': {
      const uptime = state.snapshot?.status.uptimeMs;
      return [
        cell(`${glyphs.idle} online`, 'ok'),
        cell(uptime === undefined ? '' : ` ${durationText(uptime)}`, 'dim'),
      ];
    }
  }
}

function factGroups({ bandwidth, status, health, peers }: Snapshot, theme: Theme): Row[] {
  const { up, down } = theme.glyphs;
  const groups: Row[] = [[cell('  peers ', 'dim'), cell(`${status.peersConnected}/${peers.length}`)]];
  if (health !== undefined) {
    const grade = gradeOf(health);
    const share = liveShare(health);
    const tone: Tone = grade === 'ok' ? 'ok' : grade === 'degraded' ? 'warn' : 'bad';
    groups.push([
      cell('  health ', 'dim'),
      cell(`${gradeMark(grade, theme.glyphs)} `, tone),
      cell(share === undefined ? 'nothing stored' : percentText(share, 1)),
    ]);
  }
  groups.push([
    cell(`  ${up} `, 'up'),
    cell(rateText(bandwidth.up.now)),
    cell(`  ${down} `, 'down'),
    cell(rateText(bandwidth.down.now)),
  ]);
  return groups;
}

/** What the panels out of sight would say, in one row. */
export function gaugeRow(state: ConsoleState, layout: Layout, theme: Theme): Row {
  const { snapshot } = state;
  const { glyphs } = theme;
  if (snapshot === undefined)
    return fitRow([cell(` ${state.engine.error ?? 'waiting for the first sample'}`, 'dim')], layout.columns);
  const { bandwidth, health } = snapshot;
  const between = cell(` ${glyphs.box.sep} `, 'dim');
  const peers: Row = [
    cell(' PEERS ', 'dim'),
    cell(sparkline(state.peerTrend, 8, glyphs).trimStart(), 'accent'),
    cell(` ${snapshot.status.peersConnected}`),
  ];
  const groups: Row[] = [
    peers,
    [between, cell('HEALTH ', 'dim'), ...healthGauge(health, snapshot.censusRunning, theme)],
    [between, cell(`${glyphs.up} `, 'up'), cell(rateText(bandwidth.up.now))],
    [cell(`  ${glyphs.down} `, 'down'), cell(rateText(bandwidth.down.now))],
  ];
  const room = layout.columns - groups.reduce((sum, group) => sum + rowWidth(group), 0) - 2;
  if (room >= 6)
    groups.push([cell(` ${sparkline(bandwidth.down.history, Math.min(20, room), glyphs)}`, 'down')]);
  return fitGroups(groups, layout.columns);
}

function healthGauge(health: HealthReport | undefined, running: boolean, theme: Theme): Row {
  if (health === undefined) return [cell(running ? 'first census' : 'no census', 'dim')];
  if (health.objects === 0) return [cell('nothing stored', 'dim')];
  const { glyphs } = theme;
  const grade = gradeOf(health);
  const tone: Tone = grade === 'ok' ? 'ok' : grade === 'degraded' ? 'warn' : 'bad';
  // The worst state and how many objects are in it.
  const text = grade === 'ok' ? 'all whole' : `${health[grade]} ${grade}`;
  return [
    cell(bar(liveShare(health) ?? 1, 8, glyphs), tone),
    cell(` ${gradeMark(grade, glyphs)} ${text}`, tone),
  ];
}

/** The Output box; the key help stands in its place while it is open. */
export function outputRows(state: ConsoleState, layout: Layout, theme: Theme): Row[] {
  const width = layout.columns;
  const height = layout.outputHeight;
  if (height <= 2) return [];
  const inner = height - 2;
  const box = {
    snapshot: undefined,
    peerTrend: [],
    nowMs: state.nowMs,
    stale: false,
    state: initialPanel(),
    focused: state.help !== undefined,
    typingFilter: undefined,
    width,
    height,
    theme,
  };
  if (state.help !== undefined) {
    const all = helpRows(state.help.query, width - 4, state.keys, theme, state.prompt.vi !== undefined);
    const first = Math.max(0, Math.min(state.help.scroll, all.length - inner));
    const tags = [state.help.query === '' ? 'type to search' : `search: ${state.help.query}`, 'Esc closes'];
    return framed({ title: 'Keys', tags, rows: all.slice(first, first + inner) }, box, 0);
  }
  const window = windowOf(state.transcript, width - 4, inner);
  const { keys } = state;
  const below = [`${window.below} rows below`, keys.keyOf('scroll-down')].filter((part) => part !== '');
  const older = keys.keyOf('scroll-up');
  const tags =
    window.below > 0 ? [below.join(', ')] : window.more && older !== '' ? [`${older} for more`] : [];
  return framed({ title: 'Output', tags, rows: window.rows }, box, 0);
}

/** What runs now: the command of the prompt, else the engine's newest job. */
export function jobRow(state: ConsoleState, layout: Layout, theme: Theme): Row {
  const { glyphs } = theme;
  const { running, background } = state;
  const wide = layout.size === 'M' || layout.size === 'L';
  if (running !== undefined) {
    const spin = glyphs.spinner[state.tick % glyphs.spinner.length] ?? '';
    const row: Row[number][] = [
      cell(` ${spin} `, 'accent'),
      cell(cut(running.label ?? running.line, 40, glyphs.more)),
      cell('  '),
    ];
    const { progress } = running;
    if (progress !== undefined) row.push(...progressCells(running, state.nowMs, theme));
    else row.push(cell(durationText(state.nowMs - running.startedAtMs), 'dim'));
    const { keys } = state;
    const ways = [
      keyHints(keys, ['cancel', 'cancels']),
      wide ? `& and ${keys.keyOf('accept-line')}: background` : '',
    ];
    const again = ['cancelling', keyHints(keys, ['cancel', 'again gives up waiting'])];
    const tail = (running.cancelledAtMs === undefined ? ways : again)
      .filter((part) => part !== '')
      .join(', ');
    const queued = state.queue.length === 0 ? '' : `${state.queue.length} waiting  `;
    return spread(row, [cell(`${queued}${tail} `, 'dim')], layout.columns);
  }
  const job = state.snapshot?.jobs.find((each) => each.state === 'running');
  if (background.length > 0) return fitRow(backgroundCells(background, theme), layout.columns, glyphs.more);
  if (job === undefined) return [cell(' '.repeat(layout.columns))];
  return jobLine(job, theme, layout.columns);
}

/** What was sent to the background, newest first. */
function backgroundCells(background: ConsoleState['background'], theme: Theme): Row {
  const { glyphs } = theme;
  return [...background]
    .reverse()
    .flatMap(({ id, line }) => [cell(` [${id}] `, 'accent'), cell(`${cut(line, 32, glyphs.more)} `, 'dim')]);
}

function progressCells(running: NonNullable<ConsoleState['running']>, nowMs: number, theme: Theme): Row {
  const { progress, rate } = running;
  if (progress === undefined) return [];
  const elapsedMs = rate === undefined ? 0 : nowMs - rate.sinceMs;
  const perSecond =
    rate === undefined || elapsedMs < 500
      ? undefined
      : ((progress.doneBytes - rate.fromBytes) * 1000) / elapsedMs;
  const cells: Row[number][] = [];
  const { totalBytes, doneBytes } = progress;
  if (totalBytes !== undefined && totalBytes > 0) {
    cells.push(
      cell(
        `${bar(doneBytes / totalBytes, 12, theme.glyphs)} ${percentText(doneBytes / totalBytes)}`,
        'accent',
      ),
    );
  } else cells.push(cell(bytesText(doneBytes)));
  if (perSecond !== undefined && perSecond > 0) {
    cells.push(cell(`  ${rateText(perSecond)}`, 'dim'));
    if (totalBytes !== undefined)
      cells.push(cell(`  ETA ${etaText(((totalBytes - doneBytes) / perSecond) * 1000)}`, 'dim'));
  }
  return cells;
}

export function footRow(state: ConsoleState, layout: Layout, theme: Theme): Row {
  // The very last cell stays blank: some terminals scroll when it is written.
  return fitRow(keysRow(state, layout, theme), layout.columns - 1, theme.glyphs.more);
}
