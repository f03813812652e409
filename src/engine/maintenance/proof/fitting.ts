/** What the sums of a stripe say of its shards, and which of them to doubt first when they do not fit together. Pure. */
import type { CodeProfile, PeerId, ShardId } from '../../types.ts';
import type { Codewords } from './codeword.ts';

/** A stripe, or a manifest's copies (k = 1). */
export interface SumGroup {
  code: CodeProfile;
  /** By index; of a manifest's copies all the same. */
  ids: readonly ShardId[];
}

/** The sum that a holder signed for a shard of which it proved a chunk. */
export interface Sum {
  holder: PeerId;
  id: ShardId;
  lengthBytes: number;
  bytes: Uint8Array;
}

/**
 * Whether the sums fit together; undefined where there are too few to tell (of k shards or fewer). Two holders' sums of one shard must be the same; copies (k = 1) are nothing
 * else, and two of them can be told.
 */
export function fitOf(
  { code, ids }: SumGroup,
  sums: readonly Sum[],
  codewords: Codewords,
): boolean | undefined {
  const byId = new Map<ShardId, Uint8Array>();
  for (const { id, bytes } of sums) {
    const known = byId.get(id);
    if (known !== undefined && Buffer.compare(known, bytes) !== 0) return false;
    byId.set(id, bytes);
  }
  if (code.k === 1) return sums.length > 1 ? true : undefined;
  const byIndex = new Map<number, Uint8Array>();
  for (const [index, id] of ids.entries()) {
    const bytes = byId.get(id);
    if (bytes !== undefined) byIndex.set(index, bytes);
  }
  return codewords.fit(code, byIndex);
}

/** Those that do not fit together, in the order in which to read their shards: who was caught before, then the one without which the others fit, if it is one. */
export function bySuspicion(
  group: SumGroup,
  sums: readonly Sum[],
  wasCaught: (holder: PeerId) => boolean,
  codewords: Codewords,
): Sum[] {
  const caught = sums.filter(({ holder }) => wasCaught(holder));
  const others = sums.filter((sum) => !caught.includes(sum));
  const single = others.find((one) => {
    const rest = sums.filter((sum) => sum !== one);
    return fitOf(group, rest, codewords) === true;
  });
  if (single === undefined) return [...caught, ...others];
  return [...caught, single, ...others.filter((sum) => sum !== single)];
}
