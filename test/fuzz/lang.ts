/**
 * `npm run fuzz:lang -- [--inputs N] [--seed S]`: so many texts (a million) through tokenizer, parser and completion of the command language: none throws, none takes
 * long, every diagnostic has its place inside the text. npm test does a small part.
 */

import { parseArgs } from 'node:util';
import { textWidth } from '../../src/commands/format/text-width.ts';
import { complete } from '../../src/lang/complete.ts';
import { formatDiagnostic } from '../../src/lang/diagnostics.ts';
import { parse } from '../../src/lang/parser.ts';
import { realRegistry } from '../support/registry.ts';
import { misplaced, scriptish } from './lang-texts.ts';
import { dice } from './mutate.ts';

const { values } = parseArgs({
  options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
/** A parser that hangs takes longer, again and again: once may be the machine's doing. */
const MAX_TEXT_MS = 1000;
/** Completing costs more than parsing: one of so many. */
const COMPLETED = 20;

const registry = realRegistry();
const inputs = Number(values.inputs);
const random = dice(Number(values.seed));
const env = { HOME: '/h' };
let diagnosed = 0;
let slowestMs = 0;
const startedMs = performance.now();

for (let i = 0; i < inputs; i++) {
  const text = scriptish(random, registry);
  const cursor = i % COMPLETED === 0 ? random.roll(text.length + 1) : undefined;
  let tookMs = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3 && tookMs > MAX_TEXT_MS; attempt++) {
    const beganMs = performance.now();
    try {
      await judge(text, cursor);
    } catch (error) {
      throw new Error(`text ${i} of seed ${values.seed}: ${JSON.stringify(text)}`, { cause: error });
    }
    tookMs = performance.now() - beganMs;
  }
  if (tookMs > MAX_TEXT_MS)
    throw new Error(`text ${i} took ${Math.round(tookMs)} ms: ${JSON.stringify(text)}`);
  slowestMs = Math.max(slowestMs, tookMs);
}
const seconds = (performance.now() - startedMs) / 1000;
process.stdout.write(
  `${inputs} texts in ${seconds.toFixed(1)} s, ${diagnosed} of them with diagnostics, the slowest ${slowestMs.toFixed(1)} ms\n`,
);

async function judge(text: string, cursor: number | undefined): Promise<void> {
  const { diagnostics, commands } = parse(text, { registry, env, variables: { X: 'x' } });
  const wrong = [...diagnostics, ...commands].find(({ span }) => misplaced(span, text));
  if (wrong !== undefined) throw new Error(`a place outside of the text: ${JSON.stringify(wrong.span)}`);
  for (const diagnostic of diagnostics) formatDiagnostic(diagnostic, text, '<stdin>', textWidth);
  if (diagnostics.length > 0) diagnosed++;
  if (cursor !== undefined) await complete(text, cursor, { registry, sources: {} });
}
