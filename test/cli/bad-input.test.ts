/**
 * What a person or a script gets wrong, against the real engine in bin/datamesh: each ends with its exit status, says one clear
 * line on stderr and nothing on stdout, and leaves everything as it was.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
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
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CliResult, type RunOptions, runCli } from '../support/cli.ts';

/** Each is a process or two of its own, and others run beside it. */
const SLOW_MS = 60_000;
const root = process.getuid?.() === 0;
const PASSPHRASE = 'correct horse battery staple';
const WORDS = Array.from({ length: 24 }, () => 'abandon');

let base: string;
let folder: string;
let config: string;
let data: string;

/** A node as `init` leaves it, with one object that rests on this node alone; each test gets a copy. */
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'dm-bad-'));
  folder = join(base, 'master');
  mkdirSync(folder);
  place();
  writeFileSync(join(folder, 'file'), Buffer.alloc(300_000, 'datamesh'));
  await ok([
    'init',
    '--yes',
    '--quota',
    '64MiB',
    '--reserve',
    '0',
    '--data-dir',
    data,
    '--redundancy',
    'small',
  ]);
  const put = await run(['put', 'file', '--name', 'kept', '--code', '1+1', '--allow-degraded']);
  expect(put.status, put.stderr).toBe(3);
  // The path would tie the copies to this folder; it is given with the environment instead.
  const file = JSON.parse(readFileSync(config, 'utf8'));
  delete file.node.dataDir;
  writeFileSync(config, JSON.stringify(file));
}, SLOW_MS);

let copies = 0;
beforeEach(() => {
  const copy = join(base, `copy-${copies++}`);
  cpSync(join(base, 'master'), copy, { recursive: true });
  folder = copy;
  place();
  chmodSync(data, 0o700);
});
afterAll(() => rmSync(base, { recursive: true, force: true, maxRetries: 5 }));

function place(): void {
  config = join(folder, 'etc', 'config.json');
  data = join(folder, 'data');
}

function run(argv: readonly string[], options: RunOptions = {}): Promise<CliResult> {
  return runCli(argv, {
    cwd: folder,
    ...options,
    env: {
      HOME: folder,
      TMPDIR: folder,
      DATAMESH_CONFIG: config,
      DATAMESH_NODE_DATA_DIR: data,
      ...options.env,
    },
  });
}

async function ok(argv: readonly string[], options?: RunOptions): Promise<CliResult> {
  const result = await run(argv, options);
  expect(result.status, result.stderr).toBe(0);
  return result;
}

/** Everything of the user's. The node's own stores may be opened and closed. */
function picture(): Record<string, string> {
  const own = /^(?:data|disk)\/(?:shards|LOCK|catalog|service\.log|control)/;
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !own.test(path.slice(folder.length + 1)) && !statSync(path).isDirectory())
      .map((path) => [
        path.slice(folder.length + 1),
        createHash('sha256').update(readFileSync(path)).digest('hex'),
      ]),
  );
}

/** One line, a status, nothing on stdout, nothing changed. `says` must all be in the line. */
async function refuses(
  argv: readonly string[],
  status: number,
  id: string,
  says: readonly (string | RegExp)[],
  options?: RunOptions,
): Promise<void> {
  const before = picture();
  const result = await run(argv, options);
  const line = `datamesh ${argv.join(' ')}: ${result.stderr}`;
  expect(result.stderr, line).toMatch(/^error\[DM-\d+\]: [^\n]*\n$/);
  expect(
    { status: result.status, stdout: result.stdout, id: /DM-\d+/.exec(result.stderr)?.[0] },
    line,
  ).toEqual({
    status,
    stdout: '',
    id,
  });
  for (const each of says) expect(result.stderr).toMatch(each);
  expect(picture()).toEqual(before);
}

/** The object is as readable as before. */
async function stillThere(): Promise<void> {
  expect((await ok(['cat', 'kept'])).stdout).toBe(readFileSync(join(folder, 'file'), 'utf8'));
}

