import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyName, parseKeyName } from '../../src/repl/key-names.ts';
import { KEY_ACTIONS } from '../../src/repl/key-table.ts';
import { type KeyPress, keyPress } from '../../src/repl/keys.ts';

const named = (written: string) => {
  const read = parseKeyName(written);
  return 'name' in read ? read.name : undefined;
};

describe('names of keys', () => {
  it('are read as people write them', () => {
    const written = {
      'ctrl-g': 'Ctrl-G',
      'C-g': 'Ctrl-G',
      'Control+G': 'Ctrl-G',
      'M-b': 'Alt-B',
      'alt-1': 'Alt-1',
      'Alt-Shift-b': 'Alt-Shift-B',
      Escape: 'Esc',
      return: 'Enter',
      pageup: 'PgUp',
      f1: 'F1',
      'shift-tab': 'Shift-Tab',
      'shift-g': 'G',
      g: 'g',
      ' ': 'Space',
      'Ctrl-Space': 'Ctrl-Space',
      'ctrl-left': 'Ctrl-Left',
      '-': '-',
      'Ctrl-_': 'Ctrl-_',
      'c-x  c-e': 'Ctrl-X Ctrl-E',
      'Ctrl-X u': 'Ctrl-X u',
    };
    for (const [text, name] of Object.entries(written)) expect([text, named(text)]).toEqual([text, name]);
  });

  it.each([
    ['Ctrl-S', 'flow control'],
    ['Ctrl-Q', 'flow control'],
    ['Ctrl-M', 'Enter'],
    ['Ctrl-J', 'Enter'],
    ['Ctrl-I', 'Tab'],
    ['Ctrl-[', 'Esc'],
    ['Ctrl-H', 'Backspace'],
    ['Ctrl-Backspace', 'Backspace'],
    ['F2', 'F1 alone'],
    ['f12', 'F1 alone'],
    ['Shift-Up', 'Shift'],
    ['Ctrl-Shift-A', 'Shift'],
    ['Ctrl-Alt-A', 'together'],
    ['Alt-[', 'begin'],
    ['Alt-Shift-O', 'begin'],
    ['Ctrl-1', 'no code'],
    ['Ctrl-X', 'begins a pair'],
    ['Ctrl-A Ctrl-B', 'begins with Ctrl-X'],
    ['Ctrl-X Ctrl-S', 'flow control'],
    ['Hyper-A', 'no key'],
    ['', 'has a name'],
    ['x'.repeat(10_000), 'no key'],
    // What every object has is no key.
    ['__proto__', 'no key'],
    ['constructor', 'no key'],
  ])('say why %s cannot be', (written, why) => {
    expect(parseKeyName(written)).toEqual({ problem: expect.stringContaining(why) });
  });

  it('in the table are as they are written there, and can be sent', () => {
    const keys = KEY_ACTIONS.flatMap((action) => [...action.keys]);
    expect(keys.map(named)).toEqual(keys);
  });

  it('answer anything with a name that reads as itself, or a reason', () => {
    const parts = fc.array(
      fc.constantFrom('Ctrl', 'alt', 'S', '-', '+', ' ', 'x', 'X', 'F1', '[', 'é', '\u0000'),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'grapheme' }),
          parts.map((list) => list.join('')),
        ),
        (text) => {
          const name = named(text);
          if (name !== undefined) expect(named(name)).toBe(name);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('of keys that are pressed are those that are written', () => {
    const pressed: [KeyPress, string][] = [
      [keyPress('char', { text: 'g', ctrl: true }), 'Ctrl-G'],
      [keyPress('char', { text: 'b', alt: true }), 'Alt-B'],
      [keyPress('char', { text: 'B', alt: true }), 'Alt-Shift-B'],
      [keyPress('char', { text: ' ', ctrl: true }), 'Ctrl-Space'],
      [keyPress('tab', { shift: true }), 'Shift-Tab'],
      [keyPress('enter', { alt: true }), 'Alt-Enter'],
      [keyPress('left', { ctrl: true }), 'Ctrl-Left'],
      [keyPress('function'), 'F1'],
      [keyPress('text', { text: 'G' }), 'G'],
      [keyPress('text', { text: ' ' }), 'Space'],
      [keyPress('char', { text: 'e', ctrl: true, after: 'Ctrl-X' }), 'Ctrl-X Ctrl-E'],
    ];
    for (const [key, name] of pressed) {
      expect(keyName(key)).toBe(name);
      expect(named(name)).toBe(name);
    }
    expect(keyName(keyPress('text', { text: 'two' }))).toBeUndefined();
  });
});
