/** The pools as rows of the storage panel: what was put into each, in figures of the owner's catalog. */
import { quotaOf } from '../engine/pools/quota.ts';
import type { PoolView } from '../engine/views/pools.ts';
import { filterOf, type Searchable } from './filter.ts';
import { bytesText, countText } from './format.ts';
import type { Arrangement } from './panel.ts';
import type { TableColumn } from './table.ts';
import type { Glyphs } from './theme.ts';

export const POOL_SORTS = ['stored', 'logical', 'objects', 'quota', 'code', 'name'] as const;

const SEARCHABLE: Searchable<PoolView> = {
  text: (pool) => [pool.name, codeText(pool), pool.domain].join(' '),
  fields: new Map([
    ['code', codeText],
    ['domain', ({ domain }) => domain],
  ]),
};

const byWords = new Intl.Collator();

/** The greatest first; what has no quota comes after all that have one. */
const ORDERS: Readonly<Record<(typeof POOL_SORTS)[number], (a: PoolView, b: PoolView) => number>> = {
  stored: (a, b) => b.usage.storedBytes - a.usage.storedBytes,
  logical: (a, b) => b.usage.logicalBytes - a.usage.logicalBytes,
  objects: (a, b) => b.usage.objects - a.usage.objects,
  quota: (a, b) => (quotaOf(b) ?? -1) - (quotaOf(a) ?? -1),
  code: (a, b) => a.code.k - b.code.k || a.code.m - b.code.m,
  name: () => 0,
};

/** Pools that pass the filter in the chosen order; ties break by name so rows do not flip. */
export function arrangePools(pools: readonly PoolView[], state: Arrangement): PoolView[] {
  const order = ORDERS[state.sort as (typeof POOL_SORTS)[number]] ?? ORDERS.stored;
  const direction = state.reverse ? -1 : 1;
  const byName = (a: PoolView, b: PoolView) => byWords.compare(a.name, b.name);
  return pools
    .filter(filterOf(state.filter, SEARCHABLE))
    .sort((a, b) => order(a, b) * direction || byName(a, b) * (state.sort === 'name' ? direction : 1));
}

function codeText({ code }: PoolView): string {
  return `${code.k}+${code.m}`;
}

export function poolColumns({ none }: Glyphs): TableColumn<PoolView>[] {
  const figure = (
    title: string,
    width: number,
    priority: number,
    text: (pool: PoolView) => string,
  ): TableColumn<PoolView> => ({ title, width, align: 'right', priority, text });
  return [
    { title: 'POOL', width: 8, priority: 0, elastic: true, text: ({ name }) => name },
    figure('OBJECTS', 7, 0, ({ usage }) => countText(usage.objects)),
    figure('LOGICAL', 9, 1, ({ usage }) => bytesText(usage.logicalBytes)),
    figure('STORED', 9, 0, ({ usage }) => bytesText(usage.storedBytes)),
    { title: 'CODE', width: 5, priority: 2, text: codeText },
    figure('QUOTA', 9, 3, (pool) => {
      const quota = quotaOf(pool);
      return quota === undefined ? none : bytesText(quota);
    }),
  ];
}
