import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { type CliSetup, cliSetup, runCli } from '../support/cli.ts';
import { schemaProblem } from '../support/schemas.ts';

/** Each run is a process of its own, and others run beside it. */
const SLOW_MS = 60_000;

let cli: CliSetup;
beforeAll(async () => {
  cli = await cliSetup({
    objects: [
      { name: 'a.txt', content: 'hello', tags: ['x'] },
      { name: 'nasty\n\x1b[31mname', content: 'x' },
      { name: 'big', content: Buffer.alloc(3_000_000, 'b') },
    ],
  });
});
afterAll(() => cli.close());

describe('exit status, stdout and stderr', { timeout: SLOW_MS }, () => {
  it.each([
    [['version'], 0],
    [['help'], 0],
    [['help', 'exit-codes'], 0],
    [['help', 'batch'], 0],
    [['put', '--help'], 0],
    [['--help'], 0],
    [['list', '-h'], 0],
    [['completion', 'bash'], 0],
    [['status'], 0],
    [['peers'], 0],
    [['info', 'a.txt'], 0],
    [['list', '--json'], 0],
  ])('%j ends with %i and says nothing on stderr', async (argv, status) => {
    const result = await cli.run(argv);
    expect(result).toMatchObject({ status, stderr: '' });
    expect(result.stdout).not.toBe('');
  });

  it.each([
    [['stauts'], 2, 'did you mean status'],
    [['list', '--sotr', 'size'], 2, 'did you mean --sort?'],
    [['put'], 2, 'FILE'],
    [['put', 'no-such-file'], 8, 'no-such-file'],
    [['put', '.'], 2, 'is a directory'],
    [['get', 'nothing'], 8, 'nothing'],
    [['delete', 'a.txt'], 2, 'add --yes'],
    [['list', '--columns', 'nmae'], 2, 'did you mean name'],
    [['batch', '-f', 'missing.dm'], 8, 'missing.dm'],
    [['status', '--data-dir', 'no/such'], 8, 'no data folder'],
  ])('%j ends with %i and one line on stderr', async (argv, status, text) => {
    const result = await cli.run(argv);
    expect(result.status).toBe(status);
    expect(result.stderr).toMatch(/^error\[DM-\d+\]: [^\n]*\n$/);
    expect(result.stderr).toContain(text);
    expect(result.stdout).toBe('');
  });

  it('D.9-39: errors are JSON with --json, by their schema', async () => {
    const failed = await cli.run(['get', 'nothing', '--json']);
    expect(JSON.parse(failed.stderr)).toMatchObject({
      type: 'error',
      code: 'not-found',
      id: 'DM-8001',
      exit: 8,
    });
    const wrong = await cli.run(['--json', 'lsit']);
    for (const { stderr } of [failed, wrong])
      expect(schemaProblem('error', JSON.parse(stderr))).toBeUndefined();
    expect(JSON.parse(wrong.stderr)).toMatchObject({ type: 'error', code: 'unknown-command', exit: 2 });
  });

  it('tells causes with --verbose, and stacks with --log-level debug', async () => {
    const argv = ['put', 'no-such-file'];
    expect((await cli.run([...argv, '-v'])).stderr).toMatch(/^error\[DM-8002\].*\n {2}Error: ENOENT.*\n$/);
    expect((await cli.run([...argv, '--log-level', 'debug'])).stderr).toMatch(/\n {6}at /);
  });

  it('D.9-48: 4 without a configuration, with an unreadable one, with a bad one', async () => {
    expect(
      (await cli.run(['status'], { env: { DATAMESH_CONFIG: join(cli.folder, 'none.json') } })).status,
    ).toBe(4);
    await writeFile(join(cli.folder, 'broken.json'), '{ "version": 1,');
    const broken = await cli.run(['status', '--config', 'broken.json']);
    expect(broken.status).toBe(4);
    expect(broken.stderr).toMatch(/^error\[DM-4002\]: [^\n]*\n$/);
    expect((await cli.run(['version', '--config', 'broken.json'])).status).toBe(0);
  });

  it('11 after --timeout', async () => {
    const slow = await cliSetup({ delayMs: 5000 });
    try {
      const result = await slow.run(['peers', '--timeout', '200ms']);
      expect(result.status).toBe(11);
      expect(result.stderr).toMatch(/DM-11001/);
    } finally {
      await slow.close();
    }
  });
});

