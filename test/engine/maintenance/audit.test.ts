import { describe, expect, test } from 'vitest';
import type { Backend } from '../../../src/engine/backends/backend.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import type { Random } from '../../../src/engine/effects/random.ts';
import { type AuditTarget, type AuditVerdict, createAudit } from '../../../src/engine/maintenance/audit.ts';
import { attest, signAnswers } from '../../../src/engine/maintenance/proof/attestation.ts';
import { ProofMemory } from '../../../src/engine/maintenance/proof/memory.ts';
import { type PeerId, type ShardId, shardIdOf } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { attesterOf } from '../../support/attester.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { seeded } from '../shardstore/shards.ts';

const SHARDS = 1000;
const ASKER = 'asker' as PeerId;
const shards = Array.from({ length: SHARDS }, (_, i) => {
  const bytes = new Uint8Array(64 + (i % 7) * 400).fill(i & 255);
  bytes.set([i & 255, i >> 8]);
  return { id: shardIdOf(blake3(bytes)), bytes };
});

function seededRandom(seed: number): Random {
  const next = seeded(seed);
  return { fraction: next, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)) };
}

/** A holder that says it has everything. What it has really is for the test to say. */
function holderOf(name: string, has: (id: ShardId) => boolean, more: Partial<Backend> = {}): Backend {
  const attester = attesterOf(name);
  const byId = new Map(shards.map(({ id, bytes }) => [id, bytes]));
  const never = () => Promise.reject(new Error('an audit does not call this'));
  return {
    id: attester.peerId,
    kind: 'peer',
    put: never,
    get: never,
    announce: never,
    delete: never,
    adopt: never,
    has: async (ids) => ids.map(() => true),
    prove: (ids, nonce) =>
      attest(attester, attester.peerId, ids, nonce, async (id) => (has(id) ? byId.get(id) : undefined)),
    ...more,
  } as Backend;
}

const auditOf = (
  holders: Backend[],
  random: Random,
  onResult?: (target: AuditTarget, verdict: AuditVerdict) => void,
  memory?: ProofMemory,
) =>
  createAudit({
    clock: manualClock(),
    self: ASKER,
    random,
    sample: async () =>
      holders.flatMap(({ id: holder }) =>
        shards.map(({ id, bytes }) => ({ id, holder, lengthBytes: bytes.length })),
      ),
    backend: (peer) => holders.find(({ id }) => id === peer),
    memory,
    ...(onResult === undefined ? {} : { onResult }),
  });

describe('a holder that has dropped a tenth of its shards', () => {
  test('passes 66 challenges less than once in a thousand times', () => {
    expect(1 - 0.9 ** 66).toBeGreaterThanOrEqual(0.999);
    expect(1 - 0.9 ** 65).toBeLessThan(0.999);
  });

  test('is found within 66 challenges in at least 995 of 1000 audits, as the formula says', async () => {
    let missed = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const random = seededRandom(trial);
      const dropped = new Set(shards.filter(() => random.fraction() < 0.1).map(({ id }) => id));
      const verdicts: AuditVerdict[] = [];
      const audit = auditOf([holderOf('h', (id) => !dropped.has(id))], random, (_target, verdict) =>
        verdicts.push(verdict),
      );
      while (verdicts.length < 66 && !verdicts.includes('absent')) await audit.round();
      if (!verdicts.slice(0, 66).includes('absent')) missed++;
    }
    // 0.96 are to be expected; 6 or more would be one case in 3000.
    expect(missed).toBeLessThanOrEqual(5);
  }, 60_000);
});

test('an honest holder is never accused, and every shard has the same chance', async () => {
  const seen = new Map<ShardId, number>();
  const audit = auditOf([holderOf('h', () => true)], seededRandom(1), ({ id }, verdict) => {
    expect(verdict).toBe('proved');
    seen.set(id, (seen.get(id) ?? 0) + 1);
  });
  for (let round = 0; round < 500; round++) await audit.round();
  expect(audit.figures).toEqual({ challenges: 6000, proved: 6000, gone: 0, absent: 0, wrong: 0, silent: 0 });
  // 6 times each on average; Poisson.
  expect(seen.size).toBeGreaterThan(985);
  expect(Math.max(...seen.values())).toBeLessThan(20);
});

