/** A running service takes up its configuration: by `config set`, by `bandwidth limit`, by SIGHUP. Its log, and its figures, as a user has them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/schema.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { openKeyring } from '../../../src/engine/keys/keyring.ts';
import { type Home, isAlive, jsonLines, makeHome } from '../../support/bin.ts';
import { readExposition } from '../../support/prometheus.ts';

const SLOW_MS = 90_000;
let home: Home;
let pid = 0;
afterEach(() => {
  if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL');
  pid = 0;
  home.remove();
});

async function start(change: (config: Config) => void = () => undefined): Promise<void> {
  home = makeHome(change);
  const { status, stdout, stderr } = await home.run('service', 'start', '--json');
  expect(status, stderr).toBe(0);
  pid = jsonLines(stdout)[0]!.pid as number;
}
const log = () => readFileSync(`${home.dataDir}/service.log`, 'utf8');

async function until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!(await is())) {
    expect(performance.now(), `${what}\n${log()}`).toBeLessThan(endMs);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('a running service', { timeout: SLOW_MS }, () => {
  it('takes up what it can at once, and says what waits for a restart', async () => {
    await start();
    const capOf = async () =>
      jsonLines((await home.run('bandwidth', '--json')).stdout).find(({ name }) => name === 'up')
        ?.capBytesPerSecond;
    expect(await capOf()).toBeNull();
    const set = await home.run('config', 'set', 'bandwidth.upBytesPerSecond', '3MiB/s');
    expect([set.status, set.stderr + set.stdout]).toEqual([
      0,
      expect.stringContaining('the running node has taken up bandwidth.upBytesPerSecond'),
    ]);
    expect(await capOf()).toBe(3 * 2 ** 20);
    const waits = await home.run('config', 'set', 'node.name', 'birch');
    expect(waits.stderr + waits.stdout).toContain('when it is started again');
    // All day, so that it holds now, whatever the hour.
    const limit = await home.run('bandwidth', 'limit', '--at', '00:00-00:00', '--up', '1MiB/s', '--json');
    expect(jsonLines(limit.stdout)).toEqual([
      { hours: '00:00-00:00', up: '1MiB/s', down: '0' },
      { hours: 'otherwise', up: '3 MiB/s', down: '0' },
    ]);
    expect(await capOf()).toBe(2 ** 20);
    await home.run('bandwidth', 'limit', '--clear');
    expect(await capOf()).toBe(3 * 2 ** 20);

    // By hand, and a signal as services take it.
    const file = JSON.parse(readFileSync(home.configPath, 'utf8'));
    file.bandwidth.upBytesPerSecond = 5 * 2 ** 20;
    file.observe.logLevel = 'debug';
    writeFileSync(home.configPath, JSON.stringify(file));
    process.kill(pid, 'SIGHUP');
    await until('the signal is taken', () =>
      log().includes('taken up: bandwidth.upBytesPerSecond, observe.logLevel'),
    );
    expect(log()).toContain('waiting for a restart: node.name');
    expect(await capOf()).toBe(5 * 2 ** 20);
    // One that is wrong changes nothing.
    writeFileSync(home.configPath, '{"version":1,"bandwidth":{"upBytesPerSecond":-1}}');
    process.kill(pid, 'SIGHUP');
    await until('the fault is told', () => /"level":"error".*was not taken up/.test(log()));
    expect(isAlive(pid)).toBe(true);
  });

  it('logs JSON lines from the level that was asked for, gives its figures', async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    await start((config) => {
      config.metrics.port = port;
    });
    const scraped = readExposition(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
    expect(scraped.sum('datamesh_uptime_seconds')).toBeGreaterThan(0);
    expect(scraped.sum('datamesh_node_info')).toBe(1);
    // The file by which the first sync is made is the node's own.
    const exported = readExposition((await home.run('metrics', '--export', 'prometheus')).stdout);
    expect(exported.sum('datamesh_uptime_seconds')).toBeGreaterThanOrEqual(
      scraped.sum('datamesh_uptime_seconds'),
    );
    const found = jsonLines((await home.run('doctor', '--json')).stdout);
    expect(found.find(({ check }) => check === 'metrics port')).toMatchObject({ state: 'ok' });
    const lines = log()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>);
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) {
      expect(line).toEqual({
        level: expect.stringMatching(/^(info|warn|error)$/),
        node: 'alder',
        time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/),
        source: expect.any(String),
        msg: expect.any(String),
      });
    }
    expect((await home.run('service', 'stop')).status).toBe(0);
    const quiet = await home.run('service', 'start', '--log-level', 'error', '--json');
    pid = jsonLines(quiet.stdout)[0]!.pid as number;
    const before = log();
    expect((await home.run('service', 'stop')).status).toBe(0);
    expect(log()).toBe(before);
  });

  it('keeps secrets out of its log and its figures, at any level', async () => {
    home = makeHome();
    const passphrase = 'correct horse battery staple';
    const passFile = `${home.folder}/pass`;
    writeFileSync(passFile, passphrase, { mode: 0o600 });
    const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };
    const path = `${home.dataDir}/keyring.json`;
    const { phrase } = await (await openKeyring(effects, path, passphrase)).create('main');
    writeFileSync(`${home.folder}/tax-2026.txt`, 'what nobody else shall read\n'.repeat(1000));
    const args = ['--passphrase-file', passFile];
    const started = await home.run('service', 'start', '--log-level', 'debug', '--json', ...args);
    expect(started.status, started.stderr).toBe(0);
    pid = jsonLines(started.stdout)[0]!.pid as number;
    const put = await home.run('put', 'tax-2026.txt', '--code', '1+1', '--allow-degraded');
    expect(put.status, put.stderr).toBe(3);
    expect((await home.run('cat', 'tax-2026.txt')).stdout).toContain('what nobody else');
    const figures = (await home.run('metrics', '--export', 'prometheus')).stdout;
    expect(readExposition(figures).sum('datamesh_puts_total')).toBeGreaterThan(0);
    expect((await home.run('service', 'stop')).status).toBe(0);
    const told = log() + figures;
    expect(told).toContain('datamesh_gets_total');
    const words = phrase.split(' ');
    for (const secret of [passphrase, phrase, words.slice(0, 3).join(' '), 'what nobody else', 'tax-2026'])
      expect(told.includes(secret), secret).toBe(false);
  });
});
