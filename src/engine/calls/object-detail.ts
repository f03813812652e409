/** The shards of one object, stripe by stripe, as its holders have just answered. */
import type { Manifest } from '../codec/manifest.ts';
import type { ObjectDetail, StripeView } from '../engine.ts';
import { spareOf } from '../maintenance/census.ts';
import type { CensusGroup, LiveShards } from '../maintenance/census-ask.ts';
import type { Site } from '../placement/domains.ts';
import { fewerLosses, type Losses, lossesOf } from '../placement/survival.ts';
import type { PeerId } from '../types.ts';

/** @param groups the manifest's copies first; @param manifest undefined where nobody gave it, and then there are no further groups */
export function stripesOf(
  groups: readonly CensusGroup[],
  manifest: Manifest | undefined,
  limit: number,
  live: LiveShards,
  silent: ReadonlySet<PeerId>,
): Pick<ObjectDetail, 'manifest' | 'stripesDetail'> {
  const [first, ...stripes] = groups;
  return {
    manifest: stripeView(first!, 0, 0, live, silent),
    stripesDetail: stripes
      .slice(0, limit)
      .map((group, index) => stripeView(group, index, manifest!.shardBytes(index), live, silent)),
  };
}

/** What every stripe and the manifest outlive, by where live shards are: two shards on one node are lost with it, however many are spare. */
export function survivesOf(
  groups: readonly CensusGroup[],
  live: LiveShards,
  siteOf: (peer: PeerId) => Site | undefined,
): Losses {
  return groups
    .map((group) => {
      const { shards } = stripeView(group, 0, 0, live, new Set());
      const holders = shards.filter((shard) => shard.live).map(({ holder }) => holder);
      const later = (group.unplaced ?? []).flatMap((id) => live.holdersOf(id).slice(0, 1));
      return lossesOf(group.code, [...holders, ...later], siteOf);
    })
    .reduce(fewerLosses);
}

function stripeView(
  group: CensusGroup,
  index: number,
  shardBytes: number,
  live: LiveShards,
  silent: ReadonlySet<PeerId>,
): StripeView {
  return {
    index,
    shardBytes,
    spare: spareOf(group, live),
    shards: group.shards.map(({ id, holder: noted }, at) => {
      // A shard that repair has moved is shown where it is; copies are all alike, so none of them has moved.
      const alike = (peer: PeerId) => group.shards.some((it) => it.id === id && it.holder === peer);
      const moved =
        live.has(noted, id) || group.code.k === 1
          ? undefined
          : live.holdersOf(id).find((peer) => !alike(peer));
      const holder = moved ?? noted;
      return {
        index: at,
        shardId: id,
        kind: group.code.k === 1 ? 'replica' : at < group.code.k ? 'data' : 'parity',
        holder,
        live: silent.has(holder) ? undefined : live.has(holder, id),
      };
    }),
  };
}
