/** What another device of the owner may be doing to the same packs: a backup and a prune on two nodes know of each other only by the catalog that both mirror. */
import { DatameshError } from '../../errors.ts';
import type { ObjectView } from '../engine.ts';
import { NAMES } from './object-door.ts';
import type { PackObject } from './open-index.ts';
import type { StoredSnapshot } from './repository.ts';

/** Another node's snapshot this young may have a brother that is being made just now. */
const RECENT_MS = 7 * 86_400_000;

/** A backup that runs on another node may count on chunks that nothing refers to yet. */
export function refuseCompany(all: readonly StoredSnapshot[], self: string, nowMs: number): void {
  const other = all.find(
    ({ snapshot }) => snapshot.device !== self && snapshot.takenAtMs > nowMs - RECENT_MS,
  );
  if (other === undefined) return;
  throw new DatameshError('lock-held', {
    what: `${other.snapshot.node} has made backups with this key within the last week`,
    why: 'a backup that runs there now may count on what a prune here would delete',
    mend: 'see that none runs there, then add --alone',
  });
}

/** A prune on another device takes what nothing refers to, and a snapshot that is being made is referred to by nothing. */
export function refuseGone(counted: readonly string[], there: readonly PackObject[]): void {
  const names = new Set(there.map(({ name }) => name));
  const gone = counted.filter((name) => !names.has(name)).length;
  if (gone === 0) return;
  throw new DatameshError('source-changed', {
    what: `${gone} ${gone === 1 ? 'pack' : 'packs'} that this backup counted on went while it ran`,
    why: 'a prune with this key has deleted them from another node',
    mend: 'run the backup again: it stores what is missing',
  });
}

export function refuseNew(known: readonly StoredSnapshot[], there: readonly ObjectView[]): void {
  const names = new Set(known.map(({ object }) => object.name));
  const other = there.find(({ name }) => !names.has(name));
  if (other === undefined) return;
  throw new DatameshError('source-changed', {
    what: `a snapshot came while this prune ran: ${other.name.slice(NAMES.snapshot.length)}`,
    why: 'it may count on what would have been deleted; nothing was',
    mend: 'run the prune again when no backup runs on any node',
  });
}
