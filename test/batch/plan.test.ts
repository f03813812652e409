import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliSetup, cliSetup } from '../support/cli.ts';
import { schemaProblem } from '../support/schemas.ts';
import { until } from '../support/until.ts';

let cli: CliSetup;
let folder: string;
const objects = [
  { name: 'a', content: 'a' },
  { name: 'b', content: 'bb' },
];
beforeEach(async () => {
  cli = await cliSetup({ objects });
  folder = await mkdtemp(join(tmpdir(), 'dm-plan-'));
});
afterEach(async () => {
  await cli.close();
  await rm(folder, { recursive: true, force: true });
});

const batch = (input: string, ...argv: string[]) => cli.run(['batch', ...argv], { input, cwd: folder });
const jsonLines = (text: string) =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]));

describe('batch --check', () => {
  it('runs nothing and says what each line would change', async () => {
    const { status, stdout } = await batch('list\nrename a c; delete b --yes\n', '--check');
    expect(status).toBe(0);
    expect(stdout).toBe('1\treads\tlist\n2\twrites\trename a c\n2\tdestructive\tdelete b --yes\n');
    await expect(cli.engine.names.versions('c')).rejects.toThrow();
  });
});

describe('batch --plan and --apply (D.9-42)', () => {
  const script = 'set TO=c\nrename a $TO\nput file --name d\nlist | count\n';

  beforeEach(() => writeFile(join(folder, 'file'), 'content'));

  it('writes what each step finds, runs nothing, and later runs it', async () => {
    const made = await batch(script, '--plan', 'plan.json');
    expect(made).toMatchObject({ status: 0, stderr: '' });
    const plan = JSON.parse(await readFile(join(folder, 'plan.json'), 'utf8'));
    expect(schemaProblem('plan', plan)).toBeUndefined();
    expect((await stat(join(folder, 'plan.json'))).mode & 0o777).toBe(0o600);
    const [rename, put, list] = plan.steps;
    expect(rename).toMatchObject({ line: 2, command: 'rename', effects: 'writes' });
    expect(rename.preconditions).toEqual([
      { kind: 'object', name: 'c', objectId: null },
      { kind: 'object', name: 'a', objectId: (await cli.engine.find('a')).objectId },
    ]);
    expect(put.preconditions).toMatchObject([
      { kind: 'object', name: 'd', objectId: null },
      { kind: 'file', sizeBytes: 7 },
    ]);
    expect(list.preconditions).toEqual([]);
    const applied = await batch('', '--apply', 'plan.json', '--json');
    expect(applied.status, applied.stderr).toBe(0);
    expect((await cli.engine.find('c')).name).toBe('c');
    expect(jsonLines(applied.stdout).at(-1)).toMatchObject({ type: 'summary', ran: 3, failed: 0 });
  });

  it.each([
    ['an object has another version', async () => void (await put('a', 'other'))],
    ['a name that was free is taken', async () => void (await put('d', 'x'))],
    ['an object is gone', async () => void (await cli.engine.delete('a'))],
    ['a file was written again', () => writeFile(join(folder, 'file'), 'other content')],
    ['a file is gone', () => rm(join(folder, 'file'))],
  ])('refuses with 6 and runs nothing when %s', async (_why, change) => {
    await batch(script, '--plan', 'plan.json');
    await change();
    const before = (await cli.engine.list()).objects.length;
    const { status, stderr } = await batch('', '--apply', 'plan.json');
    expect(status).toBe(6);
    expect(stderr).toMatch(/^error\[DM-6005\]: something has changed since the plan was made/);
    expect((await cli.engine.list()).objects.length).toBe(before);
  });

  it('refuses with 6 when a file that a get would replace was written again', async () => {
    await batch('get a file --force\n', '--plan', 'plan.json');
    await writeFile(join(folder, 'file'), 'what nobody has a copy of');
    expect((await batch('', '--apply', 'plan.json')).status).toBe(6);
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('what nobody has a copy of');
  });

  it('refuses a plan that was changed, one of another kind, and options that exclude each other', async () => {
    await batch(script, '--plan', 'plan.json');
    const text = await readFile(join(folder, 'plan.json'), 'utf8');
    await writeFile(join(folder, 'plan.json'), text.replaceAll('rename a $TO', 'rename b $TO'));
    expect((await batch('', '--apply', 'plan.json')).status).toBe(6);
    for (const wrong of [
      '{',
      '[]',
      'null',
      '{"format":"datamesh-plan"}',
      text.replace('"version": 1', '"version": 2'),
      text.replace(/"preconditions": \[[^\]]*\]/, '"preconditions": [null]'),
      text.replace('"kind": "object"', '"kind": "file"'),
      text.replace(/"variables": \{[^}]*\}/, '"variables": ["x"]'),
    ]) {
      await writeFile(join(folder, 'wrong.json'), wrong);
      const { status, stderr } = await batch('', '--apply', 'wrong.json');
      expect([2, 4], stderr).toContain(status);
    }
    expect((await batch(script, '--plan', 'plan.json')).status).toBe(6);
    expect((await batch('', '--apply', 'plan.json', '--check')).status).toBe(2);
    expect((await batch('', '--apply', 'nothing.json')).status).toBe(8);
  });

  it('refuses when a variable of the environment means something else now', async () => {
    const run = (value: string, ...argv: string[]) =>
      cli.run(['batch', ...argv], { input: 'rename a ${env:TARGET}\n', cwd: folder, env: { TARGET: value } });
    expect((await run('x', '--plan', 'plan.json')).status).toBe(0);
    const { status, stderr } = await run('y', '--apply', 'plan.json');
    expect(status).toBe(6);
    expect(stderr).toContain('is another command here');
  });
});

