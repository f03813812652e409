/** The command language of the console: what a line is before it is parsed, and the commands that take lines. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { redirected } from '../../src/cli/file-output.ts';
import type { OutputRecord } from '../../src/commands/command.ts';
import { createRunner, type Runner } from '../../src/console/runner.ts';
import { parse } from '../../src/lang/parser.ts';
import { createFakeEngine, type FakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';
import { quietPort } from '../support/quiet-port.ts';
import { realRegistry } from '../support/registry.ts';

const registry = realRegistry();
let folder: string;
let engine: FakeEngine;
let runner: Runner;
let records: OutputRecord[];
let notes: string[];
let problems: string[];
let entered: { t: number; cmd: string }[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dm-language-'));
  engine = createFakeEngine({
    objects: [
      { name: 'a', content: 'aaa' },
      { name: 'b', content: 'b' },
    ],
  });
  [records, notes, problems, entered] = [[], [], [], []];
  const host = testHost({ engine, cwd: folder, mode: 'repl', answer: true });
  runner = createRunner({
    registry,
    env: {},
    port: quietPort(() => entered),
    host: () => host,
    output: () => ({
      record: (record) => void records.push(record),
      note: (text) => void notes.push(text),
      warn: (text) => void notes.push(text),
      async bytes(chunk) {
        notes.push(Buffer.from(chunk).toString());
      },
      progress() {},
      error: (error) => void problems.push(error.message),
      async end() {},
    }),
    diagnostic: (text) => void problems.push(text),
  });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function enter(line: string, signal = new AbortController().signal) {
  const result = await runner.run(line, signal);
  entered.push({ t: 0, cmd: result.line });
  return result;
}
const names = () => records.map(({ name }) => name);
const stored = async () => (await engine.list()).objects.map(({ name }) => name);

describe('!! and aliases', () => {
  it('put the line before in their place, and history keeps what was run', async () => {
    await enter('list a');
    expect((await enter('!! | count')).line).toBe('list a | count');
    expect(records).toHaveLength(2);
    expect(records[1]).toEqual({ count: 1 });
  });

  it('are shown, changed and forgotten', async () => {
    expect((await enter("alias big='list --sort size --reverse'")).exit).toBe(0);
    records.length = 0;
    expect((await enter('big | head 1')).line).toBe('list --sort size --reverse | head 1');
    expect(names()).toEqual(['a']);
    records.length = 0;
    await enter('alias');
    expect(records).toEqual([{ name: 'big', line: 'list --sort size --reverse' }]);
    await enter('alias big=');
    expect((await enter('big')).exit).toBe(2);
    expect((await enter('alias 1=list')).exit).toBe(2);
    expect((await enter("alias x='lsit'")).exit).toBe(2);
    expect((await enter('alias nothing')).exit).toBe(8);
  });
});

describe('variables', () => {
  it('hold from line to line, with the last status and the last argument', async () => {
    await enter('set N=a');
    await enter('info $N');
    expect(names()).toEqual(['a']);
    await enter('info missing');
    records.length = 0;
    await enter('explain list $?');
    expect(records[0]).toMatchObject({ values: expect.stringContaining('prefix="8"') });
    await enter('info b');
    records.length = 0;
    await enter('info $_');
    expect(names()).toEqual(['b']);
  });
});

describe('lines within lines', () => {
  it('time runs the rest of the line and says how long it took', async () => {
    expect((await enter('time list | count && info missing')).exit).toBe(8);
    expect(records).toEqual([{ count: 2 }]);
    expect(notes.at(-1)).toMatch(/^took .*, exit status 8$/);
    expect((await enter('time lsit')).exit).toBe(2);
    expect(problems.at(-1)).toContain('did you mean list');
  });

  it('explain says what would be done, and does nothing', async () => {
    await enter('explain delete a --yes && list | where sizeBytes > 1KiB > out');
    expect(records).toEqual([
      expect.objectContaining({ column: 1, command: 'delete', undo: 'yes', when: 'always' }),
      expect.objectContaining({ column: 19, command: 'list', filters: 'where | > out', when: 'and' }),
    ]);
    expect(await stored()).toEqual(['a', 'b']);
    expect((await enter('explain list --srot size')).exit).toBe(2);
    await enter('explain keys import main --file secret-words');
    expect(JSON.stringify(records)).not.toContain('secret-words');
  });

  it('watch runs what reads again and again until it is cancelled', async () => {
    const stop = new AbortController();
    const watching = enter('watch 500ms list | count', stop.signal);
    while (records.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort();
    expect((await watching).exit).toBe(130);
    for (const wrong of ['watch rm a --yes', 'watch 10ms list', 'watch 2x list', 'watch 2s', 'watch'])
      expect((await enter(wrong)).exit, wrong).toBe(2);
    expect(await stored()).toEqual(['a', 'b']);
  });
});

describe('redirections', () => {
  it('write what a pipe would get, and append', async () => {
    await enter('list | cols name > out');
    await enter('list | cols name | head 1 >> out');
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('name\na\nb\nname\na\n');
    await enter('list --json=name > json');
    expect(await readFile(join(folder, 'json'), 'utf8')).toBe('{"name":"a"}\n{"name":"b"}\n');
    await enter('cat a > bytes');
    expect(await readFile(join(folder, 'bytes'), 'utf8')).toBe('aaa');
    expect({ records, notes }).toEqual({ records: [], notes: [] });
    expect((await enter('list > missing/out')).exit).toBe(8);
  });

  it('leave a file as it is, and make none, when the command fails half way', async () => {
    await writeFile(join(folder, 'out'), 'before');
    for (const line of ['cat a missing > out', 'cat a missing > new'])
      expect((await enter(line)).exit, line).toBe(8);
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('before');
    expect(await readdir(folder)).toEqual(['out']);
    await enter('cat a missing >> out');
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('beforeaaa');
  });

  it('hold the rows of a command that went through all and says what failed', async () => {
    await writeFile(join(folder, 'a'), 'aaa');
    await writeFile(join(folder, 'c'), 'c');
    expect((await enter('batch-put c a --if-absent | cols name > out')).exit).toBe(3);
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('name\nc\n');
  });

  it('go through a link, keep the mode of a file, and write devices as they stand', async () => {
    await writeFile(join(folder, 'out'), 'before', { mode: 0o640 });
    await symlink('out', join(folder, 'link'));
    await enter('cat a > link');
    expect(await readlink(join(folder, 'link'))).toBe('out');
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('aaa');
    expect((await stat(join(folder, 'out'))).mode & 0o777).toBe(0o640);
    expect((await enter('cat a > /dev/null')).exit).toBe(0);
    expect((await enter('cat a > /dev/full')).exit).toBe(10);
    expect((await enter('cat a > .')).exit).toBe(2);
  });

  it('give up a named pipe that nobody reads from', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    for (const line of ['list > pipe', 'list >> pipe'])
      expect((await enter(line, AbortSignal.timeout(300))).exit, line).toBe(130);
  });

  it('keep what carries secrets from others', async () => {
    const quiet = { record() {}, note() {}, warn() {}, bytes: async () => {}, progress() {}, error() {} };
    await writeFile(join(folder, 'old'), 'before', { mode: 0o644 });
    for (const line of ['keys export > new', 'keys export > old', 'keys export >> added']) {
      const where = { cwd: folder, signal: new AbortController().signal };
      const out = redirected(parse(line, { registry }).commands[0]!, where, {
        ...quiet,
        end: async () => {},
      });
      await out.bytes(Buffer.from('words'));
      await out.end();
    }
    for (const name of ['new', 'old', 'added'])
      expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600);
  });

  it('leave a file as it is when the command fails without output, and empty it when nothing was found', async () => {
    await writeFile(join(folder, 'out'), 'before');
    for (const line of ['info missing > out', 'cat missing > out', 'info missing | count > out']) {
      expect((await enter(line)).exit).toBe(8);
      expect(await readFile(join(folder, 'out'), 'utf8'), line).toBe('before');
    }
    await enter('list | grep nowhere > out');
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('');
  });
});

describe('undo', () => {
  it('takes back puts, deletes, renames and copies, the newest first', async () => {
    await writeFile(join(folder, 'c'), 'new');
    await writeFile(join(folder, 'a'), 'another a');
    const before = (await engine.find('a')).objectId;
    await enter('put c');
    await enter('put a');
    await enter('delete b');
    await enter('rename c d');
    expect(await stored()).toEqual(['a', 'd']);
    for (const names of [
      ['a', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b'],
    ]) {
      expect((await enter('undo')).exit, problems.join()).toBe(0);
      expect(await stored()).toEqual(names);
    }
    expect((await engine.find('a')).objectId).toBe(before);
  });

  it('says how with --dry-run, can be undone, and says so when there is nothing', async () => {
    expect((await enter('undo')).exit).toBe(8);
    await enter('rename a c');
    await enter('undo --dry-run');
    expect(notes.at(-1)).toBe("would take back 'rename a c': rename -- c a");
  });
});

describe('source (D.9-45)', () => {
  const script = '# a script\nset N=a\ninfo $N\nlist | sort name -r | cols name,sizeBytes\n';

  it('gives the records that batch and one-shot give', async () => {
    await writeFile(join(folder, 'script.dm'), script);
    expect((await enter('source script.dm')).exit).toBe(0);
    const sourced = [...records];
    const host = testHost({ engine });
    await runLine(host, 'info', 'a');
    expect(sourced[0]).toEqual(host.seen.records[0]);
    expect(sourced.slice(1)).toEqual([
      { name: 'b', sizeBytes: 1 },
      { name: 'a', sizeBytes: 3 },
    ]);
  });

  it('runs nothing of a script with a mistake, and nothing without --yes', async () => {
    await writeFile(join(folder, 'wrong.dm'), 'list\nlsit\n');
    expect((await enter('source wrong.dm')).exit).toBe(2);
    expect(problems.join('\n')).toContain("wrong.dm:2:1: error[DM-2001]: unknown command 'lsit'");
    await writeFile(join(folder, 'rm.dm'), 'rm a\n');
    expect((await enter('. rm.dm')).exit).toBe(2);
    await writeFile(join(folder, 'loop.dm'), 'source loop.dm\n');
    expect((await enter('source loop.dm')).exit).toBe(2);
    expect(records).toEqual([]);
    expect((await enter('source missing.dm')).exit).toBe(8);
  });

  it('of a named pipe that nobody writes ends when it is told to', async () => {
    execFileSync('mkfifo', [join(folder, 'silent'), join(folder, 'pipe')]);
    expect((await enter('source silent', AbortSignal.timeout(200))).exit).toBe(130);
    const writer = spawn('sh', ['-c', 'echo "info a" > pipe'], { cwd: folder });
    const ended = once(writer, 'exit');
    expect((await enter('source pipe')).exit).toBe(0);
    expect(await ended).toEqual([0, null]);
    expect(records).toMatchObject([{ name: 'a' }]);
  });
});
