/** Panel 2: health as the census found it. The spare histogram comes first: it says how far away the next loss of data is. */
import type { HealthReport, Snapshot } from '../engine/engine.ts';
import { cell, fitGroups, type Row, rowWidth, type Tone } from './cells.ts';
import { agoText, bytesText, countText, percentText } from './format.ts';
import { GRADE_TONE, gradeMark, gradeOf, type HealthGrade, liveShare } from './grade.ts';
import { bar } from './graph.ts';
import { objectList, shardMap } from './health-drill.ts';
import { type PanelBody, type PanelInput, waiting } from './panel.ts';
import type { Glyphs, Theme } from './theme.ts';

/** Columns of the labels on the left. */
const LABEL = 10;

const LEVELS = [
  { key: 'lost', label: 'lost', tone: 'bad' },
  { key: 'spare0', label: '0', tone: 'bad' },
  { key: 'spare1', label: '1', tone: 'warn' },
  { key: 'spare2', label: '2', tone: 'ok' },
  { key: 'spare3plus', label: '3+', tone: 'ok' },
] as const;

export function healthPanel(input: PanelInput): PanelBody {
  const { snapshot, state } = input;
  if (snapshot === undefined) return waiting('Health');
  const drill = state.drill.at(-1);
  if (drill?.kind === 'objects') return objectList(drill, snapshot, input, 'Health: objects');
  if (drill?.kind === 'object') return shardMap(drill, snapshot, input);
  const report = snapshot.health;
  if (report === undefined) {
    const text = snapshot.censusRunning ? 'first census is running' : 'no census has been taken yet';
    return { title: 'Health', tags: [], rows: [[cell(text, 'dim')]] };
  }
  return {
    title: 'Health',
    tags: censusTags(report, snapshot, input),
    rows: summary(report, snapshot, input),
  };
}

function censusTags(report: HealthReport, snapshot: Snapshot, input: PanelInput): string[] {
  const when = snapshot.censusRunning
    ? 'census running'
    : `census ${agoText(input.nowMs - report.takenAtMs)} ago`;
  return [`${countText(stripesOf(report))} stripes`, when];
}

function summary(report: HealthReport, snapshot: Snapshot, input: PanelInput): Row[] {
  const { theme } = input;
  const { glyphs } = theme;
  const inner = input.width - 4;
  const room = input.height - 2;
  if (report.objects === 0) return [[cell('nothing is stored', 'dim')], ...diskRow(snapshot, inner, theme)];
  const grade = gradeOf(report);
  const live = liveShare(report);
  const rows: Row[] = [...histogram(report, inner, theme)];
  rows.push(objectCounts(report, inner, glyphs));
  if (live !== undefined) {
    rows.push(
      fitGroups(
        [
          [cell('shards'.padEnd(LABEL), 'dim'), cell(`${percentText(live, 2)} live`, GRADE_TONE[grade])],
          [cell(`  ${countText(report.shardsLive)} of ${countText(report.shardsExpected)}`, 'dim')],
        ],
        inner,
      ),
    );
  }
  if (report.silentPeers.length > 0) {
    rows.push([
      cell('silent    ', 'dim'),
      cell(
        `${glyphs.warn} ${report.silentPeers.length === 1 ? '1 peer' : `${report.silentPeers.length} peers`} did not answer`,
        'warn',
      ),
    ]);
  }
  rows.push(...diskRow(snapshot, inner, theme));
  const left = room - rows.length;
  if (report.worst.length > 0 && left >= 3) {
    rows.push([], [cell('worst objects', 'dim')]);
    for (const each of report.worst.slice(0, left - 2)) {
      rows.push([
        cell(`${gradeMark(each.state, glyphs)} spare ${each.spare}  `, GRADE_TONE[each.state]),
        cell(each.name),
      ]);
    }
  }
  return rows;
}

/** Stripes by live − k, as bars on one scale; the levels that may lose data stand on top. */
function histogram(report: HealthReport, width: number, theme: Theme): Row[] {
  const total = stripesOf(report);
  const columns = Math.max(4, width - LABEL - 9);
  // Levels that no stripe can have, or should have, stay away until one has them.
  const usual: readonly string[] = ['spare0', 'spare1', 'spare2'];
  return LEVELS.filter((level) => usual.includes(level.key) || report.stripes[level.key] > 0).map((level) => {
    const count = report.stripes[level.key];
    const label = level.key === 'lost' ? 'lost' : `spare ${level.label}`;
    const tone: Tone = count === 0 ? 'dim' : level.tone;
    const drawn =
      total === 0 ? '' : bar(count / total, columns, theme.glyphs).replaceAll(theme.glyphs.bar.empty, ' ');
    return [
      cell(label.padEnd(LABEL), count === 0 || level.tone === 'ok' ? 'dim' : tone),
      cell(drawn.padEnd(columns), tone),
      cell(countText(count).padStart(9), count === 0 ? 'dim' : 'plain'),
    ];
  });
}

function stripesOf(report: HealthReport): number {
  return LEVELS.reduce((sum, level) => sum + report.stripes[level.key], 0);
}

const SHORT: Readonly<Record<HealthGrade, string>> = {
  ok: 'ok',
  degraded: 'deg',
  critical: 'crit',
  lost: 'lost',
};

/** Objects by state, in short words where the long ones do not fit. */
function objectCounts(report: HealthReport, width: number, glyphs: Glyphs): Row {
  const row = (word: (grade: HealthGrade) => string): Row => [
    cell('objects'.padEnd(LABEL), 'dim'),
    ...(['ok', 'degraded', 'critical', 'lost'] as const)
      .filter((grade) => report[grade] > 0)
      .map((grade) =>
        cell(`${gradeMark(grade, glyphs)} ${countText(report[grade])}${word(grade)}  `, GRADE_TONE[grade]),
      ),
  ];
  const shapes = [row((grade) => ` ${grade}`), row((grade) => ` ${SHORT[grade]}`)];
  return shapes.find((shape) => rowWidth(shape) - 2 <= width) ?? row(() => '');
}

function diskRow(snapshot: Snapshot, width: number, theme: Theme): Row[] {
  const { usedBytes, quotaBytes } = snapshot.status.store;
  if (quotaBytes === 0)
    return [[cell('disk      ', 'dim'), cell('this node stores nothing for others', 'dim')]];
  const columns = Math.max(4, Math.min(12, width - 36));
  return [
    [
      cell('disk      ', 'dim'),
      cell(
        bar(usedBytes / quotaBytes, columns, theme.glyphs),
        usedBytes / quotaBytes > 0.9 ? 'warn' : 'plain',
      ),
      cell(`  ${bytesText(usedBytes)} of ${bytesText(quotaBytes)}`),
    ],
  ];
}
