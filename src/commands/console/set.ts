import { DatameshError } from '../../errors.ts';
import { consoleCommandOf } from './port.ts';

/** Faster than this the panels cost more than they tell; slower is as good as paused. */
const MIN_REFRESH_MS = 500;
const MAX_REFRESH_MS = 60_000;

export const setCommand = consoleCommandOf({
  path: ['set'],
  summary: 'Change a setting of this console',
  description:
    'Holds until the console ends. `set NAME=word` sets a variable of the command language instead.',
  args: [
    { name: 'setting', type: { kind: 'enum', values: ['refresh'] }, summary: 'what to set', required: true },
    {
      name: 'value',
      type: { kind: 'duration' },
      summary: 'time between two samples of the panels',
      required: false,
    },
  ],
  options: [],
  examples: [
    { line: 'set refresh', note: 'what it is now' },
    { line: 'set refresh 2s', note: 'a sample every two seconds' },
    { line: 'set refresh 500ms', note: 'the fastest' },
  ],
  effects: 'reads',
  async inConsole(port, values, { out }) {
    const { value } = values;
    if (typeof value === 'number') {
      if (value < MIN_REFRESH_MS || value > MAX_REFRESH_MS) {
        throw new DatameshError('bad-value', {
          what: `refresh must be between ${MIN_REFRESH_MS} ms and ${MAX_REFRESH_MS / 1000} s`,
          mend: 'for example: set refresh 2s',
        });
      }
      port.setRefresh(value);
    }
    out.note(`refresh ${port.refreshMs()} ms`);
  },
});
