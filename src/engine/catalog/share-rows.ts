/** Shares as rows of the catalog: what was shared with whom. The secrets are in the links alone. */
import type { ObjectId } from '../types.ts';
import type { ShareCalls } from './catalog.ts';
import type { CatalogParts } from './entry-rows.ts';
import { nameBytes } from './list-query.ts';
import { textOf } from './rows.ts';

/** The oldest are forgotten first, those that were revoked before the others. */
export const MAX_SHARES = 10_000;

export function shareRows({
  all,
  run,
  guarded,
  transaction,
  ownerRow,
  ownerRowMade,
}: CatalogParts): ShareCalls {
  return {
    addShare: (owner, share) =>
      transaction(() => {
        const row = ownerRowMade(owner);
        run(
          `INSERT INTO shares (owner, id, name, version, object_id, recipient, created_at_ms, until_ms, read_once, revoked_at_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)`,
          row,
          share.id,
          nameBytes(share.name),
          share.version,
          share.objectId,
          share.recipient ?? null,
          share.createdAtMs,
          share.untilMs ?? null,
          share.readOnce ? 1 : 0,
        );
        run(
          `DELETE FROM shares WHERE owner = ?1 AND id IN (SELECT id FROM shares WHERE owner = ?1
           ORDER BY revoked_at_ms IS NULL, created_at_ms LIMIT max(0, (SELECT count(*) FROM shares WHERE owner = ?1) - ?2))`,
          row,
          MAX_SHARES,
        );
      }),

    shares: (owner, limit) =>
      guarded(() =>
        all(
          'SELECT * FROM shares WHERE owner = ? ORDER BY created_at_ms DESC, id LIMIT ?',
          ownerRow(owner) ?? -1,
          limit,
        ).map((row) => ({
          id: row.id as string,
          name: textOf(row.name),
          version: row.version as number,
          objectId: row.object_id as ObjectId,
          recipient: (row.recipient as string | null) ?? undefined,
          createdAtMs: row.created_at_ms as number,
          untilMs: (row.until_ms as number | null) ?? undefined,
          readOnce: row.read_once === 1,
          revokedAtMs: (row.revoked_at_ms as number | null) ?? undefined,
        })),
      ),

    revokeShare(owner, id, atMs) {
      guarded(() =>
        run(
          'UPDATE shares SET revoked_at_ms = ? WHERE owner = ? AND id = ? AND revoked_at_ms IS NULL',
          Math.round(atMs),
          ownerRow(owner) ?? -1,
          id,
        ),
      );
    },
  };
}
