/** Entries of a snapshot's tree, for a reader. */
import { DatameshError } from '../../errors.ts';
import type { EntryView } from '../views/backups.ts';
import { chunkSource } from './chunk-source.ts';
import type { ObjectDoor } from './object-door.ts';
import { openIndex, type PackObject } from './open-index.ts';
import { selection } from './select.ts';
import { TreeChecker } from './tree-order.ts';
import { readTree } from './tree-stream.ts';
import { patternText } from './walk.ts';

export interface ListJob {
  tree: Buffer[];
  source: Buffer;
  paths: string[];
  skip: number;
  limit: number;
  secret: Uint8Array;
  indexFiles: Uint8Array[];
  packs: PackObject[];
}

export interface ListOutcome {
  entries: EntryView[];
  more: boolean;
}

/** Throws `not-found` when nothing is at the paths. */
export async function listTree(job: ListJob, door: Pick<ObjectDoor, 'read'>): Promise<ListOutcome> {
  const { index } = await openIndex(job.indexFiles, job.packs, door);
  const source = chunkSource(index, job.packs, door, job.secret);
  const chosen = selection(job.paths, job.source, (path, why) => {
    throw new DatameshError('bad-value', { what: `${JSON.stringify(path)} cannot be a path`, why });
  });
  const checker = new TreeChecker();
  const entries: EntryView[] = [];
  let at = 0;
  let found = false;
  for await (const entry of readTree(source.treeChunks(job.tree))) {
    checker.check(entry);
    if (chosen.of(entry.path) !== 'all') continue;
    found = true;
    if (entry.path.length === 0) continue;
    if (at++ < job.skip) continue;
    if (entries.length === job.limit) return { entries, more: true };
    const { kind, mode, uid, gid, sizeBytes, mtimeNs, target } = entry;
    entries.push({
      ...{ path: patternText(entry.path), kind, mode, uid, gid, sizeBytes },
      mtimeMs: Number(mtimeNs / 1_000_000n),
      target: target.length === 0 ? undefined : patternText(target),
    });
  }
  if (!found) throw chosen.nothing();
  return { entries, more: false };
}
