/** Below the health panel: the objects, worst first, and the shard map of one of them. */
import type { HealthReport, ObjectDetail, ShardView, Snapshot } from '../engine/engine.ts';
import { type Cell, cell, clean, fitText, type Row, type Tone } from './cells.ts';
import { filterOf, type Searchable } from './filter.ts';
import { agoText, bytesText, countText, shortId } from './format.ts';
import { GRADE_TONE, gradeMark, type HealthGrade } from './grade.ts';
import {
  type Drill,
  type ObjectRow,
  type PanelBody,
  type PanelInput,
  type PanelState,
  scrolled,
} from './panel.ts';
import { peerName } from './peers.ts';
import { remembering } from './remember.ts';
import { listRows, type TableColumn } from './table.ts';
import type { Glyphs, Theme } from './theme.ts';

export const OBJECT_SORTS = ['spare', 'name', 'size', 'age'] as const;

export interface ListedObject {
  object: ObjectRow;
  /** Undefined where no census that stands has told. */
  state: HealthGrade | undefined;
}

/** Objects for the drill-down; sorted by `spare`, those that the census found worst come first, then the others as the catalog has them: by name. */
export function arrangeObjects(
  objects: readonly ObjectRow[],
  report: HealthReport | undefined,
  state: Pick<PanelState, 'sort' | 'reverse' | 'filter'>,
): readonly ListedObject[] {
  return arranged(objects, report, state.sort, state.reverse, state.filter);
}

const SEARCHABLE: Searchable<ListedObject> = {
  text: ({ object }) => object.name,
  fields: new Map([
    ['state', ({ state }) => stateWord(state)],
    ['tag', ({ object }) => object.tags.join(' ')],
  ]),
};

const arranged = remembering(
  (
    objects: readonly ObjectRow[],
    report: HealthReport | undefined,
    sort: string,
    reverse: boolean,
    filter: string,
  ): readonly ListedObject[] => {
    const stateIn = statesOf(report);
    const passes = filterOf(filter, SEARCHABLE);
    const listed: ListedObject[] = [];
    for (const object of objects) {
      const each: ListedObject = { object, state: stateIn(object) };
      if (passes(each)) listed.push(each);
    }
    order(listed, sort, report?.worst ?? []);
    return reverse ? listed.reverse() : listed;
  },
);

/** The census names a hundred that are not whole: who is not among them is whole only if there are no more, and if it was there when the census began. */
function statesOf(report: HealthReport | undefined): (object: ObjectRow) => HealthGrade | undefined {
  if (report === undefined) return () => undefined;
  const { worst, takenAtMs, degraded, critical, lost, unseen } = report;
  // By their ids: it tells one name of each, and not those that it has got since.
  const named = new Map(worst.map((each) => [each.objectId, each.state]));
  const others = unseen || worst.length < degraded + critical + lost ? undefined : 'ok';
  return ({ objectId, createdAtMs }) =>
    createdAtMs > takenAtMs ? undefined : (named.get(objectId) ?? others);
}

function stateWord(state: HealthGrade | undefined): string {
  return state ?? 'unknown';
}

function order(listed: ListedObject[], sort: string, worst: HealthReport['worst']): void {
  if (sort === 'size') listed.sort((a, b) => b.object.sizeBytes - a.object.sizeBytes);
  else if (sort === 'age') listed.sort((a, b) => b.object.createdAtMs - a.object.createdAtMs);
  else if (sort !== 'name') {
    // A sort of a hundred thousand for the sake of the hundred worst would be felt.
    const rank = new Map(worst.map((each, at) => [each.objectId, at]));
    const bad = listed.filter(({ object }) => rank.has(object.objectId));
    if (bad.length === 0) return;
    bad.sort((a, b) => (rank.get(a.object.objectId) ?? 0) - (rank.get(b.object.objectId) ?? 0));
    const rest = listed.filter(({ object }) => !rank.has(object.objectId));
    let at = 0;
    for (const each of bad) listed[at++] = each;
    for (const each of rest) listed[at++] = each;
  }
}

export function objectList(
  drill: Extract<Drill, { kind: 'objects' }>,
  snapshot: Snapshot,
  input: PanelInput,
  title: string,
): PanelBody {
  const { state, theme } = input;
  if (drill.error !== undefined) return { title, tags: ['Esc back'], rows: [[cell(drill.error, 'bad')]] };
  if (drill.objects === undefined)
    return { title, tags: ['Esc back'], rows: [[cell('reading the catalog', 'dim')]] };
  const columns: TableColumn<ListedObject>[] = [
    {
      title: 'OBJECT',
      width: 18,
      priority: 0,
      elastic: true,
      keepsEnd: true,
      text: ({ object }) => object.name,
    },
    {
      title: 'SIZE',
      width: 9,
      align: 'right',
      priority: 1,
      text: ({ object }) => bytesText(object.sizeBytes),
    },
    { title: 'CODE', width: 5, priority: 3, text: ({ object }) => `${object.code.k}+${object.code.m}` },
    {
      title: 'AGE',
      width: 4,
      align: 'right',
      priority: 4,
      text: ({ object }) => agoText(input.nowMs - object.createdAtMs),
    },
    {
      title: 'STATE',
      width: theme.glyphs.unicode ? 10 : 13,
      priority: 0,
      text: ({ state }) =>
        `${state === undefined ? '?' : gradeMark(state, theme.glyphs)} ${stateWord(state)}`,
      tone: ({ state }) => (state === undefined ? 'dim' : GRADE_TONE[state]),
    },
  ];
  const items = arrangeObjects(drill.objects, snapshot.health, state);
  const arrow = state.reverse ? theme.glyphs.desc : theme.glyphs.asc;
  const count = `${countText(items.length)}${drill.complete ? '' : '+, reading'}`;
  return {
    title,
    tags: [count, `sort:${state.sort}${arrow}`, 'Enter shard map', 'Esc back'],
    rows: listRows({
      columns,
      items,
      idOf: ({ object }) => object.name,
      selectedId: state.selectedId,
      marked: state.marked,
      width: input.width - 4,
      height: input.height - 2,
      empty: state.filter === '' ? 'nothing is stored' : 'no object passes the filter',
      mark: theme.glyphs.more,
    }),
  };
}

export function shardMap(
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
    ...detail.stripesDetail.map((stripe) => ({ label: `stripe ${stripe.index + 1}`, stripe })),
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
  const text = clean(`${mark} ${shard.index} ${holder ?? shortId(shard.holder)}`);
  return cell(`${fitText(text, 15, 'left', glyphs.more)} `, tone);
}
