/**
 * A data folder that is missing, damaged, full, too new or another's, and a standard input or output that is not what it should be: one
 * clear line, the right status, nothing lost, against the real engine in bin/datamesh.
 */
import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realNode, SLOW_MS } from '../support/real-node.ts';

const root = process.getuid?.() === 0;
const node = realNode();

describe('the data folder', { timeout: SLOW_MS }, () => {
  const ALL = [['list'], ['service', 'start'], ['service', 'run']];

  it('is missing, or empty, as where a disk is not mounted: no node of another identity is made', async () => {
    rmSync(node.data, { recursive: true });
    for (const argv of [...ALL, ['keys', 'new', 'x']])
      await node.refuses(argv, 8, 'DM-8002', [node.data, 'is missing', 'mounted', 'datamesh init --force']);
    expect(existsSync(node.data)).toBe(false);
    mkdirSync(node.data, { mode: 0o700 });
    for (const argv of ALL) await node.refuses(argv, 8, 'DM-8002', ['holds no node']);
    expect(readdirSync(node.data)).toEqual([]);
  });

  it.skipIf(root)('may not be written (root may)', async () => {
    chmodSync(node.data, 0o500);
    await node.refuses(['status'], 9, 'DM-9002', [node.data]);
    chmodSync(node.data, 0o700);
  });

  it.each(['keyring.json', 'device.key'])('others may read its %s', async (name) => {
    chmodSync(join(node.data, name), 0o640);
    await node.refuses(['status'], 9, 'DM-9003', [name, 'mode 640', 'chmod 600']);
    chmodSync(join(node.data, name), 0o600);
    await node.stillThere();
  });

  it.each<[string, string, number, string, (string | RegExp)[]]>([
    ['keyring.json', 'garbage', 7, 'DM-7004', ['keyring.json is damaged', '24 words']],
    ['device.key', 'garbage', 7, 'DM-7004', ['device.key is damaged']],
    ['catalog.sqlite', 'garbage'.repeat(1000), 7, 'DM-7004', ['catalog', 'backup']],
  ])('its %s is damaged', async (name, content, status, id, says) => {
    writeFileSync(join(node.data, name), content);
    await node.refuses(['list'], status, id, says);
    expect(readFileSync(join(node.data, name), 'utf8')).toBe(content);
  });

  it('was written by a newer version', async () => {
    const keyring = readFileSync(join(node.data, 'keyring.json'), 'utf8');
    writeFileSync(join(node.data, 'keyring.json'), keyring.replace(/"version": ?1/, '"version": 7'));
    await node.refuses(['list'], 4, 'DM-4007', ['keyring.json', 'newer datamesh (version 7)']);
    writeFileSync(join(node.data, 'keyring.json'), keyring);
    const { DatabaseSync } = await import('node:sqlite');
    const catalog = new DatabaseSync(join(node.data, 'catalog.sqlite'));
    catalog.exec('INSERT INTO migrations (version, applied_at_ms) VALUES (99, 0)');
    catalog.close();
    await node.refuses(['list'], 4, 'DM-4007', ['catalog', 'newer']);
  });

  it('is in use by another node, whose process is named', async () => {
    const started = await node.ok(['service', 'start', '--json']);
    const { pid } = JSON.parse(started.stdout) as { pid: number };
    try {
      const again = await node.ok(['service', 'start', '--json']);
      expect(JSON.parse(again.stdout)).toMatchObject({ state: 'running', pid });
      await node.refuses(['service', 'run'], 6, 'DM-6003', [`process ${pid}`]);
      // A node whose socket is gone cannot be asked: its lock still says whose the folder is.
      rmSync(join(node.data, 'control.sock'), { force: true });
      process.kill(pid, 'SIGSTOP');
      await node.refuses(['list'], 6, 'DM-6001', [`process ${pid}`]);
      process.kill(pid, 'SIGCONT');
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });
});

describe('input and output', { timeout: SLOW_MS }, () => {
  const sh = (script: string) =>
    new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
      const launcher = new URL('../../bin/datamesh', import.meta.url).pathname;
      const env = {
        PATH: process.env.PATH,
        HOME: node.folder,
        DATAMESH_CONFIG: node.config,
        DATAMESH_NODE_DATA_DIR: node.data,
        DM: `${process.execPath} ${launcher}`,
      };
      execFile('bash', ['-c', script], { cwd: node.folder, env }, (error, stdout, stderr) =>
        resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
      );
    });

  it('standard input is closed', async () => {
    expect(await sh('$DM <&-')).toMatchObject({ status: 2, stdout: '' });
    expect(await sh('$DM batch <&-')).toMatchObject({ status: 2, stdout: '' });
    expect(await sh('$DM list --json=name <&-')).toMatchObject({ status: 0, stdout: '{"name":"kept"}\n' });
    const empty = await sh('$DM put - --name empty --code 1+1 --allow-degraded --quiet <&-');
    expect(empty.status, empty.stderr).toBe(3);
  });

  it('standard output is closed, or its reader goes away', async () => {
    for (const words of ['help', 'cat kept']) {
      const piped = await sh(`$DM ${words} | true; exit \${PIPESTATUS[0]}`);
      expect([0, 141], `${words}: ${piped.stderr}`).toContain(piped.status);
      expect(piped.stderr).toBe('');
      const closed = await sh(`$DM ${words} >&-`);
      expect(closed.stderr.split('\n').length, `${words}: ${closed.stderr}`).toBeLessThanOrEqual(2);
      expect(closed.stderr, words).not.toMatch(/DM-70001|\n\s+at /);
    }
  });

  it('standard output is a full disk', async () => {
    for (const words of ['help', 'cat kept']) {
      const full = await sh(`$DM ${words} > /dev/full`);
      expect({ words, status: full.status }).toEqual({ words, status: 10 });
      expect(full.stderr).toMatch(/^error\[DM-10002\]: [^\n]*\n$/);
    }
  });

  it('the disk is full where a key is written: no half of it stays under its name', async () => {
    const full = await sh(`mkdir out; cd out; trap '' XFSZ; ulimit -f 0; exec $DM keys export -o key`);
    expect({ ...full, left: readdirSync(join(node.folder, 'out')) }).toMatchObject({ status: 10, left: [] });
    expect(full.stderr).toMatch(/^error\[DM-10002\]: [^\n]*\n$/);
    expect((await sh('cd out; exec $DM keys export -o key')).status).toBe(0);
    expect(readFileSync(join(node.folder, 'out', 'key'), 'utf8').split(' ')).toHaveLength(24);
    expect(statSync(join(node.folder, 'out', 'key')).mode & 0o777).toBe(0o600);
  });

  it('the disk is full where a plan is written: half of it would be in the way of the next', async () => {
    const plan = `for i in $(seq 50); do echo "echo $i"; done | $DM batch --plan plan`;
    const full = await sh(`mkdir plans; cd plans; trap '' XFSZ; ulimit -f 1; ${plan}`);
    expect({ ...full, left: readdirSync(join(node.folder, 'plans')) }).toMatchObject({
      status: 10,
      left: [],
    });
    expect(full.stderr).toMatch(/^error\[DM-10002\]: [^\n]*\n$/);
    expect((await sh(`cd plans; ${plan}`)).status).toBe(0);
  });

  it('the folder that a key is to be written to is not there', async () => {
    await node.refuses(['keys', 'export', '-o', 'none/key'], 8, 'DM-8002', [
      'there is no folder',
      'mkdir -p',
    ]);
  });
});

