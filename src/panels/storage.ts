/** Panel 6: what this node stores and what it offers. */
import { cell, type Row, type Tone } from './cells.ts';
import { bytesText, countText, percentText } from './format.ts';
import { bar } from './graph.ts';
import { objectList, shardMap } from './health-drill.ts';
import { type PanelBody, type PanelInput, waiting } from './panel.ts';

/** Above this share of the quota new shards will soon be refused. */
const FULL_SOON = 0.9;

export function storagePanel(input: PanelInput): PanelBody {
  const { snapshot, theme } = input;
  if (snapshot === undefined) return waiting('Storage');
  const drill = input.state.drill.at(-1);
  if (drill?.kind === 'objects') return objectList(drill, snapshot, input, 'Storage: objects');
  if (drill?.kind === 'object') return shardMap(drill, snapshot, input);
  const { status } = snapshot;
  const { store } = status;
  const inner = input.width - 4;
  const used = store.quotaBytes === 0 ? undefined : store.usedBytes / store.quotaBytes;
  const line = (label: string, text: string, tone: Tone = 'plain'): Row => [
    cell(label.padEnd(10), 'dim'),
    cell(text, tone),
  ];
  const rows: Row[] = [];
  if (used === undefined) rows.push(line('offer', 'this node stores nothing for others', 'dim'));
  else {
    const full = used > FULL_SOON;
    rows.push([
      cell('used'.padEnd(10), 'dim'),
      cell(bar(used, Math.max(8, inner - 17), theme.glyphs), full ? 'warn' : 'accent'),
      cell(` ${percentText(used, 1).padStart(6)}${full ? ` ${theme.glyphs.warn}` : ''}`),
    ]);
    rows.push(line('', `${bytesText(store.usedBytes)} of ${bytesText(store.quotaBytes)} offered`));
  }
  const reserveHit = store.diskFreeBytes < store.reserveBytes;
  rows.push(
    line('shards', countText(store.shards)),
    line(
      'disk free',
      `${bytesText(store.diskFreeBytes)}${reserveHit ? `  ${theme.glyphs.warn} below the reserve` : ''}`,
      reserveHit ? 'warn' : 'plain',
    ),
    line('reserve', bytesText(store.reserveBytes)),
    line('objects', `${countText(status.objects)} of this owner`),
    line('code', `${status.code.k}+${status.code.m}, survives ${status.code.m} lost holders`),
    line('folder', status.dataDir),
  );
  return { title: 'Storage', tags: [], rows };
}
