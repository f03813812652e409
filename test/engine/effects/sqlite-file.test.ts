/** Databases on a disk whose syncs fail. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSqlite, sqliteCalls } from '../../../src/engine/effects/sqlite-file.ts';

const hasCompiler = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;
const skipped = hasCompiler ? '' : ' (SKIPPED: needs a C compiler on Linux)';

/** Syncs fail while there is a file `fail`. */
const FAILING_SYNC = `
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <errno.h>
  #include <stdlib.h>
  #include <unistd.h>
  static int on(const char *name, int fd) {
    if (access(getenv("FAIL"), F_OK) == 0) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
  }
  int fsync(int fd) { return on("fsync", fd); }
  int fdatasync(int fd) { return on("fdatasync", fd); }
`;

/** Killed after a commit that was refused; in a transaction, or a statement by itself. */
const WRITER = `
  import fs from 'node:fs';
  const { openSqlite, sqliteCalls } = await import(process.env.MODULE);
  const db = openSqlite(process.env.DB, (it) => it);
  db.exec('CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)');
  const { run, transaction } = sqliteCalls(db, process.env.DB, () => {});
  const put = (id) => run('INSERT INTO t VALUES (?, ?)', id, 'x'.repeat(9000));
  transaction(() => put(1));
  for (const write of [() => transaction(() => put(2)), () => put(3)]) {
    fs.writeFileSync(process.env.FAIL, '');
    try {
      write();
    } catch (error) {
      console.log(error.code);
    }
    fs.rmSync(process.env.FAIL);
  }
  process.kill(process.pid, 'SIGKILL');
`;

describe('a commit whose sync failed', () => {
  it.skipIf(!hasCompiler)(`is not there after a kill, and what was acknowledged is${skipped}`, () => {
    const dir = mkdtempSync(join(tmpdir(), 'dm-sync-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(join(dir, 'sync.c'), FAILING_SYNC);
    execFileSync('cc', ['-shared', '-fPIC', '-o', join(dir, 'sync.so'), join(dir, 'sync.c'), '-ldl']);
    const path = join(dir, 'x.sqlite');
    const env = {
      ...process.env,
      LD_PRELOAD: join(dir, 'sync.so'),
      FAIL: join(dir, 'fail'),
      DB: path,
      MODULE: new URL('../../../src/engine/effects/sqlite-file.ts', import.meta.url).href,
    };
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', WRITER];
    const { stdout } = spawnSync(process.execPath, flags, { env, encoding: 'utf8' });
    expect(stdout.split('\n')).toEqual(['failed', 'ERR_SQLITE_ERROR', '']);
    const db = openSqlite(path, (it) => it);
    expect(db.prepare('SELECT a FROM t').all()).toEqual([{ a: 1 }]);
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    db.close();
  });

  it('is written over by one that changes nothing, before anybody is told', () => {
    const said: string[] = [];
    const db = {
      isTransaction: false,
      exec(sql: string) {
        said.push(sql);
        this.isTransaction = sql.startsWith('BEGIN');
        if (sql === 'COMMIT') throw Object.assign(new Error('disk I/O error'), { errcode: 1034 });
      },
      prepare: () => ({ get: () => ({ user_version: 7 }) }),
    };
    const calls = sqliteCalls(db as unknown as DatabaseSync, 'x', () => said.push('undone'));
    expect(() => calls.transaction(() => undefined)).toThrow('the disk refused');
    expect(said).toEqual(['BEGIN IMMEDIATE', 'COMMIT', 'PRAGMA user_version = 7', 'undone']);
    said.length = 0;
    const refused = () =>
      calls.transaction(() => {
        throw new Error('of the task');
      });
    expect(refused).toThrow('of the task');
    expect(said).toEqual(['BEGIN IMMEDIATE', 'ROLLBACK', 'undone']);
  });
});