describe('a file system', { timeout: SLOW_MS }, () => {
  it.skipIf(!existsSync('/proc/self'))('takes no folders', async () => {
    for (const path of ['/proc/none', '/proc/none/deep'])
      await node.refuses(['man', '--dir', path], 9, 'DM-9002', ['no folder can be made in /proc']);
    const init = ['init', '--yes', '--force', '--config', '/proc/none/config.json'];
    await node.refuses([...init, '--data-dir', node.data], 9, 'DM-9002', ['no folder can be made in /proc']);
  });
});

describe('space', { timeout: SLOW_MS }, () => {
  it('the quota is full', async () => {
    const env = { DATAMESH_STORAGE_QUOTA: '400kB' };
    const argv = ['put', 'file', '--name', 'more', '--code', '1+1', '--allow-degraded'];
    const result = await node.run(argv, { env });
    expect({ status: result.status, stdout: result.stdout }, result.stderr).toEqual({
      status: 10,
      stdout: '',
    });
    expect(result.stderr).toMatch(/^error\[DM-10001\]: [^\n]*quota[^\n]*\n$/);
    await node.refuses(['info', 'more'], 8, 'DM-8001', []);
    await node.stillThere();
  });

  // Without the right to mount a small disk this is left out; it runs as root, as in a container.
  const canMount = root && mountable();
  it.skipIf(!canMount)(
    'the disk is full where a get writes, and where a node stores (needs root, to mount a small one)',
    async () => {
      const disk = join(node.folder, 'disk');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
      try {
        const got = await node.run(['get', 'kept', 'disk/copy']);
        expect({ status: got.status, stdout: got.stdout }, got.stderr).toEqual({ status: 10, stdout: '' });
        expect(got.stderr).toMatch(/^error\[DM-10002\]: [^\n]*disk[^\n]*\n$/);
        expect(readdirSync(disk)).toEqual([]);
      } finally {
        execFileSync('umount', ['-l', disk]);
      }
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=700', 'tmpfs', disk]);
      try {
        cpSync(node.data, disk, { recursive: true });
        writeFileSync(join(node.folder, 'large'), Buffer.alloc(16_000_000, 1));
        const env = { DATAMESH_NODE_DATA_DIR: disk };
        const put = await node.run(['put', 'large', '--code', '1+1', '--allow-degraded'], { env });
        expect({ status: put.status, stdout: put.stdout }, put.stderr).toEqual({ status: 10, stdout: '' });
        expect(put.stderr).toMatch(/^error\[DM-1000[12]\]: [^\n]*\n$/);
        await node.refuses(['info', 'large'], 8, 'DM-8001', [], { env });
        expect((await node.ok(['cat', 'kept'], { env })).stdout.length).toBe(300_000);
      } finally {
        execFileSync('umount', ['-l', disk]);
      }
    },
  );
});

/** Root in a container may still not be allowed to mount. */
function mountable(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'dm-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}
