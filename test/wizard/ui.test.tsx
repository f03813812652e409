import { Text, useInput } from 'ink';
import { cleanup, render } from 'ink-testing-library';
import stringWidth from 'string-width';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultConfig } from '../../src/config/fields.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { configOfAnswers } from '../../src/wizard/config-answers.ts';
import type { WizardFacts } from '../../src/wizard/facts.ts';
import { createWizard } from '../../src/wizard/machine.ts';
import { contextOfState } from '../../src/wizard/navigate.ts';
import { reviewRows } from '../../src/wizard/review.ts';
import { SCREENS } from '../../src/wizard/screens.ts';
import type { WizardState } from '../../src/wizard/state.ts';
import { WizardScreen } from '../../src/wizard/ui/wizard-screen.tsx';
import { WizardView } from '../../src/wizard/ui/wizard-view.tsx';
import type { WizardMachine } from '../../src/wizard/wizard-machine.ts';
import { Driver, testFacts, WORDS } from './fixtures.ts';

// The suite runs with NODE_ENV=production, where React has no development runtime; the test transform asks for it.
vi.mock('react/jsx-dev-runtime', async () => {
  const { Fragment, jsx } = await import('react/jsx-runtime');
  return { Fragment, jsxDEV: jsx };
});

afterEach(() => cleanup());

