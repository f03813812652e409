/** Panel 6: what this node stores and offers, and the pools with what was put into each. */
import type { Snapshot } from '../engine/engine.ts';
import { cell, type Row, type Tone } from './cells.ts';
import { bytesText, countText, percentText } from './format.ts';
import { bar } from './graph.ts';
import { objectList, shardMap } from './health-drill.ts';
import { type PanelBody, type PanelInput, selectedIn, waiting } from './panel.ts';
import { arrangePools, poolColumns } from './pool-list.ts';
import { listRows } from './table.ts';
import type { Theme } from './theme.ts';

/** Above this share of the quota new shards will soon be refused. */
const FULL_SOON = 0.9;
/** Header, two pools and a word of those that do not fit. */
const LEAST_LIST = 4;

export function storagePanel(input: PanelInput): PanelBody {
  const { snapshot, theme, state } = input;
  if (snapshot === undefined) return waiting('Storage');
  const drill = state.drill.at(-1);
  if (drill?.kind === 'objects')
    return objectList(drill, snapshot, input, `Storage: objects of ${drill.pool ?? 'all pools'}`);
  if (drill?.kind === 'object') return shardMap(drill, snapshot, input);
  const inner = input.width - 4;
  const room = input.height - 2;
  const node = nodeRows(snapshot, inner, theme);
  // The node's own figures give way to the pools, the least needed first.
  const head = node.slice(0, Math.max(1, room - LEAST_LIST));
  const pools = arrangePools(snapshot.pools, state);
  const rows = [
    ...head,
    ...listRows({
      columns: poolColumns(theme.glyphs),
      items: pools,
      idOf: ({ name }) => name,
      selectedId: selectedIn(input),
      marked: state.marked,
      width: inner,
      height: room - head.length,
      empty: snapshot.pools.length === 0 ? 'no pools' : 'no pool passes the filter',
      mark: theme.glyphs.more,
    }),
  ];
  const arrow = state.reverse ? theme.glyphs.desc : theme.glyphs.asc;
  const count = pools.length === 1 ? '1 pool' : `${pools.length} pools`;
  return { title: 'Storage', tags: [count, `sort:${state.sort}${arrow}`], rows };
}

function nodeRows({ status }: Snapshot, width: number, theme: Theme): Row[] {
  const { store } = status;
  const line = (label: string, text: string, tone: Tone = 'plain'): Row => [
    cell(label.padEnd(10), 'dim'),
    cell(text, tone),
  ];
  const rows: Row[] = [];
  if (store.quotaBytes === 0) rows.push(line('offer', 'this node stores nothing for others', 'dim'));
  else {
    const used = store.usedBytes / store.quotaBytes;
    const full = used > FULL_SOON;
    rows.push([
      cell('used'.padEnd(10), 'dim'),
      cell(bar(used, Math.max(8, width - 17), theme.glyphs), full ? 'warn' : 'accent'),
      cell(` ${percentText(used, 1).padStart(6)}${full ? ` ${theme.glyphs.warn}` : ''}`),
    ]);
    rows.push(
      line(
        '',
        `${bytesText(store.usedBytes)} of ${bytesText(store.quotaBytes)} offered, ${countText(store.shards)} shards`,
      ),
    );
  }
  const low = store.diskFreeBytes < store.reserveBytes;
  rows.push(
    line(
      'disk free',
      `${bytesText(store.diskFreeBytes)}${low ? `  ${theme.glyphs.warn} below the reserve of` : ', reserve'} ${bytesText(store.reserveBytes)}`,
      low ? 'warn' : 'plain',
    ),
    line('folder', status.dataDir),
    [],
  );
  return rows;
}
