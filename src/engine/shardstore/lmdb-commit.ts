/**
 * Commits of the index in a thread of their own: one of 65,536 changes takes 0.3 to 0.5 s, in which this thread would
 * answer nobody. The thread lives for one commit: they are minutes apart, and its memory goes with it.
 */
import { Worker } from 'node:worker_threads';
import { nextTurn } from '../effects/turn.ts';
import type { ShardId } from '../types.ts';
import type { Checkpoint, IndexChanges, IndexEntry } from './index.ts';
import { packChanges } from './lmdb-entries.ts';

/** Packed in one turn of the event loop: about 2 ms. */
const CHANGES_PER_TURN = 2048;

export interface CommitMessage {
  changes?: Uint8Array<ArrayBuffer>;
  /** With the last message. */
  checkpoint?: Checkpoint;
}

/** `refused`: LMDB's error, and the index is as it was. */
export interface CommitAnswer {
  refused?: { message: string; code: unknown };
}

/**
 * True when the commit is durable, false when the thread died, or never lived, without saying so: then it may or may not
 * have been made, and making it again does no harm. Throws LMDB's error when it was refused. `changes` must stay as
 * they are meanwhile. `spawn` is for tests.
 */
export async function commitInThread(
  dir: string,
  changes: IndexChanges,
  checkpoint: Checkpoint,
  spawn: (dir: string) => Worker = spawnWorker,
): Promise<boolean> {
  let worker: Worker;
  try {
    worker = spawn(dir);
  } catch {
    return false;
  }
  let answer: CommitAnswer | undefined;
  const ended = new Promise<void>((resolve) => {
    // 'exit' follows 'error'; without a listener the error would end the process.
    worker.on('error', () => undefined);
    worker.on('message', (message: CommitAnswer) => {
      answer = message;
    });
    worker.on('exit', () => resolve());
  });
  const send = (message: CommitMessage) =>
    worker.postMessage(message, message.changes === undefined ? [] : [message.changes.buffer]);
  let piece: (readonly [ShardId, IndexEntry | null])[] = [];
  for (const change of changes) {
    piece.push(change);
    if (piece.length < CHANGES_PER_TURN) continue;
    send({ changes: packChanges(piece) });
    piece = [];
    await nextTurn();
  }
  send({ changes: packChanges(piece), checkpoint });
  await ended;
  if (answer?.refused !== undefined) {
    const { message, code } = answer.refused;
    throw Object.assign(new Error(message), { code });
  }
  return answer !== undefined;
}

/** The file beside this one: TypeScript where Node strips types, JavaScript in dist. Options of the process are not the worker's. */
function spawnWorker(dir: string): Worker {
  const file = import.meta.url.endsWith('.ts')
    ? new URL('./lmdb-commit-worker.ts', import.meta.url)
    : new URL('./lmdb-commit-worker.js', import.meta.url);
  return new Worker(file, { execArgv: [], workerData: dir });
}
