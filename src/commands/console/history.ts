import { count, text, timeMs } from '../fields.ts';
import { consoleCommandOf } from './port.ts';

export const historyCommand = consoleCommandOf({
  path: ['history'],
  summary: 'Lines entered before, newest last',
  description:
    'Kept in a file that only you can read. Lines that begin with a blank, commands that carry secrets and repetitions are not kept.',
  args: [
    {
      name: 'action',
      type: { kind: 'enum', values: ['clear'] },
      summary: 'clear forgets every line, also in the file',
      required: false,
    },
  ],
  options: [
    { name: 'limit', type: { kind: 'integer', min: 1 }, summary: 'At most this many lines', default: '20' },
  ],
  examples: [
    { line: 'history', note: 'the last 20 lines' },
    { line: 'history --limit 200 | grep put', note: 'every put among the last 200' },
    { line: 'history clear', note: 'forget everything' },
  ],
  effects: 'reads',
  fields: { at: timeMs, 'exit?': count, line: text },
  columns: [
    { key: 'at', title: 'WHEN', format: 'time', priority: 2 },
    { key: 'exit', title: 'EXIT', align: 'right', priority: 1 },
    { key: 'line', title: 'LINE' },
  ],
  shape: 'list',
  async inConsole(port, values, { out }) {
    if (values.action === 'clear') {
      await port.clearHistory();
      out.note('history is empty');
      return;
    }
    const limit = typeof values.limit === 'number' ? values.limit : 20;
    for (const entry of port.history().slice(-limit)) {
      out.record({ at: entry.t, exit: entry.exit, line: entry.cmd });
    }
  },
});
