import { describe, expect, it } from 'vitest';
import { type BatchOptions, runBatch } from '../../src/batch/batch.ts';
import { humanReporter, jsonReporter } from '../../src/batch/reporter.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { DatameshError } from '../../src/errors.ts';
import { DEFAULT_FLAGS } from '../../src/lang/global-options.ts';
import { createFakeEngine } from '../support/fake-engine.ts';
import { testHost } from '../support/host.ts';
import { realRegistry } from '../support/registry.ts';
import { schemaProblem } from '../support/schemas.ts';

const objects = [
  { name: 'a', content: 'a' },
  { name: 'b', content: 'bb' },
];

interface Run {
  status: number;
  out: string;
  err: string;
  lines: Record<string, unknown>[];
  names: unknown[];
}

async function batch(
  script: string,
  options: Partial<BatchOptions> & {
    json?: boolean;
    echo?: boolean;
    engine?: Engine;
    signal?: AbortSignal;
  } = {},
): Promise<Run> {
  let out = '';
  let err = '';
  const sink = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
    drained: async () => {},
  };
  const engine = options.engine ?? createFakeEngine({ objects });
  const host = testHost({ engine, mode: 'batch', ...(options.signal ? { signal: options.signal } : {}) });
  const output = () => {
    const own = host.output({} as never);
    return {
      ...own,
      note: (text: string) => sink.out(`${text}\n`),
      error: (error: DatameshError) => sink.err(`${error.code}: ${error.message}\n`),
    };
  };
  const reporter = options.json
    ? jsonReporter(sink)
    : humanReporter(sink, { echo: options.echo === true, quiet: false, file: '<stdin>', output });
  const status = await runBatch(script, host, {
    registry: realRegistry(),
    flags: DEFAULT_FLAGS,
    variables: {},
    env: {},
    file: '<stdin>',
    check: false,
    keepGoing: false,
    reporter,
    now: () => 0,
    ...options,
  });
  const lines = options.json
    ? out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    : [];
  for (const line of lines) expect(schemaProblem('batch', line)).toBeUndefined();
  return { status, out, err, lines, names: host.seen.records.map((record) => record.name) };
}

describe('reading', () => {
  it('D.9-36: takes comments, blank lines, CRLF, BOM, continuation, no last line end', async () => {
    const { status, names } = await batch('\ufeff# head\r\n\r\ninfo \\\r\n  a\r\ninfo b # tail');
    expect(status).toBe(0);
    expect(names).toEqual(['a', 'b']);
  });

  it('D.9-37: lists every mistake with its place and runs nothing', async () => {
    const engine = createFakeEngine({ objects });
    const { status, err } = await batch('info a\ninof b\nlist --sotr size\ninfo $NOPE\ndelete a\n', {
      engine,
    });
    expect(status).toBe(2);
    expect(engine.calls).toEqual([]);
    expect(err).toContain(
      "<stdin>:2:1: error[DM-2001]: unknown command 'inof' (did you mean info?)\n  inof b\n  ^^^^\n",
    );
    expect(err).toContain(
      "<stdin>:3:6: error[DM-2003]: unknown option '--sotr' for 'list' (did you mean --sort?)\n  list --sotr size\n       ^^^^^^\n",
    );
    expect(err).toContain("<stdin>:4:6: error[DM-2006]: variable 'NOPE' is not set");
    expect(err).toContain("<stdin>:5:1: error[DM-2007]: 'delete' is destructive and nobody can be asked");
    expect(err).toContain('4 mistakes; nothing was run');
  });

  it('marks the place also behind letters that take two columns, or none', async () => {
    const { err } = await batch("info '日本' e\u0301 --sotr 語");
    expect(err).toContain("\n  info '日本' e\u0301 --sotr 語\n                ^^^^^^\n");
  });

  it('refuses an empty script, and what belongs in the console', async () => {
    expect((await batch('')).status).toBe(2);
    expect((await batch(' \n\n')).status).toBe(2);
    expect((await batch('# nothing to do today\n')).status).toBe(0);
    expect((await batch('console')).status).toBe(2);
    expect((await batch('batch')).status).toBe(2);
    expect((await batch('history')).status).toBe(2);
  });

  it.each([
    ['set', "error[DM-2005]: 'set' in a script sets a variable, and this is none; write set NAME=value"],
    ['set 1=2', 'write set NAME=value'],
    ['set mouse on', 'write set NAME=value'],
    ['set --no-such', 'write set NAME=value'],
    ['history --no-such', "error[DM-2001]: 'history' cannot be used in a script; leave it out"],
    ['watch', "'watch' cannot be used in a script; write the line that is to be watched"],
    ['watch 2s status && exit', "'watch' cannot be used in a script"],
    ['exit', 'a script ends with its last line'],
    ['source more.dm', 'datamesh batch -f FILE'],
    ['undo', 'undelete NAME'],
    ['batch -f more.dm', 'datamesh batch once for each script'],
    ['console', 'open it from a terminal'],
    ['assert history', "'history' cannot be used in a script"],
  ])('says of %j what to write instead, and nothing else', async (line, expected) => {
    const { status, err } = await batch(`${line}\n`);
    expect(status).toBe(2);
    expect(err).toContain(expected);
    expect(err).toContain('1 mistake; nothing was run');
  });

  it('refuses a line that names another node, or the passphrase of one: it would be run on this one as it is', async () => {
    const others = ['--data-dir /other', '--data-dir=/other', '--config /other.json', '--passphrase-file /p'];
    for (const option of others) {
      const run = await batch(`list\ndelete a --yes ${option}`);
      expect([run.status, run.names]).toEqual([2, []]);
      expect(run.err).toMatch(/<stdin>:2:16: error\[DM-2004\]: --\S+ holds for the whole of a script/);
    }
    const flags = { ...DEFAULT_FLAGS, dataDir: '/this' };
    expect((await batch('list --data-dir /this\nlist --data-dir /other --help', { flags })).status).toBe(0);
    expect((await batch('assert list --data-dir /other')).status).toBe(2);
  });

  it('shows the help of what belongs in the console', async () => {
    const { status, out } = await batch('set --help\nwatch --help\n');
    expect(status).toBe(0);
    expect(out).toContain('editor.mode');
  });

  it('only checks with --check', async () => {
    const engine = createFakeEngine({ objects });
    expect((await batch('delete a --yes', { engine, check: true })).status).toBe(0);
    expect((await batch('delet a', { engine, check: true })).status).toBe(2);
    expect(engine.calls).toEqual([]);
  });

  it('D.9-40: fills in variables; those from outside win', async () => {
    const { names } = await batch('set X=a\nset Y=b\ninfo $X; info $Y', { variables: { X: 'b' } });
    expect(names).toEqual(['b', 'b']);
  });
});

