import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { createCodec } from '../../../src/engine/codec/local-codec.ts';
import { shardIdOf } from '../../../src/engine/types.ts';
import { slowParity } from './reference.ts';

/** Stripes as an earlier version stored them: plaintext byte i is i % 251. */
interface GoldenStripe {
  k: number;
  m: number;
  fileKey: string;
  chunkIndex: number;
  last: boolean;
  plaintextBytes: number;
  shardBytes: number;
  ids: string[];
  /** Hex; left out for the long stripe, whose ids prove it. */
  shards?: string[];
}

const readGolden = (version: number) =>
  (
    JSON.parse(
      readFileSync(new URL(`../../golden/codec/stripes-v${version}.json`, import.meta.url), 'utf8'),
    ) as GoldenStripe[]
  ).map((stripe) => ({ ...stripe, version }));
const codec = createCodec();

/** Of version 1 the padding was zeros. */
const WRITTEN = 2;

describe.each([...readGolden(1), ...readGolden(2)])(
  'golden stripe of version $version, $k+$m of $plaintextBytes bytes',
  (stripe) => {
    const { k, m, shardBytes, chunkIndex, last, plaintextBytes } = stripe;
    const fileKey = Buffer.from(stripe.fileKey, 'hex');
    const plaintext = Uint8Array.from({ length: plaintextBytes }, (_, i) => i % 251);

    it.runIf(stripe.version === WRITTEN)('is still what would be written', async () => {
      const written = await codec.encode({ code: { k, m }, fileKey, chunkIndex, last, plaintext });
      expect(written.shardBytes).toBe(shardBytes);
      expect(written.ids).toEqual(stripe.ids);
    });

    it.runIf(stripe.shards !== undefined)('still reads, from its last k shards', async () => {
      const shards = stripe.shards!.map((hex) => Buffer.from(hex, 'hex'));
      expect(shards.map((shard) => shardIdOf(blake3(shard)))).toEqual(stripe.ids);
      expect(slowParity(k, m, shards.slice(0, k)).map((it) => Buffer.from(it))).toEqual(shards.slice(k));
      const kept = new Map(shards.map((shard, index) => [index, shard] as const).slice(-k));
      const opened = await codec.decode({
        code: { k, m },
        fileKey,
        chunkIndex,
        last,
        plaintextBytes,
        shardBytes,
        shards: kept,
      });
      expect(Buffer.compare(opened.bytes, plaintext)).toBe(0);
    });
  },
);
