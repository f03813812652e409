/**
 * A thread that makes one commit of the index in LMDB and ends. Its messages: pieces of packed changes, then the
 * checkpoint that ends them; its answer is whether the transaction, synced, was made (lmdb-commit.ts).
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { CommitAnswer, CommitMessage } from './lmdb-commit.ts';
import { unpackSorted } from './lmdb-entries.ts';
import { openLmdb } from './lmdb-index.ts';

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread only');
const pieces: Uint8Array<ArrayBuffer>[] = [];
const lmdb = await openLmdb(workerData as string);

async function commit({ changes, checkpoint }: CommitMessage): Promise<void> {
  if (changes !== undefined) pieces.push(changes);
  if (checkpoint === undefined) return;
  let answer: CommitAnswer = {};
  try {
    lmdb.write(unpackSorted(pieces), checkpoint);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    answer = { refused: { message, code } };
  }
  port!.postMessage(answer);
  port!.close();
  await lmdb.close();
}

port.on('message', (message: CommitMessage) => void commit(message));
