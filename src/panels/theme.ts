/** Looks: the glyphs of the locale and the SGR codes of each tone. Quiet on purpose: only what needs attention has colour. */
import { type Row, type Tone, widthOf } from './cells.ts';

export interface Glyphs {
  unicode: boolean;
  ok: string;
  warn: string;
  bad: string;
  off: string;
  idle: string;
  up: string;
  down: string;
  more: string;
  none: string;
  pointer: string;
  prompt: string;
  dot: string;
  /** Before what a person keeps on top. */
  kept: string;
  bar: { full: string; empty: string };
  /** Eight heights, lowest first. */
  heights: readonly string[];
  spinner: readonly string[];
  box: { tl: string; tr: string; bl: string; br: string; h: string; v: string; sep: string };
  asc: string;
  desc: string;
  return: string;
}

const UNICODE: Glyphs = {
  unicode: true,
  ok: '✔',
  warn: '▲',
  bad: '✖',
  off: '○',
  idle: '●',
  up: '▲',
  down: '▼',
  more: '…',
  none: '–',
  pointer: '▸',
  prompt: '›',
  dot: '·',
  kept: '»',
  bar: { full: '█', empty: '░' },
  heights: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
  box: { tl: '╭', tr: '╮', bl: '╰', br: '╯', h: '─', v: '│', sep: '│' },
  asc: '▲',
  desc: '▼',
  return: '⏎',
};

const ASCII: Glyphs = {
  unicode: false,
  ok: '[ok]',
  warn: '[!]',
  bad: '[x]',
  off: 'o',
  idle: '*',
  up: '^',
  down: 'v',
  more: '~',
  none: '-',
  pointer: '>',
  prompt: '>',
  dot: '|',
  kept: '>>',
  bar: { full: '#', empty: '.' },
  heights: ['_', '.', ',', '-', '=', '+', '*', '#'],
  spinner: ['|', '/', '-', '\\'],
  box: { tl: '+', tr: '+', bl: '+', br: '+', h: '-', v: '|', sep: '|' },
  asc: '^',
  desc: 'v',
  return: '\\n',
};

/** `contrast`: no dimmed text, strong colours, for bad light and weak eyes. */
export type Look = 'quiet' | 'contrast';

export interface Theme {
  glyphs: Glyphs;
  colour: boolean;
  look: Look;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** UTF-8 as the locale says it: LC_ALL, else LC_CTYPE, else LANG; a terminal without any is taken to be UTF-8. */
export function isUnicodeLocale(env: Environment): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG;
  return locale === undefined || locale === '' || /utf-?8/i.test(locale);
}

/** NO_COLOR (any value but empty) wins over FORCE_COLOR, as its convention wants. */
export function wantsColour(env: Environment): boolean {
  if ((env.NO_COLOR ?? '') !== '' || env.FORCE_COLOR === '0' || env.TERM === 'dumb') return false;
  return true;
}

export function themeFrom(env: Environment): Theme {
  const look = env.DATAMESH_THEME === 'contrast' ? 'contrast' : 'quiet';
  return { glyphs: isUnicodeLocale(env) ? UNICODE : ASCII, colour: wantsColour(env), look };
}

const COLOUR: Readonly<Record<Tone, string>> = {
  plain: '',
  dim: '2',
  title: '1',
  accent: '36',
  ok: '32',
  warn: '33',
  bad: '31;1',
  up: '36',
  down: '35',
  selected: '7',
};

/** Bold and bright; what is quiet elsewhere is plain here. */
const CONTRAST: Readonly<Record<Tone, string>> = {
  plain: '',
  dim: '',
  title: '1',
  accent: '96;1',
  ok: '92;1',
  warn: '93;1',
  bad: '97;41;1',
  up: '96',
  down: '95',
  selected: '7;1',
};

/** Without colour weight and inversion are left: they are no colours and carry the selection. */
const PLAIN: Readonly<Record<Tone, string>> = {
  plain: '',
  dim: '2',
  title: '1',
  accent: '1',
  ok: '',
  warn: '1',
  bad: '1',
  up: '',
  down: '',
  selected: '7',
};

function codesOf({ colour, look }: Theme): Readonly<Record<Tone, string>> {
  if (!colour) return look === 'contrast' ? { ...PLAIN, dim: '' } : PLAIN;
  return look === 'contrast' ? CONTRAST : COLOUR;
}

/** A row as text with SGR codes; neighbours of one tone share a run, so a quiet row costs few bytes. */
export function paintRow(row: Row, theme: Theme): string {
  const codes = codesOf(theme);
  let out = '';
  let run = '';
  let open = '';
  const flush = () => {
    if (run !== '') out += open === '' ? run : `\u001b[${open}m${run}\u001b[0m`;
    run = '';
  };
  for (const each of row) {
    const code = codes[each.tone];
    if (code !== open) {
      flush();
      open = code;
    }
    run += theme.glyphs.unicode ? each.text : asciiOnly(each.text);
  }
  flush();
  return out;
}

const ASCII_FORMS: Readonly<Record<string, string>> = {
  '…': '~',
  '–': '-',
  '›': '>',
  '⏎': '$',
  '⇥': '>',
  '·': '.',
  '−': '-',
  '█': '#',
  '─': '-',
  '│': '|',
  '├': '+',
  '└': '+',
};
const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** As wide as before: a terminal that cannot show a character gets a question mark for each of its columns. */
function asciiOnly(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  return [...segmenter.segment(text)]
    .map(({ segment }) =>
      /^[ -~]$/.test(segment) ? segment : (ASCII_FORMS[segment] ?? '?'.repeat(widthOf(segment))),
    )
    .join('');
}

export function paintRows(rows: readonly Row[], theme: Theme): string {
  return rows.map((row) => paintRow(row, theme)).join('\n');
}
