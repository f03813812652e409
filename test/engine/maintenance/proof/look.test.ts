/** What a look makes of the sums of a stripe: who is refuted, who is never, and what stays open. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../../../src/engine/backends/backend.ts';
import { Erasure } from '../../../../src/engine/codec/erasure.ts';
import { shardIdOfBytes } from '../../../../src/engine/codec/hash.ts';
import { realRandom } from '../../../../src/engine/effects/random.ts';
import { proveShards } from '../../../../src/engine/maintenance/proof/ask.ts';
import { attest, signAnswers } from '../../../../src/engine/maintenance/proof/attestation.ts';
import { Coefficients, sumKeyOf } from '../../../../src/engine/maintenance/proof/coefficients.ts';
import { Look, type LookLimits, type Refuted } from '../../../../src/engine/maintenance/proof/look.ts';
import { ProofMemory } from '../../../../src/engine/maintenance/proof/memory.ts';
import { sumOf } from '../../../../src/engine/maintenance/proof/sum.ts';
import type { CodeProfile, PeerId } from '../../../../src/engine/types.ts';
import { DatameshError } from '../../../../src/errors.ts';
import { attesterOf } from '../../../support/attester.ts';
import { seeded } from '../../shardstore/shards.ts';

const SELF = 'asker' as PeerId;
const SHARD_BYTES = 3072 + 128;
const random = realRandom();
const erasure = new Erasure();

const HONEST = ['honest', 'older', 'off'] as const;
/** All of them lack a chunk, and prove the others. */
const BAD = ['drops', 'flips', 'fetches', 'withholds', 'silent', 'moved'] as const;
type Kind = (typeof HONEST)[number] | (typeof BAD)[number];

function stripeOf(code: CodeProfile, seed: number): Uint8Array[] {
  const next = seeded(seed);
  const noise = () => Uint8Array.from({ length: SHARD_BYTES }, () => Math.floor(next() * 256));
  if (code.k === 1) {
    const bytes = noise();
    return Array.from({ length: 1 + code.m }, () => bytes);
  }
  const data = Array.from({ length: code.k }, noise);
  const parity = Array.from({ length: code.m }, () => new Uint8Array(SHARD_BYTES));
  erasure.encode(code, data, parity);
  return [...data, ...parity];
}

function withoutChunk(bytes: Uint8Array, kind: Kind): Uint8Array {
  const rest = Uint8Array.from(bytes);
  if (kind === 'flips') rest[1500]! ^= 4;
  else rest.subarray(1024, 2048).fill(0);
  return rest;
}

const never = () => Promise.reject(new Error('a look does not call this'));

function holderOf(name: string, bytes: Uint8Array, kind: Kind): Backend {
  const attester = attesterOf(name);
  const isBad = BAD.some((bad) => bad === kind);
  const kept = isBad ? withoutChunk(bytes, kind) : bytes;
  return {
    id: attester.peerId,
    kind: 'peer',
    put: never,
    announce: never,
    delete: never,
    async has(ids) {
      if (kind === 'off') throw new DatameshError('timeout', { what: 'no answer' });
      return ids.map(() => kind !== 'moved');
    },
    async get() {
      if (kind === 'withholds') return undefined;
      if (kind === 'moved') return undefined;
      if (kind === 'silent') throw new DatameshError('timeout', { what: 'no answer' });
      return kind === 'fetches' ? bytes : kept;
    },
    async prove(ids, nonce, { seed }) {
      if (kind === 'off') throw new DatameshError('timeout', { what: 'no answer' });
      const sumKey = seed === undefined || kind === 'older' ? undefined : sumKeyOf(seed, SELF);
      const said = await attest(attester, attester.peerId, ids, nonce, async () => bytes, { sumKey });
      if (sumKey === undefined || !isBad) return said;
      const sum = sumOf(kept, new Coefficients(sumKey));
      const answers = said.answers.map((answer) => Buffer.concat([answer!.subarray(0, -sum.length), sum]));
      return signAnswers(attester, attester.peerId, ids, nonce, answers, sumKey);
    },
  };
}

