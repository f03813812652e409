import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { getPriority, hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boundedLog } from '../../../src/commands/node/service-events.ts';
import { follow, lastLines, tailOf } from '../../../src/commands/node/service-log.ts';
import { findService, startService } from '../../../src/commands/node/service-process.ts';
import type { Config } from '../../../src/config/schema.ts';
import { firstOutput, type Home, isAlive, jsonLines, makeHome } from '../../support/bin.ts';

let home: Home;
const pids: number[] = [];

beforeEach(() => {
  home = makeHome();
});

afterEach(() => {
  for (const pid of pids.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  home.remove();
});

async function started(): Promise<number> {
  const { status, stdout, stderr } = await home.run('service', 'start', '--json');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const pid = jsonLines(stdout)[0]?.pid as number;
  pids.push(pid);
  return pid;
}

// Real nodes start here; on a loaded machine each takes some seconds.
describe('in the background', { timeout: 60_000 }, () => {
  it('says that a unit is installed which knows nothing of a node started by hand', async () => {
    const units = `${home.folder}/.config/systemd/user`;
    mkdirSync(units, { recursive: true });
    writeFileSync(`${units}/datamesh.service`, `ExecStart=/n /d service run --data-dir ${home.dataDir}\n`);
    const { status, stdout, stderr } = await home.run('service', 'start');
    pids.push(Number(/^pid\t(\d+)$/m.exec(stdout)![1]));
    expect(status).toBe(0);
    if (process.platform === 'linux')
      expect(stderr).toContain('datamesh service stop && systemctl --user start datamesh.service');
  });

  it('starts, answers, refuses a second one, tells its log, and stops', async () => {
    const pid = await started();
    expect(statSync(home.dataDir).mode & 0o777).toBe(0o700);
    expect(statSync(`${home.dataDir}/service.log`).mode & 0o777).toBe(0o600);

    const again = await home.run('service', 'start', '--json');
    expect(again.status).toBe(0);
    expect(jsonLines(again.stdout)[0]).toMatchObject({ state: 'running', pid, name: 'alder' });

    const second = await home.run('service', 'run');
    expect(second.status).toBe(6);
    expect(second.stderr).toContain(`error[DM-6003]: the service runs already as process ${pid}`);

    const state = await home.run('service', 'status', '--json');
    expect(state.status).toBe(0);
    expect(jsonLines(state.stdout)[0]).toMatchObject({ state: 'running', pid, peersConnected: 0 });

    const logs = await home.run('service', 'logs', '-n', '100');
    expect(logs.stderr).toBe('');
    expect(logs.stdout).toContain(`alder runs as process ${pid}, listening at /ip4/127.0.0.1/tcp/`);

    const stopped = await home.run('service', 'stop', '--json');
    expect(stopped.status).toBe(0);
    expect(jsonLines(stopped.stdout)[0]).toMatchObject({ state: 'stopped', pid });
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(`${home.dataDir}/control.sock`)).toBe(false);
    const after = await home.run('service', 'logs');
    expect(after.stdout.trimEnd().split('\n').at(-1)).toContain('service: stopped');
  });

  it('can be seen and stopped whatever the configuration says', async () => {
    const pid = await started();
    const text = readFileSync(home.configPath, 'utf8');
    const wrong = [text.replace('{', '{,'), text.replace('"k":', '"kk":'), '', undefined];
    for (const broken of wrong) {
      if (broken === undefined) rmSync(home.configPath);
      else writeFileSync(home.configPath, broken);
      const named = broken === '' || broken === undefined ? ['--data-dir', home.dataDir] : [];
      const state = await home.run('service', 'status', '--json', ...named);
      expect({ broken, ...state, found: jsonLines(state.stdout)[0] }).toMatchObject({
        status: 0,
        found: { state: 'running', pid },
        stderr: expect.stringContaining(`was taken to be ${home.dataDir}`),
      });
      expect((await home.run('service', 'logs', ...named)).stdout).toContain(`as process ${pid}`);
    }
    expect((await home.run('service', 'stop', '--data-dir', home.dataDir)).status).toBe(0);
    expect(isAlive(pid)).toBe(false);
    // That none runs there says nothing of a service elsewhere.
    expect((await home.run('service', 'stop', '--data-dir', home.dataDir)).status).toBe(4);
  });

  it.skipIf(process.platform !== 'linux')(
    'lets other programs go first, with every thread, unless told otherwise',
    async () => {
      const own = getPriority();
      // Later threads, as the codec's, take it from the one that starts them; a few were there before.
      const nicesOf = (pid: number) => readdirSync(`/proc/${pid}/task`).map((id) => getPriority(Number(id)));
      const pid = await started();
      // It does so when it runs, which is a moment after it answers.
      await expect
        .poll(() => new Set(nicesOf(pid)), { timeout: 10_000 })
        .toEqual(new Set([Math.max(own, 10)]));
      expect((await home.run('service', 'stop')).status).toBe(0);

      expect((await home.run('config', 'set', 'node.priority', 'normal')).status).toBe(0);
      expect(new Set(nicesOf(await started()))).toEqual(new Set([own]));
    },
  );

  it('starts again after it was killed', async () => {
    const pid = await started();
    process.kill(pid, 'SIGKILL');
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
    const state = await home.run('service', 'status', '--json');
    expect(state.status).toBe(5);
    expect(jsonLines(state.stdout)[0]).toMatchObject({ state: 'stopped' });
    const next = await started();
    expect(next).not.toBe(pid);
    expect((await home.run('service', 'stop')).status).toBe(0);
  });

  it('two starts at once are one service, and both end well', async () => {
    const both = await Promise.all([
      home.run('service', 'start', '--json'),
      home.run('service', 'start', '--json'),
    ]);
    const found = both.map(({ stdout }) => jsonLines(stdout)[0]?.pid as number);
    pids.push(...found.filter((pid) => pid !== undefined));
    expect(both.map(({ status, stderr }) => ({ status, stderr }))).toEqual([
      { status: 0, stderr: '' },
      { status: 0, stderr: '' },
    ]);
    expect(found[0]).toBe(found[1]);
  });

  it('is left to what it is at when it does not answer in time', async () => {
    const request = {
      ...{ dataDir: home.dataDir, configPath: home.configPath, env: process.env, passphrase: undefined },
      signal: new AbortController().signal,
      onSpawn: (child: ChildProcess) => pids.push(child.pid!),
    };
    await expect(startService({ ...request, answerWithinMs: 1 })).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('left running'),
    });
    await expect
      .poll(async () => (await findService(home.dataDir)).state, { timeout: 30_000 })
      .toBe('running');
    await expect(startService({ ...request, tied: true, answerWithinMs: 1 })).rejects.toMatchObject({
      code: 'timeout',
    });
    await expect.poll(() => isAlive(pids.at(-1)!)).toBe(false);
  });

  it('says why it could not start', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const busy = makeHome((config: Config) => {
      config.network.port = port;
    });
    const outcome = await busy.run('service', 'start');
    taken.close();
    busy.remove();
    expect(outcome.stderr).toMatch(/^error\[DM-5005\]: the service did not start: .*\b\d+\b/);
    expect(outcome.status).toBe(5);
  });

  it('does not run: status says so, stop has nothing to do, and a LOCK left behind kills nobody', async () => {
    expect((await home.run('service', 'status')).status).toBe(5);
    const nothing = await home.run('service', 'stop', '--json');
    expect(nothing.status).toBe(0);
    expect(jsonLines(nothing.stdout)[0]).toMatchObject({ state: 'stopped' });
    // As a killed node leaves it, its number since given to another process: this one.
    const holder = { pid: process.pid, host: hostname(), startedAtMs: Date.now() };
    writeFileSync(`${home.dataDir}/LOCK`, JSON.stringify(holder), { mode: 0o600 });
    expect((await home.run('service', 'stop')).status).toBe(0);
  });
});

