/** Below the health panel: the objects, worst first, and the shard map of one of them. */
import type { HealthReport, ObjectDetail, ObjectView, ShardView, Snapshot } from '../engine/engine.ts';
import { type Cell, cell, clean, fitText, type Row, type Tone } from './cells.ts';
import { matchesFilter } from './filter.ts';
import { bytesText, countText, shortId } from './format.ts';
import { GRADE_TONE, gradeMark, type HealthGrade } from './grade.ts';
import { type Drill, type PanelBody, type PanelInput, scrolled } from './panel.ts';
import { peerName } from './peers.ts';
import { listRows, type TableColumn } from './table.ts';
import type { Glyphs, Theme } from './theme.ts';

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

export function objectList(
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
  const text = clean(`${mark} ${shard.index} ${holder ?? shortId(shard.holder)}`);
  return cell(`${fitText(text, 15, 'left', glyphs.more)} `, tone);
}