describe('words of the command line', { timeout: SLOW_MS }, () => {
  it.each<[string[], number, string, string[]]>([
    [['stauts'], 2, 'DM-2001', ["unknown command 'stauts'", 'did you mean status']],
    [['put', 'no-such-file'], 8, 'DM-8002', ['there is no file no-such-file', 'check the path']],
    [['put', 'data'], 2, 'DM-2009', ['data is a directory', 'tar c data']],
    [['put', 'file', '--code', '4'], 2, 'DM-2004', ["'4' is no code", 'such as 4+2']],
    [['put', 'file', '--code', '200+100'], 2, 'DM-2004', ['at most 255']],
    [['put', 'file', '--name', 'n'.repeat(1025)], 2, 'DM-2011', ['1025 bytes', 'at most 1024', '--name']],
    [['put', 'file', '--name', ''], 2, 'DM-2011', ['--name']],
    [['put', 'file', '--kee', 'nobody'], 2, 'DM-2003', ["unknown option '--kee'"]],
    [
      ['put', 'file'],
      5,
      'DM-5004',
      ['2+1 needs 3 nodes and this mesh has 1', 'datamesh bootstrap', '--allow-degraded'],
    ],
    [['put', 'file', '--name', 'kept', '--if-absent'], 6, 'DM-6002', ['"kept" exists already']],
    [['get', 'nothing'], 8, 'DM-8001', ['nothing is stored under "nothing"', 'datamesh list']],
    [['get', 'kept', 'file'], 6, 'DM-6002', ['file exists', '--force']],
    [['get', 'kept', 'no/such/folder/x'], 8, 'DM-8002', ['there is no folder', 'mkdir -p']],
    [['get', 'kept', '--version', '9'], 8, 'DM-8001', ['no version 9']],
    [['cat', 'kept', '--offset', '300001'], 2, 'DM-2004', ['300000 bytes', '--offset']],
    [['bootstrap', 'somewhere'], 2, 'DM-2004', ['write a multiaddr']],
    [['bootstrap', '/ip4/127.0.0.1/tcp/1'], 5, 'DM-5002', ['nothing listens there']],
    [['keys', 'export', 'nobody'], 8, 'DM-8001', ['nobody']],
    [['batch', '-f', 'no-such-script'], 8, 'DM-8002', ['there is no script']],
    [['console'], 2, 'DM-2008', ['not a terminal', 'datamesh batch']],
    [['console', '--attach'], 2, 'DM-2008', ['not a terminal']],
    [['service', 'logs', '--lines', 'x'], 2, 'DM-2004', ['--lines']],
  ])('%j', (argv, status, id, says) => refuses(argv, status, id, says));

  it('an id that more than one object begins with', async () => {
    await run(['put', 'file', '--name', 'second', '--code', '2+1', '--allow-degraded']);
    const { DatabaseSync } = await import('node:sqlite');
    const catalog = new DatabaseSync(join(data, 'catalog.sqlite'));
    catalog.exec("UPDATE entries SET object_id = 'abcdef' || substr(object_id, 7)");
    catalog.close();
    for (const verb of ['info', 'get', 'cat'])
      await refuses([verb, 'abcdef'], 2, 'DM-2004', ['abcdef', 'more digits']);
    await refuses(['delete', 'abcdef', '--yes'], 2, 'DM-2004', ['abcdef']);
  });
});

describe('phrases', { timeout: SLOW_MS }, () => {
  it.each<[string, string[], (string | RegExp)[]]>([
    ['23 words', WORDS.slice(1), ['has 23 words, it needs 24', 'enter all 24 words']],
    ['an unknown word', ['abbandon', ...WORDS.slice(1)], ['word 1 ("abbandon")', 'did you mean abandon?']],
    ['a wrong checksum', WORDS, ['the checksum of the recovery phrase is wrong', 'compare each word']],
  ])('%s, at init and at import', async (_, words, says) => {
    writeFileSync(join(folder, 'words'), `${words.join(' ')}\n`);
    await refuses(['keys', 'import', 'other', '--file', 'words'], 2, 'DM-2012', says);
    const fresh = {
      env: { DATAMESH_CONFIG: join(folder, 'fresh', 'config.json'), DATAMESH_NODE_DATA_DIR: '' },
    };
    const init = ['init', '--yes', '--quota', '1MiB', '--identity', 'phrase', '--phrase-file', 'words'];
    await refuses([...init, '--data-dir', join(folder, 'fresh-data')], 2, 'DM-2004', says, fresh);
  });

  it('a wrong passphrase, none, and the right one', async () => {
    writeFileSync(join(folder, 'right'), `${PASSPHRASE}\n`);
    writeFileSync(join(folder, 'wrong'), 'something else altogether\n');
    await ok(['keys', 'new', 'safe', '--protect', '--default', '--passphrase-file', 'right']);
    await refuses(['stats', '--passphrase-file', 'wrong'], 9, 'DM-9004', ['passphrase']);
    await refuses(['stats'], 9, 'DM-9004', ['passphrase', '--passphrase-file']);
    await refuses(['service', 'start'], 9, 'DM-9004', ['passphrase']);
    await refuses(['service', 'run'], 9, 'DM-9004', ['passphrase']);
    await ok(['stats', '--passphrase-file', 'right']);
  });
});