describe('in the foreground', { timeout: 60_000 }, () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with status 0', async (signal) => {
    const child = home.spawn('service', '--json');
    pids.push(child.pid!);
    // Events come as they happen, those of the opening first.
    let told = '';
    child.stdout!.on('data', (part) => (told += part));
    await firstOutput(child);
    const runs = () =>
      jsonLines(told.slice(0, told.lastIndexOf('\n') + 1)).find(({ source }) => source === 'service');
    while (runs() === undefined) await once(child.stdout!, 'data');
    expect(runs()).toMatchObject({ level: 'info', text: expect.stringContaining(`process ${child.pid}`) });
    if (process.platform === 'linux') {
      writeFileSync(`${home.dataDir}/service.log`, 'stopped\n');
      const { stdout, stderr } = await home.run('service', 'logs');
      expect(stdout).toBe('stopped\n');
      expect(stderr).toMatch(new RegExp(`process ${child.pid}.* elsewhere.*journalctl`));
    }
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(existsSync(`${home.dataDir}/LOCK`)).toBe(false);
  });
});

describe('the log', () => {
  const path = () => `${home.folder}/log`;

  it('gives whole last lines', async () => {
    expect(await tailOf(path(), 5)).toEqual({ lines: [], position: 0 });
    writeFileSync(path(), 'one\ntwo\nthree\nhal');
    expect(await tailOf(path(), 2)).toEqual({ lines: ['two', 'three'], position: 14 });
    expect((await tailOf(path(), 0)).lines).toEqual([]);
    expect((await tailOf(path(), 9, 4)).lines).toEqual(['two', 'three']);
    writeFileSync(path(), `${'x'.repeat(70)}\n`.repeat(20_000));
    const { lines } = await tailOf(path(), 30_000);
    expect(new Set(lines.map((line) => line.length))).toEqual(new Set([70]));
    expect(lines).toHaveLength(20_000);
  });

  it('goes back to what was put aside, where it has fewer lines than are wanted', async () => {
    writeFileSync(path(), 'six\n');
    writeFileSync(`${path()}.1`, 'four\nfive\n');
    writeFileSync(`${path()}.2`, 'one\ntwo\nthree\n');
    expect(await lastLines(path(), 5)).toMatchObject({
      lines: ['two', 'three', 'four', 'five', 'six'],
      position: 4,
    });
    expect((await lastLines(path(), 1)).lines).toEqual(['six']);
    expect((await lastLines(path(), 100)).lines).toHaveLength(6);
    expect(await lastLines(path(), 0)).toMatchObject({ lines: [], position: 4 });
  });

  it('is followed without a gap or a line twice while logs are put aside, however many between two looks', async () => {
    const descriptor = openSync(path(), 'a+', 0o600);
    const log = boundedLog(path(), descriptor, 400);
    const line = (at: number) => String(at).padStart(49, '.');
    for (let at = 0; at < 5; at++) log.write(`${line(at)}\n`);
    const { position, aside } = await lastLines(path(), 0);
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const found of follow(path(), position, stop.signal, aside)) seen.push(found);
    })();
    for (let at = 5; at < 65; at += 20) {
      for (let next = at; next < at + 20; next++) log.write(`${line(next)}\n`);
      await expect.poll(() => seen.at(-1), { timeout: 5000 }).toBe(line(at + 19));
    }
    for (const older of readdirSync(home.folder).filter((name) => /\.log\.\d/.test(name)))
      rmSync(`${home.folder}/${older}`);
    for (let at = 65; at < 70; at++) log.write(`${line(at)}\n`);
    await expect.poll(() => seen.at(-1), { timeout: 5000 }).toBe(line(69));
    stop.abort();
    await following;
    closeSync(descriptor);
    expect(seen).toEqual(Array.from({ length: 65 }, (_, at) => line(at + 5)));
  });

  it('is followed, over a half line and a new beginning', async () => {
    writeFileSync(path(), 'old\n');
    const stop = new AbortController();
    const lines = follow(path(), 4, stop.signal);
    const first = lines.next();
    appendFileSync(path(), 'new\nhal');
    expect(await first).toEqual({ done: false, value: 'new' });
    const second = lines.next();
    appendFileSync(path(), 'f\n');
    expect(await second).toEqual({ done: false, value: 'half' });
    const third = lines.next();
    writeFileSync(path(), 'fresh\n');
    expect(await third).toEqual({ done: false, value: 'fresh' });
    const last = lines.next();
    stop.abort();
    expect(await last).toEqual({ done: true, value: undefined });
  });
});
