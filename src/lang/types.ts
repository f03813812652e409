/** Shared shapes of the command language: what the parser gives to batch, REPL and one-shot alike. */
import type { Command, GlobalOptions, Values } from '../commands/command.ts';
import type { ErrorCode } from '../errors.ts';

/** Offsets are UTF-16 code units in the parsed text; line and column count from 1. */
export interface Span {
  start: number;
  end: number;
  line: number;
  column: number;
}

export interface Diagnostic {
  code: ErrorCode;
  /** One sentence, without position and without suggestion. */
  message: string;
  /** Names to offer as "did you mean", best first, at most 3. */
  suggestions: string[];
  mend?: string;
  span: Span;
}

export interface ParsedCommand {
  command: Command;
  values: Values;
  options: GlobalOptions;
  span: Span;
  /** The text as written, for echo and history. */
  text: string;
  /** How it hangs on the one before: always, only after success, only after failure. */
  when: 'always' | 'and' | 'or';
}

export interface ParseResult {
  commands: ParsedCommand[];
  diagnostics: Diagnostic[];
  /** An unclosed quote or a trailing backslash: the REPL asks for more, batch reports it. */
  incomplete: boolean;
}
