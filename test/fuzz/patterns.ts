/**
 * `npm run fuzz:patterns -- [--shards N]`: every loss of m shards of every code with k+m up to N (14), each with the decoder that the product makes for it,
 * byte for byte. Some minutes; npm test proves the matrices of the same patterns and the bytes of a part.
 */
import { parseArgs } from 'node:util';
import { Erasure } from '../../src/engine/codec/erasure.ts';
import { pattern, slowParity, subsets } from '../engine/codec/reference.ts';

const SHARD_BYTES = 256;
const { values } = parseArgs({ options: { shards: { type: 'string', default: '14' } } });
const erasure = new Erasure();
for (let n = 2; n <= Number(values.shards); n++) {
  let patterns = 0;
  for (let k = 1; k < n; k++) patterns += allLosses(k, n - k);
  process.stdout.write(`${n} shards: ${patterns} loss patterns decoded\n`);
}

function allLosses(k: number, m: number): number {
  const data = Array.from({ length: k }, (_, i) => pattern(SHARD_BYTES, 100 * k + i));
  const stripe = [...data, ...slowParity(k, m, data)];
  let patterns = 0;
  for (const lost of subsets(k + m, m)) {
    const kept = new Map([...stripe.entries()].filter(([index]) => !lost.includes(index)));
    for (const [index, bytes] of erasure.rebuild({ k, m }, SHARD_BYTES, kept, lost)) {
      if (Buffer.compare(bytes, stripe[index]!) !== 0)
        throw new Error(`${k}+${m} without ${lost}: shard ${index} is wrong`);
    }
    patterns++;
  }
  return patterns;
}
