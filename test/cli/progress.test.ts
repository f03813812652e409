import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { jsonProgress, progressLine } from '../../src/cli/progress.ts';
import { type CliSetup, cliSetup } from '../support/cli.ts';

describe('--progress', () => {
  let setup: CliSetup;
  beforeAll(async () => {
    setup = await cliSetup({ delayMs: 150 });
  });
  afterAll(() => setup.close());

  it('json tells on standard error how far it is, with or without --json, and nothing else is told by default', async () => {
    const input = Buffer.alloc(300_000);
    for (const json of [[], ['--json']]) {
      const put = ['put', '-', '--name', 'x', ...json];
      const told = await setup.run([...put, '--progress', 'json'], { input });
      expect(told.status, told.stderr).toBe(0);
      const lines = told.stderr
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines)
        expect(line).toMatchObject({ type: 'progress', label: 'put x', totalBytes: null });
      expect(lines.at(-1).doneBytes).toBeGreaterThan(0);
      expect(told.stdout).not.toContain('progress');
      expect((await setup.run(put, { input })).stderr).not.toContain('progress');
    }
  });
});

describe('the rate of a progress line', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  const totalBytes = 20_000_000_000;

  it('is of what was seen to be done: not of the bytes before it, nor of the time before them', () => {
    const told: { bytesPerSecond: number | null; etaMs: number | null }[] = [];
    const json = jsonProgress((line) => told.push(JSON.parse(line)));
    let drawn = '';
    const line = progressLine(
      (text) => (drawn = text),
      () => 200,
    );
    const both = (label: string, doneBytes: number) => {
      json.update(label, { doneBytes, totalBytes });
      line.update(label, { doneBytes, totalBytes });
    };
    // A passphrase was asked for, and the job that is joined has done half.
    vi.advanceTimersByTime(60_000);
    both('put-1', 10_000_000_000);
    expect(told.at(-1)).toMatchObject({ bytesPerSecond: null, etaMs: null });
    expect(drawn).not.toMatch(/\/s|ETA/);
    vi.advanceTimersByTime(1000);
    both('put-1', 10_001_048_576);
    expect(told.at(-1)!.bytesPerSecond).toBe(1_048_576);
    expect(told.at(-1)!.etaMs).toBeCloseTo((9_998_951_424 / 1_048_576) * 1000, -1);
    expect(drawn).toContain('1.00 MiB/s');
  });

  it('begins anew with other work of the same command', () => {
    const told: { bytesPerSecond: number | null }[] = [];
    const { update } = jsonProgress((line) => told.push(JSON.parse(line)));
    for (const doneBytes of [0, 5_000_000, 1000, 3000]) {
      update('sync docs/', { doneBytes, totalBytes: undefined });
      vi.advanceTimersByTime(1000);
    }
    expect(told.map(({ bytesPerSecond }) => bytesPerSecond)).toEqual([null, 5_000_000, null, 2000]);
  });
});
