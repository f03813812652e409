/** What strangers send: questions to a holder and answers of one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { peerBackend } from '../../../../src/engine/backends/peer-backend.ts';
import {
  decodeRequest,
  encodeRequest,
  encodeStatus,
  SHARD_PROTOCOL,
} from '../../../../src/engine/backends/shard-protocol.ts';
import { realClock } from '../../../../src/engine/effects/clock.ts';
import { NO_BYTES } from '../../../../src/engine/effects/net.ts';
import { verdictsOf } from '../../../../src/engine/maintenance/proof/attestation.ts';
import {
  decodeAnswers,
  encodeAnswers,
  MAX_ANSWER_BYTES,
  MAX_PROOF_IDS,
  provedBytes,
} from '../../../../src/engine/maintenance/proof/challenge.ts';
import { sliceBytes } from '../../../../src/engine/maintenance/proof/slice.ts';
import { sumBytes } from '../../../../src/engine/maintenance/proof/sum.ts';
import type { PeerId, ShardId } from '../../../../src/engine/types.ts';
import { asDatameshError } from '../../../../src/errors.ts';
import { attesterOf } from '../../../support/attester.ts';
import { MemoryNet } from '../../../support/memory-net.ts';

const NONCE = new Uint8Array(32).fill(1);
const HOLDER = attesterOf('h').peerId;
const idOf = (number: number) => number.toString(16).padStart(64, '0') as ShardId;
const CALL = { timeoutMs: 1000 };

test('a question comes over as it was asked, and every other header of its kind is refused', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: undefined }),
      fc.array(fc.nat(), { maxLength: 256 }),
      (nonce, seed, numbers) => {
        const ids = numbers.map(idOf);
        expect(decodeRequest(encodeRequest({ op: 'prove', nonce, seed, ids }))).toEqual({
          op: 'prove',
          nonce,
          seed,
          ids,
        });
      },
    ),
    { numRuns: 50 },
  );
  const op = encodeRequest({ op: 'prove', nonce: NONCE, ids: [] })[0]!;
  const tooMany = encodeRequest({
    op: 'prove',
    nonce: NONCE,
    ids: Array.from({ length: 257 }, (_, i) => idOf(i)),
  });
  const withSums = encodeRequest({ op: 'prove', nonce: NONCE, seed: NONCE, ids: [] })[0]!;
  for (const header of [
    Uint8Array.of(withSums),
    new Uint8Array(33).fill(withSums),
    new Uint8Array(64).fill(withSums),
    new Uint8Array(66).fill(withSums),
    new Uint8Array(1 + 64 + 257 * 32).fill(withSums),
    Uint8Array.of(op),
    new Uint8Array(32).fill(op),
    new Uint8Array(64).fill(op),
    tooMany,
  ]) {
    expect(() => decodeRequest(header)).toThrow(/malformed/);
  }
});

test('a list of answers is read as it was written, and anything else throws one error', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 4000 }),
      fc.integer({ min: 0, max: 4 }),
      fc.boolean(),
      (bytes, count, haveSums) => {
        const ids = Array.from({ length: count }, (_, i) => idOf(i));
        try {
          expect(encodeAnswers(decodeAnswers(NONCE, HOLDER, ids, bytes, haveSums))).toEqual(bytes);
        } catch (error) {
          expect(asDatameshError(error).code).toBe('malformed-data');
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('the longest answer fits the bound, and no claimed length asks for more', () => {
  const longest = 64 * 1024 * 1024 + 64 * 1024;
  const chunks = longest / 1024;
  let most = 0;
  for (let chunk = 0; chunk < chunks; chunk += 997) most = Math.max(most, sliceBytes(longest, chunk));
  for (let chunk = chunks - 40; chunk < chunks; chunk++) most = Math.max(most, sliceBytes(longest, chunk));
  expect(MAX_PROOF_IDS * (1 + 4 + most + sumBytes(longest))).toBeLessThan(MAX_ANSWER_BYTES);
  for (const claimed of ['04010001', 'ffffffff', '04010000']) {
    const answer = Buffer.concat([Buffer.from(`01${claimed}`, 'hex'), new Uint8Array(2000)]);
    expect(() => decodeAnswers(NONCE, HOLDER, [idOf(1)], answer)).toThrow(/malformed/);
  }
});

test('no bytes prove a shard of which one has nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.boolean(), (answer, hasSum) => {
      expect(provedBytes(NONCE, HOLDER, idOf(7), answer, hasSum)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

test('whatever a holder answers, the asker has an error or verdicts, and none says proved', async () => {
  const net = new MemoryNet();
  let header: Uint8Array = NO_BYTES;
  let body: Uint8Array = NO_BYTES;
  await net.node(HOLDER).handle(SHARD_PROTOCOL, async () => ({ header, body }), { maxBodyBytes: 0 });
  const backend = peerBackend(net.node('asker' as PeerId), HOLDER, realClock());
  const ids = [idOf(1), idOf(2)];
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 72, maxLength: 72 })),
      fc.oneof(fc.uint8Array({ maxLength: 2500 }), fc.constant(Uint8Array.of(0, 0))),
      fc.boolean(),
      fc.constantFrom(undefined, NONCE),
      async (tail, bytes, ok, seed) => {
        header = ok ? encodeStatus('ok', tail) : tail;
        body = bytes;
        const verdicts = await backend.prove(ids, NONCE, { ...CALL, seed }).then(
          (attestation) => verdictsOf(attestation, HOLDER, ids, NONCE),
          (error: unknown) => asDatameshError(error).code,
        );
        // Nobody has the holder's key but the holder: unsigned absence is no absence either.
        if (Array.isArray(verdicts)) expect(verdicts).toEqual(['wrong', 'wrong']);
        else expect(verdicts).not.toBe('internal');
      },
    ),
    { numRuns: 1000 },
  );
});
