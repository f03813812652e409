/**
 * Raw terminal input as named keys. Ink hands over whole chunks ("status\r" in one write is one event), so a chunk is split here:
 * every CR or LF is an Enter, other control bytes are Ctrl keys, the rest is text. Nothing is dropped.
 */

export type KeyName =
  | 'text'
  | 'char'
  | 'enter'
  | 'tab'
  | 'escape'
  | 'backspace'
  | 'delete'
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'home'
  | 'end'
  | 'pageup'
  | 'pagedown'
  /** F1; Ink does not tell it from the other function keys. */
  | 'function';

export interface KeyPress {
  /** `text`: typed characters; `char`: one character with Ctrl or Alt. */
  name: KeyName;
  text: string;
  ctrl: boolean;
  alt: boolean;
  shift: boolean;
  /** The key that was pressed before, where the two make a pair. */
  after?: string;
}

/** The part of Ink's key object that is read here, so that this file needs no Ink. */
export interface RawKey {
  upArrow: boolean;
  downArrow: boolean;
  leftArrow: boolean;
  rightArrow: boolean;
  pageDown: boolean;
  pageUp: boolean;
  home: boolean;
  end: boolean;
  return: boolean;
  escape: boolean;
  ctrl: boolean;
  shift: boolean;
  tab: boolean;
  backspace: boolean;
  delete: boolean;
  meta: boolean;
}

export function keyPress(name: KeyName, more: Partial<Omit<KeyPress, 'name'>> = {}): KeyPress {
  return { name, text: '', ctrl: false, alt: false, shift: false, ...more };
}

export function keysFromInput(input: string, key: RawKey): KeyPress[] {
  const named = namedKey(key);
  if (named !== undefined) {
    return [keyPress(named, { ctrl: key.ctrl, alt: key.meta, shift: key.shift })];
  }
  if (input === '') return key.ctrl || key.meta || key.shift ? [] : [keyPress('function')];
  if (key.ctrl && [...input].length === 1) {
    return [keyPress('char', { text: input.toLowerCase(), ctrl: true, alt: key.meta })];
  }
  if (key.meta && [...input].length === 1) return [keyPress('char', { text: input, alt: true })];
  return keysFromText(input);
}

/** Splits a chunk of bytes that came without escape sequences. */
export function keysFromText(input: string): KeyPress[] {
  const keys: KeyPress[] = [];
  let text = '';
  const flush = () => {
    if (text !== '') keys.push(keyPress('text', { text }));
    text = '';
  };
  for (let at = 0; at < input.length; at++) {
    const unit = input.charCodeAt(at);
    if (unit >= 0x20 && unit !== 0x7f) {
      text += input[at];
      continue;
    }
    flush();
    // CR LF is one line end.
    if (unit === 0x0d && input.charCodeAt(at + 1) === 0x0a) continue;
    keys.push(controlKey(unit));
  }
  flush();
  return keys;
}

function controlKey(unit: number): KeyPress {
  if (unit === 0x0d || unit === 0x0a) return keyPress('enter');
  if (unit === 0x09) return keyPress('tab');
  if (unit === 0x1b) return keyPress('escape');
  if (unit === 0x7f || unit === 0x08) return keyPress('backspace');
  if (unit === 0) return keyPress('char', { text: ' ', ctrl: true });
  return keyPress('char', { text: String.fromCharCode(unit <= 26 ? unit + 96 : unit + 64), ctrl: true });
}

function namedKey(key: RawKey): KeyName | undefined {
  if (key.return) return 'enter';
  if (key.tab) return 'tab';
  if (key.backspace) return 'backspace';
  if (key.delete) return 'delete';
  if (key.escape) return 'escape';
  if (key.upArrow) return 'up';
  if (key.downArrow) return 'down';
  if (key.leftArrow) return 'left';
  if (key.rightArrow) return 'right';
  if (key.home) return 'home';
  if (key.end) return 'end';
  if (key.pageUp) return 'pageup';
  if (key.pageDown) return 'pagedown';
  return undefined;
}
