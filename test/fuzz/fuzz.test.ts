import { describe, expect, it } from 'vitest';
import { allTargets } from './all-targets.ts';
import { fuzz } from './run.ts';

/** A smoke; `npm run fuzz` does a million for each. */
const INPUTS = 3000;
const MIB = 1024 * 1024;

const targets = await allTargets();

describe('decoders of foreign bytes', () => {
  it.each(targets.map((target) => [target.name, target] as const))(
    '%s: refuses or reads whatever comes, within 64 MiB',
    async (_, target) => {
      const result = await fuzz(target, INPUTS, 20_261_121);
      expect(result.inputs).toBe(INPUTS);
      expect(result.accepted).toBeLessThan(INPUTS);
      expect(result.peakBytes).toBeLessThan(64 * MIB);
    },
    60_000,
  );

  it('that fail are found, with the input that did it', async () => {
    const broken = {
      name: 'broken',
      corpus: [Buffer.from('abc')],
      refusals: /^never$/,
      run(input: Uint8Array) {
        if (input[0] !== 0x61) throw new TypeError('crash');
      },
    };
    await expect(fuzz(broken, 1000, 1)).rejects.toThrow(
      /^broken: input \d+ of seed 1: TypeError: crash\n[0-9a-f]*$/,
    );
  });
});