describe('output', { timeout: SLOW_MS }, () => {
  it('of help: the language under batch, and one record of its command with --json', async () => {
    const batch = (await cli.run(['help', 'batch'])).stdout;
    expect(batch).toContain('Usage: datamesh batch');
    expect(batch).toMatch(/Filters: grep.*expect-exit N/s);
    const { stdout } = await cli.run(['list', '--help', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'list', group: 'files', needs: 'engine' });
  });

  it('D.9-49: off a terminal is TAB-separated, escaped, without colour', async () => {
    const { stdout } = await cli.run(['list', '--columns', 'name,sizeBytes'], { env: { FORCE_COLOR: '1' } });
    expect(stdout.split('\n').sort()).toEqual([
      '',
      'a.txt\t5',
      'big\t3000000',
      'name\tsizeBytes',
      'nasty\\n\\e[31mname\t1',
    ]);
    expect((await cli.run(['list', '--columns', 'name', '--no-header', 'a'])).stdout).toBe('a.txt\n');
  });

  it('is one JSON object a line with --json, the same fields as the table', async () => {
    const { stdout } = await cli.run(['list', '--json=name,sizeBytes', 'a']);
    expect(JSON.parse(stdout)).toEqual({ name: 'a.txt', sizeBytes: 5 });
  });

  it('of one record off a terminal is a line per field', async () => {
    const { stdout } = await cli.run(['info', 'a.txt']);
    expect(stdout).toMatch(/^name\ta\.txt\nsizeBytes\t5\n/);
  });
});

describe('files through the service', { timeout: SLOW_MS }, () => {
  it('puts and gets the same bytes', async () => {
    const content = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31) % 256));
    await writeFile(join(cli.folder, 'in.bin'), content);
    const put = await cli.run(['put', 'in.bin', '--name', 'round trip', '--json']);
    expect(put.status).toBe(0);
    expect(JSON.parse(put.stdout)).toMatchObject({
      name: 'round trip',
      sizeBytes: content.length,
      degraded: false,
    });
    expect((await cli.run(['get', 'round trip', 'out.bin'])).status).toBe(0);
    expect((await readFile(join(cli.folder, 'out.bin'))).equals(content)).toBe(true);
    const cat = await cli.run(['cat', 'a.txt']);
    expect(cat).toMatchObject({ status: 0, stdout: 'hello', stderr: '' });
  });

  it('puts what is piped in', async () => {
    expect((await cli.run(['put', '-', '--name', 'piped'], { input: 'from a pipe' })).status).toBe(0);
    expect((await cli.run(['cat', 'piped'])).stdout).toBe('from a pipe');
  });

  it('D.9-49: ends quietly with 141 when the reader goes away, and 10 on a full disk', async () => {
    const closed = await cli.run(['cat', 'big'], {
      started(child) {
        child.stdout?.once('data', () => child.stdout?.destroy());
      },
    });
    expect(closed).toMatchObject({ status: 141, stderr: '' });
    const { execFile } = await import('node:child_process');
    const full = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      const command = `"${process.execPath}" "${new URL('../../bin/datamesh', import.meta.url).pathname}" cat big > /dev/full`;
      execFile('sh', ['-c', command], { env: { ...process.env, ...cli.env } }, (error, _stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stderr }),
      );
    });
    expect(full.code).toBe(10);
    expect(full.stderr).toMatch(/^error\[DM-10002\]: [^\n]*\n$/);
  });

  it('ends with 130 on SIGINT and 143 on SIGTERM, leaving no half file', async () => {
    const slow = await cliSetup({
      delayMs: 300,
      objects: [{ name: 'big', content: Buffer.alloc(1_000_000) }],
    });
    try {
      const calls = () => slow.engine.calls.filter((method) => method === 'get').length;
      for (const [signal, status] of [
        ['SIGINT', 130],
        ['SIGTERM', 143],
      ] as const) {
        const result = await slow.run(['get', 'big', 'out'], {
          started: (child) => {
            const before = calls();
            const timer = setInterval(() => {
              if (calls() === before) return;
              clearInterval(timer);
              child.kill(signal);
            }, 20);
          },
        });
        expect(result.status, result.stderr).toBe(status);
        expect((await readdir(slow.folder)).filter((name) => name.includes('out'))).toEqual([]);
      }
    } finally {
      await slow.close();
    }
  });
});