describe('batch --resume', () => {
  const script = 'rename a c\nget missing\nrename b d\n';

  it('leaves out what the run before has done, and forgets it when all is done', async () => {
    expect((await batch(script)).status).toBe(8);
    // Not without being asked.
    expect((await batch(script)).status).toBe(8);
    const early = await batch(script, '--resume', '--json');
    expect(early.status).toBe(8);
    await put('missing', 'now it is there');
    const resumed = await batch(script, '--resume', '--json');
    expect(resumed.status, resumed.stderr).toBe(8);
  });

  it('goes on behind the step that failed', async () => {
    expect((await batch(script)).status).toBe(8);
    await put('missing', 'now it is there');
    const resumed = await batch(script, '--resume', '--json');
    expect(resumed.status, resumed.stdout).toBe(0);
    const results = jsonLines(resumed.stdout).filter(({ type }) => type === 'result');
    expect(results.map(({ line, reason, ok }) => [line, reason, ok])).toEqual([
      [1, 'done', true],
      [2, undefined, true],
      [3, undefined, true],
    ]);
    // Nothing is noted any more: from the beginning.
    expect((await batch(script, '--resume')).status).toBe(8);
  });

  it('leaves out a file that was written', async () => {
    const gets = 'get a\nget missing\nget b\n';
    expect((await batch(gets)).status).toBe(8);
    await put('missing', 'now it is there');
    expect(await batch(gets, '--resume')).toMatchObject({ status: 0 });
  });

  it('without a place for its notes the script runs all the same, and says so; with --resume it does not', async () => {
    await writeFile(join(folder, 'state'), 'a file where a folder should be');
    const env = { XDG_STATE_HOME: join(folder, 'state') };
    const run = (...argv: string[]) =>
      cli.run(['batch', ...argv], { input: 'rename a c\n', cwd: folder, env });
    const { status, stderr } = await run();
    expect(status).toBe(0);
    expect(stderr).toMatch(/^warning: what is done cannot be noted for --resume: .*\n$/);
    expect((await run('--resume')).status).not.toBe(0);
    expect(await cli.engine.find('c')).toBeDefined();
  });

  it('is of one run at a time: another one is told, and takes nothing from its notes', async () => {
    const twice = 'put file --name d\nsleep 6s\nget missing\n';
    await writeFile(join(folder, 'file'), 'content');
    const notes = join(cli.folder, '.local/state/datamesh/batches');
    const first = batch(twice);
    await until('the first run has noted its put', async () => {
      const [name] = (await readdir(notes).catch(() => [])).filter((it) => it.endsWith('.steps'));
      return name !== undefined && (await stat(join(notes, name))).size > 0;
    });
    const [resumed, again] = await Promise.all([batch(twice, '--resume'), batch(twice)]);
    expect(resumed).toMatchObject({ status: 6, stderr: expect.stringContaining('running the same script') });
    expect(again.stderr).toMatch(/^warning: what is done cannot be noted for --resume: process /);
    expect((await first).status).toBe(8);
    expect((await batch(twice, '--resume', '--json')).stdout).toContain('"reason":"done"');
    expect(await readdir(notes)).toHaveLength(1);
  });

  it('does not take another script, other variables, another folder or node for the same', async () => {
    expect((await batch(script)).status).toBe(8);
    const env = { DATAMESH_CONFIG: join(cli.folder, 'another.json') };
    await copyFile(join(cli.folder, 'config.json'), env.DATAMESH_CONFIG);
    const another = await cli.run(['batch', '--resume', '--json'], { input: script, cwd: folder, env });
    expect(another.stdout).not.toContain('"done"');
    const { stdout } = await batch(`${script}list\n`, '--resume', '--json');
    expect(stdout).not.toContain('"done"');
  });
});

describe('batch --dry-run', () => {
  it('writes no file', async () => {
    await writeFile(join(folder, 'file'), 'content');
    for (const [script, ...argv] of [['list > file', '--dry-run'], ['list --dry-run >> file']] as const)
      expect((await batch(script, ...argv)).stdout).toMatch(/^name\t/);
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('content');
  });
});

describe('batch --timeout', () => {
  it('takes a --timeout longer than a timer can wait', async () => {
    for (const time of ['30d', '60d'])
      expect(await batch('sleep 1ms', '--timeout', time)).toMatchObject({
        status: 0,
        stderr: '',
      });
  });
});

async function put(name: string, text: string) {
  const source = (async function* () {
    yield Buffer.from(text);
  })();
  return cli.engine.put(source, { name, sizeBytes: text.length });
}
