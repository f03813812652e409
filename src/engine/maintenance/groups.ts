import type { Manifest } from '../codec/manifest.ts';
import { manifestShardId, type ObjectId, type PeerId } from '../types.ts';
import type { CensusGroup } from './census-ask.ts';

/** Manifest replicas first, then the stripes. Shards that nobody took at write time count as missing unless they are found somewhere. */
export function censusGroups(
  objectId: ObjectId,
  holders: readonly PeerId[],
  manifest: Manifest,
): CensusGroup[] {
  const groups = [manifestGroup(objectId, holders, manifest.code.m)];
  for (let index = 0; index < manifest.stripeCount; index++) {
    const { ids, holders: placed, shardBytes } = manifest.stripe(index);
    groups.push({
      code: manifest.code,
      shards: ids.flatMap((id, at) => (placed[at] === undefined ? [] : [{ id, holder: placed[at] }])),
      unplaced: ids.filter((_id, at) => placed[at] === undefined),
      shardBytes,
      ids,
    });
  }
  return groups;
}

export function manifestGroup(objectId: ObjectId, holders: readonly PeerId[], m: number): CensusGroup {
  return { code: { k: 1, m }, shards: holders.map((holder) => ({ id: manifestShardId(objectId), holder })) };
}
