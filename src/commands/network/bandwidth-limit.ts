import { changing } from '../../config/changing.ts';
import { CONFIG_FIELDS, type FieldValue, fieldOf } from '../../config/fields.ts';
import { loadConfig } from '../../config/resolve.ts';
import { setAllInFile } from '../../config/store.ts';
import { formatField, parseFieldText } from '../../config/values.ts';
import { DatameshError } from '../../errors.ts';
import { tellAboutEffect } from '../care/config-effect.ts';
import type { Command, Values } from '../command.ts';
import { text } from '../fields.ts';

const UP = 'bandwidth.upBytesPerSecond';
const DOWN = 'bandwidth.downBytesPerSecond';
const SCHEDULE = 'bandwidth.schedule';

export const bandwidthLimitCommand: Command = {
  path: ['bandwidth', 'limit'],
  group: 'network',
  summary: 'Show and set the limits for sending and receiving, always or at hours of the day',
  description: `Written to the configuration, and taken up by a running service at once. With --at the limits hold at these hours of this machine's
    day; a span from 22:00 to 06:00 goes over midnight, and of spans that overlap the first one counts. Whole shards pass at a time, so a limit holds over seconds.`,
  args: [],
  options: [
    { name: 'up', type: { kind: 'string' }, summary: 'For sending, e.g. 2MiB/s; 0 = none' },
    { name: 'down', type: { kind: 'string' }, summary: 'For receiving; 0 = none' },
    { name: 'at', type: { kind: 'string' }, summary: 'Only at these hours, e.g. 08:00-18:00' },
    { name: 'clear', summary: 'Forget the hours, before anything else' },
  ],
  examples: [
    { line: 'datamesh bandwidth limit --up 2MiB/s --down 0', note: 'always' },
    {
      line: 'datamesh bandwidth limit --at 08:00-18:00 --up 500KiB/s --down 2MiB/s',
      note: 'leave the line to others by day',
    },
    { line: 'datamesh bandwidth limit --clear --json', note: 'no hours any more, for a script' },
  ],
  fields: { hours: text, up: text, down: text },
  effects: 'writes',
  needs: 'config',
  shape: 'list',
  columns: [
    { key: 'hours', title: 'HOURS' },
    { key: 'up', title: 'UP' },
    { key: 'down', title: 'DOWN' },
  ],
  async run(context, values) {
    const { out, options } = context;
    const path = context.configPath();
    const change = async () => {
      // Read again: a line before this one, or another process, may have changed them.
      const { bandwidth } = (await loadConfig({ flag: path, env: context.env, cwd: context.cwd })).config;
      const next = changed(bandwidth, values);
      const keys = [UP, DOWN, SCHEDULE].filter((key) => !same(next[key]!, limitOf(bandwidth, key)));
      if (!options.dryRun && keys.length > 0)
        await setAllInFile(path, Object.fromEntries(keys.map((key) => [key, next[key]!])));
      return { next, keys };
    };
    const isShown = Object.keys(values).length === 0;
    const { next, keys } = await changing(path, change, !options.dryRun && !isShown);
    for (const span of next[SCHEDULE] as string[]) {
      const [hours = '', limits = ''] = span.split('=');
      const [up = '', down = ''] = limits.split(':');
      out.record({ hours, up, down });
    }
    out.record({ hours: 'otherwise', up: textOf(UP, next[UP]!), down: textOf(DOWN, next[DOWN]!) });
    if (keys.length === 0) return;
    if (options.dryRun) out.note('no limit was changed (--dry-run)');
    await tellAboutEffect(
      context,
      CONFIG_FIELDS.filter(({ key }) => keys.includes(key)),
    );
  },
};

type Limits = { upBytesPerSecond: number; downBytesPerSecond: number; schedule: string[] };

function changed(now: Limits, values: Values): Record<string, FieldValue> {
  const { at, up, down } = values as { at?: string; up?: string; down?: string };
  const before = values.clear === true ? [] : now.schedule;
  if (at === undefined) {
    return {
      [UP]: up === undefined ? now.upBytesPerSecond : parseFieldText(fieldOf(UP)!, up, '--up'),
      [DOWN]: down === undefined ? now.downBytesPerSecond : parseFieldText(fieldOf(DOWN)!, down, '--down'),
      [SCHEDULE]: before,
    };
  }
  if (up === undefined && down === undefined) {
    throw new DatameshError('missing-argument', {
      what: 'no limit is given for these hours',
      mend: 'add --up RATE, --down RATE, or both',
    });
  }
  const rate = (key: string, text: string | undefined, flag: string, otherwise: number) =>
    textOf(key, text === undefined ? otherwise : parseFieldText(fieldOf(key)!, text, flag)).replaceAll(
      ' ',
      '',
    );
  const limits = `${rate(UP, up, '--up', now.upBytesPerSecond)}:${rate(DOWN, down, '--down', now.downBytesPerSecond)}`;
  const schedule = [...before.filter((span) => span.split('=')[0] !== at), `${at}=${limits}`];
  return {
    [UP]: now.upBytesPerSecond,
    [DOWN]: now.downBytesPerSecond,
    [SCHEDULE]: parseFieldText(fieldOf(SCHEDULE)!, schedule.join(','), '--at'),
  };
}

function limitOf(limits: Limits, key: string): FieldValue {
  return limits[key.slice('bandwidth.'.length) as keyof Limits];
}

function textOf(key: string, value: FieldValue): string {
  return formatField(fieldOf(key)!, value);
}

function same(a: FieldValue, b: FieldValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
