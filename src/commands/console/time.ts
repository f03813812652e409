import { formatDuration } from '../format/units.ts';
import { consoleCommandOf } from './port.ts';

export const timeCommand = consoleCommandOf({
  path: ['time'],
  summary: 'Run a line and say how long it took',
  takesLine: true,
  args: [{ name: 'line', type: { kind: 'string' }, summary: 'Line to run', required: true }],
  options: [],
  examples: [
    { line: 'time health', note: 'how long a census takes' },
    { line: 'time list | count', note: 'with filters' },
    { line: 'time put report.pdf && list', note: 'the whole rest of the line' },
  ],
  effects: 'reads',
  async inConsole(_port, values, { out, signal }, session) {
    const startedMs = performance.now();
    const exit = await session.run(values.line as string, signal);
    out.note(`took ${formatDuration(performance.now() - startedMs)}, exit status ${exit}`);
    return exit;
  },
});
