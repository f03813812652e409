/**
 * Keys as people write them: `Ctrl-G`, `Alt-B`, `PgUp`, `j`, and the pair `Ctrl-X Ctrl-E`. A key that was pressed has one such name, and what a person
 * wrote becomes that name, or the reason why no terminal would ever send it.
 */
import type { KeyName, KeyPress } from './keys.ts';

/** The key that begins a pair. */
export const PREFIX = 'Ctrl-X';

const NAMED: Readonly<Record<Exclude<KeyName, 'text' | 'char'>, string>> = {
  enter: 'Enter',
  tab: 'Tab',
  escape: 'Esc',
  backspace: 'Backspace',
  delete: 'Delete',
  up: 'Up',
  down: 'Down',
  left: 'Left',
  right: 'Right',
  home: 'Home',
  end: 'End',
  pageup: 'PgUp',
  pagedown: 'PgDn',
  function: 'F1',
};

/** The name of one key; undefined for text of more than one character. */
export function keyName(key: KeyPress): string | undefined {
  const name = strokeName(key);
  return name === undefined || key.after === undefined ? name : `${key.after} ${name}`;
}

/** The same key without Ctrl, Alt and Shift, where those make no key of their own: Ctrl-Up, if it is bound to nothing, is Up. */
export function bareKeyName(key: KeyPress): string | undefined {
  const moves = key.name !== 'text' && key.name !== 'char' && key.name !== 'enter' && key.name !== 'tab';
  return moves && key.after === undefined ? NAMED[key.name as 'up'] : undefined;
}

/** A letter, digit or sign without Ctrl and Alt: typed at the prompt, a key in a panel. */
export function isPlainKey(name: string): boolean {
  return [...name].length === 1 || name === 'Space';
}

function strokeName(key: KeyPress): string | undefined {
  const { name, ctrl, alt } = key;
  if (name === 'text') return [...key.text].length === 1 ? charName(key.text) : undefined;
  if (name !== 'char') {
    const shift = key.shift && name === 'tab' ? 'Shift-' : '';
    return `${ctrl ? 'Ctrl-' : ''}${alt ? 'Alt-' : ''}${shift}${NAMED[name]}`;
  }
  if (ctrl) return `Ctrl-${alt ? 'Alt-' : ''}${charName(key.text.toUpperCase())}`;
  if (!alt) return charName(key.text);
  const capital = /^\p{Lu}$/u.test(key.text);
  return `Alt-${capital ? 'Shift-' : ''}${charName(key.text.toUpperCase())}`;
}

function charName(char: string): string {
  return char === ' ' ? 'Space' : char;
}

const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...Object.fromEntries(Object.values(NAMED).map((name) => [name.toLowerCase(), name])),
    return: 'Enter',
    escape: 'Esc',
    del: 'Delete',
    pageup: 'PgUp',
    pagedown: 'PgDn',
    space: 'Space',
  }),
);

/** Control bytes that mean another key, or that never come. */
const CTRL_TAKEN: Readonly<Record<string, string>> = {
  S: 'terminals keep it for flow control',
  Q: 'terminals keep it for flow control',
  M: 'terminals send the same for Enter',
  J: 'terminals send the same for Enter',
  I: 'terminals send the same for Tab',
  '[': 'terminals send the same for Esc',
  H: 'terminals send the same for Backspace',
};

export type NamedKey = { name: string } | { problem: string };

/** Longer than any name of a key. */
const MAX_NAME_UNITS = 40;

/** What a person wrote as the name of a key. Case of modifiers and names, `+` for `-`, `C-` and `M-` are all understood. */
export function parseKeyName(written: string): NamedKey {
  if (written.length > MAX_NAME_UNITS) return { problem: 'that is no key' };
  const strokes = written === ' ' ? [written] : written.trim().split(/\s+/);
  const [first, second, third] = strokes;
  if (first === undefined || first === '') return { problem: 'a key has a name' };
  const begin = parseStroke(first);
  if (second === undefined) {
    if ('name' in begin && begin.name === PREFIX) return { problem: `${PREFIX} begins a pair of keys` };
    return begin;
  }
  if ('problem' in begin) return begin;
  if (begin.name !== PREFIX || third !== undefined)
    return { problem: `only a pair that begins with ${PREFIX} is known` };
  const end = parseStroke(second);
  return 'problem' in end ? end : { name: `${PREFIX} ${end.name}` };
}

function parseStroke(written: string): NamedKey {
  let rest = written;
  const has = { ctrl: false, alt: false, shift: false };
  for (;;) {
    const found = /^(ctrl|control|c|alt|meta|m|shift|s)[-+](?=.)/i.exec(rest);
    if (found === null) break;
    const word = found[1]?.toLowerCase() ?? '';
    if (word.startsWith('c')) has.ctrl = true;
    else if (word.startsWith('s')) has.shift = true;
    else has.alt = true;
    rest = rest.slice(found[0].length);
  }
  const alias = ALIASES.get(rest.toLowerCase());
  if (alias !== undefined && alias !== 'Space') return namedStroke(alias, has);
  if (/^f\d+$/i.test(rest)) return { problem: 'of the function keys terminals agree on F1 alone' };
  const char = alias === 'Space' ? ' ' : rest;
  if ([...char].length !== 1 || /\p{C}/u.test(char)) return { problem: 'that is no key' };
  return charStroke(char, has);
}

interface Modifiers {
  ctrl: boolean;
  alt: boolean;
  shift: boolean;
}

function namedStroke(name: string, { ctrl, alt, shift }: Modifiers): NamedKey {
  if (shift && (name !== 'Tab' || ctrl || alt))
    return { problem: `terminals do not tell Shift with ${name} alike` };
  if (name === 'F1' && (ctrl || alt)) return { problem: 'terminals do not tell F1 with another key alike' };
  if (ctrl && alt) return { problem: `terminals do not tell Ctrl and Alt with ${name} alike` };
  if (ctrl && ['Enter', 'Tab', 'Esc', 'Backspace'].includes(name)) {
    return { problem: `terminals send the same for ${name} alone` };
  }
  if (alt && (name === 'Tab' || name === 'Esc')) return { problem: 'the window manager takes it' };
  return { name: `${ctrl ? 'Ctrl-' : ''}${alt ? 'Alt-' : ''}${shift ? 'Shift-' : ''}${name}` };
}

function charStroke(char: string, { ctrl, alt, shift }: Modifiers): NamedKey {
  const upper = char.toUpperCase();
  const letter = /^\p{L}$/u.test(char);
  if (ctrl && alt) return { problem: 'terminals do not tell Ctrl and Alt together alike' };
  if (ctrl) {
    const taken = CTRL_TAKEN[upper];
    if (taken !== undefined) return { problem: taken };
    if (shift) return { problem: 'terminals do not tell Ctrl and Shift together' };
    if (!/^[A-Z _\]\\^]$/.test(upper)) return { problem: 'terminals have no code for it' };
    return { name: `Ctrl-${charName(upper)}` };
  }
  if (shift && !letter) return { problem: 'Shift makes another sign of it: write that sign' };
  if (alt) {
    // ESC [ and ESC O are how arrows and other keys begin.
    if (upper === '[' || (upper === 'O' && shift))
      return { problem: 'the codes of other keys begin with it' };
    return { name: `Alt-${shift ? 'Shift-' : ''}${charName(upper)}` };
  }
  return { name: charName(shift ? upper : char) };
}
