import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ACTION_NAMES,
  BUILT_IN_KEYS,
  bindKeys,
  type KeyWish,
  keyHints,
} from '../../src/repl/key-bindings.ts';
import { KEY_ACTIONS } from '../../src/repl/key-table.ts';
import { keyPress } from '../../src/repl/keys.ts';

const ctrl = (text: string) => keyPress('char', { text, ctrl: true });
const letter = (text: string) => keyPress('text', { text });

describe('the keyboard', () => {
  it('has no key twice at one place', () => {
    // Wishing for what the table has anyway finds every clash in it.
    const wishes = KEY_ACTIONS.map(({ name, keys }): KeyWish => ({ action: name, keys }));
    expect(bindKeys(wishes).problems).toEqual([]);
    expect(new Set(ACTION_NAMES).size).toBe(ACTION_NAMES.length);
    for (const name of ACTION_NAMES) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  it('means in one panel what that panel has it for, and in the others what they all have it for', () => {
    const general = KEY_ACTIONS.filter((action) => action.place === 'panel' && !('panels' in action));
    const twofold = KEY_ACTIONS.filter((action) => 'panels' in action).flatMap(({ name, keys }) =>
      keys
        .filter((key) => general.some((other) => (other.keys as readonly string[]).includes(key)))
        .map((key) => [key, name]),
    );
    expect(twofold).toEqual([
      ['n', 'name-peer'],
      ['k', 'keep-job'],
    ]);
    expect(BUILT_IN_KEYS.panel('peers', letter('n'))).toBe('name-peer');
    expect(BUILT_IN_KEYS.panel('jobs', letter('n'))).toBe('select-next');
    // Who keeps one of the two where it was may do so; who puts another action there may not.
    expect(bindKeys([{ action: 'select-next', keys: ['Down', 'n'] }]).problems).toEqual([]);
    expect(bindKeys([{ action: 'zoom', keys: ['n'] }]).problems).toHaveLength(1);
  });

  it('gives an action the keys that are wished for, and none of its own any more', () => {
    const { keys, problems } = bindKeys([
      { action: 'pause', keys: ['ctrl-o'] },
      { action: 'select-next', keys: ['d', 'Down'] },
      { action: 'edit-line', keys: ['C-x C-v'] },
      { action: 'suspend', keys: [] },
    ]);
    expect(problems).toEqual([]);
    expect(keys.anywhere(ctrl('o'))).toBe('pause');
    expect(keys.anywhere(ctrl('g'))).toBeUndefined();
    expect(keys.panel('peers', letter('d'))).toBe('select-next');
    expect(keys.panel('peers', letter('j'))).toBeUndefined();
    expect(keys.prompt({ ...ctrl('v'), after: 'Ctrl-X' })).toBe('edit-line');
    expect(keys.prompt(ctrl('v'))).toBeUndefined();
    expect(keys.anywhere(ctrl('z'))).toBeUndefined();
    expect(keys.keyOf('suspend')).toBe('');
  });

  it('keeps plain characters from the prompt, except the help on an empty line', () => {
    expect(BUILT_IN_KEYS.anywhere(letter('1'))).toBeUndefined();
    expect(BUILT_IN_KEYS.anywhere(letter('?'))).toBeUndefined();
    expect(BUILT_IN_KEYS.emptyLine(letter('1'))).toBeUndefined();
    expect(BUILT_IN_KEYS.emptyLine(letter('?'))).toBe('help');
    expect(BUILT_IN_KEYS.panel('jobs', letter('1'))).toBe('focus-peers');
    const { problems } = bindKeys([{ action: 'undo', keys: ['u'] }]);
    expect(problems).toMatchObject([{ action: 'undo', what: expect.stringContaining('letters only type') }]);
  });

  it('lets a letter be for one panel or another, not for both at one', () => {
    expect(BUILT_IN_KEYS.panel('peers', letter('p'))).toBe('speed-test');
    expect(BUILT_IN_KEYS.panel('jobs', letter('p'))).toBeUndefined();
    expect(bindKeys([{ action: 'cancel-job', keys: ['r'] }]).problems).toEqual([]);
    expect(bindKeys([{ action: 'verify', keys: ['r'] }]).problems).toMatchObject([
      { action: 'verify', what: 'r is the key of repair' },
    ]);
  });

  it('refuses a key that another action has at the same place, and keeps both as they were', () => {
    const { keys, problems } = bindKeys([{ action: 'pause', keys: ['Ctrl-T'] }]);
    expect(problems).toMatchObject([{ action: 'pause', what: 'Ctrl-T is the key of transpose-chars' }]);
    expect(keys.keysOf('pause')).toEqual(['Ctrl-G']);
    expect(keys.prompt(ctrl('t'))).toBe('transpose-chars');
  });

  it('lets two actions change keys with each other', () => {
    const { keys, problems } = bindKeys([
      { action: 'pause', keys: ['Ctrl-T'] },
      { action: 'transpose-chars', keys: ['Ctrl-G'] },
    ]);
    expect(problems).toEqual([]);
    expect(keys.anywhere(ctrl('t'))).toBe('pause');
    expect(keys.prompt(ctrl('g'))).toBe('transpose-chars');
  });

  it('takes back a wish whose place another one did not leave', () => {
    const { keys, problems } = bindKeys([
      { action: 'pause', keys: ['Ctrl-T'] },
      { action: 'transpose-chars', keys: ['Ctrl-S'] },
    ]);
    expect(problems.map(({ action }) => action)).toEqual(['transpose-chars', 'pause']);
    expect([keys.keysOf('pause'), keys.keysOf('transpose-chars')]).toEqual([['Ctrl-G'], ['Ctrl-T']]);
  });

  it('gives the first of two wishes for one key what it wants', () => {
    const { keys, problems } = bindKeys([
      { action: 'redraw', keys: ['Ctrl-O'] },
      { action: 'undo', keys: ['Ctrl-O'] },
    ]);
    expect(problems).toMatchObject([{ action: 'undo', what: 'Ctrl-O is the key of redraw' }]);
    expect(keys.prompt(ctrl('_'))).toBe('undo');
  });

  it('is named in hints, without what has no key', () => {
    const hints = [
      ['accept-line', 'runs it'],
      ['cancel', 'clears it'],
    ] as const;
    expect(keyHints(BUILT_IN_KEYS, ...hints)).toBe('Enter runs it, Ctrl-C clears it');
    expect(keyHints(bindKeys([{ action: 'cancel', keys: [] }]).keys, ...hints)).toBe('Enter runs it');
  });

  it('leaves nobody without a key to run a command', () => {
    expect(bindKeys([{ action: 'accept-line', keys: [] }]).problems).toHaveLength(1);
  });

  it('is without clashes whatever is wished, and every refused action has its own keys', () => {
    const key = fc.constantFrom(
      'Ctrl-G',
      'Ctrl-T',
      'Ctrl-O',
      'j',
      'r',
      'Tab',
      'Esc',
      'Alt-1',
      'Ctrl-S',
      'Up',
      '',
    );
    const wish = fc.record({
      action: fc.constantFrom(...ACTION_NAMES),
      keys: fc.array(key, { maxLength: 3 }),
    });
    const some = fc.uniqueArray(wish, { selector: ({ action }) => action, maxLength: 12 });
    fc.assert(
      fc.property(some, (wishes) => {
        const { keys, problems } = bindKeys(wishes);
        const real = ACTION_NAMES.map((action): KeyWish => ({ action, keys: keys.keysOf(action) }));
        expect(bindKeys(real).problems).toEqual([]);
        const refused = new Set(problems.map(({ action }) => action));
        for (const { action, keys: wanted } of wishes) {
          const own = BUILT_IN_KEYS.keysOf(action);
          expect(keys.keysOf(action)).toEqual(refused.has(action) ? own : [...new Set(wanted)]);
        }
      }),
      { numRuns: 500 },
    );
  });
});
