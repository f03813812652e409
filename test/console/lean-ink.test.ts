import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
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
  expect(lean).toMatchObject({ works: true, client: false, widths: 1 });
  expect(lean.files).toBeLessThan(20);
  const whole = load('whole');
  expect(whole.files).toBeGreaterThan(lean.files);
  expect(whole.client).toBe(true);
  // As one file in a build; datamesh's string-width is loaded by other modules, too, so it is not in there.
  expect(load('built')).toEqual({ works: true, client: false, files: 0, ink: 0, widths: 1 });
});

it('keeps what the frame before had measured, and forgets what a frame did not look at', () => {
  const measured: string[] = [];
  class Output {
    caches = { widths: new Map(), blockWidths: new Map(), styledChars: new Map() };
    texts: readonly string[] = [];
    get(): number[] {
      return this.texts.map((text) => {
        const known = this.caches.widths.get(text) as number | undefined;
        if (known !== undefined) return known;
        measured.push(text);
        this.caches.widths.set(text, text.length);
        return text.length;
      });
    }
  }
  keepCaches(Output as unknown as Parameters<typeof keepCaches>[0]);
  const frame = (...texts: string[]) => {
    measured.length = 0;
    const output = new Output();
    output.texts = texts;
    return { widths: output.get(), measured: [...measured] };
  };
  expect(frame('a', 'bb')).toEqual({ widths: [1, 2], measured: ['a', 'bb'] });
  expect(frame('bb', 'ccc')).toEqual({ widths: [2, 3], measured: ['ccc'] });
  expect(frame('bb', 'ccc')).toEqual({ widths: [2, 3], measured: [] });
  expect(frame('a', 'bb')).toEqual({ widths: [1, 2], measured: ['a'] });
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
