/** Finds commands by their names: what is done with the table of commands, without the commands. */
import { type Command, GROUPS, type Group } from './command.ts';

export interface Lookup {
  command: Command;
  /** Words the command's path or synonym took. */
  length: number;
}

export interface NameCandidate {
  /** All words of the path or synonym, joined by a space. */
  name: string;
  command: Command;
  synonym: boolean;
}

export interface Registry {
  readonly commands: readonly Command[];
  /** The command with the longest path or synonym at the start of `words`. */
  find(words: readonly string[]): Lookup | undefined;
  /** Every path and synonym. */
  names(): readonly NameCandidate[];
  /** Words that may follow `prefix`, hidden commands left out; empty when nothing begins so. */
  next(prefix: readonly string[]): { word: string; command: Command | undefined; synonym: boolean }[];
  /** Listed commands in the order of declaration. */
  byGroup(): { group: Group; commands: Command[] }[];
}

/**
 * A command given twice counts once. Throws a RangeError when two commands claim one name: that is a defect of the
 * table, found by its test.
 */
export function createRegistry(declared: readonly Command[]): Registry {
  const commands = [...new Set(declared)];
  const byName = new Map<string, NameCandidate>();
  let depth = 1;
  for (const command of commands) {
    for (const path of [command.path, ...(command.synonyms ?? [])]) {
      const name = path.join(' ');
      if (byName.has(name)) throw new RangeError(`two commands are called '${name}'`);
      byName.set(name, { name, command, synonym: path !== command.path });
      depth = Math.max(depth, path.length);
    }
  }
  const names = [...byName.values()];

  return {
    commands,
    find(words) {
      for (let length = Math.min(depth, words.length); length > 0; length--) {
        const found = byName.get(words.slice(0, length).join(' '));
        // A word with a space in it must not match the path of two words.
        if (found && words.slice(0, length).every((word) => !word.includes(' ')))
          return { command: found.command, length };
      }
      return undefined;
    },
    names: () => names,
    next(prefix) {
      const found = new Map<string, { word: string; command: Command | undefined; synonym: boolean }>();
      for (const { name, command, synonym } of names) {
        if (command.hidden) continue;
        const path = name.split(' ');
        const word = path[prefix.length];
        if (word === undefined || prefix.some((part, i) => part !== path[i])) continue;
        const exact = path.length === prefix.length + 1;
        const known = found.get(word);
        if (known === undefined || (exact && known.command === undefined)) {
          found.set(word, { word, command: exact ? command : undefined, synonym });
        }
      }
      return [...found.values()];
    },
    byGroup() {
      return GROUPS.map((group) => ({
        group,
        commands: commands.filter((command) => command.group === group && !command.hidden),
      })).filter(({ commands: members }) => members.length > 0);
    },
  };
}
