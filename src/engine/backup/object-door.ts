/** What a backup needs of the mesh: objects by name, read in ranges. On a node in node-door.ts; from a worker thread through door-messages.ts. */

import { RESERVED_PREFIX } from '../catalog/reserved-names.ts';

export interface ObjectDoor {
  /** Durable as a put is when it resolves. The pieces are given away. */
  put(name: string, source: AsyncIterable<Uint8Array>): Promise<void>;
  /** Throws `not-found`, `shards-missing`. */
  read(name: string, offset: number, lengthBytes: number): Promise<Uint8Array>;
}

/** Names of the objects of backups: under the prefix that listings leave out. */
const BACKUP_PREFIX = `${RESERVED_PREFIX}backup/`;
export const NAMES = {
  data: `${BACKUP_PREFIX}data/`,
  tree: `${BACKUP_PREFIX}tree/`,
  index: `${BACKUP_PREFIX}index/`,
  snapshot: `${BACKUP_PREFIX}snapshot/`,
} as const;
