import { consoleCommandOf } from './port.ts';

export const exitCommand = consoleCommandOf({
  path: ['exit'],
  synonyms: [['quit'], ['q']],
  summary: 'Leave the console',
  description: 'The node of this console stops with it; a running service goes on.',
  args: [],
  options: [],
  examples: [
    { line: 'exit', note: 'leave' },
    { line: 'q', note: 'the same, shorter' },
    { line: 'put report.pdf && exit', note: 'leave once it is stored' },
  ],
  effects: 'reads',
  async inConsole(port) {
    port.quit();
  },
});