describe('running', () => {
  it('D.9-38: stops at the first failure with its status and tells what was skipped', async () => {
    const { status, names, err } = await batch('info a\ninfo nope\ninfo b\ninfo a\n');
    expect(status).toBe(8);
    expect(names).toEqual(['a']);
    expect(err).toMatch(/^<stdin>:2:1: not-found: /);
    expect(err).toContain('2 commands were skipped after the failure, from line 3 on');
  });

  it('D.9-38: goes on with --keep-going and ends with 3', async () => {
    const { status, names } = await batch('info nope\ninfo a\n', { keepGoing: true });
    expect(status).toBe(3);
    expect(names).toEqual(['a']);
    expect((await batch('info a', { keepGoing: true })).status).toBe(0);
  });

  it.each([
    ['info nope || info a', 0, ['a']],
    ['info nope && info a || info b', 0, ['b']],
    ['info a && info b', 0, ['a', 'b']],
    ['info a || info b', 0, ['a']],
    ['info nope && info a\ninfo b', 8, []],
    ['on-error continue\ninfo nope\ninfo a', 3, ['a']],
    ['on-error continue\ninfo nope\non-error stop\ninfo nope\ninfo a', 8, []],
    ['expect-exit 8\ninfo nope\ninfo a', 0, ['a']],
    ['expect-exit 8; info nope; info a', 0, ['a']],
    ['expect-exit 8\ninfo a\ninfo b', 1, ['a']],
    ['expect-exit 7\ninfo nope\ninfo b', 8, []],
    ['sleep 1ms && info a', 0, ['a']],
  ])('%j ends with %i', async (script, status, names) => {
    const run = await batch(script);
    expect(run.status).toBe(status);
    expect(run.names).toEqual(names);
  });

  it('echoes lines and prints words', async () => {
    const { out } = await batch('echo one "two  three"', { echo: true });
    expect(out).toBe('# 1> echo one "two  three"\none two  three\n');
  });

  it('D.9-41: runs a destructive command with --yes on the line or on the batch', async () => {
    const engine = createFakeEngine({ objects });
    expect((await batch('delete a --yes', { engine })).status).toBe(0);
    expect((await batch('delete b', { engine, flags: { ...DEFAULT_FLAGS, yes: true } })).status).toBe(0);
    expect((await engine.list()).objects).toEqual([]);
  });

  it('filters records', async () => {
    const { lines } = await batch('list | where sizeBytes > 1 | cols name', { json: true });
    expect(lines.filter(({ type }) => type === 'record').map(({ data }) => data)).toEqual([{ name: 'b' }]);
  });

  it('assert fails unless a record is left, with the variables of its place', async () => {
    const script =
      'set N=a\nassert list | where name = $N\nset N=b\nassert list $N | where sizeBytes = 2\necho so\n';
    expect(await batch(script)).toMatchObject({ status: 0, out: 'so\n', names: [] });
    const wrong = await batch('echo one\nassert list | where name = c\necho two', { json: true });
    expect(wrong.status).toBe(1);
    expect(wrong.lines.find(({ type }) => type === 'error')).toMatchObject({
      line: 2,
      what: 'not so: list | where name = c',
    });
  });

  it('assert is judged with the script, its places those of the line', async () => {
    for (const [line, place] of [
      ['assert lsit', '2:8'],
      ['assert list | where name = $M', '2:28'],
      ['assert list && list', '2:16'],
      ['assert rename a b', '2:1'],
      ['assert echo x', '2:8'],
      ['assert', '2:7'],
      ['echo; assert \\\n  list && list # more', '3:11'],
    ]) {
      const { status, err } = await batch(`echo one\n${line}`);
      expect(status, line).toBe(2);
      expect(err, line).toContain(`<stdin>:${place}: `);
    }
  });

  it.each([
    [
      'mistakes',
      (at: number) => `${at} words of a log file, which somebody took for a script and piped in here`,
    ],
    ['assertions', (at: number) => `assert list ${'a'.repeat(60)}${at}`],
    ['variables', (at: number) => `set V${at}=x`],
  ])(
    'judges as many %s as a script has lines',
    async (_, lineOf) => {
      const script = Array.from({ length: 9_000 }, (_, at) => lineOf(at)).join('\n');
      const startedAt = performance.now();
      await batch(script, { check: true });
      expect(performance.now() - startedAt).toBeLessThan(8_000);
    },
    60_000,
  );

  it('D.9-44: ends with 130 when interrupted, the rest skipped', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const { status, lines } = await batch('info a\nsleep 10s\ninfo b', { signal: stop.signal, json: true });
    expect(status).toBe(130);
    expect(lines.at(-1)).toMatchObject({ type: 'summary', code: 130, ran: 2, skipped: 1 });
    expect(lines.at(-2)).toMatchObject({ skipped: true, reason: 'interrupted', line: 3 });
  });

  it('notes for --resume what ended well although the signal had come', async () => {
    const stop = new AbortController();
    const noted: string[] = [];
    const journal = {
      done: new Set<string>(),
      add: async (key: string) => void noted.push(key),
      end: async () => {},
    };
    const engine = createFakeEngine({ objects });
    const { rename } = engine.names;
    engine.names.rename = (...given) => {
      stop.abort();
      return rename(...given);
    };
    const { status } = await batch('rename a c\nrename b d', { signal: stop.signal, journal, engine });
    expect([status, noted.length]).toEqual([130, 1]);
  });

  it('does not read standard input, which is the script', async () => {
    expect((await batch('put - --name x')).status).not.toBe(0);
  });
});

