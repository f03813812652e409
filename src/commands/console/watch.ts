import { setTimeout as sleep } from 'node:timers/promises';
import { DatameshError, EXIT } from '../../errors.ts';
import { parseDuration } from '../../lang/units.ts';
import { consoleCommandOf } from './port.ts';

const DEFAULT_EVERY_MS = 2000;
/** Faster costs the node more than it tells a reader. */
const LEAST_MS = 500;

export const watchCommand = consoleCommandOf({
  path: ['watch'],
  summary: 'Run a line again and again, until Ctrl-C',
  description: `Waits two seconds between two runs, or as long as the first word says. Only commands that read can be watched; the panels show most
    figures anyhow.`,
  takesLine: true,
  args: [
    {
      name: 'line',
      type: { kind: 'string' },
      summary: 'Time between two runs, and the line',
      required: true,
    },
  ],
  options: [],
  examples: [
    { line: 'watch jobs list --running', note: 'every two seconds' },
    { line: 'watch 5s peers | sort rttMs | head 5', note: 'every five seconds, with filters' },
    { line: 'watch 1m health', note: 'a census every minute' },
  ],
  effects: 'reads',
  async inConsole(port, values, { out, signal }, session) {
    const text = values.line as string;
    const [first = '', ...rest] = text.split(/\s+/);
    const everyMs = /^\d/.test(first) ? parseDuration(first) : undefined;
    const line = everyMs === undefined ? text : text.slice(first.length).trim();
    if (line === '' || (everyMs === undefined && /^\d/.test(first) && rest.length > 0)) {
      throw new DatameshError('bad-value', {
        what: everyMs === undefined ? `'${first}' is no time` : 'what is to be watched?',
        mend: 'for example: watch 2s status',
      });
    }
    if (everyMs !== undefined && everyMs < LEAST_MS) {
      throw new DatameshError('bad-value', {
        what: `a watch waits at least ${LEAST_MS} ms between two runs`,
        mend: `watch ${LEAST_MS}ms ${line}`,
      });
    }
    const { commands, diagnostics } = session.parse(line);
    if (diagnostics.length > 0) {
      session.tell(diagnostics);
      return EXIT.usage;
    }
    const writes = commands.find(({ command }) => command.effects !== 'reads');
    if (writes !== undefined) {
      throw new DatameshError('bad-value', {
        what: `'${writes.command.path.join(' ')}' changes something, and a watch runs it again and again`,
        mend: 'watch what only reads',
      });
    }
    for (let runs = 1; ; runs++) {
      signal.throwIfAborted();
      port.clearOutput();
      out.note(`watch: ${line} (run ${runs}, ${new Date(port.nowMs()).toISOString()}; Ctrl-C ends it)`);
      await session.run(line, signal);
      await sleep(everyMs ?? DEFAULT_EVERY_MS, undefined, { signal });
    }
  },
});
