/** What a script must not hold: commands that wait for a person, take over the terminal, or are of the console's prompt. */
import type { Command } from '../commands/command.ts';
import type { Refusal } from '../lang/parser.ts';

const CONSOLE_ONLY = 'leave it out; it works at the prompt of datamesh console';

/** By the command's path, where there is more to say than that it works in the console. */
const MENDS: Readonly<Record<string, string>> = {
  batch: 'write the lines of that script here, or call datamesh batch once for each script',
  console: 'leave it out; open it from a terminal',
  exit: 'leave it out; a script ends with its last line',
  source: 'write the lines of that file here, or run it by itself: datamesh batch -f FILE',
  undo: 'write the command that takes the change back, such as undelete NAME or rename NEW OLD',
  watch: 'write the line that is to be watched; sleep TIME waits',
};

/** Told before the words of the command are looked at: what they should be does not matter where it cannot be used. */
export function refusedInScripts({ path, group }: Command): Refusal | undefined {
  const name = path.join(' ');
  if (name === 'set')
    return {
      code: 'syntax',
      message: "'set' in a script sets a variable, and this is none",
      mend: 'write set NAME=value, the name of letters, digits and _',
    };
  const mend = MENDS[name] ?? (group === 'console' ? CONSOLE_ONLY : undefined);
  return mend === undefined
    ? undefined
    : { code: 'unknown-command', message: `'${name}' cannot be used in a script`, mend };
}
