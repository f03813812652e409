/**
 * A command, declared once. From this come one-shot CLI, REPL, batch, help, completion, suggestions and JSON output.
 * A handler yields typed records; who prints them (table, JSON lines, panel) is not its business.
 */
import type { Config } from '../config/schema.ts';
import type { Engine, Progress } from '../engine/engine.ts';
import type { Fields } from './fields.ts';

export type Group = 'start' | 'files' | 'folders' | 'node' | 'network' | 'keys' | 'care' | 'console';
export const GROUPS: readonly Group[] = [
  'start',
  'files',
  'folders',
  'node',
  'network',
  'keys',
  'care',
  'console',
];

/** Value types of arguments and options; parsing, validation and completion hang on the type. */
export type ValueType =
  | { kind: 'string' }
  | { kind: 'integer'; min?: number; max?: number }
  /** "10GiB", "500MB", "4096" → bytes. */
  | { kind: 'size' }
  /** "5m", "300ms", "1h" → milliseconds. */
  | { kind: 'duration' }
  | { kind: 'enum'; values: readonly string[] }
  /** A local path; `-` allowed where `dash` is set. Resolved against the caller's folder by the handler. */
  | { kind: 'path'; dash?: boolean }
  /** Name or id of a stored object; completed from the catalog. */
  | { kind: 'object' }
  | { kind: 'peer' }
  /** A peer, `zone:<label>`, `rack:<label>` or `rack:<zone>/<label>`. */
  | { kind: 'place' }
  | { kind: 'command' }
  | { kind: 'config-key' }
  | { kind: 'key-name' }
  | { kind: 'multiaddr' }
  /** "4+2". */
  | { kind: 'code' };

export interface ArgSpec {
  name: string;
  type: ValueType;
  summary: string;
  required: boolean;
  /** Takes all that is left; only for the last one. */
  variadic?: boolean;
}

export interface OptionSpec {
  /** Long name without dashes. */
  name: string;
  short?: string;
  /** Absent: a flag (boolean). */
  type?: ValueType;
  summary: string;
  /** May be given more than once; the value is then an array. */
  repeatable?: boolean;
  default?: string;
  /** Says something only beside this option; without it the line is refused. */
  needs?: string;
  /** Options that cannot be given beside it. */
  excludes?: readonly string[];
}

export interface Example {
  line: string;
  note: string;
}

export type Effects = 'reads' | 'writes' | 'destructive';

/** Nothing: runs anywhere. config: needs a configuration. engine: a running service, else an embedded node. service: only a running service. */
export type Needs = 'nothing' | 'config' | 'engine' | 'service';

/** One row of output; values are JSON-safe. The same object is printed as a table row and as a JSON line. */
export type OutputRecord = { [key: string]: unknown };

export interface Column {
  key: string;
  title: string;
  align?: 'left' | 'right';
  /** How a value is written in a table; JSON keeps the raw one. */
  format?: 'bytes' | 'rate' | 'duration' | 'time' | 'percent' | 'id' | 'list' | 'yesno';
  /** Dropped first when the terminal is narrow; higher = dropped earlier. 0 = never. */
  priority?: number;
}

export interface Output {
  /** Emits a record. */
  record(record: OutputRecord): void;
  /** A line for a person: printed in human output, left out of JSON. */
  note(text: string): void;
  /** A warning to stderr (human) or a `warning` line (JSON). */
  warn(text: string): void;
  /** Shows the records so far: of a command that goes on until it is stopped, a table would else be drawn at its end. */
  flush?(): Promise<void>;
  /** Raw bytes to stdout (`cat`, `get -`); respects back-pressure. */
  bytes(chunk: Uint8Array): Promise<void>;
  progress(label: string, progress: Progress): void;
}

export interface Context {
  out: Output;
  signal: AbortSignal;
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** How the command was called; the console forbids some and draws others itself. */
  mode: 'one-shot' | 'repl' | 'batch';
  /** stdout is a terminal that a person looks at. */
  interactive: boolean;
  /** Raw standard input of a one-shot command (`put -`); throws elsewhere. */
  stdin(): AsyncIterable<Uint8Array>;
  /** Validated configuration. Throws `not-configured`. */
  config(): Promise<Config>;
  /** Path of the configuration file in force. */
  configPath(): string;
  /** The service's engine over the control socket, else an embedded one (opened once, closed by the runner). */
  engine(): Promise<Engine>;
  /** The running service's engine, or undefined when none runs. Never starts one. */
  service(): Promise<Engine | undefined>;
  /** Asks a yes/no question on a terminal; `--yes` answers it; off a terminal throws `confirmation-needed`. */
  confirm(question: string): Promise<boolean>;
  /** Reads a secret without echo from the terminal, or from --passphrase-file / environment; undefined when none. */
  secret(prompt: string): Promise<string | undefined>;
  options: GlobalOptions;
}

export interface GlobalOptions {
  json: boolean;
  quiet: boolean;
  verbose: boolean;
  yes: boolean;
  dryRun: boolean;
  timeoutMs: number | undefined;
}

/** Values after parsing: by argument or option name. Sizes and durations are numbers, repeatables arrays. */
export type Values = Readonly<Record<string, unknown>>;

/** What a command prints when an option asks for other columns than its usual ones. */
export interface OtherView {
  when(values: Values): boolean;
  columns: readonly Column[];
  /** More than a line holds: on a terminal each record is a block of "title value" lines. */
  blocks?: boolean;
}

export interface Command {
  /** Words, e.g. ['put'] or ['keys', 'new']. */
  path: readonly string[];
  synonyms?: readonly (readonly string[])[];
  group: Group;
  summary: string;
  /** Paragraphs for `--help`. */
  description?: string;
  args: readonly ArgSpec[];
  options: readonly OptionSpec[];
  /** Exactly three: simple, common, scripted. */
  examples: readonly [Example, Example, Example];
  effects: Effects;
  needs: Needs;
  /** Never stored in history. */
  sensitive?: boolean;
  /** Everything behind its name, up to the end of the line, is its one argument, as typed: a line of its own (`time`, `watch`). In `values.line`. */
  takesLine?: boolean;
  /** The line of the command language that takes back what a run with these values and records did; undefined where nothing can. */
  undo?(values: Values, records: readonly OutputRecord[]): string | undefined;
  /** Names in the mesh that a run with these values gives a new meaning, beside those of its arguments that are objects. */
  touches?(values: Values): readonly string[];
  /** Not listed (internal verbs such as __complete). */
  hidden?: boolean;
  /** Exit statuses beyond the common ones, with their meaning here. */
  exits?: readonly { code: number; meaning: string }[];
  /** Table columns in order; a record may carry more fields. None: the handler prints notes only. */
  columns?: readonly Column[];
  /** Every field that a record may have, with its type; several where it yields records of several kinds. None: it yields no records. */
  fields?: Fields | readonly Fields[];
  /** The first that its values call for takes the place of `columns`. */
  otherViews?: readonly OtherView[];
  /** `list`: a table of many; `single`: one record shown as key and value lines. */
  shape?: 'list' | 'single';
  /** Resolves to the exit status when it is not 0 although nothing was thrown (e.g. 3 for a degraded put). */
  run(context: Context, values: Values): Promise<number | void>;
}
