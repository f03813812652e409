import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/commands/command.ts';
import { executeParsed } from '../../src/commands/execute.ts';
import { DatameshError, errorTable } from '../../src/errors.ts';
import { DEFAULT_FLAGS, type GlobalFlags } from '../../src/lang/global-options.ts';
import type { ParsedCommand } from '../../src/lang/types.ts';
import { testHost } from '../support/host.ts';
import { testCommand } from '../support/registry.ts';

function parsed(
  run: Command['run'],
  flags: Partial<GlobalFlags> = {},
  parts: Partial<Command> = {},
): ParsedCommand {
  return {
    command: testCommand({ path: ['x'], needs: 'engine', run, ...parts }),
    values: {},
    options: { ...DEFAULT_FLAGS, ...flags },
    span: { start: 0, end: 1, line: 1, column: 1 },
    text: 'x',
    when: 'always',
    filters: [],
  };
}

describe('executeParsed', () => {
  it.each(errorTable())('$code ends with $exit', async ({ code, exit }) => {
    const host = testHost();
    const status = await executeParsed(
      parsed(async () => {
        throw new DatameshError(code, { what: 'x' });
      }),
      host,
    );
    expect(status).toBe(exit);
    expect(host.seen.errors.map((error) => error.code)).toEqual([code]);
  });

  it.each([
    ['ENOENT', 8],
    ['EACCES', 9],
    ['ENOSPC', 10],
    ['EISDIR', 2],
    ['ENOTDIR', 2],
    ['EEXIST', 6],
    ['EROFS', 9],
    ['EWHATEVER', 70],
  ])('%s of the system ends with %i', async (code, exit) => {
    const run = async () => {
      throw Object.assign(new Error(code), { code, path: '/x' });
    };
    expect(await executeParsed(parsed(run), testHost())).toBe(exit);
  });

  it('shows the rows that came before a failure, and no count of them', async () => {
    const run: Command['run'] = async ({ out }) => {
      out.record({ name: 'a' });
      throw new DatameshError('peer-unreachable', { what: 'x' });
    };
    for (const [kind, shown] of [
      ['json', [{ name: 'a' }]],
      ['count', []],
    ] as const) {
      const host = testHost();
      await executeParsed({ ...parsed(run), filters: [{ kind }] }, host);
      expect(host.seen.records).toEqual(shown);
    }
  });

  it('gives the status that the handler resolves to', async () => {
    expect(
      await executeParsed(
        parsed(async () => 3),
        testHost(),
      ),
    ).toBe(3);
    expect(
      await executeParsed(
        parsed(async () => undefined),
        testHost(),
      ),
    ).toBe(0);
  });

  it('ends with 11 after --timeout, also when the handler does not listen', async () => {
    const deaf = parsed(() => new Promise(() => {}), { timeoutMs: 20 });
    const host = testHost();
    expect(await executeParsed(deaf, host)).toBe(11);
    expect(host.seen.errors[0]?.message).toContain('20 ms');
    const listening = parsed(
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      { timeoutMs: 20 },
    );
    expect(await executeParsed(listening, testHost())).toBe(11);
  });

  it('ends with 130 when the caller stops, and does not start a command after it', async () => {
    const stop = new AbortController();
    stop.abort();
    let ran = false;
    const status = await executeParsed(
      parsed(async () => {
        ran = true;
      }),
      testHost({ signal: stop.signal }),
    );
    expect(status).toBe(130);
    expect(ran).toBe(false);
  });

  it('gives the rows that came before a failure', async () => {
    const host = testHost();
    await executeParsed(
      {
        ...parsed(async ({ out }) => {
          out.record({ a: 1 });
          out.record({ a: 2 });
          throw new DatameshError('failed', { what: 'then it broke' });
        }),
        filters: [{ kind: 'tail', count: 1 }],
      },
      host,
    );
    expect(host.seen.records).toEqual([{ a: 2 }]);
    expect(host.seen.errors).toHaveLength(1);
  });

  it('asks nobody with --yes', async () => {
    const host = testHost();
    const ask = parsed(async ({ confirm }) => ((await confirm('really?')) ? 0 : 1), { yes: true });
    expect(await executeParsed(ask, host)).toBe(0);
    expect(host.questions).toEqual([]);
    expect(
      await executeParsed(
        parsed(async ({ confirm }) => ((await confirm('really?')) ? 0 : 1)),
        host,
      ),
    ).toBe(2);
  });

  it('shows help in place of a run', async () => {
    const host = testHost();
    const status = await executeParsed(
      parsed(
        async () => {
          throw new Error('it ran');
        },
        { help: true },
      ),
      host,
    );
    expect(status).toBe(0);
    expect(host.seen.notes[2]).toBe('Usage: datamesh x');
  });
});
