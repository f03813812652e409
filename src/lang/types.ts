/** Shared shapes of the command language: what the parser gives to batch, REPL and one-shot alike. */
import type { Command, Values } from '../commands/command.ts';
import type { ErrorCode } from '../errors.ts';
import type { Filter } from './filters.ts';
import type { GlobalFlags } from './global-options.ts';

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
  /** Options every command takes; `help` is set when the line asks for the command's help instead of a run. */
  options: GlobalFlags;
  span: Span;
  /** The text as written, for echo and history. */
  text: string;
  /** How it hangs on the one before: always, only after success, only after failure. */
  when: 'always' | 'and' | 'or';
  /** Applied in order to the records before they are shown. */
  filters: readonly Filter[];
  /** Results go to this file in place of the caller's output; absent in a shell's own words, where the shell does it. */
  redirect?: { path: string; append: boolean } | undefined;
  /** Of a command that takes its line: what variables meant there. */
  variables?: Readonly<Record<string, string>>;
}

export interface ParseResult {
  commands: ParsedCommand[];
  diagnostics: Diagnostic[];
  /** An unclosed quote or a trailing backslash: the REPL asks for more, batch reports it. */
  incomplete: boolean;
  /** The variables after every `set NAME=word` of the text; the REPL keeps them for the next line. */
  variables: Readonly<Record<string, string>>;
}
