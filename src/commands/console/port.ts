/** Commands that only make sense inside a running console, and what the console lends them. */
import type { EditorMode } from '../../config/schema.ts';
import { DatameshError } from '../../errors.ts';
import type { ParseResult } from '../../lang/types.ts';
import type { Command, Context, Values } from '../command.ts';

export interface ConsolePort {
  /** Lines entered, oldest first. */
  history(): readonly { t: number; cmd: string; exit?: number }[];
  clearHistory(): Promise<void>;
  clearOutput(): void;
  setRefresh(refreshMs: number): void;
  refreshMs(): number;
  /** Keys of the prompt; undefined where the line editor is not the console's own. */
  editorMode(): EditorMode | undefined;
  setEditorMode(mode: EditorMode): void;
  /** Undefined where there is nothing to point at. */
  mouse(): boolean | undefined;
  setMouse(on: boolean): void;
  quit(): void;
  nowMs(): number;
}

/** The command language of a console: its lines, aliases, and what can be taken back. */
export interface LineSession {
  /** Runs a line as if it had been entered, without aliases or history; its exit status. `isUndo`: it is not noted to be undone. */
  run(line: string, signal: AbortSignal, isUndo?: boolean): Promise<number>;
  /** A script, by the rules of a batch. */
  runScript(path: string, context: ConsoleContext): Promise<number>;
  parse(line: string): ParseResult;
  /** What is wrong with a line, told as for one that was entered. */
  tell(diagnostics: ParseResult['diagnostics']): void;
  readonly aliases: Map<string, string>;
  /** Takes the newest command that can be taken back off the list. */
  takeBack(): { line: string; undoes: string } | undefined;
}

export type ConsoleContext = Pick<Context, 'out' | 'signal' | 'cwd' | 'options'>;

export interface ConsoleCommand extends Command {
  /** Resolves to the exit status when it is not 0 although nothing was thrown. */
  inConsole(
    port: ConsolePort,
    values: Values,
    context: ConsoleContext,
    session: LineSession,
  ): Promise<number | void>;
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
