/** The keyboard in force: the table's keys, and those that a person wants instead where that is possible. */
import { bareKeyName, isPlainKey, keyName, PREFIX, parseKeyName } from './key-names.ts';
import { type ActionName, KEY_ACTIONS, type KeyAction } from './key-table.ts';
import type { KeyPress } from './keys.ts';

export interface KeyBindings {
  keysOf(action: ActionName): readonly string[];
  /** The key that a hint names; empty where the action has none. */
  keyOf(action: ActionName): string;
  /** What a key does whoever has the keyboard. Plain characters do nothing here. */
  anywhere(key: KeyPress): ActionName | undefined;
  /** At the prompt while nothing stands on it; also `help`, by the plain character it has in panels. */
  emptyLine(key: KeyPress): ActionName | undefined;
  prompt(key: KeyPress): ActionName | undefined;
  panel(panel: string, key: KeyPress): ActionName | undefined;
}

/** What a person wants for an action: key names as they were written. */
export interface KeyWish {
  action: ActionName;
  keys: readonly string[];
}

/** A wish that does not come true. One line each: what, why. */
export interface KeyProblem {
  action: ActionName;
  what: string;
  mend: string;
}

/** Of what was written for a key. */
const MAX_SHOWN = 40;

/** More keys for one action than anybody would remember. */
export const MAX_KEYS = 8;

const ACTIONS: readonly (KeyAction & { name: ActionName })[] = KEY_ACTIONS;
const BY_NAME = new Map(ACTIONS.map((action) => [action.name, action]));

export const ACTION_NAMES: readonly ActionName[] = ACTIONS.map(({ name }) => name);

/** A wish that cannot be had is told, and its action keeps the keys of the table. Of two wishes for one key the first comes true. */
export function bindKeys(wishes: readonly KeyWish[]): { keys: KeyBindings; problems: KeyProblem[] } {
  const problems: KeyProblem[] = [];
  const wanted = new Map<ActionName, readonly string[]>();
  for (const wish of wishes) {
    const read = readWish(wish);
    if ('problem' in read) problems.push(read.problem);
    else wanted.set(wish.action, read.keys);
  }
  // Each round takes one wish away, and what it gives back may stand in the way of another.
  for (;;) {
    const clash = firstClash(wanted);
    if (clash === undefined) break;
    wanted.delete(clash.action);
    problems.push(clash);
  }
  return { keys: keyboard((action) => wanted.get(action.name) ?? action.keys), problems };
}

function readWish({ action, keys }: KeyWish): { keys: readonly string[] } | { problem: KeyProblem } {
  const refused = (what: string, mend: string) => ({ problem: { action, what, mend } });
  if (keys.length > MAX_KEYS) return refused(`has ${keys.length} keys`, `give it ${MAX_KEYS} at most`);
  if (keys.length === 0 && action === 'accept-line')
    return refused('has no key', 'without one no command could be run: give it a key');
  const place = BY_NAME.get(action)?.place;
  const names: string[] = [];
  for (const written of keys) {
    const read = parseKeyName(written);
    const quoted = `"${written.slice(0, MAX_SHOWN)}"`;
    if ('problem' in read) return refused(`${quoted}: ${read.problem}`, 'choose another key');
    const { name } = read;
    if (isPlainKey(name) && (place === 'prompt' || place === 'empty-line'))
      return refused(`${quoted}: at the prompt letters only type`, 'write Ctrl or Alt with it');
    if (name === 'Esc' && place !== 'panel')
      return refused(`${quoted}: Esc closes what is open`, 'choose another key');
    if (name.startsWith(PREFIX) && place !== 'prompt')
      return refused(`${quoted}: pairs of keys are for the prompt only`, 'choose a single key');
    if (!names.includes(name)) names.push(name);
  }
  return { keys: names };
}

/** The wish to give up next: one that takes the key of an action as the table has it, else the later of two. */
function firstClash(wanted: ReadonlyMap<ActionName, readonly string[]>): KeyProblem | undefined {
  const order = [...wanted.keys()];
  for (const name of order) {
    const mine = BY_NAME.get(name);
    if (mine === undefined) continue;
    for (const other of ACTIONS) {
      const theirs = wanted.get(other.name);
      if (other === mine || (theirs !== undefined && order.indexOf(other.name) > order.indexOf(name)))
        continue;
      const key = wanted.get(name)?.find((each) => clashes(mine, other, each, theirs ?? other.keys));
      if (key === undefined) continue;
      return {
        action: name,
        what: `${key} is the key of ${other.name}`,
        mend: `give ${other.name} another one too, or [] for none`,
      };
    }
  }
  return undefined;
}

function clashes(mine: KeyAction, other: KeyAction, key: string, theirs: readonly string[]): boolean {
  return theirs.includes(key) && meet(mine, other, key);
}

/** Whether both would answer to the key at one place. */
function meet(one: KeyAction, other: KeyAction, key: string): boolean {
  const places = new Set([one.place, other.place]);
  if (places.size > 1) {
    if (!places.has('anywhere')) return false;
    return !isPlainKey(key) || places.has('panel');
  }
  // So in the table itself: what a key does in one panel goes before what it does in all of them.
  const both = one.keys.includes(key) && other.keys.includes(key);
  if (both && (one.panels === undefined) !== (other.panels === undefined)) return false;
  if (one.panels === undefined || other.panels === undefined) return true;
  return one.panels.some((panel) => other.panels?.includes(panel));
}

function keyboard(keysFor: (action: KeyAction & { name: ActionName }) => readonly string[]): KeyBindings {
  const keys = new Map(ACTIONS.map((action) => [action.name, keysFor(action)]));
  const at = new Map<string, ActionName>();
  for (const action of ACTIONS) {
    for (const key of keys.get(action.name) ?? []) {
      const plain = action.place === 'anywhere' && isPlainKey(key);
      const places = plain ? ['panel'] : (action.panels ?? [action.place]);
      for (const place of places) at.set(`${place} ${key}`, action.name);
      if (plain && action.name === 'help') at.set(`empty-line ${key}`, action.name);
    }
  }
  const exact = (place: string, name: string | undefined) =>
    name === undefined ? undefined : at.get(`${place} ${name}`);
  const find = (places: readonly string[], key: KeyPress): ActionName | undefined => {
    const names = [keyName(key), bareKeyName(key)];
    return names.flatMap((name) => places.map((place) => exact(place, name))).find((found) => found);
  };
  return {
    keysOf: (action) => keys.get(action) ?? [],
    keyOf: (action) => keys.get(action)?.[0] ?? '',
    anywhere: (key) => exact('anywhere', keyName(key)),
    emptyLine: (key) => exact('empty-line', keyName(key)),
    prompt: (key) => find(['prompt'], key),
    panel: (panel, key) => find([panel, 'panel'], key),
  };
}

/** "Enter runs it, Ctrl-C clears it": of each action its key and what it does; what has no key is left out. */
export function keyHints(keys: KeyBindings, ...hints: readonly (readonly [ActionName, string])[]): string {
  return hints
    .filter(([action]) => keys.keyOf(action) !== '')
    .map(([action, does]) => `${keys.keyOf(action)} ${does}`)
    .join(', ');
}

/** Without a keys.json. */
export const BUILT_IN_KEYS: KeyBindings = keyboard(({ keys }) => keys);