describe('the configuration', { timeout: SLOW_MS }, () => {
  it.each<[string, (file: string) => unknown, number, string, (string | RegExp)[]]>([
    ['missing', (file) => rmSync(file), 4, 'DM-4001', ['there is no configuration', 'datamesh init']],
    ['a folder', (file) => [rmSync(file), mkdirSync(file)], 4, 'DM-4002', ['name a file, not a folder']],
    [
      'no JSON',
      (file) => writeFileSync(file, '{\n  "version": 1,\n'),
      4,
      'DM-4002',
      ['line 3, column 1', '.bak'],
    ],
    ['empty', (file) => writeFileSync(file, ''), 4, 'DM-4002', ['line 1, column 1']],
    ['not an object', (file) => writeFileSync(file, '[]'), 4, 'DM-4002', ['not a JSON object']],
    [
      'of a newer version',
      (file) => writeFileSync(file, '{"version":2}'),
      4,
      'DM-4007',
      ['newer datamesh (version 2)'],
    ],
    [
      'full of mistakes',
      (file) => writeFileSync(file, '{"version":1,"network":{"prot":1},"redundancy":{"k":"four"}}'),
      4,
      'DM-4003',
      ['network.prot is not a known key did you mean network.port?', 'redundancy.k must be a whole number'],
    ],
  ])('%s', (_, damage, status, id, says) => {
    damage(config);
    return refuses(['status'], status, id, says);
  });

  it.skipIf(root)('one that may not be read (root may)', async () => {
    chmodSync(config, 0);
    const result = await run(['status']);
    chmodSync(config, 0o600);
    expect(result).toMatchObject({ status: 4, stdout: '' });
    expect(result.stderr).toMatch(/^error\[DM-4002\]: [^\n]*EACCES[^\n]*\n$/);
  });

  it('an environment that contradicts it', () =>
    refuses(['status'], 2, 'DM-2004', ['DATAMESH_NETWORK_PORT', 'is not a whole number'], {
      env: { DATAMESH_NETWORK_PORT: 'many' },
    }));
});

describe('the data folder', { timeout: SLOW_MS }, () => {
  const ALL = [['list'], ['service', 'start'], ['service', 'run']];

  it('is missing, or empty, as where a disk is not mounted: no node of another identity is made', async () => {
    rmSync(data, { recursive: true });
    for (const argv of [...ALL, ['keys', 'new', 'x']])
      await refuses(argv, 8, 'DM-8002', [data, 'is missing', 'mounted', 'datamesh init --force']);
    expect(existsSync(data)).toBe(false);
    mkdirSync(data, { mode: 0o700 });
    for (const argv of ALL) await refuses(argv, 8, 'DM-8002', ['holds no node']);
    expect(readdirSync(data)).toEqual([]);
  });

  it.skipIf(root)('may not be written (root may)', async () => {
    chmodSync(data, 0o500);
    await refuses(['status'], 9, 'DM-9002', [data]);
    chmodSync(data, 0o700);
  });

  it.each(['keyring.json', 'device.key'])('others may read its %s', async (name) => {
    chmodSync(join(data, name), 0o640);
    await refuses(['status'], 9, 'DM-9003', [name, 'mode 640', 'chmod 600']);
    chmodSync(join(data, name), 0o600);
    await stillThere();
  });

  it.each<[string, string, number, string, (string | RegExp)[]]>([
    ['keyring.json', 'garbage', 7, 'DM-7004', ['keyring.json is damaged', '24 words']],
    ['device.key', 'garbage', 7, 'DM-7004', ['device.key is damaged']],
    ['catalog.sqlite', 'garbage'.repeat(1000), 7, 'DM-7004', ['catalog', 'backup']],
  ])('its %s is damaged', async (name, content, status, id, says) => {
    writeFileSync(join(data, name), content);
    await refuses(['list'], status, id, says);
    expect(readFileSync(join(data, name), 'utf8')).toBe(content);
  });

  it('was written by a newer version', async () => {
    const keyring = readFileSync(join(data, 'keyring.json'), 'utf8');
    writeFileSync(join(data, 'keyring.json'), keyring.replace(/"version": ?1/, '"version": 7'));
    await refuses(['list'], 4, 'DM-4007', ['keyring.json', 'newer datamesh (version 7)']);
    writeFileSync(join(data, 'keyring.json'), keyring);
    const { DatabaseSync } = await import('node:sqlite');
    const catalog = new DatabaseSync(join(data, 'catalog.sqlite'));
    catalog.exec('INSERT INTO migrations (version, applied_at_ms) VALUES (99, 0)');
    catalog.close();
    await refuses(['list'], 4, 'DM-4007', ['catalog', 'newer']);
  });

  it('is in use by another node, whose process is named', async () => {
    const started = await ok(['service', 'start', '--json']);
    const { pid } = JSON.parse(started.stdout) as { pid: number };
    try {
      const again = await ok(['service', 'start', '--json']);
      expect(JSON.parse(again.stdout)).toMatchObject({ state: 'running', pid });
      await refuses(['service', 'run'], 6, 'DM-6003', [`process ${pid}`]);
      // A node whose socket is gone cannot be asked: its lock still says whose the folder is.
      rmSync(join(data, 'control.sock'), { force: true });
      process.kill(pid, 'SIGSTOP');
      await refuses(['list'], 6, 'DM-6001', [`process ${pid}`]);
      process.kill(pid, 'SIGCONT');
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });
});

describe('the port', { timeout: SLOW_MS }, () => {
  it('is in use', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const env = { DATAMESH_NETWORK_PORT: String(port) };
    try {
      const says = [`${port}`, 'in use', 'network.port'];
      for (const argv of [
        ['service', 'run'],
        ['service', 'start'],
      ])
        await refuses(argv, 5, 'DM-5005', says, { env });
    } finally {
      server.close();
    }
    await stillThere();
  });
});