describe('--json', () => {
  it('D.9-39: writes one object a line with type and version', async () => {
    const { lines, err, status } = await batch('info a\ninfo nope\ninfo b', { json: true });
    expect(status).toBe(8);
    expect(err).toBe('');
    expect(lines.map(({ type }) => type)).toEqual([
      'start',
      'record',
      'result',
      'start',
      'error',
      'result',
      'result',
      'summary',
    ]);
    for (const line of lines) expect(line.v).toBe(1);
    expect(lines[0]).toMatchObject({ line: 1, cmd: 'info a' });
    expect(lines[1]).toMatchObject({ line: 1, data: { name: 'a', sizeBytes: 1 } });
    expect(lines[2]).toMatchObject({ ok: true, code: 0 });
    expect(lines[4]).toMatchObject({ line: 2, column: 1, code: 'not-found', id: 'DM-8001', exit: 8 });
    expect(lines[6]).toMatchObject({ line: 3, skipped: true, reason: 'failed' });
    expect(lines[7]).toMatchObject({ ok: false, code: 8, ran: 2, failed: 1, skipped: 1 });
  });

  it('D.9-39: tells mistakes as errors with line and column', async () => {
    const { lines } = await batch('info a\nlits', { json: true });
    expect(lines[0]).toMatchObject({
      type: 'error',
      line: 2,
      column: 1,
      code: 'unknown-command',
      exit: 2,
      details: { suggestions: ['list'] },
    });
    expect(lines[1]).toMatchObject({ type: 'summary', ok: false, code: 2, ran: 0 });
  });

  it('gives bytes in base64', async () => {
    const { lines } = await batch('cat b', { json: true });
    const bytes = lines
      .filter(({ type }) => type === 'bytes')
      .map(({ base64 }) => Buffer.from(String(base64), 'base64').toString());
    expect(bytes.join('')).toBe('bb');
  });

  it('D.9-39: keeps control characters out of the stream', async () => {
    const engine = createFakeEngine({ objects: [{ name: 'x\x1b[31m\n\u009b', content: 'x' }] });
    const { out } = await batch('list', { json: true, engine });
    expect(out).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  });
});

describe('failures of the engine', () => {
  it('ends with the status of the error', async () => {
    const engine = createFakeEngine({ fail: { list: new DatameshError('no-peers', { what: 'no peers' }) } });
    expect((await batch('list', { engine })).status).toBe(5);
    const broken = createFakeEngine({ fail: { list: new Error('boom') } });
    expect((await batch('list', { engine: broken })).status).toBe(70);
  });
});
