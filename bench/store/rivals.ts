/** What the store is compared with: the disk itself, and other ways to keep small values durably, groups of 64 each. */
import { spawnSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { open as openLmdb } from 'lmdb';
import type { Shard } from './common.ts';

const GROUP = 64;

export const hasFio = spawnSync('fio', ['--version'], { stdio: 'ignore' }).status === 0;

/** 4 KiB writes a second with an fdatasync after every 64, one after another: what the disk allows groups of 64. */
export function fioPerSecond(dir: string, writes: number): number {
  const path = `${dir}/fio.dat`;
  const settings = [
    '--rw=write',
    '--bs=4k',
    `--fdatasync=${GROUP}`,
    '--ioengine=psync',
    `--size=${writes * 4}k`,
  ];
  const result = spawnSync(
    'fio',
    ['--name=group', `--filename=${path}`, ...settings, '--output-format=json'],
    {
      encoding: 'utf8',
    },
  );
  rmSync(path, { force: true });
  if (result.status !== 0) throw new Error(`fio: ${result.stderr}`);
  const { jobs } = JSON.parse(result.stdout.slice(result.stdout.indexOf('{')));
  return jobs[0].write.iops;
}

/** The same by hand, for machines without fio: one write of 64 × 4 KiB, one fdatasync. */
export function rawPerSecond(dir: string, writes: number): number {
  const path = `${dir}/raw.dat`;
  const fd = openSync(path, 'w');
  const group = Buffer.alloc(GROUP * 4096, 0x5a);
  const startedMs = performance.now();
  for (let done = 0; done < writes; done += GROUP) {
    writeSync(fd, group);
    fdatasyncSync(fd);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  closeSync(fd);
  rmSync(path);
  return writes / seconds;
}

/** MB/s of `dd conv=fdatasync`: written in one go, one fdatasync at the end. */
export function ddMBPerSecond(dir: string, blockBytes: number, count: number): number {
  const path = `${dir}/dd.dat`;
  const startedMs = performance.now();
  const args = ['if=/dev/zero', `of=${path}`, `bs=${blockBytes}`, `count=${count}`, 'conv=fdatasync'];
  const result = spawnSync('dd', args, { encoding: 'utf8' });
  const seconds = (performance.now() - startedMs) / 1000;
  if (result.status !== 0) throw new Error(`dd: ${result.stderr}`);
  const { size } = statSync(path);
  rmSync(path);
  return size / seconds / 1e6;
}

export interface Rival {
  name: string;
  /** Durable when it resolves. */
  putGroup(group: readonly Shard[]): Promise<void>;
  close(): Promise<void>;
}

export async function lmdbRival(dir: string): Promise<Rival> {
  const db = openLmdb<Buffer, Buffer>({
    path: `${dir}/lmdb`,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
  });
  return {
    name: 'lmdb, a synced commit per 64',
    async putGroup(group) {
      await db.batch(() => {
        for (const { id, bytes } of group) db.put(Buffer.from(id, 'hex'), Buffer.from(bytes.buffer));
      });
    },
    close: () => db.close(),
  };
}

export async function sqliteRival(dir: string): Promise<Rival> {
  const db = new DatabaseSync(`${dir}/rival.sqlite`);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec('CREATE TABLE shards (id BLOB PRIMARY KEY, bytes BLOB) WITHOUT ROWID');
  const insert = db.prepare('INSERT OR IGNORE INTO shards VALUES (?, ?)');
  return {
    name: 'node:sqlite, WAL, synchronous=FULL, a transaction per 64',
    async putGroup(group) {
      db.exec('BEGIN');
      for (const { id, bytes } of group) insert.run(Buffer.from(id, 'hex'), bytes);
      db.exec('COMMIT');
    },
    close: async () => db.close(),
  };
}

/** Each written beside, synced and renamed; the folder synced once per 64. */
export async function fileRival(dir: string): Promise<Rival> {
  const folder = `${dir}/files`;
  await mkdir(folder);
  const handle = await open(folder, 'r');
  return {
    name: 'a file per shard, the folder synced per 64',
    async putGroup(group) {
      await Promise.all(
        group.map(async ({ id, bytes }) => {
          const file = await open(`${folder}/${id}.tmp`, 'wx');
          await file.write(bytes);
          await file.datasync();
          await file.close();
          await rename(`${folder}/${id}.tmp`, `${folder}/${id}`);
        }),
      );
      await handle.sync();
    },
    close: () => handle.close(),
  };
}

export async function rivalPerSecond(rival: Rival, shards: readonly Shard[]): Promise<number> {
  const startedMs = performance.now();
  for (let at = 0; at < shards.length; at += GROUP) await rival.putGroup(shards.slice(at, at + GROUP));
  return shards.length / ((performance.now() - startedMs) / 1000);
}
