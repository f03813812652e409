/** Commands that exist in scripts only. They go through the same parser, so a mistake in them is found like any other. */
import type { Command } from '../commands/command.ts';
import type { ParsedCommand, ParseResult, Span } from '../lang/types.ts';

const echoCommand: Command = {
  path: ['echo'],
  group: 'start',
  summary: 'Print words',
  args: [
    { name: 'words', type: { kind: 'string' }, summary: 'What to print', required: false, variadic: true },
  ],
  options: [],
  examples: [
    { line: 'echo done', note: 'a word' },
    { line: 'echo "stored in $DIR"', note: 'with a variable' },
    { line: 'put a.txt && echo stored', note: 'only after success' },
  ],
  effects: 'reads',
  needs: 'nothing',
  async run({ out }, values) {
    out.note((values.words as string[]).join(' '));
  },
};

const sleepCommand: Command = {
  path: ['sleep'],
  group: 'start',
  summary: 'Wait',
  args: [{ name: 'time', type: { kind: 'duration' }, summary: 'How long', required: true }],
  options: [],
  examples: [
    { line: 'sleep 2s', note: 'two seconds' },
    { line: 'sleep 500ms', note: 'half a second' },
    { line: 'health || sleep 1m', note: 'only after a failure' },
  ],
  effects: 'reads',
  needs: 'nothing',
  async run({ signal }, values) {
    const { setTimeout } = await import('node:timers/promises');
    await setTimeout(Math.min(values.time as number, 2 ** 31 - 1), undefined, { signal });
  },
};

const onErrorCommand: Command = {
  path: ['on-error'],
  group: 'start',
  summary: 'What a failure does from here on: end the script, or let it go on',
  args: [
    {
      name: 'action',
      type: { kind: 'enum', values: ['continue', 'stop'] },
      summary: 'continue or stop',
      required: true,
    },
  ],
  options: [],
  examples: [
    { line: 'on-error continue', note: 'failures no longer end the script' },
    { line: 'on-error stop', note: 'they do again' },
    { line: 'on-error continue; delete old.zip --yes; on-error stop', note: 'for one line' },
  ],
  effects: 'reads',
  needs: 'nothing',
  async run() {},
};

const expectExitCommand: Command = {
  path: ['expect-exit'],
  group: 'start',
  summary: 'The next command must end with this status',
  args: [
    { name: 'status', type: { kind: 'integer', min: 0, max: 255 }, summary: 'Exit status', required: true },
  ],
  options: [],
  examples: [
    { line: 'expect-exit 8', note: "the next command must end with 'not found'" },
    { line: 'expect-exit 0', note: 'the ordinary case, said aloud' },
    { line: 'expect-exit 8; info gone.txt', note: 'in one line' },
  ],
  effects: 'reads',
  needs: 'nothing',
  async run() {},
};

export const assertCommand: Command = {
  path: ['assert'],
  group: 'start',
  summary: 'Fail unless a command that reads yields a record',
  takesLine: true,
  args: [
    { name: 'line', type: { kind: 'string' }, summary: 'Command, with filters as a rule', required: true },
  ],
  options: [],
  examples: [
    { line: 'assert list a.txt', note: 'it is there' },
    { line: 'assert health | where lost = 0', note: 'nothing is lost' },
    { line: 'assert peers | where state = active', note: 'somebody is there' },
  ],
  effects: 'reads',
  needs: 'nothing',
  async run() {},
};

/** The command of an `assert`; diagnostics where it is none or not one that reads, at places that `spanOf` makes of offsets in its script. */
export function assertedBy(
  parsed: ParsedCommand,
  spanOf: (start: number, end: number) => Span,
  read: (text: string, variables: Readonly<Record<string, string>>) => ParseResult,
): Pick<ParseResult, 'commands' | 'diagnostics'> {
  const line = parsed.values.line as string;
  // It reaches to the end of its command.
  const from = parsed.span.end - line.length;
  const inScript = ({ start, end }: Span) => spanOf(from + start, from + end);
  const { commands, diagnostics: found } = read(line, parsed.variables ?? {});
  const diagnostics = found.map((it) => ({ ...it, span: inScript(it.span) }));
  const [only, second] = commands;
  const span = second === undefined ? parsed.span : inScript(second.span);
  const refuse = (message: string, mend: string) =>
    diagnostics.push({ code: 'bad-value', message, suggestions: [], mend, span });
  if (diagnostics.length > 0 || only === undefined) return { commands: [], diagnostics };
  if (second !== undefined) refuse('assert takes one command', 'write one assert a command');
  else if (only.command.effects !== 'reads' || only.command.fields === undefined)
    refuse(
      `'${only.command.path.join(' ')}' yields nothing to look at, or changes something`,
      'assert what reads',
    );
  return { commands: diagnostics.length === 0 ? [only] : [], diagnostics };
}

export const SCRIPT_COMMANDS: readonly Command[] = [
  assertCommand,
  echoCommand,
  sleepCommand,
  onErrorCommand,
  expectExitCommand,
];

export type Directive = { kind: 'on-error'; keepGoing: boolean } | { kind: 'expect-exit'; status: number };

/** What a parsed line tells the runner itself; undefined for everything that is run. */
export function directiveOf(parsed: ParsedCommand): Directive | undefined {
  if (parsed.command === onErrorCommand)
    return { kind: 'on-error', keepGoing: parsed.values.action === 'continue' };
  if (parsed.command === expectExitCommand)
    return { kind: 'expect-exit', status: parsed.values.status as number };
  return undefined;
}
