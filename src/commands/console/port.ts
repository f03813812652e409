/** Commands that only make sense inside a running console, and what the console lends them. */
import { DatameshError } from '../../errors.ts';
import type { Command, Context, Values } from '../command.ts';

export interface ConsolePort {
  /** Lines entered, oldest first. */
  history(): readonly { t: number; cmd: string; exit?: number }[];
  clearHistory(): Promise<void>;
  clearOutput(): void;
  setRefresh(refreshMs: number): void;
  refreshMs(): number;
  quit(): void;
  nowMs(): number;
}

export interface ConsoleCommand extends Command {
  inConsole(port: ConsolePort, values: Values, context: Pick<Context, 'out'>): Promise<void>;
}

/** Adds the handler for one-shot and batch: a clear error instead of silence. */
export function consoleCommandOf(command: Omit<ConsoleCommand, 'run' | 'group' | 'needs'>): ConsoleCommand {
  return {
    ...command,
    group: 'console',
    needs: 'nothing',
    async run() {
      throw new DatameshError('not-a-terminal', {
        what: `'${command.path.join(' ')}' works in the console only`,
        mend: 'open it with: datamesh console',
      });
    },
  };
}

export function isConsoleCommand(command: Command): command is ConsoleCommand {
  return 'inConsole' in command;
}