async function lookAt(
  stripes: readonly { code: CodeProfile; kinds: readonly Kind[]; seed: number }[],
  more: { limits?: LookLimits; memory?: ProofMemory } = {},
) {
  const learnt = new Map<PeerId, string>();
  const memory = more.memory ?? new ProofMemory((holder, verdict) => learnt.set(holder, verdict));
  const refuted: Refuted[] = [];
  let reads = 0;
  const held = stripes.map(({ code, kinds, seed }) => {
    const shards = stripeOf(code, seed);
    const holders = kinds.map((kind, at) => holderOf(`look ${at}`, shards[at]!, kind));
    return { code, ids: shards.map(shardIdOfBytes), holders };
  });
  let now = held[0]!;
  const look = new Look({
    self: SELF,
    random,
    memory,
    signal: new AbortController().signal,
    // Settled one after another here, as the holders have one shard each.
    backend: (peer) => {
      reads++;
      return now.holders.find(({ id }) => id === peer);
    },
    onRefuted: (one) => refuted.push(one),
    limits: more.limits,
  });
  const settled = [];
  for (const one of held) {
    now = one;
    for (const [at, backend] of one.holders.entries())
      await proveShards(backend, [{ id: one.ids[at]! }], { random, memory, look, timeoutMs: 10 }).catch(
        () => {},
      );
    settled.push((await look.settle([{ code: one.code, ids: one.ids }]))[0]!);
    look.clear();
  }
  return { settled, refuted, learnt, memory, held, reads: () => reads };
}

const kindsOf = (n: number) =>
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant('honest' as Kind) },
      fc.constantFrom<Kind>(...HONEST, ...BAD),
    ),
    {
      minLength: n,
      maxLength: n,
    },
  );
const cases = fc
  .record({ k: fc.integer({ min: 1, max: 5 }), m: fc.integer({ min: 1, max: 3 }) })
  .chain((code) =>
    fc.record({ code: fc.constant(code), kinds: kindsOf(code.k + code.m), seed: fc.nat(500) }),
  );

test('no honest holder is accused, and every one that lacks a chunk and gives a sum beside enough others is found', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ code, kinds, seed }) => {
      const { settled, refuted, learnt, held, memory } = await lookAt([{ code, kinds, seed }]);
      const [{ ids, holders }] = held as [(typeof held)[0]];
      const [one] = settled as [(typeof settled)[0]];
      const kindOf = (peer: PeerId) => kinds[holders.findIndex(({ id }) => id === peer)]!;
      const isBad = (peer: PeerId) => BAD.some((bad) => bad === kindOf(peer));
      for (const holder of [...refuted.map((it) => it.holder), ...learnt.keys()])
        expect(isBad(holder), kindOf(holder)).toBe(true);
      const gave = holders.filter(({ id }) => !['older', 'off'].includes(kindOf(id)));
      const bad = gave.filter(({ id }) => isBad(id));
      if (gave.length <= code.k) {
        expect(one).toEqual({ state: 'unchecked', whole: [], refuted: [], unproved: [] });
        return;
      }
      // The same bit in several shards may be a codeword as well, and so are chunks of zeros in all.
      if (bad.length > 1 && (bad.length === gave.length || bad.some(({ id }) => kindOf(id) === 'flips')))
        return;
      const whole = gave.filter((holder) => !bad.includes(holder)).map(({ id }) => id);
      expect(one.whole.map(({ holder }) => holder).sort()).toEqual(whole.sort());
      for (const [at, { id: holder }] of holders.entries()) {
        if (!bad.some(({ id }) => id === holder)) continue;
        const kind = kindOf(holder);
        const expected =
          { withholds: 'absent', silent: undefined, moved: undefined }[kind as string] ?? 'wrong';
        const verdict = refuted.find((it) => it.holder === holder)?.verdict;
        if (kind === 'silent' || kind === 'moved') {
          expect(verdict).toBeUndefined();
          expect(one.unproved.map((it) => it.holder)).toContain(holder);
        } else {
          expect(verdict, kind).toBe(expected);
          expect(memory.isMissing(holder, ids[at]!)).toBe(true);
        }
      }
    }),
    { numRuns: 150 },
  );
}, 60_000);

