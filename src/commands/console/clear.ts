import { consoleCommandOf } from './port.ts';

export const clearCommand = consoleCommandOf({
  path: ['clear'],
  summary: 'Empty the output',
  args: [],
  options: [],
  examples: [
    { line: 'clear', note: 'an empty output' },
    { line: 'clear; status', note: 'then only the answer of status' },
    { line: 'health && clear', note: 'empty it only if all is well' },
  ],
  effects: 'reads',
  async inConsole(port) {
    port.clearOutput();
  },
});
