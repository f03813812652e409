/**
 * What a rebalance under way leaves in the data folder: what it was asked to do, so that a node that was killed goes on when it runs again, and the moves in
 * hand, so that no copy is forgotten which was made and not yet taken in exchange for the old one.
 */
import type { Disk } from '../../effects/disk.ts';
import type { ObjectId, PeerId } from '../../types.ts';
import type { RebalanceQuery } from '../../views/rebalance.ts';

export interface NotedMove {
  objectId: ObjectId;
  stripe: number;
  index: number;
  from: PeerId;
  to: PeerId;
}

export interface RebalanceNote {
  query: Omit<RebalanceQuery, 'apply'>;
  /** Whether the node is to go on by itself when it runs again: not where it was cancelled by hand. */
  resume: boolean;
  underway: NotedMove[];
}

/** Moves of one batch take 250 bytes each. */
const MAX_NOTE_BYTES = 1024 * 1024;

export interface RebalanceNotes {
  read(): Promise<RebalanceNote | undefined>;
  /** Durable when it resolves. */
  keep(note: RebalanceNote): Promise<void>;
  clear(): Promise<void>;
}

/** What cannot be read is told and left out: the next plan measures everything anew. */
export function rebalanceNotes(disk: Disk, path: string, log: (text: string) => void): RebalanceNotes {
  const write = (note: RebalanceNote | null) =>
    disk.writeFileAtomic(path, Buffer.from(`${JSON.stringify(note)}\n`), 0o600);
  let empty: boolean | undefined;
  return {
    async read() {
      const bytes = await disk.readFile(path, MAX_NOTE_BYTES);
      empty ??= bytes === undefined;
      if (bytes === undefined) return undefined;
      try {
        return noteOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
      } catch {
        log(`${path} does not say what was to be rebalanced: it is left out`);
        return undefined;
      }
    },
    async keep(note) {
      empty = false;
      await write(note);
    },
    async clear() {
      if (empty !== true) await write(null);
      empty = true;
    },
  };
}

function noteOf(value: unknown): RebalanceNote | undefined {
  if (value === null) return undefined;
  const { query, underway, resume } = value as { query?: unknown; underway?: unknown; resume?: unknown };
  if (typeof query !== 'object' || query === null || !Array.isArray(underway)) throw new TypeError('no note');
  const { pool, tolerance, bytesPerSecond } = query as Record<string, unknown>;
  const number = (it: unknown) => (typeof it === 'number' && Number.isFinite(it) && it >= 0 ? it : undefined);
  return {
    query: {
      pool: typeof pool === 'string' ? pool : undefined,
      tolerance: number(tolerance),
      bytesPerSecond: number(bytesPerSecond),
    },
    resume: resume === true,
    underway: underway.map(moveOf),
  };
}

function moveOf(value: unknown): NotedMove {
  const { objectId, stripe, index, from, to } = value as Record<string, unknown>;
  const texts = [objectId, from, to].every((it) => typeof it === 'string' && it.length <= 128);
  const numbers = [stripe, index].every((it) => Number.isSafeInteger(it) && (it as number) >= 0);
  if (!texts || !numbers) throw new TypeError('no move');
  return {
    objectId: objectId as ObjectId,
    stripe: stripe as number,
    index: index as number,
    from: from as PeerId,
    to: to as PeerId,
  };
}
