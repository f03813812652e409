/** The commands that work in the console only, for the registry. */
import { aliasCommand } from './alias.ts';
import { clearCommand } from './clear.ts';
import { exitCommand } from './exit.ts';
import { explainCommand } from './explain.ts';
import { historyCommand } from './history.ts';
import type { ConsoleCommand } from './port.ts';
import { setCommand } from './set.ts';
import { sourceCommand } from './source.ts';
import { timeCommand } from './time.ts';
import { undoCommand } from './undo.ts';
import { watchCommand } from './watch.ts';

export const consoleOnlyCommands: readonly ConsoleCommand[] = [
  historyCommand,
  aliasCommand,
  explainCommand,
  timeCommand,
  watchCommand,
  sourceCommand,
  undoCommand,
  setCommand,
  clearCommand,
  exitCommand,
];
