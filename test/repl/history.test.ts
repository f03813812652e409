import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { historyPath, isStorable, MAX_ENTRIES, openHistory } from '../../src/repl/history.ts';
import { continuation, searchHistory } from '../../src/repl/history-search.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dm-history-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const outcome = { atMs: 1, exit: 0, ms: 5, sensitive: false };
const opened = async (session = 's1') =>
  (await openHistory({ path: join(folder, 'state/history.jsonl'), session, profile: 'main' })).history;

describe('history', () => {
  it('keeps lines in a file that only the owner reads', async () => {
    const history = await opened();
    await history.add('status', outcome);
    await history.add('list', { ...outcome, exit: 5 });
    expect(statSync(join(folder, 'state/history.jsonl')).mode & 0o777).toBe(0o600);
    const again = await opened('s2');
    expect(again.entries().map(({ cmd, exit, session }) => [cmd, exit, session])).toEqual([
      ['status', 0, 's1'],
      ['list', 5, 's1'],
    ]);
  });

  it('folds repetitions and leaves secrets out', async () => {
    const history = await opened();
    await history.add('status', outcome);
    await history.add('status', outcome);
    await history.add(' list', outcome);
    await history.add('keys import', { ...outcome, sensitive: true });
    await history.add('init --passphrase-file=/x', outcome);
    expect(history.entries().map((entry) => entry.cmd)).toEqual(['status']);
    expect(isStorable('put a --token abc', false)).toBe(false);
    expect(isStorable('imprt datamesh://00ff#c2VjcmV0', false)).toBe(false);
    expect(isStorable('share-info datamesh://00ff', false)).toBe(true);
    expect(isStorable(`keys imprt main ${'abandon '.repeat(23)}art`, false)).toBe(false);
    expect(isStorable('put one two three four --tags summer,house --pool safe', false)).toBe(true);
  });

  it('loses nothing when two consoles write', async () => {
    const [one, two] = [await opened('s1'), await opened('s2')];
    for (let at = 0; at < 20; at++)
      await Promise.all([one.add(`put ${at}`, outcome), two.add(`get ${at}`, outcome)]);
    expect((await opened('s3')).entries()).toHaveLength(40);
  });

  it('skips a damaged line and holds its limit', async () => {
    const path = join(folder, 'state/history.jsonl');
    await opened();
    const line = (at: number) =>
      `${JSON.stringify({ t: at, session: 's', profile: 'p', cmd: `put ${at}` })}\n`;
    writeFileSync(path, Array.from({ length: MAX_ENTRIES + 1500 }, (_, at) => line(at)).join(''));
    appendFileSync(path, '{"t":1,"cm');
    const history = await opened();
    expect(history.entries()).toHaveLength(MAX_ENTRIES);
    expect(history.entries().at(-1)?.cmd).toBe(`put ${MAX_ENTRIES + 1499}`);
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(MAX_ENTRIES + 1);
  });

  it('clears memory and file', async () => {
    const history = await opened();
    await history.add('status', outcome);
    await history.clear();
    expect((await opened()).entries()).toEqual([]);
  });

  it('goes on without a file when there can be none', async () => {
    writeFileSync(join(folder, 'state'), 'a file where a folder should be');
    const { history, problem } = await openHistory({
      path: join(folder, 'state/history.jsonl'),
      session: 's',
      profile: 'p',
    });
    expect(problem).toContain('history is not kept');
    await history.add('status', outcome);
    expect(history.entries()).toHaveLength(1);
  });

  it('lies in the state folder', () => {
    expect(historyPath({ XDG_STATE_HOME: '/state' })).toBe('/state/datamesh/history.jsonl');
    expect(historyPath({ XDG_STATE_HOME: 'relative', HOME: '/h' })).toBe(
      '/h/.local/state/datamesh/history.jsonl',
    );
  });
});

describe('history search', () => {
  const entry = (cmd: string, session: string) => ({ t: 0, session, profile: '', cmd });
  const entries = [
    entry('peers ls', 'old'),
    entry('put report.pdf', 'old'),
    entry('list', 'now'),
    entry('put x', 'now'),
    entry('list', 'now'),
  ];

  it('has each command once, newest first, this session first', () => {
    expect(searchHistory(entries, '', 'now', 'all')).toEqual(['list', 'put x', 'put report.pdf', 'peers ls']);
    expect(searchHistory(entries, 'p', 'now', 'session')).toEqual(['put x']);
  });

  it('finds letters in order, after what contains them', () => {
    expect(searchHistory(entries, 'prp', 'now', 'all')).toEqual(['put report.pdf']);
    expect(searchHistory(entries, 'ls', 'now', 'all')).toEqual(['peers ls', 'list']);
    expect(searchHistory(entries, 'zz', 'now', 'all')).toEqual([]);
  });

  it('continues what was typed with the newest line', () => {
    expect(continuation(entries, 'put')).toBe('put x');
    expect(continuation(entries, 'put x')).toBeUndefined();
    expect(continuation(entries, '')).toBeUndefined();
  });
});
