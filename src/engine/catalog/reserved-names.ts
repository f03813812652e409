/** Names that datamesh itself uses for objects of the owner: listings leave them out unless asked for them, and no put of the user's may take one. */
import { DatameshError } from '../../errors.ts';

export const RESERVED_PREFIX = '.datamesh/';

export function isReservedName(name: string): boolean {
  return name.startsWith(RESERVED_PREFIX);
}

/** Throws `bad-name`. */
export function refuseReserved(name: string): void {
  if (!isReservedName(name)) return;
  throw new DatameshError('bad-name', {
    what: `names that begin with ${RESERVED_PREFIX} belong to datamesh itself`,
    why: 'backups keep their packs there',
    mend: 'choose another name; backups are managed with: datamesh snapshots',
  });
}
