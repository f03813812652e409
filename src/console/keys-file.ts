/** `keys.json` beside the configuration: keys that a person gives to actions. The console starts whatever stands in it. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { safeText } from '../commands/format/safe-text.ts';
import { jsonErrorPlace } from '../config/json-place.ts';
import { didYouMean } from '../config/suggest.ts';
import {
  ACTION_NAMES,
  BUILT_IN_KEYS,
  bindKeys,
  type KeyBindings,
  type KeyProblem,
  type KeyWish,
} from '../repl/key-bindings.ts';
import type { ActionName } from '../repl/key-table.ts';

/** Every action with all the keys it may have is a tenth of it. */
export const MAX_KEYS_FILE_BYTES = 64 * 1024;
/** More would push out of sight what they are about. */
const MAX_PROBLEMS = 12;
const MAX_SHOWN = 40;

export interface OwnKeys {
  keys: KeyBindings;
  /** One line each: what, why, how to mend it. */
  problems: readonly string[];
}

export function keysPath(configPath: string): string {
  return join(dirname(configPath), 'keys.json');
}

/** Never throws: what cannot be read or bound is told, and the keys of the table stay. */
export async function readKeysFile(path: string): Promise<OwnKeys> {
  let text: string | undefined;
  try {
    text = await readBounded(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { keys: BUILT_IN_KEYS, problems: [`keys.json is not used: ${why}`] };
  }
  return text === undefined ? { keys: BUILT_IN_KEYS, problems: [] } : keysFromText(text);
}

/** `undefined` when there is no such file. */
async function readBounded(path: string): Promise<string | undefined> {
  // Without waiting for somebody to write, should it be a pipe.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error(`${path} is no file; put one there, or take it away`);
    const bytes = Buffer.alloc(MAX_KEYS_FILE_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length === bytes.length) break;
    }
    if (length > MAX_KEYS_FILE_BYTES) {
      throw new Error(`it has more than ${MAX_KEYS_FILE_BYTES / 1024} KiB; make it smaller`);
    }
    return bytes.toString('utf8', 0, length);
  } finally {
    await file.close();
  }
}

export function keysFromText(text: string): OwnKeys {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    const { line, column, reason } = jsonErrorPlace(text.replace(/^\ufeff/, ''));
    const where = `line ${line}, column ${column}: ${safeText(reason)}`;
    return {
      keys: BUILT_IN_KEYS,
      problems: [`keys.json is not used: it is not JSON (${where}); mend that place`],
    };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const mend = 'write it like {"pause": "Ctrl-O"}';
    return { keys: BUILT_IN_KEYS, problems: [`keys.json is not used: it is no JSON object; ${mend}`] };
  }
  const problems: string[] = [];
  const wishes = Object.entries(value).flatMap(([name, wanted]): KeyWish[] => {
    if (!isAction(name)) {
      problems.push(unknownAction(name));
      return [];
    }
    const keys = typeof wanted === 'string' ? [wanted] : wanted;
    if (Array.isArray(keys) && keys.every((key) => typeof key === 'string')) return [{ action: name, keys }];
    problems.push(`keys.json: ${name} needs a key or a list of keys; write it like {"${name}": "Ctrl-O"}`);
    return [];
  });
  const bound = bindKeys(wishes);
  problems.push(...bound.problems.map((problem) => problemLine(problem, bound.keys)));
  const more = problems.length - MAX_PROBLEMS;
  const shown =
    more > 0 ? [...problems.slice(0, MAX_PROBLEMS), `keys.json: ${more} problems more`] : problems;
  return { keys: bound.keys, problems: shown };
}

function isAction(name: string): name is ActionName {
  return (ACTION_NAMES as readonly string[]).includes(name);
}

function unknownAction(name: string): string {
  const shown = safeText(name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name);
  const near = didYouMean(name, ACTION_NAMES);
  return `keys.json: there is no action "${shown}"; ${near === '' ? 'F1 shows their names' : near}`;
}

function problemLine({ action, what, mend }: KeyProblem, keys: KeyBindings): string {
  const kept = keys.keysOf(action).join(', ');
  return `keys.json: ${action} stays on ${kept}: ${safeText(what)}; ${mend}`;
}