describe('batch', { timeout: SLOW_MS }, () => {
  it('runs what is piped in', async () => {
    const { status, stdout } = await cli.run([], { input: '# x\nlist a | cols name\n' });
    expect(status).toBe(0);
    expect(stdout).toBe('name\na.txt\n');
  });

  it('D.9-37: lists mistakes with their place, runs nothing, ends with 2', async () => {
    const { status, stdout, stderr } = await cli.run(['batch'], { input: 'info a.txt\n  inof x\n' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(
      "<stdin>:2:3: error[DM-2001]: unknown command 'inof' (did you mean info?)\n    inof x\n    ^^^^\n",
    );
  });

  it('D.9-38: stops at the first failure, or keeps going', async () => {
    const input = 'info nope\ninfo a.txt\n';
    const stopped = await cli.run(['batch'], { input });
    expect(stopped).toMatchObject({ status: 8, stdout: '' });
    expect(stopped.stderr).toMatch(/^<stdin>:1:1: error\[DM-8001\]: /);
    expect((await cli.run(['batch', '--keep-going', '--quiet'], { input })).status).toBe(3);
  });

  it('D.9-39: gives JSON Lines and nothing else with --json', async () => {
    const { stdout, stderr } = await cli.run(['batch', '--json', '--var', 'N=a.txt'], {
      input: 'info $N\ninfo nope\n',
    });
    expect(stderr).toBe('');
    const types = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(['start', 'record', 'result', 'start', 'error', 'result', 'summary']);
  });

  it('D.9-43: says what to do when nothing comes in, and when it is no text', async () => {
    const empty = await cli.run([], { input: '' });
    expect(empty.status).toBe(2);
    expect(empty.stderr).toContain("see 'datamesh help'");
    expect((await cli.run([], { input: Buffer.from([0x61, 0xff]) })).stderr).toContain(
      'byte 0xff at offset 1',
    );
    expect((await cli.run(['batch', '--var', 'nonsense'], { input: 'version' })).status).toBe(2);
  });

  it('D.9-44: ends with 130 on SIGINT', async () => {
    const result = await cli.run(['batch', '--json'], {
      input: 'sleep 1m\ninfo a.txt\n',
      started: (child) => {
        child.stdout?.once('data', () => child.kill('SIGINT'));
      },
    });
    expect(result.status).toBe(130);
    expect(result.stdout).toContain('"reason":"interrupted"');
  });

  it('gives the same records as one-shot', async () => {
    const oneShot = await cli.run(['info', 'a.txt', '--json']);
    const { stdout } = await cli.run(['batch', '--json'], { input: 'info a.txt' });
    const record = stdout
      .split('\n')
      .map((line) => line && JSON.parse(line))
      .find((line) => line.type === 'record');
    expect(record.data).toEqual(JSON.parse(oneShot.stdout));
  });
});

describe('what shells ask for', { timeout: SLOW_MS }, () => {
  it('completes commands, options and objects of the service', async () => {
    const values = async (...words: string[]) =>
      (await cli.run(['__complete', '--', ...words])).stdout.split('\n').map((line) => line.split('\t')[0]);
    expect(await values('pu')).toContain('put');
    expect(await values('list', '--sort', '')).toEqual(expect.arrayContaining(['name', 'size', 'created']));
    expect(await values('get', 'a')).toEqual(expect.arrayContaining(['a.txt']));
    expect((await cli.run(['__complete', '--line', 'datamesh get a'])).stdout).toContain('a.txt');
  });

  it('prints scripts that the shells at hand can read', async () => {
    const { stdout } = await cli.run(['completion', 'bash']);
    const { spawnSync } = await import('node:child_process');
    expect(spawnSync('bash', ['-n'], { input: stdout }).status).toBe(0);
  });
});

describe('starting', { timeout: SLOW_MS }, () => {
  /** Every file that a run loads from dist/ and node_modules/; the run must end with 0. */
  async function loadedBy(argv: readonly string[], input = ''): Promise<string[]> {
    const trace = join(cli.folder, 'trace.cjs');
    await writeFile(
      trace,
      `const { registerHooks } = require('node:module');
       registerHooks({ resolve(s, c, next) { const r = next(s, c); if (r.url.startsWith('file:')) require('node:fs').appendFileSync(process.env.TRACE, r.url + '\\n'); return r; } });`,
    );
    const list = join(cli.folder, 'trace.txt');
    await writeFile(list, '');
    const result = await cli.run(argv, { input, node: ['-r', trace], env: { TRACE: list } });
    expect(result.status, result.stderr).toBe(0);
    return (await readFile(list, 'utf8')).split('\n').filter((url) => url !== '');
  }

  it('--version loads next to nothing', async () => {
    const { stdout } = await runCli(['--version']);
    expect(stdout).toBe(`${VERSION}\n`);
    const files = await loadedBy(['--version']);
    expect(files.length).toBeLessThanOrEqual(4);
    expect(files.filter((url) => url.includes('node_modules'))).toEqual([]);
  });

  const packagesOf = (files: readonly string[]) => [
    ...new Set(files.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [])),
  ];

  /** One batch runs every command that needs nothing but the service, so that one process proves it for all of them. */
  const SCRIPT = `status
stats
list
peers
health
info a.txt
put in.txt --name loads
cat loads
get loads out.txt
delete loads --yes
versions loads
undelete loads
rename loads loaded
duplicate loaded again
tag loaded --add x
search loaded --regex '^l'
recent
popular
batch-put in.txt --prefix many/
batch-get 'many/*' out --force
batch-tag 'many/*' --tags y
shares list
quota
delete loaded again --purge --yes
bootstrap /ip4/10.0.0.1/tcp/4001
service status
config list
config get node.name
config path
config validate
help
help put
completion bash
version
`;

  it.each([
    ['status', undefined],
    ['list', undefined],
    ['help', undefined],
    ['service status', undefined],
    ['__complete -- put', undefined],
    ['batch', SCRIPT],
  ])('D.9-52: %s against a service loads none of the heavy packages', async (line, input) => {
    await writeFile(join(cli.folder, 'in.txt'), 'x');
    await rm(join(cli.folder, 'out.txt'), { force: true });
    const files = await loadedBy(line.split(' '), input);
    expect(files.length).toBeGreaterThan(10);
    // What finds names near a mistyped one is all that a command needs of others' code; patterns of names come with their own.
    const patterns = input?.includes('batch-put') ? ['picomatch'] : [];
    expect(packagesOf(files)).toEqual(['fastest-levenshtein', ...patterns]);
  });

  it('the keys come with their own packages, and no others', async () => {
    await cli.run(['keys', 'new', 'main']);
    const files = await loadedBy(['keys', 'list']);
    expect(packagesOf(files).sort()).toEqual([
      '@noble/hashes',
      '@scure/bip39',
      'fastest-levenshtein',
      'multiformats',
    ]);
  });

  it('on a runtime that is too old hands over to the pinned one, or says what is needed', async () => {
    const old = join(cli.folder, 'old.cjs');
    await writeFile(
      old,
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '16.20.0' } });",
    );
    const handed = await runCli(['--version'], { node: ['-r', old] });
    expect(handed).toMatchObject({ status: 0, stdout: `${VERSION}\n` });
    const status = await runCli(['stauts'], { node: ['-r', old] });
    expect(status.status).toBe(2);
    const refused = await runCli(['--version'], { node: ['-r', old], env: { DATAMESH_REEXECUTED: '1' } });
    expect(refused.status).toBe(4);
    expect(refused.stderr).toMatch(
      /^datamesh: Node\.js 22\.13 or newer is needed, this is 16\.20\.0; [^\n]*, or run npm install in [^\n]*\n$/,
    );
  });
});
