/** Help text, generated from the declarations. Three examples come first: most readers want nothing else. */
import { GLOBAL_OPTIONS } from '../../lang/global-options.ts';
import type { Command, Effects, Group, OptionSpec, ValueType } from '../command.ts';
import type { Registry } from '../registry.ts';

export const GROUP_TITLES: Record<Group, string> = {
  start: 'Start',
  files: 'Files',
  folders: 'Folders',
  node: 'This node',
  network: 'Network',
  keys: 'Keys',
  care: 'Care',
  console: 'In the console',
};

const EFFECTS: Record<Effects, string> = {
  reads: 'reads only',
  writes: 'writes',
  destructive: 'destructive: asks first; cannot be undone',
};

/** What a run of it changes, and whether that can be taken back. */
export function effectsOf(command: Command): string {
  if (command.undo === undefined) return EFFECTS[command.effects];
  return command.effects === 'destructive'
    ? 'destructive: asks first; in the console undo takes back what was not purged'
    : `${EFFECTS[command.effects]}; in the console undo takes it back`;
}

const MAX_WIDTH = 100;
/** Choices that take more fill the line by themselves; the option's summary then lists them. */
const MAX_CHOICES_WIDTH = 72;

/** What stands for a value in a usage line. */
export function valueName(type: ValueType): string {
  switch (type.kind) {
    case 'enum': {
      const choices = type.values.join('|');
      return choices.length > MAX_CHOICES_WIDTH ? 'NAME' : choices;
    }
    case 'integer':
      return 'N';
    case 'path':
      return 'FILE';
    case 'code':
      return 'K+M';
    case 'string':
      return 'TEXT';
    default:
      return type.kind.toUpperCase();
  }
}

export function usageLine(command: Command): string {
  const args = command.args.map((arg) => {
    const name = `${arg.name.toUpperCase()}${arg.variadic ? '…' : ''}`;
    return arg.required ? name : `[${name}]`;
  });
  return ['datamesh', ...command.path, ...args, ...(command.options.length > 0 ? ['[options]'] : [])].join(
    ' ',
  );
}

/** Whole help of one command, one string a line. */
export function commandHelp(command: Command, terminalWidth = 80): string[] {
  const width = Math.min(MAX_WIDTH, terminalWidth);
  const lines = [`${command.summary}.`.replace(/\.\.$/, '.'), '', `Usage: ${usageLine(command)}`];
  if (command.synonyms?.length)
    lines.push(`Also:  ${command.synonyms.map((path) => path.join(' ')).join(', ')}`);
  lines.push('', 'Examples:');
  for (const example of command.examples)
    lines.push(`  ${example.line}`, ...indent(wrap(`# ${example.note}`, width - 6), 6));
  for (const paragraph of (command.description ?? '').split(/\n\s*\n/).filter((text) => text.trim() !== '')) {
    lines.push('', ...wrap(paragraph.replace(/\s+/g, ' ').trim(), width));
  }
  if (command.args.length > 0) {
    lines.push(
      '',
      'Arguments:',
      ...definitions(
        command.args.map((arg) => [arg.name.toUpperCase(), arg.summary]),
        width,
      ),
    );
  }
  if (command.options.length > 0) {
    lines.push(
      '',
      'Options:',
      ...definitions(
        command.options.map((option) => [optionHead(option), optionText(option)]),
        width,
      ),
    );
  }
  lines.push(
    '',
    'Options of every command:',
    ...definitions(
      GLOBAL_OPTIONS.map((option) => [optionHead(option), option.summary]),
      width,
    ),
  );
  lines.push('', `Effects: ${effectsOf(command)}`);
  if (command.exits?.length) {
    lines.push(
      '',
      'Exit status:',
      ...definitions(
        command.exits.map(({ code, meaning }) => [String(code), meaning]),
        width,
      ),
    );
  }
  return lines;
}

/** Every listed command by group. */
export function overview(registry: Registry, terminalWidth = 80): string[] {
  const width = Math.min(MAX_WIDTH, terminalWidth);
  const lines = [
    'datamesh keeps files as sealed, erasure-coded shards on several machines.',
    '',
    'Usage: datamesh [COMMAND] [options]',
    '       without a command: the console, after a set-up the first time',
  ];
  for (const { group, commands } of registry.byGroup()) {
    lines.push('', `${GROUP_TITLES[group]}:`);
    lines.push(
      ...definitions(
        commands.map((command) => [command.path.join(' '), command.summary]),
        width,
      ),
    );
  }
  lines.push('', "See 'datamesh help COMMAND', 'datamesh help topics', or COMMAND --help.");
  return lines;
}

export function optionHead(option: OptionSpec & { optionalValue?: boolean }): string {
  const short = option.short === undefined ? '    ' : `-${option.short}, `;
  const value =
    option.type === undefined ? (option.optionalValue ? '[=FIELDS]' : '') : ` ${valueName(option.type)}`;
  return `${short}--${option.name}${value}`;
}

export function optionText(option: OptionSpec): string {
  const more = option.repeatable ? ' (may be repeated)' : '';
  return `${option.summary}${more}${option.default === undefined ? '' : ` (default ${option.default})`}`;
}

function definitions(rows: readonly (readonly [string, string])[], width: number): string[] {
  const head = Math.min(28, Math.max(...rows.map(([name]) => name.length)));
  return rows.flatMap(([name, text]) => {
    const wrapped = wrap(text, Math.max(20, width - head - 4));
    const first = name.length > head ? [`  ${name}`] : [];
    const body = first.length > 0 ? wrapped : wrapped.slice(1);
    const lead = first.length > 0 ? first : [`  ${name.padEnd(head)}  ${wrapped[0] ?? ''}`.trimEnd()];
    return [...lead, ...indent(body, head + 4)];
  });
}

/** Breaks at spaces; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}

function indent(lines: readonly string[], by: number): string[] {
  return lines.map((line) => `${' '.repeat(by)}${line}`);
}
