/** Panel 2: health as the census found it. The spare histogram comes first: it says how far away the next loss of data is. */
import type { HealthReport, ObjectDetail, ObjectView, ShardView, Snapshot } from '../engine/engine.ts';
import { type Cell, cell, fitGroups, type Row, rowWidth, type Tone } from './cells.ts';
import { matchesFilter } from './filter.ts';
import { agoText, bytesText, countText, percentText, shortId } from './format.ts';
import { bar } from './graph.ts';
import { type Drill, type PanelBody, type PanelInput, scrolled, waiting } from './panel.ts';
import { peerName } from './peers.ts';
import { listRows, type TableColumn } from './table.ts';
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

export type HealthGrade = 'ok' | 'degraded' | 'critical' | 'lost';
const GRADE_TONE: Readonly<Record<HealthGrade, Tone>> = {
  ok: 'ok',
  degraded: 'warn',
  critical: 'bad',
  lost: 'bad',
};

export function gradeMark(grade: HealthGrade, glyphs: Glyphs): string {
  return grade === 'ok' ? glyphs.ok : grade === 'degraded' ? glyphs.warn : glyphs.bad;
}

export function gradeOf(report: HealthReport): HealthGrade {
  if (report.lost > 0) return 'lost';
  if (report.critical > 0) return 'critical';
  return report.degraded > 0 ? 'degraded' : 'ok';
}

/** Live shards of those expected; undefined when nothing is stored. */
export function liveShare(report: HealthReport): number | undefined {
  return report.shardsExpected === 0 ? undefined : report.shardsLive / report.shardsExpected;
}

export function healthPanel(input: PanelInput): PanelBody {
  const { snapshot, state } = input;
  if (snapshot === undefined) return waiting('Health');
  const drill = state.drill.at(-1);
  if (drill?.kind === 'objects') return objectList(drill, snapshot, input);
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
  if (report.objects === 0)
    return [[cell('nothing is stored yet', 'dim')], ...diskRow(snapshot, inner, theme)];
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

/** Objects for the drill-down: those the census found worst first, then by name. */
export function arrangeObjects(
  objects: readonly ObjectView[],
  report: HealthReport | undefined,
  filter: string,
) {
  const rank = new Map(
    report?.worst.map((each, at) => [each.name, { at, spare: each.spare, state: each.state }]),
  );
  return objects
    .map((object) => ({ object, bad: rank.get(object.name) }))
    .filter(({ object, bad }) =>
      matchesFilter(
        { text: object.name, fields: { state: bad?.state ?? 'ok', tag: object.tags.join(' ') } },
        filter,
      ),
    )
    .sort((a, b) => (a.bad?.at ?? Number.MAX_SAFE_INTEGER) - (b.bad?.at ?? Number.MAX_SAFE_INTEGER));
}

function objectList(
  drill: Extract<Drill, { kind: 'objects' }>,
  snapshot: Snapshot,
  input: PanelInput,
): PanelBody {
  const { state, theme } = input;
  const title = 'Health: objects';
  if (drill.error !== undefined) return { title, tags: ['Esc back'], rows: [[cell(drill.error, 'bad')]] };
  if (drill.objects === undefined)
    return { title, tags: ['Esc back'], rows: [[cell('reading the catalog', 'dim')]] };
  type Item = ReturnType<typeof arrangeObjects>[number];
  const grade = (item: Item): HealthGrade => item.bad?.state ?? 'ok';
  const columns: TableColumn<Item>[] = [
    { title: 'OBJECT', width: 18, priority: 0, elastic: true, text: ({ object }) => object.name },
    {
      title: 'SIZE',
      width: 9,
      align: 'right',
      priority: 1,
      text: ({ object }) => bytesText(object.sizeBytes),
    },
    { title: 'CODE', width: 5, priority: 3, text: ({ object }) => `${object.code.k}+${object.code.m}` },
    {
      title: 'STATE',
      width: theme.glyphs.unicode ? 10 : 13,
      priority: 0,
      text: (item) => `${gradeMark(grade(item), theme.glyphs)} ${grade(item)}`,
      tone: (item) => GRADE_TONE[grade(item)],
    },
  ];
  const items = arrangeObjects(drill.objects, snapshot.health, state.filter);
  return {
    title,
    tags: [countText(items.length), 'Enter shard map', 'Esc back'],
    rows: listRows({
      columns,
      items,
      idOf: ({ object }) => object.name,
      selectedId: state.selectedId,
      width: input.width - 4,
      height: input.height - 2,
      empty: state.filter === '' ? 'nothing is stored yet' : 'no object passes the filter',
      mark: theme.glyphs.more,
    }),
  };
}

function shardMap(
  drill: Extract<Drill, { kind: 'object' }>,
  snapshot: Snapshot,
  input: PanelInput,
): PanelBody {
  const title = `Object ${drill.name}`;
  const tags = ['Esc back'];
  if (drill.error !== undefined) return { title, tags, rows: [[cell(drill.error, 'bad')]] };
  if (drill.detail === undefined)
    return { title, tags, rows: [[cell('asking every holder for its shards', 'dim')]] };
  const rows = shardMapRows(drill.detail, snapshot, input.theme, input.width - 4);
  return { title, tags, rows: scrolled(rows, input.state, input.height - 2) };
}

function shardMapRows(detail: ObjectDetail, snapshot: Snapshot, theme: Theme, width: number): Row[] {
  const { glyphs } = theme;
  const names = new Map(snapshot.peers.map((peer) => [peer.peerId, peerName(peer)]));
  names.set(snapshot.status.peerId, snapshot.status.name);
  const rows: Row[] = [
    [
      cell(`${gradeMark(detail.state, glyphs)} ${detail.state}`, GRADE_TONE[detail.state]),
      cell(`  spare ${detail.spare}  ${detail.code.k}+${detail.code.m}  ${bytesText(detail.sizeBytes)}`),
      cell(`  version ${detail.version}  id ${shortId(detail.objectId)}`, 'dim'),
    ],
  ];
  const stripes = [
    { label: 'manifest', stripe: detail.manifest },
    ...detail.stripesDetail.map((stripe) => ({ label: `stripe ${stripe.index}`, stripe })),
  ];
  for (const { label, stripe } of stripes) {
    const cells = stripe.shards.map((shard) => shardCell(shard, names.get(shard.holder), glyphs));
    const each = 16;
    const perRow = Math.max(1, Math.floor((width - 12) / each));
    for (let at = 0; at < cells.length; at += perRow) {
      const head = at === 0 ? label : '';
      rows.push([cell(head.padEnd(12), 'dim'), ...cells.slice(at, at + perRow)]);
    }
  }
  const hidden = detail.stripes - detail.stripesDetail.length;
  if (hidden > 0) rows.push([cell(`${glyphs.more} ${hidden} more stripes: info ${detail.name}`, 'dim')]);
  return rows;
}

function shardCell(shard: ShardView, holder: string | undefined, glyphs: Glyphs): Cell {
  const mark = shard.live === undefined ? '?' : shard.live ? glyphs.ok : glyphs.bad;
  const tone: Tone = shard.live === undefined ? 'warn' : shard.live ? 'plain' : 'bad';
  const text = `${mark} ${shard.index} ${holder ?? shortId(shard.holder)}`;
  return cell(text.length > 15 ? `${text.slice(0, 14)}${glyphs.more} ` : text.padEnd(16), tone);
}