const CODE = { k: 4, m: 2 };
const kinds = (...bad: [number, Kind][]): Kind[] =>
  Array.from({ length: 6 }, (_, at) => bad.find(([index]) => index === at)?.[1] ?? 'honest');

describe('what a look reads', () => {
  test('is nothing where all fits, and one shard where one holder alone does not', async () => {
    expect((await lookAt([{ code: CODE, kinds: kinds(), seed: 1 }])).reads()).toBe(0);
    const { reads, settled } = await lookAt([{ code: CODE, kinds: kinds([3, 'drops']), seed: 1 }]);
    expect(reads()).toBe(1);
    expect(settled[0]).toMatchObject({ state: 'whole', unproved: [] });
    expect(settled[0]!.whole).toHaveLength(5);
  });

  test('is one shard of one stripe for a holder that lies in all, and no stripe is open for it', async () => {
    const stripes = Array.from({ length: 40 }, (_, seed) => ({
      code: CODE,
      kinds: kinds([2, 'drops']),
      seed,
    }));
    const { reads, refuted, settled } = await lookAt(stripes, { limits: { stripes: 1, bytes: SHARD_BYTES } });
    expect(reads()).toBe(1);
    expect(refuted).toHaveLength(40);
    expect(settled.every(({ state }) => state === 'whole')).toBe(true);
  });

  test.each([
    ['stripes', { stripes: 0, bytes: 1e9 }],
    ['bytes', { stripes: 9, bytes: SHARD_BYTES - 1 }],
  ])('has a bound of %s: what is beyond it is unproved, and nobody is accused', async (_what, limits) => {
    const { reads, refuted, settled, learnt } = await lookAt(
      [{ code: CODE, kinds: kinds([2, 'drops']), seed: 1 }],
      { limits },
    );
    expect([reads(), refuted, learnt.size]).toEqual([0, [], 0]);
    expect(settled[0]).toMatchObject({ state: 'open', whole: [] });
    expect(settled[0]!.unproved).toHaveLength(6);
  });
});

test('who answers otherwise and stays silent when its shard is to be read is refuted with the third time', async () => {
  const learnt: string[] = [];
  const memory = new ProofMemory((_holder, verdict) => learnt.push(verdict));
  const stripe = { code: CODE, kinds: kinds([1, 'silent']), seed: 3 };
  for (let i = 0; i < 2; i++) {
    const { settled } = await lookAt([stripe], { memory });
    expect(settled[0]!.unproved).toHaveLength(1);
    expect(learnt).toEqual([]);
  }
  const { held } = await lookAt([stripe], { memory });
  expect(learnt).toEqual(['absent']);
  expect(memory.isRefuted(held[0]!.holders[1]!.id, held[0]!.ids[1]!)).toBe(true);
});

test('two copies of one shard that say different things are read, whatever the others do', async () => {
  const shards = stripeOf(CODE, 9);
  const ids = shards.map(shardIdOfBytes);
  const holders = [holderOf('copy a', shards[0]!, 'honest'), holderOf('copy b', shards[0]!, 'drops')];
  const memory = new ProofMemory();
  const signal = new AbortController().signal;
  const look = new Look({
    self: SELF,
    random,
    memory,
    signal,
    backend: (peer) => holders.find(({ id }) => id === peer),
  });
  for (const backend of holders) await proveShards(backend, [{ id: ids[0]! }], { random, look });
  const [settled] = await look.settle([{ code: CODE, ids }]);
  expect(settled!.refuted).toEqual([{ holder: holders[1]!.id, id: ids[0], verdict: 'wrong' }]);
});