const plain = (frame: string | undefined) => (frame ?? '').replace(/\u001b\[[0-9;]*m/g, '');

function Root({ machine }: { machine: WizardMachine }) {
  useInput((input, key) => machine.key(input, key));
  return <WizardView machine={machine} columns={80} />;
}

/** A wizard on a fake terminal; checks answer at once. */
async function terminal(facts: Partial<WizardFacts> = {}) {
  const machine = createWizard({
    configPath: '/config/datamesh/config.json',
    env: {},
    random: realRandom(),
    facts: testFacts(facts),
    runCheck: async (kind, value) => (kind === 'bootstrap' && value !== '' ? { problem: 'no answer' } : {}),
  });
  const view = render(<Root machine={machine} />);
  const settle = async () => {
    for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  await settle();
  return {
    machine,
    frame: () => plain(view.lastFrame()),
    async press(...chunks: string[]) {
      for (const chunk of chunks) {
        view.stdin.write(chunk);
        await settle();
      }
    },
  };
}

const ENTER = '\r';
const SHIFT_TAB = '\u001b[Z';
const CTRL_B = '\u0002';

describe('the frames at 80 columns', () => {
  const driver = new Driver();
  const frames = new Map<string, string>();
  const draw = () => drawn(80);
  const drawn = (columns: number) =>
    plain(render(<WizardScreen state={driver.state} columns={columns} onText={() => {}} />).lastFrame());
  frames.set('preflight', draw());
  for (let i = 0; i < 60 && driver.state.screen !== 'review'; i++) {
    const { question } = driver.state;
    if (question !== undefined && !frames.has(driver.state.screen)) frames.set(driver.state.screen, draw());
    if (question === 'show-phrase')
      for (const columns of [80, 57, 40, 20]) frames.set(`phrase ${columns}`, drawn(columns));
    driver.enter();
  }
  frames.set('review', draw());
  driver.enter().send({
    type: 'written',
    written: {
      config: configOfAnswers(contextOfState(driver.state)),
      configPath: '/config/datamesh/config.json',
      files: ['/config/datamesh/config.json', '/data/datamesh/device.key'],
      peerId: '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN',
      openConsole: false,
    },
  });
  frames.set('done', draw());
  cleanup();

  it.each(SCREENS.map(({ id }) => id))('%s fits and is as it was', (screen) => {
    const frame = frames.get(screen)!;
    expect(frame).toBeDefined();
    const lines = frame.split('\n');
    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(80);
    expect(lines.length).toBeLessThanOrEqual(24);
    expect(frame).toMatchSnapshot();
  });

  it('numbers the nine screens that ask', () => {
    expect(frames.get('storage')).toContain('3/9 Storage');
    expect(frames.get('review')).toContain('9/9 Review');
  });

  it.each([80, 57, 40, 20])('shows all 24 words, numbered, on %i columns', (columns) => {
    const frame = frames.get(`phrase ${columns}`)!;
    for (const [index, word] of WORDS.entries())
      expect(frame).toMatch(new RegExp(`\\b${index + 1}\\. ${word}\\b`));
  });
});

describe('every screen in a low window', () => {
  const right = ['Node.js', 'terminal', 'clock', 'free disk', 'configuration'].map((label) => ({
    label,
    state: 'ok' as const,
    detail: 'right',
  }));
  const facts = testFacts({
    preflight: [...right, { label: 'write access', state: 'fail', detail: 'denied' }],
  });
  const states: [string, WizardState][] = [];
  const driver = new Driver(facts);
  states.push(['preflight', driver.state]);
  driver.state = { ...driver.state, facts: testFacts() };
  for (let i = 0; i < 60 && driver.state.screen !== 'review'; i++) {
    const { state } = driver;
    if (state.question !== undefined) {
      states.push([state.question, state], [`${state.question}, explained`, { ...state, explain: true }]);
    }
    driver.enter();
  }
  driver.enter().send({
    type: 'written',
    written: {
      config: configOfAnswers(contextOfState(driver.state)),
      configPath: '/config/datamesh/config.json',
      files: ['/config/datamesh/config.json', '/data/datamesh/device.key', '/data/datamesh/keyring.json'],
      peerId: '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN',
      openConsole: false,
    },
  });
  states.push(['done', driver.state]);

  it.each([
    [80, 10],
    [60, 12],
  ])('keeps the name of the screen, what is asked and the keys in %i×%i', (columns, rows) => {
    for (const [name, state] of states) {
      const view = render(<WizardScreen state={state} columns={columns} rows={rows} onText={() => {}} />);
      const text = plain(view.lastFrame());
      view.unmount();
      expect(text.split('\n').length, `${name}\n${text}`).toBeLessThan(rows);
      expect(text, name).toContain('datamesh set-up');
      expect(text, name).toMatch(/Enter (begin|next|open)|any key closes|Leave\?/);
      if (name === 'preflight') expect(text).toContain('✖ write access');
      if (name === 'show-phrase')
        expect(/ 1\. .* 24\. /s.test(text) || text.includes('do not fit'), text).toBe(true);
    }
  });
});

describe('the review in a low window', () => {
  const existing = defaultConfig({ name: 'before', dataDir: '/elsewhere' });
  const address = '/ip4/192.168.1.7/tcp/40871/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN';
  const driver = new Driver(
    testFacts({
      existing: {
        ...existing,
        network: { ...existing.network, bootstrap: [address, address.replace('1.7', '1.8')] },
      },
    }),
  ).toReview();
  const answers = { name: 'other', 'data-dir': '/data/x', quota: '1GiB', zone: 'fra', reserve: '20' };
  const state = { ...driver.state, answers: { ...driver.state.answers, ...answers, access: 'open' } };
  const frame = (columns: number, rows: number, more: Partial<WizardState> = {}) => {
    const view = (
      <WizardScreen state={{ ...state, ...more }} columns={columns} rows={rows} onText={() => {}} />
    );
    const drawn = render(view);
    const text = plain(drawn.lastFrame());
    drawn.unmount();
    return text;
  };

  it.each([
    [80, 24],
    [80, 16],
    [100, 14],
    [40, 24],
    [40, 18],
  ])('fits %i×%i, and shows each line whose number is typed', (columns, rows) => {
    const said = { busy: 'writing', problem: 'the disk is full; make room and write again' };
    for (const more of [{}, { leaving: true }, said])
      expect(frame(columns, rows, more).split('\n').length).toBeLessThan(rows);
    for (const [index, { label }] of reviewRows(contextOfState(state)).entries()) {
      const shown = frame(columns, rows, { command: `e ${index + 1}` });
      expect(shown).toMatch(new RegExp(`\\b${index + 1} ${label} `));
      expect(shown).toMatch(/ (name +other|redundancy +standard|zone +fra|down +unlimited|history +yes) /);
      for (const part of ['9/9 Review', 'Write', 'Quit', 'Enter do it']) expect(shown).toContain(part);
      expect(shown.split('\n').length).toBeLessThan(rows);
    }
  });
});

describe('keys on a terminal', () => {
  it('types into the field; Enter goes on; Ctrl-B and Shift-Tab come back to what was typed', async () => {
    const { press, frame, machine } = await terminal();
    await press(ENTER, 'b', 'e', 't', 'a');
    expect(frame()).toContain('› beta');
    await press(ENTER);
    expect(frame()).toContain('✔ Name of this node: beta');
    await press(CTRL_B);
    expect(frame()).toContain('› beta');
    await press('\u007f', ENTER, SHIFT_TAB);
    expect(machine.getState().answers).toEqual({ name: 'bet' });
    expect(frame()).toContain('› bet');
  });

  it('takes a whole line with its Enter in one chunk, and what was typed ahead', async () => {
    const { press, machine } = await terminal();
    await press(ENTER, 'beta\r/tmp/x\r');
    expect(machine.getState()).toMatchObject({
      question: 'role',
      answers: { name: 'beta', 'data-dir': '/tmp/x' },
    });
  });

  it('takes every Enter of a burst', async () => {
    const { press, machine } = await terminal();
    await press('\r\r\r\r');
    expect(machine.getState().question).toBe('identity');
  });

  it('shows a problem and keeps the text', async () => {
    const { press, frame } = await terminal();
    await press(ENTER, 'Bad Name', ENTER);
    expect(frame()).toContain('✖ use 1 to 63 lower-case letters');
    expect(frame()).toContain('› Bad Name');
  });

  it('"?" explains with flag and variable, any key closes it', async () => {
    const { press, frame, machine } = await terminal();
    await press(ENTER, '?');
    expect(frame()).toContain('DATAMESH_INIT_NAME');
    expect(frame()).toContain('datamesh config set node.name');
    await press('x');
    expect(frame()).not.toContain('DATAMESH_INIT_NAME');
    await press('o', 'k');
    expect(machine.getState().draft).toBe('ok');
  });

  it('clears the line with Ctrl-U, and types from the start again', async () => {
    const { press, machine } = await terminal();
    await press(ENTER, 'wrong', '\u0015', 'ri', 'ght');
    expect(machine.getState().draft).toBe('right');
  });

  it('chooses by arrow, letter and number', async () => {
    const { press, machine } = await terminal();
    await press(ENTER, ENTER, ENTER, '\u001b[B', ENTER);
    expect(machine.getState().answers).toEqual({ role: 'bootstrap' });
    await press('p', ENTER);
    expect(machine.getState().answers).toMatchObject({ identity: 'phrase' });
  });

  it('hides a passphrase', async () => {
    const { press, frame } = await terminal();
    await press(...Array.from({ length: 10 }, () => ENTER));
    expect(frame()).toContain('Passphrase for the keyring');
    // A "?" is part of it.
    expect(frame()).not.toContain('explain');
    await press('hunter2 hunter2');
    expect(frame()).toContain('•••');
    expect(frame()).not.toContain('hunter');
  });

  it('takes a paste, its line end too', async () => {
    const { press, machine } = await terminal();
    await press(ENTER);
    machine.paste('gamma\n');
    await new Promise((resolve) => setImmediate(resolve));
    expect(machine.getState()).toMatchObject({ question: 'data-dir', answers: { name: 'gamma' } });
  });

  it('asks before leaving; the second Ctrl-C leaves, and later keys do nothing', async () => {
    const { press, frame, machine } = await terminal();
    await press(ENTER, '\u0003');
    expect(frame()).toContain('Leave? Nothing has been written');
    await press('n');
    expect(frame()).not.toContain('Leave?');
    await press('\u0003', '\u0003');
    await expect(machine.done).resolves.toEqual({ kind: 'left' });
    const last = machine.getState();
    await press('x', ENTER);
    expect(machine.getState()).toBe(last);
  });

  it('hands on what was typed in one burst after the last key', async () => {
    const { press, machine } = await terminal();
    await press(ENTER, '\u0003');
    await press('ystatus\r');
    await expect(machine.done).resolves.toEqual({ kind: 'left' });
    expect(machine.takeTypedAhead()).toBe('status\r');
    expect(machine.takeTypedAhead()).toBe('');
  });

  it('keeps what is typed while something is checked', async () => {
    let answer: (result: { problem?: string }) => void = () => {};
    const machine = createWizard({
      configPath: '/c/config.json',
      env: {},
      random: realRandom(),
      facts: testFacts(),
      runCheck: () => new Promise((resolve) => (answer = resolve)),
    });
    const tick = () => new Promise((resolve) => setImmediate(resolve));
    for (const _ of [1, 2, 3]) {
      machine.key('', { return: true });
      await tick();
    }
    expect(machine.getState().busy).toBe('checking');
    machine.key('s', {});
    machine.key('', { return: true });
    await tick();
    answer({});
    await tick();
    expect(machine.getState()).toMatchObject({ question: 'identity', answers: { role: 'service' } });
  });
});

it('is drawn by Ink at all', () => {
  expect(plain(render(<Text>ok</Text>).lastFrame())).toBe('ok');
});
