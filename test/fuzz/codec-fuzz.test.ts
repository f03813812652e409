import { describe, expect, it } from 'vitest';
import { fuzz } from './run.ts';
import { targets } from './targets.ts';

/** A smoke; `npm run fuzz:codec` does a million. */
const INPUTS = 4000;
const MIB = 1024 * 1024;

describe('decoders of foreign bytes', () => {
  it.each(targets.map((target) => [target.name, target] as const))(
    '%s: refuses or reads whatever comes, within 64 MiB',
    (_, target) => {
      const result = fuzz(target, INPUTS, 20_261_121);
      expect(result.inputs).toBe(INPUTS);
      expect(result.accepted).toBeLessThan(INPUTS);
      expect(result.peakBytes).toBeLessThan(64 * MIB);
    },
    60_000,
  );

  it('that fail are found, with the input that did it', () => {
    const broken = {
      name: 'broken',
      corpus: [Buffer.from('abc')],
      refusals: /^never$/,
      run(input: Uint8Array) {
        if (input[0] !== 0x61) throw new TypeError('crash');
      },
    };
    expect(() => fuzz(broken, 1000, 1)).toThrow(/^broken: input \d+ of seed 1: TypeError: crash\n[0-9a-f]*$/);
  });
});
