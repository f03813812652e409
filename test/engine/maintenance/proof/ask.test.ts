/** What an asker makes of holders that answer late, in part, or not at all. */
import { expect, test } from 'vitest';
import type { Backend } from '../../../../src/engine/backends/backend.ts';
import { failureOf } from '../../../../src/engine/backends/shard-protocol.ts';
import { realRandom } from '../../../../src/engine/effects/random.ts';
import { provedBy, proveShards } from '../../../../src/engine/maintenance/proof/ask.ts';
import { attest, signAnswers } from '../../../../src/engine/maintenance/proof/attestation.ts';
import { ProofMemory } from '../../../../src/engine/maintenance/proof/memory.ts';
import type { ShardId } from '../../../../src/engine/types.ts';
import { DatameshError } from '../../../../src/errors.ts';
import { attesterOf } from '../../../support/attester.ts';
import { shard } from '../../shardstore/shards.ts';

const held = Array.from({ length: 100 }, (_, i) => shard(i, 200 + i));
const WANTED = held.map(({ id }) => ({ id }));
const byId = new Map(held.map(({ id, bytes }) => [id, bytes]));
const attester = attesterOf('holder');

/** A holder of all of them; `fails` says what comes instead of the answer to a question, `has` what it answers otherwise. */
function holder(
  fails: (ids: readonly ShardId[], question: number) => DatameshError | undefined,
  has: Backend['has'] = async (ids) => ids.map(() => true),
) {
  const questions: { ids: readonly ShardId[]; timeoutMs: number }[] = [];
  const backend = {
    id: attester.peerId,
    has,
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

const missingIn = (memory: ProofMemory) => held.filter(({ id }) => memory.isMissing(attester.peerId, id));

test.each([
  ['a refusal', () => failureOf('denied', Buffer.from('not for you'))],
  ['an error of its own', unreadable],
  ['nonsense', () => new DatameshError('malformed-data', { what: 'nonsense' })],
])('a holder that says yes and gives %s for a proof has failed it until it proves', async (_what, says) => {
  const learnt: string[] = [];
  const memory = new ProofMemory((_holder, verdict) => learnt.push(verdict));
  await proveShards(holder(says).backend, WANTED, { random, memory }).catch(() => {});
  expect(missingIn(memory)).toHaveLength(WANTED.length);
  expect(new Set(learnt)).toEqual(new Set(['absent']));
  await proveShards(holder(() => undefined).backend, WANTED, { random, memory });
  expect(missingIn(memory)).toEqual([]);
});

test('what it says that it has not is no failure, and of the others only those that it cannot prove', async () => {
  const [bad, gone] = [held[3]!.id, held[4]!.id];
  const memory = new ProofMemory();
  const { backend } = holder(
    (ids) => (ids.includes(bad) || ids.includes(gone) ? unreadable() : undefined),
    async (ids) => ids.map((id) => id !== gone),
  );
  await proveShards(backend, WANTED, { random, memory });
  expect(missingIn(memory).map(({ id }) => id)).toEqual([bad]);
});

test.each([
  ['busy', () => failureOf('denied', Buffer.from('too many proofs are asked for at once; ask again later'))],
  ['late', lostAnswer],
  ['cut off', () => new DatameshError('peer-unreachable', { what: 'the connection broke' })],
])(
  'a holder that is %s has failed nothing, unless it answers all else three times in a row',
  async (_what, says) => {
    const memory = new ProofMemory();
    const once = holder((_ids, question) => (question === 0 ? says() : undefined)).backend;
    for (let round = 0; round < 5; round++) {
      await proveShards(once, WANTED, { random, memory, claimed: true });
      expect(missingIn(memory)).toEqual([]);
    }
    const never = holder(says).backend;
    for (let round = 0; round < 3; round++) {
      await expect(proveShards(never, WANTED, { random, memory, claimed: true })).rejects.toThrow();
    }
    expect(missingIn(memory)).toHaveLength(WANTED.length);
  },
);

test('a node that is away has failed nothing, and is asked no second question', async () => {
  const memory = new ProofMemory();
  const away = () => Promise.reject(lostAnswer());
  const { backend, questions } = holder(lostAnswer, away);
  for (let round = 0; round < 5; round++) {
    await expect(proveShards(backend, WANTED, { random, memory })).rejects.toMatchObject({ code: 'timeout' });
  }
  expect(questions).toHaveLength(5);
  expect(missingIn(memory)).toEqual([]);
  // Having claimed the shards just before, each time, it is away too often at the right moment.
  for (let round = 0; round < 3; round++) {
    await proveShards(backend, WANTED, { random, memory, claimed: true }).catch(() => {});
  }
  expect(missingIn(memory)).toHaveLength(WANTED.length);
});

test('one shard that is never answered for keeps no other from its proof', async () => {
  const bad = held[37]!.id;
  const memory = new ProofMemory();
  const { backend, questions } = holder((ids) => (ids.includes(bad) ? lostAnswer() : undefined));
  const verdicts = await proveShards(backend, WANTED, { random, memory, timeoutMs: 60_000 });
  expect(held.filter(({ id }) => !verdicts.has(id)).map(({ id }) => id)).toEqual([bad]);
  expect(missingIn(memory).map(({ id }) => id)).toEqual([bad]);
  const waitedMs = questions
    .filter(({ ids }) => ids.includes(bad))
    .reduce((sum, it) => sum + it.timeoutMs, 0);
  expect(waitedMs).toBeLessThanOrEqual(150_000);
});

test('an answer that nobody signed is a lie about each shard', async () => {
  const memory = new ProofMemory();
  const { backend } = holder(() => undefined);
  const other = attesterOf('other');
  backend.prove = async (ids, nonce) =>
    signAnswers(
      other,
      attester.peerId,
      ids,
      nonce,
      ids.map(() => undefined),
    );
  const verdicts = await proveShards(backend, WANTED, { random, memory });
  expect(new Set(verdicts.values())).toEqual(new Set(['wrong']));
  expect(missingIn(memory)).toHaveLength(WANTED.length);
});
