/** Texts that are nearly scripts, made from the command table, for fuzzing the command language. */
import type { Registry } from '../../src/commands/registry.ts';
import type { Span } from '../../src/lang/types.ts';
import type { dice } from './mutate.ts';

type Dice = ReturnType<typeof dice>;

/** Of the language's own, and what no language wants. */
export const PIECES = [
  ...[
    ' ',
    ' ',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\r',
    '\\',
    '\\\n',
    "'",
    '"',
    '`',
    '$',
    '${',
    '}',
    '{',
    '*',
    '~',
    '~/',
  ],
  ...[
    '$X',
    '${X:-y}',
    '${env:HOME}',
    '$?',
    '$_',
    '${',
    '#',
    ';',
    '&&',
    '||',
    '|',
    '&',
    '>',
    '>>',
    '<',
    '=',
    '!!',
    '!',
  ],
  ...[
    'X=1',
    'set X=',
    'set -d X=',
    '| where a > 1',
    '| where a ~ (',
    '| head 3',
    '| sort x -r',
    '| count',
    '| grep [',
  ],
  ...[
    '> out',
    '>> out',
    '--json',
    '--json=',
    '--json=a,b',
    '-f',
    '--',
    '-',
    '-h',
    '--help',
    '10GiB',
    '5m',
    '4+2',
  ],
  ...[
    '\u0000',
    '\ufeff',
    '\u202e',
    '\u00ad',
    '😀',
    '\ud800',
    '\\u{110000}',
    '\\x4',
    '\\u00',
    'ｐｕｔ',
    '\u001b[2J',
  ],
] as const;

const words = new WeakMap<Registry, string[]>();

function wordsOf(registry: Registry): string[] {
  let known = words.get(registry);
  if (known === undefined) {
    known = registry.commands.flatMap(({ path, options, examples }) => [
      path.join(' '),
      ...options.map(({ name }) => `--${name}`),
      ...examples.map(({ line }) => line),
    ]);
    words.set(registry, known);
  }
  return known;
}

/** Up to forty pieces in any order, some of them cut or with a letter changed. */
export function scriptish(random: Dice, registry: Registry): string {
  const known = wordsOf(registry);
  let text = '';
  for (let left = random.roll(40); left >= 0; left--) {
    const piece =
      random.roll(3) === 0 ? known[random.roll(known.length)]! : PIECES[random.roll(PIECES.length)]!;
    text += changed(piece, random);
    if (random.roll(3) === 0) text += ' ';
  }
  return text;
}

function changed(piece: string, random: Dice): string {
  const at = random.roll(piece.length + 1);
  switch (random.roll(12)) {
    case 0:
      return piece.slice(0, at);
    case 1:
      return piece.slice(at);
    case 2:
      return piece.slice(0, at) + String.fromCharCode(random.roll(0x10000)) + piece.slice(at);
    case 3:
      return piece + piece;
    default:
      return piece;
  }
}

/** Offsets, line and column lie in the text. */
export function misplaced({ start, end, line, column }: Span, text: string): boolean {
  if (start < 0 || end < start || end > text.length || line < 1 || column < 1) return true;
  const lines = text.split(/\r\n|\r|\n/);
  return line > lines.length || column > (lines[line - 1]?.length ?? 0) + 1;
}
