import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { firstOutput, type Home, isAlive, jsonLines, makeHome } from '../../support/bin.ts';
import { schemaProblem } from '../../support/schemas.ts';

let home: Home;

beforeEach(() => {
  home = makeHome();
});

afterEach(() => {
  home.remove();
});

/** The demo works in TMPDIR, which is the home's folder here. */
const leftovers = () => readdirSync(home.folder).filter((name) => name.startsWith('datamesh-demo-'));

describe('demo', () => {
  it('stores a file, loses a node, and reads the file back', { timeout: 60_000 }, async () => {
    writeFileSync(`${home.folder}/my file.txt`, 'some text\n'.repeat(50_000));
    const { status, stdout, stderr } = await home.run(
      'demo',
      'my file.txt',
      '--nodes',
      '3',
      '--kill',
      '1',
      '--json',
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const steps = jsonLines(stdout);
    for (const step of steps) expect(schemaProblem('demo', step)).toBeUndefined();
    expect(steps.map((it) => it.step)).toEqual([
      'file',
      'start',
      'meet',
      'put',
      'layout',
      'health',
      'kill',
      'get',
      'compare',
      'health',
    ]);
    const [file, start, , put, , before, kill, get, compare, after] = steps;
    expect(put).toMatchObject({ code: '2+1', spare: 1, by: 'node-1' });
    expect(before).toMatchObject({ objects: 1, ok: 1, silent: [] });
    expect(get).toMatchObject({ bytes: 500_000, blake3: file!.blake3, sha256: file!.sha256 });
    expect(compare).toMatchObject({ identical: true });
    expect(after).toMatchObject({ ok: 0, silent: kill!.killed });
    const pids = (start!.nodes as { pid: number }[]).map((node) => node.pid);
    expect(pids).toHaveLength(3);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(leftovers()).toEqual([]);
  });

  it('tells the truth when too many are killed, and cleans up', { timeout: 60_000 }, async () => {
    const { status, stdout, stderr } = await home.run(
      'demo',
      '--nodes',
      '3',
      '--kill',
      '2',
      '--size',
      '100KiB',
      '--json',
    );
    expect(status).toBe(7);
    expect(jsonLines(stderr)).toMatchObject([{ type: 'error', code: 'shards-missing' }]);
    const start = jsonLines(stdout).find((it) => it.step === 'start')!;
    expect((start.nodes as { pid: number }[]).map((node) => node.pid).filter(isAlive)).toEqual([]);
    expect(leftovers()).toEqual([]);
  });

  it('broken off with Ctrl-C while nodes start, leaves nothing behind', { timeout: 60_000 }, async () => {
    const child = home.spawn('demo', '--nodes', '4', '--size', '1KiB', '--json');
    await firstOutput(child);
    while (!leftovers().some((name) => readdirSync(`${home.folder}/${name}`).includes('node-2'))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
    expect(leftovers()).toEqual([]);
  });

  it.each([
    [['--nodes', '3', '--kill', '3'], 2, 'at most 2 can be killed'],
    [['--nodes', '1'], 2, '--nodes'],
    [['nothing.bin'], 8, 'there is no file'],
    [['.'], 2, 'is a directory'],
  ])('%s is refused before anything starts', async (words, status, text) => {
    const outcome = await home.run('demo', ...words);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toContain(text);
    expect(leftovers()).toEqual([]);
  });
});
