/** A worker thread that does one backup, restore, listing or prune. The file system is read here; objects are stored and read by the node. Messages: door-messages.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { asDatameshError, DatameshError } from '../../errors.ts';
import { realClock } from '../effects/clock.ts';
import { asClearError } from '../effects/file-errors.ts';
import { acquireLock, isHolderGone, noteHolder } from '../effects/lock.ts';
import { realDisk } from '../effects/real-disk.ts';
import { realTree } from '../effects/real-tree.ts';
import type { FromThread, Jobs, Start, ToThread } from './door-messages.ts';
import { MAX_PENDING_BYTES } from './limits.ts';
import { type ListJob, listTree } from './list-tree.ts';
import type { ObjectDoor } from './object-door.ts';
import { type BackupJob, runBackup } from './run-backup.ts';
import { type PruneJob, runPrune } from './run-prune.ts';
import { type RestoreJob, runRestore } from './run-restore.ts';

/** Progress is told this often at most. */
const PROGRESS_MS = 50;

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread only');
const start = workerData as Start;
const abort = new Int32Array(start.abort);
const clock = realClock();
const disk = realDisk();
const waiting = new Map<
  number,
  { resolve(bytes: Uint8Array | undefined): void; reject(error: Error): void; taken(bytes: number): void }
>();
let calls = 0;
let toldMs = 0;

port.on('message', (message: ToThread) => {
  const call = waiting.get(message.call);
  if (message.op === 'taken') return call?.taken(message.lengthBytes);
  waiting.delete(message.call);
  if (message.op === 'done') call?.resolve(message.bytes);
  else call?.reject(DatameshError.fromRecord(message.error));
});

const send = (message: FromThread, moved: ArrayBuffer[] = []) => port.postMessage(message, moved);

function progress(doneBytes: number, totalBytes?: number): void {
  const nowMs = clock.monotonic();
  if (nowMs - toldMs < PROGRESS_MS) return;
  toldMs = nowMs;
  send({ op: 'progress', doneBytes, totalBytes });
}

const door: ObjectDoor = {
  async put(name, source) {
    const call = calls++;
    let underWay = 0;
    let wake = () => {};
    const answer = new Promise<Uint8Array | undefined>((resolve, reject) => {
      const taken = (bytes: number) => {
        underWay -= bytes;
        wake();
      };
      waiting.set(call, { resolve, reject, taken });
    });
    const stopped = answer.then(
      () => {},
      () => {},
    );
    send({ op: 'put', call, name });
    try {
      for await (const piece of source) {
        if (!waiting.has(call)) break;
        underWay += piece.length;
        const own = ownMemory(piece);
        send({ op: 'piece', call, bytes: own }, [own.buffer]);
        while (underWay > MAX_PENDING_BYTES && waiting.has(call)) {
          const room = new Promise<void>((resolve) => {
            wake = resolve;
          });
          await Promise.race([room, stopped]);
        }
      }
      send({ op: 'end', call });
    } catch (error) {
      send({ op: 'break', call, error: asDatameshError(error).toRecord() });
      throw error;
    }
    await answer;
  },
  async read(name, offset, lengthBytes) {
    const call = calls++;
    const answer = new Promise<Uint8Array | undefined>((resolve, reject) =>
      waiting.set(call, { resolve, reject, taken: () => {} }),
    );
    send({ op: 'read', call, name, offset, lengthBytes });
    return (await answer)!;
  },
};

/** Takes what is put and stores nothing. */
const nowhere: ObjectDoor = {
  ...door,
  async put(_name, source) {
    for await (const _piece of source);
  },
};

/** A piece whose memory can be given away: none that shares it with others. */
function ownMemory(piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = piece;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength)
    return piece as Uint8Array<ArrayBuffer>;
  const copy = new Uint8Array(byteLength);
  copy.set(piece);
  return copy;
}

/** What came through the message is no Buffer any more. */
function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function run(): Promise<Jobs[keyof Jobs]['outcome']> {
  const tree = realTree();
  const aborted = () => Atomics.load(abort, 0) !== 0;
  switch (start.kind) {
    case 'backup': {
      const job = start.job as BackupJob & { dryRun: boolean };
      return await runBackup(
        { ...job, source: buffer(job.source), skip: job.skip.map(buffer) },
        {
          tree,
          door: job.dryRun ? nowhere : door,
          monotonicMs: () => clock.monotonic(),
          aborted,
          onBytes: progress,
        },
      );
    }
    case 'restore': {
      const job = start.job as RestoreJob;
      const { source, destination } = job;
      return await runRestore(
        {
          ...{ ...job, tree: job.tree.map(buffer), skip: job.skip.map(buffer) },
          ...{ source: buffer(source), destination: buffer(destination) },
        },
        {
          ...{ tree, door, aborted, onBytes: progress },
          takeLock: (path) => acquireLock(disk, path, clock),
          holders: {
            note: (path) => noteHolder(disk, path, clock),
            isGone: (path) => isHolderGone(disk, path),
          },
        },
      );
    }
    case 'list': {
      const job = start.job as ListJob;
      return await listTree({ ...job, tree: job.tree.map(buffer), source: buffer(job.source) }, door);
    }
    case 'prune': {
      const job = start.job as PruneJob;
      const snapshots = job.snapshots.map(({ id, tree }) => ({ id, tree: tree.map(buffer) }));
      return await runPrune(
        { ...job, snapshots },
        { door, aborted, onBytes: (doneBytes) => progress(doneBytes) },
      );
    }
  }
}

run()
  .then(
    (outcome) => send({ op: 'outcome', outcome }),
    (error: unknown) => send({ op: 'failed', error: asClearError(error).toRecord() }),
  )
  // Nothing else is to come: the thread ends when its port does.
  .finally(() => port.close());
