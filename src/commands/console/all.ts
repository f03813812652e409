/** The commands that work in the console only, for the registry. */
import { clearCommand } from './clear.ts';
import { exitCommand } from './exit.ts';
import { historyCommand } from './history.ts';
import type { ConsoleCommand } from './port.ts';
import { setCommand } from './set.ts';

export const consoleOnlyCommands: readonly ConsoleCommand[] = [
  historyCommand,
  setCommand,
  clearCommand,
  exitCommand,
];
