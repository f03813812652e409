/** Manifests to test with; the golden ones are made of them, so what they say must not change. */
import { shardBytesOf } from '../../../src/engine/codec/aead.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import type { ManifestInput } from '../../../src/engine/codec/manifest.ts';
import { type Random, realRandom } from '../../../src/engine/effects/random.ts';
import { deriveOwner } from '../../../src/engine/keys/owner.ts';
import { type PeerId, type ShardId, shardIdOf } from '../../../src/engine/types.ts';
import { pattern } from './reference.ts';

export const owner = deriveOwner(`${'abandon '.repeat(23)}art`, 'me');
export const stranger = deriveOwner(`${'zoo '.repeat(23)}vote`, 'other');
export const fileKey = pattern(32, 7);
const random = realRandom();
/** For golden bytes. */
export const fixedRandom: Random = { bytes: (length) => pattern(length, 11), fraction: () => 0 };
const peerNamed = (i: number) => `12D3KooWPeer${i + 1}` as PeerId;
export const idOf = (seed: number): ShardId => shardIdOf(pattern(32, seed));

export function inputOf(sizeBytes: number, over: Partial<ManifestInput> = {}): ManifestInput {
  const code = over.code ?? { k: 4, m: 2 };
  const chunkBytes = over.chunkBytes ?? 262_144;
  const n = code.k + code.m;
  const stripes = Array.from({ length: Math.ceil(sizeBytes / chunkBytes) }, (_, s) => ({
    shardBytes: shardBytesOf(Math.min(chunkBytes, sizeBytes - s * chunkBytes), code.k),
    ids: Array.from({ length: n }, (_, i) => idOf(s * n + i)),
    holders: Array.from({ length: n }, (_, i) => (s === 1 && i === 2 ? undefined : peerNamed((s + i) % 7))),
  }));
  return {
    code,
    chunkBytes,
    stripes,
    secret: {
      name: 'photos/ä "quoted"\n../x',
      sizeBytes,
      contentHash: pattern(32, 3),
      mimeType: 'image/png',
      createdAtMs: 1_795_000_000_000,
      tags: ['holiday', '2026'],
      inline: undefined,
    },
    fileKey,
    owner,
    recipients: [owner.encryptionPublicKey],
    random,
    ...over,
  };
}

export function inlineInput(content: Uint8Array): ManifestInput {
  const input = inputOf(0);
  const secret = {
    ...input.secret,
    sizeBytes: content.length,
    contentHash: blake3(content),
    inline: content,
  };
  return { ...input, stripes: [], secret };
}
