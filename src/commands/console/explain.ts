import { EXIT } from '../../errors.ts';
import type { ParsedCommand } from '../../lang/types.ts';
import { count, type Fields, oneOf, text } from '../fields.ts';
import { effectsOf } from '../format/help.ts';
import { consoleCommandOf } from './port.ts';

const EXPLAIN_FIELDS: Fields = {
  column: count,
  command: text,
  when: oneOf('always', 'and', 'or'),
  effects: text,
  values: text,
  filters: text,
  undo: oneOf('yes', 'no'),
};

export const explainCommand = consoleCommandOf({
  path: ['explain'],
  summary: 'Say what a line would do, without running it',
  description:
    'Each command of the line as it is understood: values with their units resolved, what it changes, and whether undo takes it back.',
  takesLine: true,
  args: [{ name: 'line', type: { kind: 'string' }, summary: 'Line to explain', required: true }],
  options: [],
  examples: [
    { line: 'explain rm old.zip --yes', note: 'is it for good?' },
    { line: 'explain list | where sizeBytes > 1MiB | head 5', note: 'how filters are read' },
    { line: 'explain put a.txt && list || status', note: 'when each would run' },
  ],
  effects: 'reads',
  fields: EXPLAIN_FIELDS,
  shape: 'list',
  columns: [
    { key: 'column', title: 'AT', align: 'right' },
    { key: 'command', title: 'COMMAND' },
    { key: 'when', title: 'WHEN', priority: 3 },
    { key: 'values', title: 'VALUES' },
    { key: 'filters', title: 'FILTERS', priority: 2 },
    { key: 'effects', title: 'EFFECTS' },
    { key: 'undo', title: 'UNDO', priority: 4 },
  ],
  async inConsole(_port, values, { out }, session) {
    const { commands, diagnostics } = session.parse(values.line as string);
    for (const parsed of commands) out.record(explained(parsed));
    if (diagnostics.length === 0) return EXIT.ok;
    session.tell(diagnostics);
    return EXIT.usage;
  },
});

function explained({ command, values, filters, span, when, redirect }: ParsedCommand) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return {
    column: span.column,
    command: command.path.join(' '),
    when,
    values: command.sensitive
      ? '…'
      : given.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(' '),
    filters: [
      ...filters.map((filter) => filter.kind),
      ...(redirect === undefined ? [] : [`${redirect.append ? '>>' : '>'} ${redirect.path}`]),
    ].join(' | '),
    effects: effectsOf(command),
    undo: command.undo === undefined ? 'no' : 'yes',
  };
}
