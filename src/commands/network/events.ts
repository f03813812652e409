import { setTimeout as sleep } from 'node:timers/promises';
import { EVENT_SOURCES, type EventLevel, type EventView } from '../../engine/views/events.ts';
import type { Command } from '../command.ts';
import { EVENTS_FIELDS } from './fields.ts';

const LEVELS = ['info', 'warn', 'error'] as const;
const RANK: Readonly<Record<EventLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
/** With --follow: how long a new event may wait until it is shown. */
const POLL_MS = 500;

export const eventsCommand: Command = {
  path: ['events'],
  group: 'network',
  summary: 'Show what happened on this node: peers, puts, repairs, failures',
  description: `The events of the running node, at most the last 500, oldest first; those before its start are in the service's log. With --follow new ones are
    shown as they come, until Ctrl-C.`,
  args: [],
  options: [
    {
      name: 'level',
      type: { kind: 'enum', values: LEVELS },
      summary: 'Only this level and above',
      default: 'info',
    },
    {
      name: 'source',
      type: { kind: 'enum', values: EVENT_SOURCES },
      summary: `Only of this part: ${EVENT_SOURCES.join(', ')}`,
      repeatable: true,
    },
    { name: 'last', type: { kind: 'integer', min: 0 }, summary: 'Only the last of them' },
    { name: 'follow', short: 'f', summary: 'Go on with new ones' },
  ],
  examples: [
    { line: 'datamesh events', note: 'what happened lately' },
    { line: 'datamesh events --level warn --last 20', note: 'the last 20 that are worth a look' },
    { line: 'datamesh events --source mesh --json=atMs,text', note: 'for a script' },
  ],
  effects: 'reads',
  fields: EVENTS_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'atMs', title: 'TIME', format: 'time' },
    { key: 'level', title: 'LEVEL' },
    { key: 'source', title: 'SOURCE' },
    { key: 'text', title: 'EVENT' },
  ],
  async run(context, values) {
    const { out, signal } = context;
    const engine = await context.engine();
    const least = RANK[(values.level as EventLevel | undefined) ?? 'info'];
    const sources = values.source as string[] | undefined;
    const wanted = (event: EventView) =>
      RANK[event.level] >= least && (sources === undefined || sources.includes(event.source));
    let seen = 0;
    const read = async () => {
      const events = await engine.events({ afterSeq: seen });
      seen = events.at(-1)?.seq ?? seen;
      return events.filter(wanted);
    };
    const first = await read();
    const last = values.last as number | undefined;
    for (const event of last === undefined ? first : first.slice(Math.max(0, first.length - last)))
      out.record({ ...event });
    while (values.follow === true) {
      await out.flush?.();
      await sleep(POLL_MS, undefined, { signal });
      for (const event of await read()) out.record({ ...event });
    }
  },
};
