/** The wizard in a terminal: what a person who changes their mind, errs, leaves or resizes sees, and what is on disk afterwards. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Pty, ptyScript } from '../support/pty.ts';
import { throughTheWizard } from './wizard-walk.ts';

const ENTRY = resolve(import.meta.dirname, '../wizard/init-entry.ts');
const open: Pty[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((pty) => pty.close()));
});

function init(home?: Pty): Pty {
  const env = home === undefined ? {} : homeOf(home);
  const pty = ptyScript(ENTRY, ['init', '--quota', '10MiB'], { columns: 100, rows: 32, env });
  open.push(pty);
  return pty;
}

/** The second run of a person finds what the first one left. */
function homeOf({ home }: Pty): Record<string, string> {
  return {
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_STATE_HOME: join(home, 'state'),
  };
}

const configOf = (pty: Pty) => join(pty.home, 'config/datamesh/config.json');

/** Types over what the field holds. */
async function answer(pty: Pty, text: string): Promise<void> {
  pty.write('\u0015');
  await pty.settled(60);
  pty.write(`${text}\r`);
}

const BACK = '\u0002';

describe('the wizard', () => {
  it('D.9-2 D.9-4 goes back from a late screen, keeps the other answers, and edits a line of the review', async () => {
    const pty = init();
    await throughTheWizard(pty, { 'Name of this node': '\u0015first' });
    await pty.waitFor('Review');
    expect(pty.text()).toMatch(/first/);
    pty.write(BACK);
    await pty.waitFor('8/9 Extras');
    for (let step = 0; step < 40 && !/^ Name of this node/m.test(pty.text()); step++) {
      const before = pty.raw().length;
      pty.write(BACK);
      await pty.waitUntil('the screen before', () => pty.raw().length > before);
      await pty.settled(60);
    }
    await answer(pty, 'second');
    await pty.waitFor('Name of this node: second');
    // Ctrl-R leads to the review from anywhere; what was answered before is still there.
    pty.write('\u0012');
    await pty.waitFor('9/9 Review');
    expect(pty.text()).toContain('second');
    expect(pty.text()).toContain('10MiB *');
    const line = /^\s*›?\s*(\d+)\s.*second/m.exec(pty.text())?.[1];
    pty.write(`e ${line ?? '1'}\r`);
    await pty.waitFor(/1\/9 Profile/);
    await answer(pty, 'third');
    await pty.waitFor('9/9 Review');
    await pty.waitFor('third');
    expect(existsSync(configOf(pty))).toBe(false);
  }, 40_000);

  it('D.9-3 says what is wrong and stays', async () => {
    const pty = init();
    const wrong: Readonly<Record<string, [string, string]>> = {
      '1/9 Profile': ['Not Valid', 'lower-case'],
      '3/9 Storage': ['95', 'from 0 to 90'],
      '6/9 Bandwidth': ['fast', 'a rate such as'],
    };
    const seen: string[] = [];
    await throughTheWizard(pty, {}, async (screen) => {
      const trial = wrong[screen];
      if (trial === undefined) return;
      await answer(pty, trial[0]);
      await pty.waitFor(trial[1]);
      expect(pty.text()).toContain(screen);
      seen.push(screen);
      pty.write('\u0015');
      await pty.settled(60);
      if (screen === '1/9 Profile') pty.write('right');
      await pty.settled(60);
    });
    expect(seen).toEqual(Object.keys(wrong));
    expect(existsSync(configOf(pty))).toBe(false);
  }, 40_000);

  it('D.9-5 D.9-10 is left at each screen without a trace, and survives a terminal of 40x10 on each', async () => {
    const pty = init();
    const screens: string[] = [];
    await throughTheWizard(pty, {}, async (screen) => {
      screens.push(screen);
      await pty.resize(40, 10);
      await pty.settled(60);
      await pty.resize(100, 32);
      await pty.settled(60);
      // Esc asks, another key stays: at every screen nothing is written yet.
      pty.write('\u001b');
      await pty.waitFor('Leave? Nothing has been written');
      pty.write('n');
      await pty.waitUntil('the question to go', () => !pty.text().includes('Leave? Nothing'));
      expect(existsSync(configOf(pty))).toBe(false);
    });
    expect(screens.length, `${screens}\n${pty.dump()}`).toBeGreaterThanOrEqual(9);
    pty.write('\u0003');
    await pty.waitFor('Leave? Nothing has been written');
    pty.write('\u0003');
    expect((await pty.exited).code).toBe(130);
    expect(existsSync(dirname(configOf(pty)))).toBe(false);
    expect(pty.cursor().visible).toBe(true);
  }, 60_000);

  it('D.9-1 D.9-6 writes by Enter alone, then edits what is there: the old file stays beside it', async () => {
    const pty = init();
    await throughTheWizard(pty);
    pty.write('\r');
    await pty.waitFor('This node is set up');
    pty.write('\r');
    expect((await pty.exited).code).toBe(0);
    const config = configOf(pty);
    expect(statSync(config).mode & 0o777).toBe(0o600);
    const first = readFileSync(config, 'utf8');

    const again = init(pty);
    await again.waitFor('datamesh set-up', 20_000);
    await throughTheWizard(again, { 'Name of this node': '\u0015renamed' });
    await again.waitFor('renamed');
    again.write('\r');
    await again.waitFor('This node is set up');
    again.write('\r');
    expect((await again.exited).code).toBe(0);
    expect(JSON.parse(readFileSync(config, 'utf8')).node.name).toBe('renamed');
    expect(readFileSync(`${config}.bak`, 'utf8')).toBe(first);
    expect(readdirSync(dirname(config)).sort()).toEqual([
      'config.json',
      'config.json.LOCK.guard',
      'config.json.bak',
    ]);
  }, 60_000);
});
