/** The commands of folders give the same records as one-shot, in a batch, and in the console. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliSetup, cliSetup } from '../support/cli.ts';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';

/** Each is two processes, and others run beside it. */
const SLOW_MS = 60_000;

describe('the commands of folders', { timeout: SLOW_MS }, () => {
  let cli: CliSetup;
  beforeAll(async () => {
    cli = await cliSetup();
    mkdirSync(join(cli.folder, 'notes'));
    writeFileSync(join(cli.folder, 'notes/a.txt'), 'a');
  });
  afterAll(() => cli.close());

  it.each([
    ['snapshots', 0],
    ['snapshots list --tag daily', 0],
    ['snapshots show latest', 0],
    ['snapshots forget --keep-last 1 --dry-run', 0],
    ['snapshots prune --dry-run', 0],
    ['backup notes --dry-run', 0],
    ['backup notes --dry-run --exclude skip-one', 3],
    ['restore latest back --dry-run', 0],
    ['restore latest back --dry-run --path lost', 3],
    ['sync notes --dry-run', 0],
    ['snapshots show ffff', 8],
    ['backup nothing', 8],
  ])('%s', async (line, status) => {
    const words = line.split(' ');
    const oneShot = await cli.run([...words, '--json']);
    expect(oneShot.status, oneShot.stderr).toBe(status);
    const parsed = (text: string) =>
      text
        .split('\n')
        .filter((it) => it !== '')
        .map((it) => JSON.parse(it));
    const records = parsed(oneShot.stdout);

    const batch = await cli.run(['batch', '--json', '--keep-going'], { input: line });
    const inBatch = parsed(batch.stdout).filter(({ type }) => type === 'record');
    expect(inBatch.map(({ data }) => data)).toEqual(records);
    const result = parsed(batch.stdout).find(({ type }) => type === 'result' || type === 'error');
    expect(result.ok === true).toBe(status === 0);

    const console = testHost({ engine: createFakeEngine(), cwd: cli.folder, mode: 'repl' });
    expect(await runLine(console, ...words)).toBe(status);
    expect(JSON.parse(JSON.stringify(console.seen.records))).toEqual(records);
  });
});
