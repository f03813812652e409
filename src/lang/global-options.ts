/** The options every command takes, declared as data so that help, completion and the binder share them. */
import type { GlobalOptions, OptionSpec } from '../commands/command.ts';

export type ColorChoice = 'auto' | 'always' | 'never';

export type ProgressChoice = 'auto' | 'json' | 'none';

export interface GlobalFlags extends GlobalOptions {
  /** Show the command's help instead of running it. */
  help: boolean;
  /** Fields to print, in order; undefined = the command's own columns. */
  columns: readonly string[] | undefined;
  header: boolean;
  /** Tables are not cut to the terminal's width. */
  wide: boolean;
  color: ColorChoice;
  /** auto: a line on a terminal. */
  progress: ProgressChoice;
  /** Never ask; a question that would be needed is an error. */
  input: boolean;
  configFile: string | undefined;
  dataDir: string | undefined;
  passphraseFile: string | undefined;
  logLevel: string | undefined;
  /** The line console instead of the full-screen one. */
  plain: boolean;
}

export const DEFAULT_FLAGS: GlobalFlags = {
  json: false,
  quiet: false,
  verbose: false,
  yes: false,
  dryRun: false,
  timeoutMs: undefined,
  help: false,
  columns: undefined,
  header: true,
  wide: false,
  color: 'auto',
  progress: 'auto',
  input: true,
  configFile: undefined,
  dataDir: undefined,
  passphraseFile: undefined,
  logLevel: undefined,
  plain: false,
};

export interface GlobalOptionSpec extends OptionSpec {
  /** `--json` and `--json=name,size` are both right. */
  optionalValue?: boolean;
  apply(flags: GlobalFlags, value: unknown): GlobalFlags;
}

const fields = (value: unknown) =>
  String(value)
    .split(',')
    .map((field) => field.trim())
    .filter((field) => field !== '');

export const GLOBAL_OPTIONS: readonly GlobalOptionSpec[] = [
  { name: 'help', short: 'h', summary: 'Show help for the command', apply: (f) => ({ ...f, help: true }) },
  {
    name: 'json',
    summary: 'One JSON object per line, with the same fields as the table; --json=a,b prints only these',
    optionalValue: true,
    apply: (f, value) => ({
      ...f,
      json: true,
      ...(typeof value === 'string' ? { columns: fields(value) } : {}),
    }),
  },
  {
    name: 'columns',
    type: { kind: 'string' },
    summary: 'Fields to print, separated by commas',
    apply: (f, value) => ({ ...f, columns: fields(value) }),
  },
  {
    name: 'no-header',
    summary: 'Print tables without their header',
    apply: (f) => ({ ...f, header: false }),
  },
  {
    name: 'wide',
    summary: 'Do not cut tables to the width of the terminal',
    apply: (f) => ({ ...f, wide: true }),
  },
  { name: 'quiet', short: 'q', summary: 'Only results and errors', apply: (f) => ({ ...f, quiet: true }) },
  {
    name: 'verbose',
    short: 'v',
    summary: 'More detail in messages',
    apply: (f) => ({ ...f, verbose: true }),
  },
  { name: 'yes', short: 'y', summary: 'Answer yes to every question', apply: (f) => ({ ...f, yes: true }) },
  {
    name: 'dry-run',
    summary: 'Check and show what would change; change nothing',
    apply: (f) => ({ ...f, dryRun: true }),
  },
  {
    name: 'no-input',
    summary: 'Never ask; fail where an answer would be needed',
    apply: (f) => ({ ...f, input: false }),
  },
  {
    name: 'timeout',
    type: { kind: 'duration' },
    summary: 'Give up after this time (exit 11)',
    apply: (f, value) => ({ ...f, timeoutMs: value as number }),
  },
  {
    name: 'color',
    type: { kind: 'enum', values: ['auto', 'always', 'never'] },
    summary: 'Colour in human output',
    apply: (f, value) => ({ ...f, color: value as ColorChoice }),
  },
  { name: 'no-color', summary: 'The same as --color never', apply: (f) => ({ ...f, color: 'never' }) },
  {
    name: 'progress',
    type: { kind: 'enum', values: ['auto', 'json', 'none'] },
    summary: 'How far long work is: a line on a terminal, JSON lines on standard error, or nothing',
    apply: (f, value) => ({ ...f, progress: value as ProgressChoice }),
  },
  {
    name: 'config',
    type: { kind: 'path' },
    summary: 'Configuration file to use',
    apply: (f, value) => ({ ...f, configFile: value as string }),
  },
  {
    name: 'data-dir',
    type: { kind: 'path' },
    summary: "The node's data folder, in place of the configured one",
    apply: (f, value) => ({ ...f, dataDir: value as string }),
  },
  {
    name: 'passphrase-file',
    type: { kind: 'path' },
    summary: 'Read the keyring passphrase from this file',
    apply: (f, value) => ({ ...f, passphraseFile: value as string }),
  },
  {
    name: 'log-level',
    type: { kind: 'enum', values: ['debug', 'info', 'warn', 'error'] },
    summary: 'Least level of the lines that a service logs; with debug an error shows where it arose',
    apply: (f, value) => ({ ...f, logLevel: value as string }),
  },
  {
    name: 'plain',
    summary: 'The line console instead of the full-screen one',
    apply: (f) => ({ ...f, plain: true }),
  },
];