describe('input and output', { timeout: SLOW_MS }, () => {
  const sh = (script: string) =>
    new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
      const launcher = new URL('../../bin/datamesh', import.meta.url).pathname;
      const env = {
        PATH: process.env.PATH,
        HOME: folder,
        DATAMESH_CONFIG: config,
        DATAMESH_NODE_DATA_DIR: data,
        DM: `${process.execPath} ${launcher}`,
      };
      import('node:child_process').then(({ execFile }) =>
        execFile('bash', ['-c', script], { cwd: folder, env }, (error, stdout, stderr) =>
          resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
        ),
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
});

describe('space', { timeout: SLOW_MS }, () => {
  it('the quota is full', async () => {
    const env = { DATAMESH_STORAGE_QUOTA: '400kB' };
    const argv = ['put', 'file', '--name', 'more', '--code', '1+1', '--allow-degraded'];
    const result = await run(argv, { env });
    expect({ status: result.status, stdout: result.stdout }, result.stderr).toEqual({
      status: 10,
      stdout: '',
    });
    expect(result.stderr).toMatch(/^error\[DM-10001\]: [^\n]*quota[^\n]*\n$/);
    await refuses(['info', 'more'], 8, 'DM-8001', []);
    await stillThere();
  });

  // Without the right to mount a small disk this is left out; it runs as root, as in a container.
  const canMount = root && mountable();
  it.skipIf(!canMount)(
    'the disk is full where a get writes, and where a node stores (needs root, to mount a small one)',
    async () => {
      const disk = join(folder, 'disk');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
      try {
        const got = await run(['get', 'kept', 'disk/copy']);
        expect({ status: got.status, stdout: got.stdout }, got.stderr).toEqual({ status: 10, stdout: '' });
        expect(got.stderr).toMatch(/^error\[DM-10002\]: [^\n]*disk[^\n]*\n$/);
        expect(readdirSync(disk)).toEqual([]);
      } finally {
        execFileSync('umount', ['-l', disk]);
      }
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=700', 'tmpfs', disk]);
      try {
        cpSync(data, disk, { recursive: true });
        writeFileSync(join(folder, 'large'), Buffer.alloc(16_000_000, 1));
        const env = { DATAMESH_NODE_DATA_DIR: disk };
        const put = await run(['put', 'large', '--code', '1+1', '--allow-degraded'], { env });
        expect({ status: put.status, stdout: put.stdout }, put.stderr).toEqual({ status: 10, stdout: '' });
        expect(put.stderr).toMatch(/^error\[DM-1000[12]\]: [^\n]*\n$/);
        await refuses(['info', 'large'], 8, 'DM-8001', [], { env });
        expect((await ok(['cat', 'kept'], { env })).stdout.length).toBe(300_000);
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
