/** A sync that goes on: what wakes it, what it outlives, and what ends it. */
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DatameshError } from '../../../../src/errors.ts';
import { runLine, testHost } from '../../../support/host.ts';
import { openSides } from './support.ts';

const sides = openSides();
const { at, write, stored } = sides;
const SOON = { timeout: 10_000 };

describe('a watch', { timeout: 30_000 }, () => {
  const stop: AbortController[] = [];
  afterEach(() => {
    for (const one of stop.splice(0)) one.abort();
  });
  const watch = (...options: string[]) => {
    const end = new AbortController();
    stop.push(end);
    const host = testHost({ engine: sides.engine, signal: end.signal });
    const status = runLine(host, 'sync', at('a'), '--to', 'm', '--watch', ...options);
    return { ...{ host, status }, end: () => end.abort() };
  };

  it('is not woken by the data folder of its node, which each pass changes', async () => {
    write('a/one', '1');
    write('a/own/catalog', '0');
    const status = await sides.engine.status();
    fs.symlinkSync(at('a/own'), at('link'));
    let passes = 0;
    vi.spyOn(sides.engine, 'status').mockResolvedValue({ ...status, dataDir: at('link') });
    const list = sides.engine.list.bind(sides.engine);
    vi.spyOn(sides.engine, 'list').mockImplementation((query) => {
      write('a/own/catalog', `${++passes}`);
      return list(query);
    });
    const { end, status: ended } = watch();
    await vi.waitFor(async () => expect(passes).toBeGreaterThan(0), SOON);
    await sleep(1500);
    expect(passes).toBe(1);
    end();
    expect(await ended).toBe(130);
  });

  it('tells of a pass that failed, and tries again without waiting for a change', async () => {
    write('a/one', '1');
    const { host, end, status } = watch('--interval', '1s');
    await vi.waitFor(async () => expect(await stored()).toEqual(['one']), SOON);
    const gone = new DatameshError('service-not-running', { what: 'the service is not running' });
    vi.spyOn(sides.engine, 'list').mockRejectedValueOnce(gone);
    write('a/two', '2');
    await vi.waitFor(() => expect(host.seen.warnings.join()).toContain('the service is not running'), SOON);
    await vi.waitFor(async () => expect(await stored()).toEqual(['one', 'two']), SOON);
    const full = new DatameshError('too-few-nodes', { what: 'no node takes it' });
    vi.spyOn(sides.engine, 'put').mockRejectedValueOnce(full);
    write('a/three', '3');
    await vi.waitFor(() => expect(host.seen.warnings.join()).toContain('1 of 1 could not be synced'), SOON);
    await vi.waitFor(async () => expect(await stored()).toEqual(['one', 'three', 'two']), SOON);
    end();
    expect(await status).toBe(130);
  });

  it('takes what is there in a folder that is never quiet', async () => {
    write('a/log', '0');
    const { end, status } = watch();
    await vi.waitFor(async () => expect(await stored()).toEqual(['log']), SOON);
    // Until it waits for a change.
    await sleep(1500);
    const writing = setInterval(() => write('a/log', `${Math.random()}`), 50);
    write('a/two', '2');
    await vi
      .waitFor(async () => expect(await stored()).toContain('two'), SOON)
      .finally(() => clearInterval(writing));
    end();
    expect(await status).toBe(130);
  });

  it('ends with the error of its first pass', async () => {
    write('a/one', '1');
    expect(await watch('--pool', 'nope').status).toBe(8);
  });

  it.each([
    ['is gone', () => fs.rmSync(at('a/.datamesh-sync'), { recursive: true, maxRetries: 10 })],
    [
      'lies elsewhere now',
      () => {
        fs.renameSync(at('a'), at('away'));
        fs.mkdirSync(at('a/.datamesh-sync'), { recursive: true });
        write('a/.datamesh-sync/LOCK.guard', '');
      },
    ],
  ])('ends, and deletes nothing, when what it notes %s', async (_how, take) => {
    for (const name of ['one', 'two', 'three']) write(`a/${name}`, name);
    const { host, status } = watch('--bidirectional', '--interval', '1s');
    await vi.waitFor(async () => expect((await stored()).length).toBe(3), SOON);
    // What fails in the first pass ends it as well.
    await vi.waitFor(() => expect(host.seen.notes.join()).toContain('changed, in'), SOON);
    const list = vi.spyOn(sides.engine, 'list');
    await vi.waitFor(() => expect(list).toHaveBeenCalled(), SOON);
    take();
    fs.rmSync(at('a/one'), { force: true });
    expect(await status).toBe(8);
    expect((await stored()).length).toBe(3);
    expect(host.seen.errors[0]).toMatchObject({ mend: expect.stringContaining('datamesh sync') });
  });
});
