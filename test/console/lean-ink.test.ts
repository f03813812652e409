import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { keepCaches, rememberWidths } from '../../src/console/lean-ink-stand-ins.ts';

const ENTRY = resolve(import.meta.dirname, 'lean-ink-entry.ts');

it('takes one function of es-toolkit instead of the whole, and no HTTP client, and Ink is there all the same', () => {
  const load = (how: string) => {
    const { stdout, stderr } = spawnSync(process.execPath, [ENTRY, how], { encoding: 'utf8' });
    expect(stdout, stderr).not.toBe('');
    return JSON.parse(stdout) as {
      files: number;
      ink: number;
      widths: number;
      client: boolean;
      works: boolean;
    };
  };
  const lean = load('lean');
  expect(lean).toMatchObject({ works: true, client: false, widths: 0 });
  expect(lean.files).toBeLessThan(20);
  const whole = load('whole');
  expect(whole.files).toBeGreaterThan(lean.files);
  expect(whole.client).toBe(true);
  // As one file in a build; string-width is loaded when a text needs it.
  expect(load('built')).toEqual({ works: true, client: false, files: 0, ink: 0, widths: 0 });
});

it('keeps some texts, however many frames are drawn', () => {
  const grown = (how: string) => {
    const entry = resolve(import.meta.dirname, 'frames-entry.ts');
    const { stdout, stderr } = spawnSync(process.execPath, [entry, how], { encoding: 'utf8' });
    expect(stdout, stderr).not.toBe('');
    return (JSON.parse(stdout) as { grown: number }).grown;
  };
  // Five hundred texts of 8 KB.
  for (const how of ['lean', 'built']) expect(grown(how)).toBeLessThan(1_500_000);
}, 60_000);

/** Ink's class, whole or with what stands in for some of it; each call gives one of its own. */
let classes = 0;
async function outputClass(lean: boolean): Promise<Parameters<typeof keepCaches>[0]> {
  const file = resolve(import.meta.dirname, '../../node_modules/ink/build/output.js');
  const found: { default: Parameters<typeof keepCaches>[0] } = await import(`${file}?class=${classes++}`);
  if (lean) keepCaches(found.default);
  return found.default;
}

interface Written {
  x: number;
  y: number;
  text: string;
  transformers: ((line: string, at: number) => string)[];
}

function frameOf(
  Output: Parameters<typeof keepCaches>[0],
  texts: readonly Written[],
  width = 24,
  height = 6,
) {
  const output = new Output({ width, height });
  output.operations = texts.map((each) => ({ type: 'write', ...each }));
  return output.get();
}

it('makes the rows that Ink makes: of wide and coloured texts, beside and over each other, and beyond the edges', async () => {
  const whole = await outputClass(false);
  const lean = await outputClass(true);
  const piece = fc.constantFrom(
    'a',
    'bc ',
    ' ',
    '\u4e2d',
    '\ud83d\udc69\u200d\ud83d\udcbb',
    'e\u0301',
    '│',
    '\n',
    '\u001b[31mred\u001b[39m',
    '\u001b[1mbold',
    '\u001b[22m',
    '\u001b[7mx\u001b[27m ',
    '\u001b[0m',
  );
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  const transformers = fc.subarray([
    (line: string) => line,
    (line: string, at: number) => (at === 1 ? `\u001b[35m${line}\u001b[39m` : line),
  ]);
  const written = fc.record({
    x: fc.integer({ min: 0, max: 26 }),
    y: fc.integer({ min: -2, max: 7 }),
    text,
    transformers,
  });
  const frames = fc.array(fc.array(written, { maxLength: 5 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(frames, (all) => {
      for (const texts of [...all, ...all]) {
        expect(frameOf(lean, texts)).toEqual(frameOf(whole, texts));
      }
    }),
    { numRuns: 300 },
  );
});

it('keeps what the frame before had, and forgets what a frame did not look at', async () => {
  const lean = await outputClass(true);
  const made: string[] = [];
  const { getStyledChars } = new lean({ width: 1, height: 1 }).caches;
  const frame = (...texts: string[]) => {
    made.length = 0;
    const output = new lean({ width: 24, height: 6 });
    output.operations = texts.map((text, y) => ({ type: 'write', transformers: [], x: 0, y, text }));
    output.caches.getStyledChars = function (text: string) {
      if (this.styledChars.get(text) === undefined) made.push(text);
      return getStyledChars.call(this, text);
    };
    return { rows: output.get().output.trimEnd().split('\n'), made: [...made] };
  };
  expect(frame('a', 'bb')).toEqual({ rows: ['a', 'bb'], made: ['a', 'bb'] });
  expect(frame('bb', 'ccc')).toEqual({ rows: ['bb', 'ccc'], made: ['ccc'] });
  expect(frame('bb', 'ccc')).toEqual({ rows: ['bb', 'ccc'], made: [] });
  expect(frame('a', 'bb')).toEqual({ rows: ['a', 'bb'], made: ['a'] });
});

it('remembers widths of some texts, never of more and more', () => {
  let asked = 0;
  const widest = rememberWidths((text) => {
    asked++;
    return text.length;
  });
  for (let round = 0; round < 3; round++) expect(widest('same')).toBe(4);
  expect(asked).toBe(1);
  for (let at = 0; at < 1000; at++) expect(widest(`text ${at}`)).toBe(`text ${at}`.length);
  expect(widest('same')).toBe(4);
  expect(asked).toBe(1002);
});
