/**
 * Commits of concurrent puts in common transactions: a commit costs a sync of the disk and holds the event loop meanwhile, so what comes in one turn of it
 * shares one. A put that comes alone waits for that turn and no longer.
 */
import { nextTurn } from '../effects/turn.ts';
import type { Catalog, CommitOptions, Committed, NewEntry } from './catalog.ts';

/** A transaction of as many entries takes some 10 ms, during which nothing else runs. */
const MAX_BATCH = 256;

interface Waiting {
  entry: NewEntry;
  options: CommitOptions;
  resolve(committed: Committed): void;
  reject(error: unknown): void;
}

/** `catalog.commit` with company: durable when it resolves, in the order of the calls; rejects as `commit` throws. */
export function commitQueue(
  catalog: Pick<Catalog, 'commit' | 'commitAll'>,
): (entry: NewEntry, options: CommitOptions) => Promise<Committed> {
  const queue: Waiting[] = [];
  const commitNow = () => {
    const batch = queue.splice(0, MAX_BATCH);
    if (queue.length > 0) void nextTurn().then(commitNow);
    try {
      catalog.commitAll(batch).forEach((result, at) => {
        const { resolve, reject } = batch[at]!;
        if ('committed' in result) resolve(result.committed);
        else reject(result.refused);
      });
    } catch {
      // Nothing of it was stored. One entry's fault must not be the others': each by itself.
      for (const { entry, options, resolve, reject } of batch) {
        try {
          resolve(catalog.commit(entry, options));
        } catch (error) {
          reject(error);
        }
      }
    }
  };
  return (entry, options) =>
    new Promise((resolve, reject) => {
      queue.push({ entry, options, resolve, reject });
      if (queue.length === 1) void nextTurn().then(commitNow);
    });
}
