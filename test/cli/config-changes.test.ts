/** What several processes, and several lines of a script, do to one configuration file. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliSetup, cliSetup } from '../support/cli.ts';

/** Each run is a process of its own, and others run beside it. */
const SLOW_MS = 60_000;

let cli: CliSetup;
beforeAll(async () => {
  cli = await cliSetup({});
});
afterAll(() => cli.close());

describe('changes of the configuration', { timeout: SLOW_MS }, () => {
  it('of several processes at once are all kept', async () => {
    const values = { 'network.zone': 'z', 'network.rack': 'r', 'metrics.port': '9', 'redundancy.k': '5' };
    const more = { 'console.mouse': 'true', 'reads.cacheSeconds': '7', 'cleanup.delayHours': '3' };
    const wanted = Object.entries({ ...values, ...more });
    const runs = await Promise.all(wanted.map(([key, value]) => cli.run(['config', 'set', key, value])));
    expect(runs.map(({ status }) => status)).toEqual(wanted.map(() => 0));
    for (const [key, value] of wanted)
      expect((await cli.run(['config', 'get', key])).stdout).toBe(`${value}\n`);
    for (const [key] of wanted) await cli.run(['config', 'unset', key]);
  });

  it('of several fields at once keep the file before all of them', async () => {
    const path = join(cli.folder, 'config.json');
    const before = await readFile(path, 'utf8');
    expect((await cli.run(['bandwidth', 'limit', '--up', '1MiB/s', '--down', '2MiB/s'])).status).toBe(0);
    expect(await readFile(`${path}.bak`, 'utf8')).toBe(before);
    const limits = { upBytesPerSecond: 2 ** 20, downBytesPerSecond: 2 ** 21 };
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ bandwidth: limits });
    await cli.run(['bandwidth', 'limit', '--up', '0', '--down', '0']);
  });

  it('of one script build on each other', async () => {
    const hours = ['08:00-09:00', '10:00-11:00'];
    const input = hours.map((at) => `bandwidth limit --at ${at} --up 1MiB/s\n`).join('');
    expect((await cli.run(['batch'], { input })).status).toBe(0);
    const { stdout } = await cli.run(['bandwidth', 'limit', '--clear', '--dry-run', '--json']);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const kept = (await cli.run(['config', 'get', 'bandwidth.schedule'])).stdout;
    for (const at of hours) expect(kept).toContain(at);
    await cli.run(['bandwidth', 'limit', '--clear']);
  });
});
