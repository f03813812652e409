/** Which snapshots are meant: by a folder and a tag, by id or its first digits, or `latest`; and what is said where one of them cannot be read. */
import { DatameshError } from '../../errors.ts';
import type { SnapshotQuery, UnreadSnapshot } from '../views/backups.ts';
import { type LostSnapshot, type Repository, type StoredSnapshot, unreadOf } from './repository.ts';
import { unreadable } from './unreadable.ts';

const MIN_ID_DIGITS = 4;
const MAX_CANDIDATES = 20;

export interface ChosenSnapshot {
  found: StoredSnapshot;
  /** Of `latest`: those that cannot be read, and may be newer. */
  unread: UnreadSnapshot[];
}

export function chosen(all: readonly StoredSnapshot[], { source, tag }: SnapshotQuery): StoredSnapshot[] {
  return all.filter(
    ({ snapshot }) =>
      (source === undefined || snapshot.source.equals(Buffer.from(source))) &&
      (tag === undefined || snapshot.tags.includes(tag)),
  );
}

/** Reads no other, of which one may be lost. Throws `not-found`, `bad-value`, and what reading the one that is named throws. */
export async function chooseSnapshot(repository: Repository, id: string): Promise<ChosenSnapshot> {
  const { one, lost } = await oneOf(repository, id, {});
  if ('error' in one) throw unreadable(one, 'reads');
  return { found: one, unread: lost.map(unreadOf) };
}

/** The same for who deletes: one that cannot be read can be named; where nobody can say whether it is one of those that are meant, nothing goes. */
export async function chooseForgotten(
  repository: Repository,
  id: string,
  query: SnapshotQuery,
): Promise<StoredSnapshot | LostSnapshot> {
  const { one, lost } = await oneOf(repository, id, query);
  const [unknown] = 'error' in one && isFiltered(query) ? [one] : lost;
  if (unknown !== undefined) throw unreadable(unknown, 'forgets');
  return one;
}

function isFiltered({ source, tag }: SnapshotQuery): boolean {
  return source !== undefined || tag !== undefined;
}

/** `lost`: of `latest`, those that may be newer. */
async function oneOf(
  repository: Repository,
  id: string,
  query: SnapshotQuery,
): Promise<{ one: StoredSnapshot | LostSnapshot; lost: LostSnapshot[] }> {
  const isLatest = id === 'latest';
  const isId = !isLatest && id.length >= MIN_ID_DIGITS;
  if (isId) {
    const named = await repository.snapshots(id);
    const hits = [...chosen(named.found, query), ...named.lost];
    if (hits.length === 1) return { one: hits[0]!, lost: [] };
    if (hits.length > 1) {
      throw new DatameshError('bad-value', {
        what: `"${id}" fits ${hits.length} snapshots`,
        mend: 'give more digits of the id',
        details: { candidates: idsOf(hits) },
      });
    }
  }
  const { found, lost } = await repository.snapshots();
  const all = chosen(found, query);
  const [latest] = all;
  if (isLatest && latest !== undefined) {
    // What was stored before is older for sure.
    const { takenAtMs } = latest.snapshot;
    return { one: latest, lost: lost.filter(({ object }) => object.createdAtMs >= takenAtMs) };
  }
  if (isLatest && lost[0] !== undefined) throw unreadable(lost[0], 'reads');
  throw new DatameshError('not-found', {
    what: isLatest ? 'there is no such snapshot yet' : `there is no snapshot ${id}`,
    mend: 'see which there are: datamesh snapshots',
    details: { candidates: idsOf(all) },
  });
}

/** What a snapshot refers to that nobody can read, nobody knows. */
export function refuseUnread(lost: readonly LostSnapshot[]): void {
  if (lost[0] !== undefined) throw unreadable(lost[0], 'prunes');
}

function idsOf(all: readonly { id: string }[]): string[] {
  return all.slice(0, MAX_CANDIDATES).map(({ id }) => id);
}