test('lies, losses and silence are told apart, and one holder does not stand in the way of others', async () => {
  const learnt: string[] = [];
  const memory = new ProofMemory((holder, verdict) => learnt.push(`${holder} ${verdict}`));
  const forger = attesterOf('forger');
  const holders = [
    holderOf('honest', () => true),
    holderOf('wiped', () => false, { has: async (ids) => ids.map(() => false) }),
    holderOf('dropper', () => false),
    holderOf('forger', () => false, {
      prove: async (ids, nonce) =>
        signAnswers(
          forger,
          forger.peerId,
          ids,
          nonce,
          ids.map(() => new Uint8Array(1028)),
        ),
    }),
    holderOf('silent', () => true, {
      has: () => Promise.reject(new DatameshError('timeout', { what: 'no answer' })),
    }),
  ];
  const audit = auditOf(holders, seededRandom(3), undefined, memory);
  expect(await audit.round()).toEqual({
    challenges: 48,
    proved: 12,
    gone: 12,
    absent: 12,
    wrong: 12,
    silent: 1,
  });
  expect(learnt.sort()).toEqual([`${holders[2]!.id} absent`, `${forger.peerId} wrong`].sort());
});

test('whole stripes are drawn, so that their sums can be compared', async () => {
  const holders = ['a', 'b', 'c', 'd'].map((name) => holderOf(name, () => true));
  const asked = new Map(holders.map(({ id }) => [id, [] as ShardId[]]));
  for (const holder of holders) {
    const { prove } = holder;
    holder.prove = (ids, nonce, call) => {
      expect(call.seed).toHaveLength(32);
      asked.get(holder.id)!.push(...ids);
      return prove(ids, nonce, call);
    };
  }
  const stripes = Array.from({ length: 40 }, (_, at) => ({
    code: { k: 2, m: 2 },
    ids: shards.slice(4 * at, 4 * at + 4).map(({ id }) => id),
  }));
  const audit = createAudit({
    clock: manualClock(),
    self: ASKER,
    random: seededRandom(6),
    sample: async () =>
      stripes.flatMap((group) =>
        group.ids.map((id, at) => ({ id, holder: holders[at]!.id, lengthBytes: 64, group })),
      ),
    backend: (peer) => holders.find(({ id }) => id === peer),
  });
  expect(await audit.round()).toMatchObject({ challenges: 48, proved: 48 });
  const drawn = [...asked.values()].flat();
  expect(stripes.filter(({ ids }) => ids.every((id) => drawn.includes(id)))).toHaveLength(12);
});

test('large shards bound a round, and at least one is always challenged', async () => {
  const holder = holderOf('h', () => true);
  let asked = 0;
  const MIB = 1024 * 1024;
  const audit = createAudit({
    clock: manualClock(),
    self: ASKER,
    random: seededRandom(4),
    sample: async () =>
      shards.slice(0, 50).map(({ id }) => ({ id, holder: holder.id, lengthBytes: 40 * MIB })),
    backend: () => holder,
    onResult: () => asked++,
  });
  await audit.round();
  expect(asked).toBe(1);
});

test('rounds come by the clock, one after another, until it is stopped', async () => {
  const clock = manualClock();
  let samples = 0;
  const audit = createAudit({
    clock,
    self: ASKER,
    random: seededRandom(5),
    sample: async () => {
      samples++;
      return [];
    },
    backend: () => undefined,
  });
  audit.start();
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  clock.advance(44_000);
  expect(samples).toBe(0);
  for (let passed = 0; passed < 600; passed += 5) {
    clock.advance(5_000);
    await settle();
  }
  expect(samples).toBeGreaterThanOrEqual(7);
  expect(samples).toBeLessThanOrEqual(13);
  audit.stop();
  const before = samples;
  clock.advance(600_000);
  await settle();
  expect(samples).toBe(before);
});
