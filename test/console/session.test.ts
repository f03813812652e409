/** Questions of several commands, and of the console itself, on one keyboard. */
import { afterEach, expect, it } from 'vitest';
import { createRegistry } from '../../src/commands/registry.ts';
import { createSession } from '../../src/console/session.ts';
import type { Session } from '../../src/console/session-contract.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { DatameshError } from '../../src/errors.ts';
import { themeFrom } from '../../src/panels/theme.ts';
import { openHistory } from '../../src/repl/history.ts';
import { keysFromText } from '../../src/repl/keys.ts';
import { createFakeEngine } from '../support/fake-engine.ts';
import { testCommand } from '../support/registry.ts';
import { until } from '../support/until.ts';

let session: Session;
afterEach(() => session.stop(0));

async function opened(more: { fails?: boolean } = {}) {
  const answers: string[] = [];
  const go = new Map(['one', 'two'].map((name) => [name, Promise.withResolvers<void>()]));
  const asker = (name: string) =>
    testCommand({
      path: [name],
      async run({ confirm }) {
        await go.get(name)!.promise;
        answers.push(`${name} ${await confirm(`Destroy ${name}?`)}`);
      },
    });
  const { history } = await openHistory({ path: undefined, session: 'test', profile: 'home' });
  const registry = createRegistry([asker('one'), asker('two')]);
  const none = () => Promise.reject(new DatameshError('not-configured', { what: 'none' }));
  session = createSession({
    clock: realClock(),
    env: {},
    cwd: '/',
    theme: themeFrom({}),
    registry:
      more.fails === true
        ? { ...registry, whole: () => Promise.reject(new Error('a chunk is damaged')) }
        : registry,
    history,
    name: 'alder',
    network: 'home',
    size: { columns: 100, rows: 40 },
    openEngine: async () => ({ engine: createFakeEngine({}), kind: 'embedded' }),
    surroundings: { config: none, configPath: () => '/none', service: async () => undefined },
    complete: async () => ({ start: 0, end: 0, items: [] }) as never,
    screen: { redraw() {}, suspend() {}, edit: async (text) => text, write() {}, mouse() {} },
  });
  session.start();
  await until('the engine is open', () => session.getState().engine.state === 'online');
  const enter = (line: string) => session.keys(keysFromText(`${line}\r`));
  const question = () => session.getState().asking?.question ?? '';
  return { answers, go: (name: string) => go.get(name)!.resolve(), enter, question, history };
}

it('asks one after the other, and none in the place of another', async () => {
  const { answers, go, enter, question } = await opened();
  enter('one &');
  enter('two &');
  go('one');
  await until('one asks', () => question() === 'Destroy one?');
  go('two');
  await new Promise((resolve) => setTimeout(resolve, 30));
  session.keys(keysFromText('n'));
  await until('two asks', () => question() === 'Destroy two?');
  session.keys(keysFromText('y'));
  await until('both are answered', () => answers.length === 2);
  expect(answers).toEqual(['one false', 'two true']);
});

it('lets no command ask in the place of the question whether to leave: its y would be another', async () => {
  const { answers, go, enter, question } = await opened();
  enter('one &');
  session.keys(keysFromText('\u0004'));
  expect(question()).toContain('Leave and stop it?');
  go('one');
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(question()).toContain('Leave and stop it?');
  session.keys(keysFromText('n'));
  await until('one asks', () => question() === 'Destroy one?');
  expect(answers).toEqual([]);
  session.keys(keysFromText('n'));
  await until('one is answered', () => answers[0] === 'one false');
});

it('takes no letter of a line that is being typed for an answer', async () => {
  const { answers, go, enter, question } = await opened();
  enter('one &');
  session.keys(keysFromText('tw'));
  go('one');
  await new Promise((resolve) => setTimeout(resolve, 30));
  session.keys(keysFromText('y'));
  expect([question(), answers, session.getState().prompt.editor.text]).toEqual(['', [], 'twy']);
  session.keys(keysFromText('\u0015'));
  expect(question()).toBe('Destroy one?');
  session.keys(keysFromText('y'));
  await until('one is answered', () => answers[0] === 'one true');
});

it('remembers no line that could not be looked at: nobody knows whether it holds a secret', async () => {
  const { enter, history } = await opened({ fails: true });
  enter('one secret');
  await until('it has failed', () => session.getState().running === undefined);
  expect(history.entries()).toEqual([]);
});
