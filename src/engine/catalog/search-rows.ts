/** Rows of the catalog for a search: some at a time, the last stored first, so that no call looks at more than it may. */
import type { Row } from '../effects/sqlite-file.ts';
import type { SearchRow, SearchRows } from './catalog.ts';
import { type CatalogParts, COLUMNS, FROM, PAGE_COLUMNS } from './entry-rows.ts';
import { nameBytes } from './list-query.ts';
import { isReservedName } from './reserved-names.ts';
import { textOf, viewOf } from './rows.ts';

const NARROW = 'e.id, e.owner, e.name, e.current, e.size_bytes, e.mime_type, e.tags, e.created_at_ms';
/** Hours of reads by name: some hundred bytes each. */
const MAX_READ_ROWS = 1_000_000;

export function searchRows({ get, all, run, guarded, transaction, ownerRow }: CatalogParts): SearchRows {
  const upto = () => get('SELECT upto FROM words_state')!.upto as number;
  const read = (owner: number, rows: Row[]): SearchRow[] =>
    rows
      .filter((row) => row.owner === owner && row.current === 1)
      .map((row) => ({
        id: row.id as number,
        name: textOf(row.name),
        sizeBytes: row.size_bytes as number,
        mimeType: row.mime_type as string,
        tags: row.tags as string,
        createdAtMs: row.created_at_ms as number,
      }))
      .filter(({ name }) => !isReservedName(name));

  return {
    searchRows: (owner, before, question, limit) =>
      guarded(() => {
        const ownerId = ownerRow(owner);
        if (ownerId === undefined) return { rows: [], before: undefined };
        const last = before ?? Number.MAX_SAFE_INTEGER;
        // What the index does not have yet is looked at row by row.
        const indexed = question === undefined ? 0 : upto();
        const tail =
          last > indexed + 1
            ? all(
                `SELECT ${NARROW} FROM entries e WHERE e.id < ? AND e.id > ? ORDER BY e.id DESC LIMIT ?`,
                last,
                indexed,
                limit,
              )
            : [];
        if (question === undefined || tail.length === limit) {
          const next = tail.length === limit ? (tail.at(-1)!.id as number) : undefined;
          return { rows: read(ownerId, tail), before: next };
        }
        const found = all(
          `SELECT ${NARROW} FROM words w CROSS JOIN entries e ON e.id = w.rowid WHERE words MATCH ? AND w.rowid < ?
           ORDER BY w.rowid DESC LIMIT ?`,
          question,
          Math.min(last, indexed + 1),
          limit - tail.length,
        );
        return {
          rows: read(ownerId, [...tail, ...found]),
          before: tail.length + found.length === limit ? (found.at(-1)!.id as number) : undefined,
        };
      }),

    views: (ids) =>
      guarded(() =>
        ids
          .map((id) => get(`SELECT ${PAGE_COLUMNS} FROM entries e WHERE e.id = ? AND e.current = 1`, id))
          .filter((row) => row !== undefined)
          .map(viewOf),
      ),

    indexWords: (limit) =>
      transaction(() => {
        const from = upto();
        const rows = all(
          'SELECT id, name, tags, current FROM entries WHERE id > ? ORDER BY id LIMIT ?',
          from,
          limit,
        );
        for (const row of rows) {
          if (row.current !== 1) continue;
          const text = `${textOf(row.name)} ${row.tags as string}`;
          run('INSERT INTO words (rowid, text) VALUES (?, ?)', row.id as number, text);
        }
        if (rows.length > 0) run('UPDATE words_state SET upto = ?', rows.at(-1)!.id as number);
        return rows.length;
      }),

    noteReads: (owner, counts) =>
      transaction(() => {
        const ownerId = ownerRow(owner);
        if (ownerId === undefined) return;
        for (const { name, hour, reads, bytes, lastAtMs } of counts) {
          run(
            `INSERT INTO reads (owner, hour, name, reads, bytes, last_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET reads = reads + ?4, bytes = bytes + ?5, last_at_ms = max(last_at_ms, ?6)`,
            ownerId,
            hour,
            nameBytes(name),
            reads,
            bytes,
            Math.round(lastAtMs),
          );
        }
        if ((get('SELECT count(*) AS rows FROM reads')!.rows as number) > MAX_READ_ROWS)
          run('DELETE FROM reads WHERE hour IN (SELECT DISTINCT hour FROM reads ORDER BY hour LIMIT 24)');
      }),

    mostRead: (owner, fromHour, limit) =>
      guarded(() => {
        const ownerId = ownerRow(owner);
        if (ownerId === undefined) return [];
        return all(
          `SELECT ${COLUMNS}, r.reads AS read_count, r.bytes AS read_bytes, r.last_at_ms AS read_at_ms ${FROM} JOIN
             (SELECT name, sum(reads) AS reads, sum(bytes) AS bytes, max(last_at_ms) AS last_at_ms FROM reads
              WHERE owner = ?1 AND hour >= ?2 GROUP BY name) r ON r.name = e.name
           WHERE e.owner = ?1 AND e.current = 1 ORDER BY r.reads DESC, r.last_at_ms DESC, e.name LIMIT ?3`,
          ownerId,
          fromHour,
          limit,
        ).map((row) => ({
          object: viewOf(row),
          reads: row.read_count as number,
          bytes: row.read_bytes as number,
          lastReadAtMs: row.read_at_ms as number,
        }));
      }),
  };
}
