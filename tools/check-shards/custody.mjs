/** Manifests that a node keeps as custodian, as docs/FORMATS.md "Custody store" has them: no shards, but who has them can put the copies back. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hashOf } from './hash.mjs';

/** `[object id, bytes]` of those among `ids` that are there and are what the ids say. */
export function* readCustody(dataFolder, ids) {
  const path = join(dataFolder, 'custody.sqlite');
  if (ids.length === 0 || !existsSync(path)) return;
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const find = database.prepare(
      'SELECT m.bytes FROM orders o JOIN manifests m ON m.id = o.id WHERE o.object_id = ? AND o.released = 0',
    );
    for (const id of ids) {
      const row = find.get(Buffer.from(id, 'hex'));
      const bytes = row && Buffer.from(row.bytes);
      if (bytes !== undefined && hashOf(bytes) === id) yield [id, bytes];
    }
  } finally {
    database.close();
  }
}
