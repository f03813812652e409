/** A put's and a get's work on one 4+2 stripe, for any codec. */
import type { Codec } from '../../src/engine/codec/codec.ts';
import { createCodec } from '../../src/engine/codec/local-codec.ts';
import { copyInto } from '../../src/engine/codec/memory.ts';
import { noise } from './timing.ts';

export type Direction = 'put' | 'get';

export interface Work extends Record<Direction, () => Promise<void>> {
  /** Fills as many landings as the codec lends, as a network would; `get` decodes them all. */
  received(): Promise<{ stripes: number; get: () => Promise<void> }>;
}

const CODE = { k: 4, m: 2 };

/** `put` seals, codes and hashes a chunk; `get` verifies four shards, makes the two data shards that are lost, and opens it. */
export async function workOf(codec: Codec, sizeBytes: number): Promise<Work> {
  const job = { code: CODE, fileKey: new Uint8Array(32).fill(9), chunkIndex: 0, last: false };
  const plaintext = noise(sizeBytes);
  const stripe = await createCodec().encode({ ...job, plaintext });
  const shards = new Map([2, 3, 4, 5].map((index) => [index, Uint8Array.from(stripe.shards[index]!)]));
  const { shardBytes } = stripe;
  const sizes = { plaintextBytes: sizeBytes, shardBytes, ids: stripe.ids };
  const receive = async () => {
    const landing = await codec.receive(CODE, shardBytes);
    if (landing === undefined) return undefined;
    const places = new Map<number, Uint8Array>();
    for (const [index, shard] of shards) {
      const place = landing.bufferFor(index)!;
      copyInto(place, shard);
      landing.ended(index);
      places.set(index, place);
    }
    return async () => (await codec.decode({ ...job, ...sizes, shards: places, landing })).release();
  };
  return {
    put: async () => (await codec.encode({ ...job, plaintext })).release(),
    get: async () => (await codec.decode({ ...job, ...sizes, shards })).release(),
    async received() {
      const stripes: (() => Promise<void>)[] = [];
      for (let next = await receive(); next !== undefined; next = await receive()) stripes.push(next);
      return {
        stripes: stripes.length,
        get: async () => {
          await Promise.all(stripes.map((decode) => decode()));
        },
      };
    },
  };
}
