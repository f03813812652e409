import fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, it } from 'vitest';
import { textWidth } from '../../src/commands/format/text-width.ts';

it('measures each character of the first planes, the first blocks beside others too, as string-width does', () => {
  const differing: string[] = [];
  for (let code = 0; code <= 0x1_ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const text = String.fromCodePoint(code);
    // What joins its neighbours is told by them; beyond, nothing is taken for narrow.
    for (const each of code < 0x3000 ? [text, `a${text}`, `${text}─`] : [text])
      if (textWidth(each) !== stringWidth(each)) differing.push(code.toString(16));
  }
  expect(differing).toEqual([]);
}, 120_000);

it('measures texts of any pieces as string-width does', () => {
  const piece = fc.oneof(
    fc.constantFrom('│', '⠿', '…', '✓', '●', '→', '中', 'é', 'e\u0301', '\u{1f469}\u200d\u{1f4bb}', '\ufe0f'),
    fc.constantFrom(
      '\u001b[31m',
      '\u001b[0m',
      '\u001b[38;5;12m',
      '\u001b[38;54321m',
      '\u001b',
      '[0m',
      '\t',
      '\n',
      '\u00ad',
      '\u200d',
      '©',
      '↔',
    ),
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(text, (it) => {
      expect(textWidth(it)).toBe(stringWidth(it));
    }),
    { numRuns: 2_000 },
  );
});
