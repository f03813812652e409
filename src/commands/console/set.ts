import { suggest } from '../../config/suggest.ts';
import { DatameshError } from '../../errors.ts';
import { parseDuration } from '../../lang/units.ts';
import { type ConsolePort, consoleCommandOf } from './port.ts';

/** Faster than this the panels cost more than they tell; slower is as good as paused. */
const MIN_REFRESH_MS = 500;
const MAX_REFRESH_MS = 60_000;

interface Setting {
  /** As text; undefined where this console has no such thing. */
  now(port: ConsolePort): string | undefined;
  /** Throws `bad-value`. */
  change(port: ConsolePort, value: string): void;
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  refresh: {
    now: (port) => `${port.refreshMs()} ms`,
    change: (port, value) => port.setRefresh(refreshOf(value)),
  },
  'editor.mode': {
    now: (port) => port.editorMode(),
    change: (port, value) => port.setEditorMode(choice('editor.mode', value, ['emacs', 'vi'] as const)),
  },
  mouse: {
    now(port) {
      const on = port.mouse();
      return on === undefined ? undefined : on ? 'on' : 'off';
    },
    change: (port, value) => port.setMouse(choice('mouse', value, ['on', 'off'] as const) === 'on'),
  },
};

export const setCommand = consoleCommandOf({
  path: ['set'],
  summary: 'Change a setting of this console',
  description: `refresh: time between two samples of the panels. editor.mode: keys of the prompt, emacs (readline's) or vi.
    mouse: on or off; on, the wheel scrolls what is under it and a click gives the keyboard to a panel, and with Shift the terminal selects text as ever.
    Holds until the console ends; console.editorMode and console.mouse of the configuration are for every console from the next on.
    \`set NAME=word\` sets a variable of the command language instead.`,
  args: [
    {
      name: 'setting',
      type: { kind: 'enum', values: Object.keys(SETTINGS) },
      summary: 'what to set',
      required: true,
    },
    {
      name: 'value',
      type: { kind: 'string' },
      summary: 'without it, what it is now',
      required: false,
    },
  ],
  options: [],
  examples: [
    { line: 'set refresh 2s', note: 'a sample every two seconds' },
    { line: 'set editor.mode vi', note: "vi's keys at the prompt" },
    { line: 'set mouse on', note: 'the wheel scrolls, a click chooses a panel' },
  ],
  effects: 'reads',
  async inConsole(port, values, { out }) {
    const name = String(values.setting);
    const setting = SETTINGS[name];
    if (setting?.now(port) === undefined) {
      throw new DatameshError('bad-value', {
        what: `the line console has no ${name}: it draws nothing, and its lines are edited as in a shell`,
        mend: 'it is a setting of the full console: datamesh console',
      });
    }
    if (typeof values.value === 'string') setting.change(port, values.value);
    out.note(`${name} ${setting.now(port)}`);
  },
});

function refreshOf(value: string): number {
  const ms = parseDuration(value);
  if (ms === undefined || ms < MIN_REFRESH_MS || ms > MAX_REFRESH_MS) {
    throw new DatameshError('bad-value', {
      what: `refresh must be between ${MIN_REFRESH_MS} ms and ${MAX_REFRESH_MS / 1000} s`,
      mend: 'for example: set refresh 2s',
    });
  }
  return ms;
}

function choice<T extends string>(name: string, value: string, values: readonly T[]): T {
  const found = values.find((each) => each === value);
  if (found !== undefined) return found;
  const [near] = suggest(value, values);
  throw new DatameshError('bad-value', {
    what: `${name} is ${values.join(' or ')}, not '${value}'`,
    mend: `for example: set ${name} ${near ?? values.at(-1)}`,
  });
}
