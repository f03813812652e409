/**
 * Starts the console on a fake engine, for the screen tests. Settings come from the environment:
 * DATAMESH_TEST_MOVING: time goes on (else it stands still); _OFFLINE: the engine does not open; _DELAY_MS: each call of it takes this long;
 * _PEERS: how many; _PLAIN: the line REPL; _HISTORY: file of the history; _STALE_MS: how far the clock is ahead of the samples;
 * _KEYS: a keys.json; _CRASH: an exception that nobody catches comes after a while; _OBJECTS, _EVENTS: so many; _BROKEN: this part of each sample is missing; _DIES: samples
 * after which the engine answers no more; _LOOP: SIGUSR2 begins to measure the pauses of this process, which are in $HOME/loop.json at its end.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { allCommands } from '../../src/commands/all.ts';
import { consoleOnlyCommands } from '../../src/commands/console/all.ts';
import { createRegistry } from '../../src/commands/registry.ts';
import { completer } from '../../src/console/completer.ts';
import { readKeysFile } from '../../src/console/keys-file.ts';
import { leanInk } from '../../src/console/lean-ink.ts';
import { runLineRepl } from '../../src/console/line-repl.ts';
import type { SessionStart } from '../../src/console/open-session.tsx';
import { chooseSurface } from '../../src/console/surface.ts';
import { openTerminal } from '../../src/console/terminal.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { DatameshError } from '../../src/errors.ts';
import { themeFrom } from '../../src/panels/theme.ts';
import { openHistory } from '../../src/repl/history.ts';
import { oddEngine } from './console-engine.ts';
import { createFakeEngine, FAKE_START_MS } from './fake-engine.ts';

// As the launcher does it, before Ink is loaded.
leanInk();
const { runSession } = await import('../../src/console/open-session.tsx');
const { env, stdin, stdout } = process;
const setting = (name: string) => env[`DATAMESH_TEST_${name}`];
const moving = setting('MOVING') !== undefined;
const real = realClock();
const startedMs = real.now();
const aheadMs = Number(setting('STALE_MS') ?? 0);
const delay = setting('DELAY_MS');
const fake = createFakeEngine({
  peerCount: Number(setting('PEERS') ?? 18),
  objects: [
    { name: 'photos/2019/archive.tar', content: 'x'.repeat(300_000), tags: ['photos'] },
    { name: 'backup/mail.mbox', content: 'mail' },
    { name: 'notes/plan.txt', content: 'line one\nline two\n' },
  ],
  ...(delay === undefined ? {} : { delayMs: Number(delay) }),
});
const engine = oddEngine(fake, {
  crowd: Number(setting('PEERS') ?? 18) > 1000,
  objects: Number(setting('OBJECTS') ?? 0),
  events: Number(setting('EVENTS') ?? 0),
  broken: setting('BROKEN'),
  diesAfter: Number(setting('DIES') ?? Number.POSITIVE_INFINITY),
});
if (setting('LOOP') !== undefined) measurePauses();
if (moving) {
  let seen = real.now();
  setInterval(() => {
    const now = real.now();
    fake.advance(now - seen);
    seen = now;
  }, 250).unref();
}
const listed = allCommands();
const missing = consoleOnlyCommands.filter((command) => !listed.includes(command));
const registry = createRegistry([...listed, ...missing]);
const own = setting('KEYS');
const { keys, problems } = own === undefined ? { keys: undefined, problems: [] } : await readKeysFile(own);
const { history } = await openHistory({ path: setting('HISTORY'), session: 'test', profile: 'home' });

const start: SessionStart = {
  clock: { ...real, now: () => FAKE_START_MS + aheadMs + (moving ? real.now() - startedMs : 0) },
  env,
  cwd: process.cwd(),
  theme: themeFrom(env),
  registry,
  history,
  ...(keys === undefined ? {} : { keys }),
  welcome: problems,
  name: 'alder',
  network: 'home',
  async openEngine() {
    if (setting('OFFLINE') !== undefined) {
      throw new DatameshError('port-in-use', {
        what: 'port 4001 is in use',
        mend: 'choose another: datamesh config set network.port 0',
      });
    }
    return { engine, kind: 'embedded' };
  },
  surroundings: {
    config: () =>
      Promise.reject(new DatameshError('not-configured', { what: 'there is no configuration in this test' })),
    configPath: () => '/nowhere/config.json',
    service: async () => undefined,
  },
  complete: completer(registry, process.cwd()),
};
if (setting('CRASH') !== undefined) {
  setTimeout(() => {
    throw new Error('boom');
  }, 2500);
}
const surface = chooseSurface({
  stdinIsTty: stdin.isTTY === true,
  stdoutIsTty: stdout.isTTY === true,
  columns: stdout.columns,
  rows: stdout.rows,
  env,
  plain: setting('PLAIN') !== undefined,
});
process.exitCode =
  surface.kind === 'line'
    ? await runLineRepl({ start, note: surface.reason, colour: false })
    : await runSession(openTerminal(stdin, stdout), start);

/** How long the loop stood still at most, from the signal on. The histogram's own timer comes every millisecond. */
function measurePauses(): void {
  const pauses = monitorEventLoopDelay({ resolution: 1 });
  process.on('SIGUSR2', () => {
    pauses.enable();
    pauses.reset();
  });
  process.on('exit', () => {
    const ms = (ns: number) => ns / 1e6;
    const told = {
      p99: ms(pauses.percentile(99)),
      max: ms(pauses.max),
      measures: performance.getEntries().length,
    };
    writeFileSync(join(env.HOME ?? '.', 'loop.json'), JSON.stringify(told));
  });
}
