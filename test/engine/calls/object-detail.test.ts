import { describe, expect, it } from 'vitest';
import { stripesOf, survivesOf } from '../../../src/engine/calls/object-detail.ts';
import type { Manifest } from '../../../src/engine/codec/manifest.ts';
import { spareOf } from '../../../src/engine/maintenance/census.ts';
import { type CensusGroup, LiveShards } from '../../../src/engine/maintenance/census-ask.ts';
import type { PeerId, ShardId } from '../../../src/engine/types.ts';

const code = { k: 4, m: 2 };
const id = (name: string) => name as ShardId;
const at = (name: string) => name as PeerId;
const siteOf = (peer: PeerId) => ({ peer, zone: peer < 'n4' ? 'west' : 'east' });

/** @param holders of shards 0 … 5; empty where nobody has it */
function survives(holders: readonly string[], unplaced: readonly string[] = []) {
  const live = new LiveShards();
  const shards = holders.map((holder, index) => {
    if (holder !== '') live.add(at(holder), id(`s${index}`));
    return { id: id(`s${index}`), holder: at(holder || 'gone') };
  });
  for (const [i, holder] of unplaced.entries()) live.add(at(holder), id(`u${i}`));
  const group: CensusGroup = { code, shards, unplaced: unplaced.map((_, i) => id(`u${i}`)) };
  const whole: CensusGroup = {
    code: { k: 1, m: 2 },
    shards: ['n1', 'n2', 'n5'].map((peer) => ({ id: id('m'), holder: at(peer) })),
  };
  for (const { holder } of whole.shards) live.add(holder, id('m'));
  return survivesOf([whole, group], live, siteOf);
}

it('six nodes with a shard each outlive any two', () => {
  expect(survives(['n1', 'n2', 'n3', 'n4', 'n5', 'n6'])).toMatchObject({ node: 2, zone: 0 });
});

it('two shards on one node are lost with it, however many are spare', () => {
  expect(survives(['n1', 'n1', 'n3', 'n4', 'n5', 'n6'])).toMatchObject({ node: 1 });
  expect(survives(['n1', 'n1', 'n1', 'n4', 'n5', 'n6'])).toMatchObject({ node: 0 });
});

it('what is missing counts, and what was made later does too', () => {
  expect(survives(['n1', 'n2', 'n3', 'n4', 'n5', ''])).toMatchObject({ node: 1 });
  expect(survives(['n1', 'n2', 'n3', 'n4', 'n5'], ['n6'])).toMatchObject({ node: 2 });
  expect(survives(['n1', 'n2', 'n3', '', '', ''])).toMatchObject({ node: 0 });
});

describe('copies that were made where the owner noted none', () => {
  const live = new LiveShards();
  for (const holder of ['n1', 'n3', 'n6']) live.add(at(holder), id('m'));
  const noted: CensusGroup = {
    code: { k: 1, m: 2 },
    shards: ['n1', 'n2', 'n5'].map((peer) => ({ id: id('m'), holder: at(peer) })),
  };

  it('count for what it outlives, as they do for the spare', () => {
    expect(spareOf(noted, live)).toBe(2);
    expect(survivesOf([noted], live, siteOf)).toMatchObject({ node: 2 });
  });

  it('are shown where they are', () => {
    const { shards } = stripesOf([noted], undefined, 0, live, new Set()).manifest;
    expect(shards.map(({ holder }) => holder)).toEqual(['n1', 'n3', 'n6']);
    expect(shards.every((shard) => shard.live)).toBe(true);
  });
});

it('a shard that nobody took at first keeps its place among the others, and is shown when it was made later', () => {
  const ids = [0, 1, 2, 3, 4, 5].map((index) => id(`s${index}`));
  const placed = ids.filter((_, index) => index !== 1);
  const live = new LiveShards();
  const shards = placed.map((each) => ({ id: each, holder: at(`at-${each}`) }));
  for (const each of shards) live.add(each.holder, each.id);
  const group: CensusGroup = { code, shards, unplaced: [id('s1')], ids };
  const shown = () =>
    stripesOf(
      [group, group],
      { shardBytes: () => 1 } as unknown as Manifest,
      1,
      live,
      new Set(),
    ).stripesDetail[0]!.shards.map(({ index, kind, holder }) => `${index} ${kind} ${holder}`);
  const others = ['2 data at-s2', '3 data at-s3', '4 parity at-s4', '5 parity at-s5'];
  expect(shown()).toEqual(['0 data at-s0', ...others]);
  live.add(at('n9'), id('s1'));
  expect(shown()).toEqual(['0 data at-s0', '1 data n9', ...others]);
});
