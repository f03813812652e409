import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textWidth } from '../../src/commands/format/text-width.ts';
import { complete } from '../../src/lang/complete.ts';
import { formatDiagnostic } from '../../src/lang/diagnostics.ts';
import { parse } from '../../src/lang/parser.ts';
import { misplaced, scriptish as nearlyScript, PIECES } from '../fuzz/lang-texts.ts';
import { dice } from '../fuzz/mutate.ts';
import { realRegistry } from '../support/registry.ts';

const registry = realRegistry();
const env = { HOME: '/h' };

/** Text that is nearly a script: words, quotes and operators in any order, and now and then anything at all. */
const scriptish = fc
  .array(
    fc.oneof(
      fc.constantFrom('put', 'get', 'list', 'keys', 'set', 'help', 'delete', '--tags', 'X=1', ...PIECES),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

/** Beside a test suite that fills both cores. */
const SLOW_MS = 60_000;

describe('any text', { timeout: SLOW_MS }, () => {
  it('of `npm run fuzz:lang`, some thousands of them', async () => {
    const random = dice(7);
    for (let i = 0; i < 5000; i++) {
      const text = nearlyScript(random, registry);
      const { diagnostics, commands } = parse(text, { registry, env, variables: { X: 'x' } });
      for (const { span } of [...diagnostics, ...commands])
        expect(misplaced(span, text), JSON.stringify(text)).toBe(false);
      if (i % 50 === 0) await complete(text, random.roll(text.length + 1), { registry, sources: {} });
    }
  });

  it('is parsed without a crash, and every diagnostic lies inside it', () => {
    fc.assert(
      fc.property(scriptish, (text) => {
        const lines = text.split(/\r\n|\r|\n/);
        const { diagnostics, commands } = parse(text, { registry, env, variables: { X: 'x' } });
        for (const { span } of [...diagnostics, ...commands]) {
          expect(span.start).toBeGreaterThanOrEqual(0);
          expect(span.end).toBeGreaterThanOrEqual(span.start);
          expect(span.end).toBeLessThanOrEqual(text.length);
          expect(span.line).toBeGreaterThanOrEqual(1);
          expect(span.line).toBeLessThanOrEqual(lines.length);
          expect(span.column).toBeGreaterThanOrEqual(1);
          expect(span.column).toBeLessThanOrEqual((lines[span.line - 1]?.length ?? 0) + 1);
        }
        for (const diagnostic of diagnostics) {
          const shown = formatDiagnostic(diagnostic, text, '<stdin>', textWidth);
          expect(shown.split('\n')).toHaveLength(3);
          expect(shown).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('takes time that grows with its length, not faster', () => {
    for (const piece of [
      '"',
      "'",
      '$',
      '${',
      '\\',
      'a ',
      '| ',
      '&& ',
      'put x;',
      '#',
      '~ ',
      '${X:-',
      'set A=$A$A\n',
    ]) {
      const text = piece.repeat(Math.floor(60_000 / piece.length));
      const startedAt = performance.now();
      parse(text, { registry, env });
      expect(performance.now() - startedAt, JSON.stringify(piece)).toBeLessThan(5000);
    }
  });

  it('is completed without a crash, and the replaced part ends at the cursor', async () => {
    await fc.assert(
      fc.asyncProperty(scriptish, fc.nat(40), async (text, at) => {
        const cursor = Math.min(at, text.length);
        const { start, end } = await complete(text, cursor, { registry, sources: {} });
        expect(end).toBe(cursor);
        expect(start).toBeLessThanOrEqual(end);
        expect(start).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 1000 },
    );
  });
});
