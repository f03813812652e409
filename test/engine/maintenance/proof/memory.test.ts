import { expect, test } from 'vitest';
import { ProofMemory } from '../../../../src/engine/maintenance/proof/memory.ts';
import type { PeerId, ShardId } from '../../../../src/engine/types.ts';

const [liar, other] = ['liar', 'other'] as PeerId[] as [PeerId, PeerId];
const idsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => (first + i).toString(16).padStart(64, '0') as ShardId);

test('a whole disk that fails is remembered, and each shard of it until it is proved', () => {
  const memory = new ProofMemory();
  const ids = idsFrom(1, 100_000);
  memory.failedAll(liar, ids);
  expect(ids.every((id) => memory.isMissing(liar, id))).toBe(true);
  expect(memory.isMissing(other, ids[0]!)).toBe(false);
  memory.note(liar, ids.slice(0, 1), ['proved']);
  expect(memory.isMissing(liar, ids[0]!)).toBe(false);
  expect(memory.isMissing(liar, ids[1]!)).toBe(true);
});

test('a holder that fails without end makes nobody forget another one, many do, the oldest first', () => {
  const memory = new ProofMemory();
  const [one] = idsFrom(1, 1) as [ShardId];
  memory.failedAll(other, [one]);
  for (let round = 0; round < 30; round++) memory.failedAll(liar, idsFrom(1 + round * 10_000, 10_000));
  expect(memory.isMissing(other, one)).toBe(true);
  expect(memory.isMissing(liar, one)).toBe(true);
  expect(memory.isMissing(liar, idsFrom(299_000, 1)[0]!)).toBe(false);
  for (let n = 0; n < 20_000; n++) memory.failedAll(`stranger ${n}` as PeerId, [one]);
  expect(memory.isMissing(other, one)).toBe(false);
  expect(memory.isMissing('stranger 19999' as PeerId, one)).toBe(true);
});

test('silence is a failure with the third time in a row, and a proof begins the count anew', () => {
  const learnt: string[] = [];
  const memory = new ProofMemory((holder, verdict) => learnt.push(`${holder} ${verdict}`));
  const [one, two] = idsFrom(1, 2) as [ShardId, ShardId];
  memory.unanswered(liar, [one, two]);
  memory.unanswered(liar, [one, two]);
  memory.note(liar, [two], ['proved']);
  memory.unanswered(liar, [one, two]);
  expect([one, two].map((id) => memory.isMissing(liar, id))).toEqual([true, false]);
  expect(learnt).toEqual(['liar absent']);
});

test('what was refuted as a whole is made good by a sum that fits or by taking it anew, by no proof of a chunk', () => {
  const learnt: string[] = [];
  const memory = new ProofMemory((holder, verdict) => learnt.push(`${holder} ${verdict}`));
  const [first, second] = idsFrom(1, 2) as [ShardId, ShardId];
  memory.foundAt(liar, first);
  memory.refuted(liar, [first, second], 'wrong');
  expect(learnt).toEqual([`${liar} wrong`]);
  memory.note(liar, [first, second], ['proved', 'proved']);
  for (const id of [first, second]) expect(memory.isMissing(liar, id)).toBe(true);
  expect(memory.wasFoundAt(liar, first)).toBe(false);
  memory.shownWhole(liar, first);
  memory.taken(liar, second);
  for (const id of [first, second]) expect(memory.isMissing(liar, id)).toBe(false);
});

test('what was not given to be read three times in a row is refuted; showing it begins the count anew', () => {
  const memory = new ProofMemory();
  const [id] = idsFrom(3, 1) as [ShardId];
  for (let i = 0; i < 2; i++) memory.unread(liar, id);
  memory.shownWhole(liar, id);
  for (let i = 0; i < 2; i++) memory.unread(liar, id);
  // Proving a chunk meanwhile is no answer to that.
  memory.note(liar, [id], ['proved']);
  expect(memory.isMissing(liar, id)).toBe(false);
  memory.unread(liar, id);
  expect(memory.isRefuted(liar, id)).toBe(true);
});
