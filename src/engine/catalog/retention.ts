/** Which old versions a pool still keeps. Pure but for the questions it asks the catalog. */
import type { SqlValue } from '../effects/sqlite-file.ts';
import type { Retention } from './catalog.ts';

export interface OldVersionsQuery {
  sql: string;
  values: SqlValue[];
}

/**
 * Questions for the row ids of versions that are neither current nor kept, those that ended first before the others. Each limit stands alone: a version goes
 * when any of them says so. `nowMs` undefined: the clock is not to be trusted, so that no age is known.
 */
export function expiredQueries(
  owner: number,
  pool: string,
  keep: Retention,
  nowMs: number | undefined,
  limit: number,
): OldVersionsQuery[] {
  const old = 'owner = ? AND pool = ? AND current = 0';
  const queries: OldVersionsQuery[] = [];
  if (keep.versions !== undefined) {
    queries.push({
      sql: `SELECT id FROM (
          SELECT id, row_number() OVER (PARTITION BY name ORDER BY version DESC) AS place FROM entries
          WHERE owner = ?1 AND name IN (
            SELECT name FROM entries WHERE owner = ?1 AND pool = ?2 AND current = 0 GROUP BY name HAVING count(*) > ?3 LIMIT ?4
          ) AND pool = ?2 AND current = 0
        ) WHERE place > ?3 ORDER BY place DESC LIMIT ?4`,
      values: [owner, pool, keep.versions, limit],
    });
  }
  if (keep.ageMs !== undefined && nowMs !== undefined) {
    queries.push({
      sql: `SELECT id FROM entries WHERE ${old} AND ended_at_ms < ? ORDER BY ended_at_ms, version LIMIT ?`,
      values: [owner, pool, Math.floor(nowMs - keep.ageMs), limit],
    });
  }
  if (keep.bytes !== undefined) {
    // From the one that ended last on; what the sum has passed the limit with, and all before it, goes.
    queries.push({
      sql: `SELECT id FROM (
          SELECT id, ended_at_ms, version, sum(size_bytes) OVER (ORDER BY ended_at_ms DESC, version DESC, id ROWS UNBOUNDED PRECEDING) AS kept
          FROM entries WHERE ${old}
        ) WHERE kept > ? ORDER BY ended_at_ms, version LIMIT ?`,
      values: [owner, pool, keep.bytes, limit],
    });
  }
  return queries;
}
