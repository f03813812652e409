import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LESSONS } from '../../../src/commands/start/tutorial/lessons.ts';
import { parse } from '../../../src/lang/parser.ts';
import { type Home, jsonLines, makeHome } from '../../support/bin.ts';
import { realRegistry } from '../../support/registry.ts';

let home: Home;
beforeEach(() => {
  home = makeHome();
});
afterEach(() => home.remove());

describe('tutorial', { timeout: 120_000 }, () => {
  it('has lessons that are commands', () => {
    for (const { line } of LESSONS)
      expect(parse(line, { registry: realRegistry() }).diagnostics, line).toEqual([]);
  });

  it('runs each of its commands on real nodes, and leaves nothing behind', async () => {
    const { status, stdout, stderr } = await home.run('tutorial', '--yes', '--json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const lessons = jsonLines(stdout) as {
      line: string;
      status: number;
      records: Record<string, unknown>[];
    }[];
    expect(lessons.map(({ line }) => line)).toEqual(LESSONS.map(({ line }) => line));
    const of = (line: string) =>
      lessons.filter((lesson) => lesson.line === line).map(({ records }) => records);
    expect(of('peers')[0]).toHaveLength(3);
    expect(of('versions docs/notes.txt')[0]).toHaveLength(2);
    const [before, after] = of('health').map(([record]) => record!);
    expect(before).toMatchObject({ objects: 2, ok: 2 });
    expect(after!.silent).toBe(1);
    expect(after!.lost).toBe(0);
    expect(readdirSync(home.folder).filter((name) => name.startsWith('datamesh-demo-'))).toEqual([]);
  });

  it('asks before each step, and off a terminal says that it cannot', async () => {
    const { status, stderr } = await home.run('tutorial');
    expect(status).toBe(2);
    expect(stderr).toContain('add --yes');
    expect(readdirSync(home.folder).filter((name) => name.startsWith('datamesh-demo-'))).toEqual([]);
  });
});
