import { describe, expect, it } from 'vitest';
import type { BatchOptions } from '../../src/batch/batch.ts';
import { humanReporter, jsonReporter } from '../../src/batch/reporter.ts';
import { runStream } from '../../src/batch/stream.ts';
import { DEFAULT_FLAGS } from '../../src/lang/global-options.ts';
import { createFakeEngine } from '../support/fake-engine.ts';
import { testHost } from '../support/host.ts';
import { realRegistry } from '../support/registry.ts';
import { schemaProblem } from '../support/schemas.ts';

const engine = () => createFakeEngine({ objects: [{ name: 'a', content: 'a' }] });

async function stream(
  chunks: AsyncIterable<string | Uint8Array> | readonly (string | Uint8Array)[],
  more: Partial<BatchOptions> & { signal?: AbortSignal } = {},
) {
  let out = '';
  const sink = {
    out: (text: string) => {
      out += text;
    },
    err: () => {},
    drained: async () => {},
  };
  const source = (async function* () {
    for await (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  })();
  const host = testHost({ engine: engine(), mode: 'batch', ...(more.signal ? { signal: more.signal } : {}) });
  const status = await runStream(source, host, {
    registry: realRegistry(),
    flags: DEFAULT_FLAGS,
    variables: {},
    env: {},
    file: '<stdin>',
    check: false,
    keepGoing: false,
    reporter: jsonReporter(sink),
    now: () => 0,
    ...more,
  });
  const lines = out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  for (const line of lines) expect(schemaProblem('batch', line)).toBeUndefined();
  return { status, lines, seen: () => out };
}

describe('batch --stream', () => {
  it('runs each line when it has come, whatever the pieces are', async () => {
    const { status, lines } = await stream([
      'echo o',
      'ne\necho two\r\n\n# a comment\necho "th',
      'ree\nfour"\necho five',
    ]);
    expect(status).toBe(0);
    expect(lines.filter(({ type }) => type === 'note').map(({ line, text }) => [line, text])).toEqual([
      [1, 'one'],
      [2, 'two'],
      [5, 'three\nfour'],
      [7, 'five'],
    ]);
  });

  it('answers before the next line comes', async () => {
    let told: (() => string) | undefined;
    const lines: string[] = [];
    const source = (async function* () {
      yield 'echo one\n';
      await new Promise((resolve) => setTimeout(resolve, 20));
      lines.push(told?.() ?? '');
      yield 'echo two\n';
    })();
    let out = '';
    const sink = { out: (text: string) => void (out += text), err: () => {}, drained: async () => {} };
    told = () => out;
    await stream(source, { reporter: jsonReporter(sink) });
    expect(lines[0]).toContain('"one"');
    expect(lines[0]).not.toContain('"two"');
  });

  it('keeps variables, conditions within a line, and on-error', async () => {
    const { status, lines } = await stream([
      'set X=value\n',
      'echo $X\n',
      'info missing || echo none\n',
      'on-error continue\n',
      'info missing\n',
      'echo still\n',
    ]);
    expect(status).toBe(3);
    expect(lines.filter(({ type }) => type === 'note').map(({ text }) => text)).toEqual([
      'value',
      'none',
      'still',
    ]);
  });

  it.each([
    ['list --srot size\n', 2],
    ['info missing\n', 8],
    ["echo 'open", 2],
  ])('ends at %j with %d', async (wrong, status) => {
    const ended = await stream([`echo one\n${wrong}`, '\necho two\n'].slice(0, wrong.endsWith('\n') ? 2 : 1));
    expect(ended.status).toBe(status);
    expect(ended.lines.some(({ text }) => text === 'two')).toBe(false);
    expect(ended.lines.find(({ type }) => type === 'error')).toMatchObject({ line: 2 });
  });

  it('tells a person that the wrong line was not run, and not that nothing was', async () => {
    let told = '';
    const tell = (text: string) => void (told += text);
    const sink = { out: tell, err: tell, drained: async () => {} };
    const output = () => ({ ...testHost().output({} as never), note: tell });
    const reporter = humanReporter(sink, { echo: false, quiet: false, file: '<stdin>', output });
    const script = ['echo one\n', 'foo bar\n', 'list --srot size\n', "echo 'open"];
    expect((await stream(script, { reporter, keepGoing: true })).status).toBe(2);
    expect(told).toContain('one');
    expect(told.match(/1 mistake; this line was not run/g)).toHaveLength(3);
    expect(told).not.toContain('nothing was run');
    expect(told).toContain('3 commands failed');
  });

  it('ends with 130 when it is interrupted while it waits for a line', async () => {
    const stop = new AbortController();
    const source = (async function* () {
      yield 'echo one\n';
      stop.abort();
      await new Promise(() => {});
    })();
    expect((await stream(source, { signal: stop.signal })).status).toBe(130);
  });

  it('takes as long for a line after many as for the first, and lets go of what it has read', async () => {
    const hundredsMs: number[] = [];
    const many = (async function* () {
      let startedAt = performance.now();
      for (let i = 1; i <= 3000; i++) {
        yield `${'#\n'.repeat(20)}# ${'x'.repeat(60_000)}\n`;
        if (i % 100 > 0) continue;
        await new Promise((resolve) => setImmediate(resolve));
        hundredsMs.push(performance.now() - startedAt);
        startedAt = performance.now();
      }
      yield 'echo one; nonsense\n';
    })();
    const middle = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
    const before = process.memoryUsage().arrayBuffers;
    const { lines } = await stream(many);
    expect(lines[0]).toMatchObject({ type: 'error', line: 63_001, column: 11 });
    // Were each to look through all before it, the last ten hundreds would take five times as long as the first.
    expect(middle(hundredsMs.slice(-10)) / middle(hundredsMs.slice(0, 10))).toBeLessThan(3);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100e6);
  }, 60_000);

  it.each([
    ['a line without end', 'x'.repeat(70_000), 'input-too-large', 1],
    ['a NUL byte', 'echo \0', 'syntax', 6],
    ['bytes that are no UTF-8', Buffer.from('6563686f20ff', 'hex'), 'syntax', 6],
  ])(
    'tells of %s where it stands, with a summary, and goes on where it is to',
    async (_, wrong, code, column) => {
      const script = ['echo one\n', wrong, '\necho two\n'];
      const error = expect.objectContaining({ type: 'error', code, line: 2, column });
      const ended = await stream(script);
      expect(ended.status).toBe(2);
      expect(ended.lines).toContainEqual(error);
      expect(ended.lines.at(-1)).toMatchObject({ type: 'summary', code: 2, ran: 1, failed: 1 });
      const gone = await stream(script, { keepGoing: true });
      expect(gone.lines).toContainEqual(error);
      expect(gone.lines.find(({ text }) => text === 'two')).toMatchObject({ line: 3 });
      expect(gone.lines.at(-1)).toMatchObject({ type: 'summary', code: 3, ran: 2, failed: 1 });
    },
  );

  it('reads no further in a line without end', async () => {
    const endless = (async function* () {
      for (;;) yield 'x'.repeat(10_000);
    })();
    expect((await stream(endless)).lines).toMatchObject([{ code: 'input-too-large' }, { type: 'summary' }]);
  });
});
