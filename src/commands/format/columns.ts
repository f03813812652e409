/** Which columns a table has: the command's own, those asked for, or those that fit. */

import { suggest } from '../../config/suggest.ts';
import { DatameshError } from '../../errors.ts';
import type { Column, OutputRecord } from '../command.ts';

/** `rttMs` → "RTT MS": a title for a field that no column declares. */
export function titleOf(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toUpperCase();
}

/** Columns for `wanted` fields; any field of the records may be named. Throws `bad-value` with a suggestion. */
export function chooseColumns(
  columns: readonly Column[],
  wanted: readonly string[] | undefined,
  records: readonly OutputRecord[],
): Column[] {
  if (wanted === undefined) {
    if (columns.length > 0) return [...columns];
    return [...new Set(records.flatMap((record) => Object.keys(record)))].map((key) => ({
      key,
      title: titleOf(key),
    }));
  }
  const known = new Set([
    ...columns.map((column) => column.key),
    ...records.flatMap((record) => Object.keys(record)),
  ]);
  return wanted.map((key) => {
    if (!known.has(key) && (columns.length > 0 || records.length > 0)) {
      const found = suggest(key, [...known]);
      throw new DatameshError('bad-value', {
        what: `there is no field '${key}' here`,
        mend: found.length > 0 ? `did you mean ${found.join(', ')}?` : `fields are ${[...known].join(', ')}`,
        details: { fields: [...known] },
      });
    }
    return columns.find((column) => column.key === key) ?? { key, title: titleOf(key) };
  });
}

/** Leaves out columns, highest priority number first, until `widths` with `gap` between fit into `total` cells. */
export function fitColumns(
  columns: readonly Column[],
  widths: readonly number[],
  total: number,
  gap: number,
): number[] {
  const kept = columns.map((_, index) => index);
  const width = () =>
    kept.reduce((sum, index) => sum + (widths[index] ?? 0), 0) + gap * Math.max(0, kept.length - 1);
  while (width() > total) {
    let worst = -1;
    for (const index of kept) {
      const priority = columns[index]?.priority ?? 0;
      if (priority > 0 && (worst < 0 || priority >= (columns[worst]?.priority ?? 0))) worst = index;
    }
    if (worst < 0) break;
    kept.splice(kept.indexOf(worst), 1);
  }
  return kept;
}
