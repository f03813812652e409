/** The shards of one object, stripe by stripe, as its holders have just answered. */
import type { Manifest } from '../codec/manifest.ts';
import type { ObjectDetail, ShardView, StripeView } from '../engine.ts';
import { spareOf } from '../maintenance/census.ts';
import { type CensusGroup, type LiveShards, livingIn } from '../maintenance/census-ask.ts';
import type { Site } from '../placement/domains.ts';
import { fewerLosses, type Losses, lossesOf } from '../placement/survival.ts';
import type { PeerId, ShardId } from '../types.ts';

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
      const holders = livingIn(group, live).map(({ holder }) => holder);
      return lossesOf(group.code, holders, siteOf);
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
  const isNoted = (id: ShardId, holder: PeerId) =>
    group.shards.some((it) => it.id === id && it.holder === holder);
  const elsewhere = livingIn(group, live).filter(({ id, holder }) => !isNoted(id, holder));
  const noted = group.shards.map(({ id, holder }) => {
    // What repair has made anew or moved is shown where it is.
    const moved = live.has(holder, id) ? -1 : elsewhere.findIndex((it) => it.id === id);
    return moved === -1 ? { id, holder } : elsewhere.splice(moved, 1)[0]!;
  });
  const left = [...(group.ids ?? []).entries()];
  const indexOf = (id: ShardId, at: number) => {
    const found = left.findIndex(([, each]) => each === id);
    return found === -1 ? at : left.splice(found, 1)[0]![0];
  };
  const shards = [...noted, ...elsewhere].map(({ id, holder }, at): ShardView => {
    const place = indexOf(id, at);
    return {
      index: place,
      shardId: id,
      kind: group.code.k === 1 ? 'replica' : place < group.code.k ? 'data' : 'parity',
      holder,
      live: silent.has(holder) ? undefined : live.has(holder, id),
    };
  });
  return {
    index,
    shardBytes,
    spare: spareOf(group, live),
    shards: shards.sort((a, b) => a.index - b.index),
  };
}
