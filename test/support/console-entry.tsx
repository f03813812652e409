/** Starts the console on a fake engine, for the screen tests. Time stands still unless DATAMESH_TEST_MOVING is set. */

import { consoleOnlyCommands } from '../../src/commands/console/all.ts';
import { createRegistry } from '../../src/commands/registry.ts';
import { runSession } from '../../src/console/open-session.tsx';
import { openTerminal } from '../../src/console/terminal.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { themeFrom } from '../../src/panels/theme.ts';
import { openHistory } from '../../src/repl/history.ts';
import { createFakeEngine, FAKE_START_MS } from './fake-engine.ts';

const env = process.env;
const moving = env['DATAMESH_TEST_MOVING'] !== undefined;
const real = realClock();
const engine = createFakeEngine({});
const started = real.now();
const { history } = await openHistory({ path: undefined, session: 'test', profile: 'test' });
const exit = await runSession(openTerminal(process.stdin, process.stdout), {
  clock: { ...real, now: () => FAKE_START_MS + (moving ? real.now() - started : 0) },
  env,
  cwd: process.cwd(),
  theme: themeFrom(env),
  registry: createRegistry([...consoleOnlyCommands]),
  history,
  name: 'alder',
  network: 'home',
  openEngine: async () => ({ engine, kind: 'embedded' }),
  surroundings: {
    config: () => Promise.reject(new Error('no configuration here')),
    configPath: () => '/nowhere/config.json',
    service: async () => undefined,
  },
  complete: async () => ({ start: 0, end: 0, items: [] }),
});
process.exitCode = exit;
