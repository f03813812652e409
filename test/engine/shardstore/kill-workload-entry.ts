/**
 * The process that the kill tests kill: works on a store on the real disk and says what it asks for and what was
 * acknowledged, by lines on descriptor 3 written before and after. At the given number of file-system calls it kills
 * itself with SIGKILL: before the call, after it, or, for a write, after half of it.
 *
 *   node kill-workload-entry.ts DIR SEED KILL_AT FAULTS INDEX
 *
 * KILL_AT 0: run to the end and say how many calls it took. FAULTS: share of writes and datasyncs that report EIO.
 * INDEX: lmdb; thread for lmdb whose commits are all made in threads of their own; none to read the whole log when opening.
 */
import { writeSync } from 'node:fs';
import { shardIdOfBytes } from '../../../src/engine/codec/hash.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import type { Disk, DiskFile } from '../../../src/engine/effects/disk.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { openLmdbIndex } from '../../../src/engine/shardstore/lmdb-index.ts';
import { openShardStore } from '../../../src/engine/shardstore/segment-store.ts';
import { openSnapshotIndex } from '../../../src/engine/shardstore/snapshot-index.ts';
import { KILL_LIMITS, killShard, OWNERS, SHARDS } from './kill-support.ts';
import { seeded } from './shards.ts';

const SAY = 3;
const CLIENTS = 6;
const OPERATIONS = 150;
const [dir, seedText, killAtText, faultsText, index] = process.argv.slice(2);
const seed = Number(seedText);
const killAt = Number(killAtText);
const faults = Number(faultsText);
const fraction = seeded(seed);
const say = (line: string) => writeSync(SAY, `${line}\n`);

let calls = 0;
const die = () => {
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment; nothing may happen in it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};

/** Counts a call, and dies at its turn: every third point lies behind the call, not before it. */
async function counted<T>(call: () => Promise<T>, half?: () => Promise<unknown>): Promise<T> {
  calls += 1;
  if (calls !== killAt) return call();
  if (killAt % 3 === 1 && half !== undefined) await half();
  if (killAt % 3 === 2) await call();
  die();
  return call();
}

function failing(): void {
  if (faults > 0 && fraction() < faults) throw Object.assign(new Error('EIO: as asked'), { code: 'EIO' });
}

function counting(disk: Disk): Disk {
  const wrapped: Disk = {
    open: async (...args) => countingFile(await counted(() => disk.open(...args))),
    readFile: (...args) => counted(() => disk.readFile(...args)),
    writeFileAtomic: (...args) => counted(() => disk.writeFileAtomic(...args)),
    rename: (...args) => counted(() => disk.rename(...args)),
    remove: (path) => counted(() => disk.remove(path)),
    makeDir: (...args) => counted(() => disk.makeDir(...args)),
    list: (path) => counted(() => disk.list(path)),
    stat: (path) => counted(() => disk.stat(path)),
    syncDir: (path) => counted(() => disk.syncDir(path)),
    space: (path) => disk.space(path),
  };
  return wrapped;
}

function countingFile(file: DiskFile): DiskFile {
  return {
    path: file.path,
    read: (...args) => counted(() => file.read(...args)),
    write: async (buffers, position) => {
      failing();
      const whole = Buffer.concat(buffers);
      return counted(
        () => file.write(buffers, position),
        () => file.write([whole.subarray(0, whole.length >> 1)], position),
      );
    },
    datasync: async () => {
      failing();
      await counted(() => file.datasync());
    },
    truncate: (lengthBytes) => counted(() => file.truncate(lengthBytes)),
    sizeBytes: () => counted(() => file.sizeBytes()),
    close: () => file.close(),
  };
}

const store = await openShardStore({
  dir: dir!,
  disk: counting(realDisk()),
  clock: realClock(),
  idOf: shardIdOfBytes,
  quotaBytes: 1e9,
  reserveFraction: 0,
  limits: KILL_LIMITS,
  ...(index === 'none' ? { openIndex: () => openSnapshotIndex(realDisk(), undefined) } : {}),
  ...(index === 'thread' ? { openIndex: (path) => openLmdbIndex(path, { threadChanges: 1 }) } : {}),
});

async function client(number: number): Promise<void> {
  for (let count = 0; count < OPERATIONS / CLIENTS; count++) {
    const index = number + CLIENTS * Math.floor((fraction() * SHARDS) / CLIENTS);
    const owner = fraction() < 0.7 ? 0 : 1;
    const kind = fraction() < 0.55 ? 'put' : 'delete';
    const { id, bytes } = killShard(index);
    say(`ask ${kind} ${index} ${owner}`);
    try {
      if (kind === 'put') await store.put({ id, bytes, owner: OWNERS[owner]! });
      else await store.delete(id, OWNERS[owner]!);
      say(`ack ${kind} ${index} ${owner}`);
    } catch {
      say(`no ${kind} ${index} ${owner}`);
    }
  }
}

await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
await store.compact().catch(() => 0);
await store.close().catch(() => undefined);
say(`calls ${calls}`);
