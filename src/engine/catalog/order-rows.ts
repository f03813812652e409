/** Orders that the custodians have not yet confirmed, as rows of the catalog: written with the change they tell of, so that no crash loses one. */
import type { Row, SqlValue } from '../effects/sqlite-file.ts';
import type { Domain } from '../placement/domains.ts';
import type { ObjectId, PeerId } from '../types.ts';
import type { NewEntry, PendingOrder } from './catalog.ts';

type Read = (sql: string, ...values: SqlValue[]) => Row[];
type Run = (sql: string, ...values: SqlValue[]) => unknown;

/** Orders of an object: it lives, then it is released. */
const LIVE_SEQUENCE = 1;
const RELEASED_SEQUENCE = 2;

export function insertLive(
  run: Run,
  owner: number,
  order: Pick<NewEntry, 'objectId' | 'custody' | 'manifestHolders'>,
): void {
  const { objectId, custody, manifestHolders } = order;
  if (custody === undefined) return;
  run(
    `INSERT OR IGNORE INTO pending_orders (owner, object_id, released, sequence, domain, members, manifest_holders)
     VALUES (?, ?, 0, ?, ?, ?, ?)`,
    owner,
    objectId,
    LIVE_SEQUENCE,
    custody.domain,
    JSON.stringify(custody.members),
    JSON.stringify(manifestHolders),
  );
}

/** Takes the place of an order that was never confirmed. */
export function insertReleased(run: Run, owner: number, objectId: ObjectId, manifestHolders: string): void {
  run(
    `INSERT OR REPLACE INTO pending_orders (owner, object_id, released, sequence, domain, members, manifest_holders)
     VALUES (?, ?, 1, ?, 'node', '[]', ?)`,
    owner,
    objectId,
    RELEASED_SEQUENCE,
    manifestHolders,
  );
}

export function readPending(
  all: Read,
  owner: number,
  after: ObjectId | undefined,
  limit: number,
): PendingOrder[] {
  return all(
    'SELECT * FROM pending_orders WHERE owner = ? AND object_id > ? ORDER BY object_id LIMIT ?',
    owner,
    after ?? '',
    limit,
  ).map((row) => ({
    objectId: row.object_id as ObjectId,
    state: row.released === 1 ? 'released' : 'live',
    sequence: row.sequence as number,
    domain: row.domain as Domain,
    members: JSON.parse(row.members as string) as PeerId[],
    manifestHolders: JSON.parse(row.manifest_holders as string) as PeerId[],
  }));
}

/** A newer one that came meanwhile stays. */
export function removePending(
  run: Run,
  owner: number,
  orders: readonly Pick<PendingOrder, 'objectId' | 'sequence'>[],
): void {
  for (const { objectId, sequence } of orders)
    run(
      'DELETE FROM pending_orders WHERE owner = ? AND object_id = ? AND sequence = ?',
      owner,
      objectId,
      sequence,
    );
}
