/** What an asker makes of holders that answer late, in part, or not at all. */
import { expect, test } from 'vitest';
import type { Backend } from '../../../../src/engine/backends/backend.ts';
import { failureOf } from '../../../../src/engine/backends/shard-protocol.ts';
import { realRandom } from '../../../../src/engine/effects/random.ts';
import { provedBy, proveShards } from '../../../../src/engine/maintenance/proof/ask.ts';
import { attest } from '../../../../src/engine/maintenance/proof/attestation.ts';
import type { ShardId } from '../../../../src/engine/types.ts';
import { DatameshError } from '../../../../src/errors.ts';
import { attesterOf } from '../../../support/attester.ts';
import { shard } from '../../shardstore/shards.ts';

const held = Array.from({ length: 100 }, (_, i) => shard(i, 200 + i));
const WANTED = held.map(({ id }) => ({ id }));
const byId = new Map(held.map(({ id, bytes }) => [id, bytes]));
const attester = attesterOf('holder');

/** A holder of all of them; `fails` says what comes instead of the answer to a question. */
function holder(fails: (ids: readonly ShardId[], question: number) => DatameshError | undefined) {
  const questions: { ids: readonly ShardId[]; timeoutMs: number }[] = [];
  const backend = {
    id: attester.peerId,
    has: async (ids) => ids.map(() => true),
    prove: async (ids, nonce, { timeoutMs }) => {
      const failure = fails(ids, questions.push({ ids, timeoutMs }) - 1);
      if (failure !== undefined) throw failure;
      return await attest(attester, attester.peerId, ids, nonce, async (id) => byId.get(id));
    },
  } satisfies Partial<Backend> as Partial<Backend> as Backend;
  return { backend, questions };
}

const lostAnswer = () => new DatameshError('timeout', { what: 'no answer' });
const unreadable = () => failureOf('failed', Buffer.from('EIO: i/o error, read'));
const random = realRandom();

test('one answer that is lost costs no shard its proof', async () => {
  const { backend, questions } = holder((_ids, question) => (question === 0 ? lostAnswer() : undefined));
  const verdicts = await proveShards(backend, WANTED, { random });
  expect([...verdicts.values()]).toEqual(WANTED.map(() => 'proved'));
  expect(questions.map(({ ids }) => ids.length)).toEqual([100, 50, 50]);
  const single = holder((_ids, question) => (question === 0 ? lostAnswer() : undefined));
  expect((await provedBy(single.backend, WANTED.slice(0, 1), { random })).size).toBe(1);
});

test('a holder that answers nothing is given up after twice the time limit', async () => {
  const { backend, questions } = holder(lostAnswer);
  const options = { random, timeoutMs: 60_000 };
  await expect(proveShards(backend, [...WANTED, ...WANTED, ...WANTED], options)).rejects.toMatchObject({
    code: 'timeout',
  });
  expect(questions.reduce((sum, { timeoutMs }) => sum + timeoutMs, 0)).toBeLessThanOrEqual(120_000);
});

test('a shard for which an older holder refuses the whole question is the only one without a verdict', async () => {
  const bad = held[37]!.id;
  const { backend } = holder((ids) => (ids.includes(bad) ? unreadable() : undefined));
  const verdicts = await proveShards(backend, WANTED, { random });
  expect(held.filter(({ id }) => !verdicts.has(id)).map(({ id }) => id)).toEqual([bad]);
  expect(new Set(verdicts.values())).toEqual(new Set(['proved']));
  await expect(provedBy(backend, WANTED, { random })).rejects.toMatchObject({ code: 'peer-unreachable' });
});

test('a holder that refuses everything is asked a bounded number of questions', async () => {
  const { backend, questions } = holder(unreadable);
  await expect(proveShards(backend, WANTED, { random })).rejects.toThrow(/EIO/);
  expect(questions.length).toBeLessThan(2 * 64 + 2);
});
