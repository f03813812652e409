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

/** Where nobody noted who has copies, as for an object known by its id alone, they are looked for everywhere. */
export function manifestGroup(objectId: ObjectId, holders: readonly PeerId[], m: number): CensusGroup {
  const id = manifestShardId(objectId);
  const shards = holders.map((holder) => ({ id, holder }));
  return { code: { k: 1, m }, shards, unplaced: shards.length === 0 ? [id] : [] };
}
