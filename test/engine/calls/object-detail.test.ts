import { describe, expect, it } from 'vitest';
import { stripesOf, survivesOf } from '../../../src/engine/calls/object-detail.ts';
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
