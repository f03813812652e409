import { expect, test } from 'vitest';
import type { ObjectInCustody } from '../../../src/engine/maintenance/custody/custody-census.ts';
import { type Claim, MANIFEST_GROUP } from '../../../src/engine/maintenance/custody/custody-store.ts';
import { lossesByNotes } from '../../../src/engine/maintenance/noted-losses.ts';
import type { ObjectId, PeerId, ShardId } from '../../../src/engine/types.ts';

const peers = Array.from({ length: 12 }, (_, at) => `p${at}` as PeerId);
const ids = peers.map((peer) => `shard of ${peer}` as ShardId);
const copies: Claim[] = [0, 1, 2].map((at) => ({
  stripe: MANIFEST_GROUP,
  index: at,
  holder: peers[9 + at]!,
}));

/** 4+2, each stripe's shards with the first six, three copies of the manifest with the last three. */
function objectOf(claims: readonly Claim[], holders: readonly (PeerId | undefined)[] = peers.slice(0, 6)) {
  const manifest = {
    code: { k: 4, m: 2 },
    stripeCount: 2,
    peers,
    stripe: () => ({ ids: ids.slice(0, 6), holders, shardBytes: 128 }),
  } as unknown as ObjectInCustody['manifest'];
  return { objectId: 'o' as ObjectId, manifest, manifestBytes: 100, claims };
}

function losses(object: ObjectInCustody, away: Record<number, number>) {
  return lossesByNotes(object, (holder) => away[peers.indexOf(holder)]);
}

test('of the weakest stripe, or of the manifest where that has fewer copies', () => {
  const object = objectOf(copies);
  expect(losses(object, {})).toEqual({ losses: 0, m: 2, sinceMs: undefined });
  expect(losses(object, { 1: 70, 4: 50 })).toEqual({ losses: 2, m: 2, sinceMs: 50 });
  expect(losses(object, { 9: 30, 10: 40, 1: 50 })).toEqual({ losses: 2, m: 2, sinceMs: 30 });
});

test('what has moved is lost when all who were told to have it are away, since the last of them went', () => {
  const moved = { stripe: 0, index: 1, holder: peers[7]! };
  expect(losses(objectOf([...copies, moved]), { 1: 10 })).toEqual({ losses: 1, m: 2, sinceMs: 10 });
  const both = [0, 1].map((stripe) => ({ ...moved, stripe }));
  expect(losses(objectOf([...copies, ...both]), { 1: 10 })).toEqual({ losses: 0, m: 2, sinceMs: undefined });
  expect(losses(objectOf([...copies, ...both]), { 1: 10, 7: 90 })).toEqual({ losses: 1, m: 2, sinceMs: 90 });
});

test('copies of the manifest are alike: one more anywhere makes up for one that is away', () => {
  const more = { stripe: MANIFEST_GROUP, index: 0, holder: peers[6]! };
  expect(losses(objectOf([...copies, more]), { 11: 10 })).toEqual({ losses: 0, m: 2, sinceMs: undefined });
  expect(losses(objectOf([...copies, more]), { 10: 10, 11: 20 })).toEqual({ losses: 1, m: 2, sinceMs: 20 });
});

test('a shard that nobody ever had is lost, nobody knows since when', () => {
  const object = objectOf(copies, [peers[0], undefined, ...peers.slice(2, 6)]);
  expect(losses(object, {})).toEqual({ losses: 1, m: 2, sinceMs: undefined });
});

test('what has lost more than it may is no weaker than what the next loss would destroy', () => {
  const object = objectOf(copies);
  expect(losses(object, { 0: 10, 1: 20, 2: 30, 3: 40 })).toEqual({ losses: 2, m: 2, sinceMs: 10 });
});
