/** A put's and a get's work on one 4+2 stripe, for any codec. */
import type { Codec } from '../../src/engine/codec/codec.ts';
import { createCodec } from '../../src/engine/codec/local-codec.ts';
import { noise } from './timing.ts';

export type Direction = 'put' | 'get';

const CODE = { k: 4, m: 2 };

/** `put` seals, codes and hashes a chunk; `get` makes its two lost data shards and opens it. */
export async function workOf(
  codec: Codec,
  sizeBytes: number,
): Promise<Record<Direction, () => Promise<void>>> {
  const job = { code: CODE, fileKey: new Uint8Array(32).fill(9), chunkIndex: 0, last: false };
  const plaintext = noise(sizeBytes);
  const stripe = await createCodec().encode({ ...job, plaintext });
  const shards = new Map([2, 3, 4, 5].map((index) => [index, Uint8Array.from(stripe.shards[index]!)]));
  const { shardBytes } = stripe;
  return {
    put: async () => (await codec.encode({ ...job, plaintext })).release(),
    get: async () =>
      (await codec.decode({ ...job, plaintextBytes: sizeBytes, shardBytes, shards })).release(),
  };
}
