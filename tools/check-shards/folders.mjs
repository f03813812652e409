/** The shards in a folder that a node uses as a backend, as docs/FORMATS.md "Folders" has them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf } from './hash.mjs';

export function isFolderBackend(folder) {
  return existsSync(join(folder, 'datamesh-folder.json'));
}

/** As `readSegments`. */
export function readFolder(folder, onShard) {
  const found = { shards: 0, bytes: 0, rotten: [] };
  for (const digits of readdirSync(folder)) {
    if (!/^[0-9a-f]{2}$/.test(digits)) continue;
    for (const id of readdirSync(join(folder, digits))) {
      if (!/^[0-9a-f]{64}$/.test(id)) continue;
      const bytes = readFileSync(join(folder, digits, id));
      if (hashOf(bytes) !== id) {
        found.rotten.push(id);
        continue;
      }
      found.shards++;
      found.bytes += bytes.length;
      onShard(id, bytes);
    }
  }
  return found;
}
