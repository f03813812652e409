/** What every backend must do, whatever it is: run against each of them by contract.test.ts. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Backend } from '../../../src/engine/backends/backend.ts';
import { verdictsOf } from '../../../src/engine/maintenance/proof/attestation.ts';
import { provedBytes, sumIn } from '../../../src/engine/maintenance/proof/challenge.ts';
import { Coefficients, sumKeyOf } from '../../../src/engine/maintenance/proof/coefficients.ts';
import { sumOf } from '../../../src/engine/maintenance/proof/sum.ts';
import type { PeerId, ShardId } from '../../../src/engine/types.ts';
import { OWNER_A, OWNER_B, shard } from '../shardstore/shards.ts';

export interface BackendUnderTest {
  backend: Backend;
  /** Who asks, as the backend knows it. */
  asker: PeerId;
  /** The same place after the process that held it has begun anew; absent where that is no business of the backend. */
  reopen?(): Promise<Backend>;
  /** Flips a byte of the shard on the disk, behind the backend's back. */
  rot(id: ShardId, bytes: Uint8Array): Promise<void>;
  /** Ids that the holder was asked to announce. */
  announced: string[];
  /** Shards whose last owner has released them, as the node was told. */
  gone: string[];
  close(): Promise<void>;
}

const CALL = { timeoutMs: 5000 };

export function backendContract(name: string, make: () => Promise<BackendUnderTest>): void {
  describe(`${name} keeps the contract of a backend`, () => {
    let under: BackendUnderTest;
    let backend: Backend;
    beforeEach(async () => {
      under = await make();
      backend = under.backend;
    });
    afterEach(() => under.close());

    test.each([1, 128, 4096, 1 << 20])('gives %i bytes back as they were', async (lengthBytes) => {
      const { id, bytes } = shard(7, lengthBytes);
      await backend.put(id, bytes, OWNER_A, CALL);
      expect(Buffer.compare((await backend.get(id, CALL))!, bytes)).toBe(0);
      expect(await backend.has([id], CALL)).toEqual([true]);
    });

    test('keeps a copy: neither what the caller does with its bytes later nor with an answer changes it', async () => {
      const { id, bytes } = shard(1, 1000);
      const given = Uint8Array.from(bytes);
      await backend.put(id, given, OWNER_A, CALL);
      given.fill(0);
      (await backend.get(id, CALL))!.fill(1);
      expect(Buffer.compare((await backend.get(id, CALL))!, bytes)).toBe(0);
    });

    test('many at once, small and large, new and known, for two owners, each get what they put', async () => {
      const all = Array.from({ length: 150 }, (_, i) =>
        shard(20 + (i % 140), i % 9 === 0 ? 40_000 : 10 + (i % 140)),
      );
      await Promise.all(
        all.map(({ id, bytes }, i) => backend.put(id, bytes, i % 5 ? OWNER_A : OWNER_B, CALL)),
      );
      const missing = shard(900, 10).id;
      const got = await Promise.all([missing, ...all.map(({ id }) => id)].map((id) => backend.get(id, CALL)));
      expect(got[0]).toBeUndefined();
      for (const [i, { bytes }] of all.entries())
        expect(Buffer.compare(got[i + 1]!, bytes), `shard ${i}`).toBe(0);
      expect(await backend.delete(all[0]!.id, OWNER_B, CALL)).toBe(true);
      expect(await backend.delete(all[1]!.id, OWNER_A, CALL)).toBe(true);
    });

    test('one among many whose bytes are not its own fails alone, and for its reason', async () => {
      const all = Array.from({ length: 10 }, (_, i) => shard(300 + i, 100));
      const wrong = shard(399, 100).id;
      const puts = await Promise.allSettled(
        all.map(({ id, bytes }, i) => backend.put(i === 4 ? wrong : id, bytes, OWNER_A, CALL)),
      );
      expect(puts.map(({ status }) => status)).toEqual(
        all.map((_, i) => (i === 4 ? 'rejected' : 'fulfilled')),
      );
      expect((puts[4] as PromiseRejectedResult).reason).toMatchObject({ code: 'hash-mismatch' });
      expect(await backend.has([wrong, all[3]!.id], CALL)).toEqual([false, true]);
    });

    test('one among many that is cancelled does not take the others with it', async () => {
      const all = Array.from({ length: 10 }, (_, i) => shard(400 + i, 100));
      const stopper = new AbortController();
      const puts = all.map(({ id, bytes }, i) =>
        backend.put(id, bytes, OWNER_A, i === 4 ? { ...CALL, signal: stopper.signal } : CALL),
      );
      stopper.abort();
      const ends = await Promise.allSettled(puts);
      expect(ends.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(9);
      const rest = all.filter((_, i) => i !== 4);
      expect(
        await backend.has(
          rest.map(({ id }) => id),
          CALL,
        ),
      ).toEqual(rest.map(() => true));
    });

    test('says of what it does not hold that it does not', async () => {
      const { id } = shard(2, 100);
      expect(await backend.get(id, CALL)).toBeUndefined();
      expect(await backend.has([id], CALL)).toEqual([false]);
      expect(await backend.delete(id, OWNER_A, CALL)).toBe(false);
    });

    test('answers `has` in the order asked, for more ids than fit one message', async () => {
      const some = Array.from({ length: 5 }, (_, i) => shard(10 + i, 64));
      for (const { id, bytes } of some) await backend.put(id, bytes, OWNER_A, CALL);
      const ids = Array.from({ length: 600 }, (_, i) =>
        i % 150 === 7 ? some[(i - 7) / 150]!.id : (`${i}`.padStart(64, '0') as ShardId),
      );
      expect(await backend.has(ids, CALL)).toEqual(ids.map((_id, i) => i % 150 === 7));
      expect(await backend.has([], CALL)).toEqual([]);
    });

    test('refuses bytes that do not fit the id, and keeps nothing of them', async () => {
      const { id, bytes } = shard(3, 500);
      const wrong = Uint8Array.from(bytes);
      wrong[250]! ^= 1;
      await expect(backend.put(id, wrong, OWNER_A, CALL)).rejects.toMatchObject({ code: 'hash-mismatch' });
      expect(await backend.get(id, CALL)).toBeUndefined();
    });

    test('a put twice, also at once, is one shard and one claim', async () => {
      const { id, bytes } = shard(4, 2000);
      await Promise.all(Array.from({ length: 8 }, () => backend.put(id, bytes, OWNER_A, CALL)));
      await backend.put(id, bytes, OWNER_A, CALL);
      expect(await backend.delete(id, OWNER_A, CALL)).toBe(true);
      expect(await backend.get(id, CALL)).toBeUndefined();
      expect(await backend.delete(id, OWNER_A, CALL)).toBe(false);
    });

    test('a shard stays until its last owner has released it, and only its owners can', async () => {
      const { id, bytes } = shard(5, 300);
      await backend.put(id, bytes, OWNER_A, CALL);
      expect(await backend.delete(id, OWNER_B, CALL)).toBe(false);
      await backend.put(id, bytes, OWNER_B, CALL);
      expect(await backend.delete(id, OWNER_A, CALL)).toBe(true);
      expect(Buffer.compare((await backend.get(id, CALL))!, bytes)).toBe(0);
      expect(await backend.delete(id, OWNER_B, CALL)).toBe(true);
      expect(await backend.has([id], CALL)).toEqual([false]);
    });

    test('proves what it holds and says of the rest that it does not, to this question alone', async () => {
      const held = [1, 1024, 1025, 40_000].map((lengthBytes, i) => shard(20 + i, lengthBytes));
      for (const { id, bytes } of held) await backend.put(id, bytes, OWNER_A, CALL);
      const ids = [shard(30, 10).id, ...held.map(({ id }) => id), shard(31, 10).id];
      const nonce = new Uint8Array(32).fill(9);
      const attestation = await backend.prove(ids, nonce, CALL);
      expect(attestation.holder).toBe(backend.id);
      const verdicts = ['absent', 'proved', 'proved', 'proved', 'proved', 'absent'];
      expect(verdictsOf(attestation, backend.id, ids, nonce)).toEqual(verdicts);
      const wrong = ids.map(() => 'wrong');
      expect(verdictsOf(attestation, backend.id, ids, new Uint8Array(32))).toEqual(wrong);
      expect(verdictsOf(attestation, backend.id, [...ids].reverse(), nonce)).toEqual(wrong);
      expect(await backend.prove([], nonce, CALL)).toMatchObject({ answers: [] });
    });

    test('beside proofs gives the sums of the whole shards to this seed and asker, signed with them', async () => {
      const held = [1, 1024, 1025, 40_000].map((lengthBytes, i) => shard(20 + i, lengthBytes));
      for (const { id, bytes } of held) await backend.put(id, bytes, OWNER_A, CALL);
      const ids = [shard(30, 10).id, ...held.map(({ id }) => id)];
      const [nonce, seed] = [new Uint8Array(32).fill(9), new Uint8Array(32).fill(8)];
      const attestation = await backend.prove(ids, nonce, { ...CALL, seed });
      const proved = ['absent', 'proved', 'proved', 'proved', 'proved'];
      expect(verdictsOf(attestation, backend.id, ids, nonce)).toEqual(proved);
      const key = sumKeyOf(seed, under.asker);
      expect(attestation.sumKey).toEqual(key);
      for (const [at, { id, bytes }] of held.entries()) {
        const answer = attestation.answers[at + 1]!;
        expect(provedBytes(nonce, backend.id, id, answer, true)).toBe(bytes.length);
        expect(Uint8Array.from(sumIn(answer).sum)).toEqual(sumOf(bytes, new Coefficients(key)));
      }
      const wrong = ids.map(() => 'wrong');
      const others = [sumKeyOf(seed, 'another' as PeerId), sumKeyOf(nonce, under.asker), undefined];
      for (const sumKey of [...others, new Uint8Array(31)])
        expect(verdictsOf({ ...attestation, sumKey }, backend.id, ids, nonce)).toEqual(wrong);
      const [first, second, ...rest] = attestation.answers;
      const changed = Uint8Array.from(second!);
      changed[changed.length - 1]! ^= 1;
      expect(
        verdictsOf({ ...attestation, answers: [first, changed, ...rest] }, backend.id, ids, nonce),
      ).toEqual(wrong);
      expect((await backend.prove(ids, nonce, CALL)).sumKey).toBeUndefined();
      await expect(backend.prove(ids, nonce, { ...CALL, seed: new Uint8Array(31) })).rejects.toThrow(
        RangeError,
      );
    });

    test('refuses questions that are none before anybody is asked', async () => {
      const ids = Array.from({ length: 257 }, (_, i) => `${i}`.padStart(64, '0') as ShardId);
      await expect(backend.prove(ids, new Uint8Array(32), CALL)).rejects.toThrow(RangeError);
      await expect(backend.prove([], new Uint8Array(31), CALL)).rejects.toThrow(RangeError);
      const { answers } = await backend.prove(ids.slice(1), new Uint8Array(32), CALL);
      expect(answers).toEqual(new Array(256).fill(undefined));
    });

    test('bytes that have rotted count as absent, and are not said to be there any more', async () => {
      const { id, bytes } = shard(40, 5000);
      await backend.put(id, bytes, OWNER_A, CALL);
      await under.rot(id, bytes);
      const { answers } = await backend.prove([id], new Uint8Array(32), CALL);
      expect(answers).toEqual([undefined]);
      expect(await backend.has([id], CALL)).toEqual([false]);
      await backend.put(id, bytes, OWNER_B, CALL);
      expect((await backend.prove([id], new Uint8Array(32), CALL)).answers).toHaveLength(1);
      expect(Buffer.compare((await backend.get(id, CALL))!, bytes)).toBe(0);
    });

    test('many at once, of several owners, come back each as itself', async () => {
      const many = Array.from({ length: 60 }, (_, i) => shard(100 + i, 200 + i));
      await Promise.all(
        many.map(({ id, bytes }, i) => backend.put(id, bytes, i % 2 === 0 ? OWNER_A : OWNER_B, CALL)),
      );
      const back = await Promise.all(many.map(({ id }) => backend.get(id, CALL)));
      for (const [i, bytes] of back.entries()) expect(Buffer.compare(bytes!, many[i]!.bytes)).toBe(0);
    });

    test('a call that is cancelled before it begins does nothing', async () => {
      const { id, bytes } = shard(6, 100);
      const signal = AbortSignal.abort();
      await expect(backend.put(id, bytes, OWNER_A, { ...CALL, signal })).rejects.toThrow();
      expect(await backend.has([id], CALL)).toEqual([false]);
      await expect(backend.get(id, { ...CALL, signal })).rejects.toThrow();
    });

    test('asks for an announcement of what it holds', async () => {
      const { id, bytes } = shard(8, 100);
      await backend.put(id, bytes, OWNER_A, CALL);
      await backend.announce(id as string as Parameters<Backend['announce']>[0], CALL);
      expect(under.announced).toEqual([id]);
      const manifest = shard(12, 100);
      await backend.put(manifest.id, manifest.bytes, OWNER_A, { ...CALL, announce: true });
      expect(under.announced).toEqual([id, manifest.id]);
    });

    test('tells which shards go, once their last owner has released them', async () => {
      const { id, bytes } = shard(13, 100);
      await backend.put(id, bytes, OWNER_A, CALL);
      await backend.put(id, bytes, OWNER_B, CALL);
      await backend.delete(id, OWNER_A, CALL);
      await backend.delete(id, OWNER_A, CALL);
      expect(under.gone).toEqual([]);
      await backend.delete(id, OWNER_B, CALL);
      expect(under.gone).toEqual([id]);
    });

    test('what was acknowledged is there when it is opened again', async () => {
      if (under.reopen === undefined) return;
      const { id, bytes } = shard(9, 5000);
      const gone = shard(11, 100);
      await backend.put(id, bytes, OWNER_A, CALL);
      await backend.put(id, bytes, OWNER_B, CALL);
      await backend.put(gone.id, gone.bytes, OWNER_A, CALL);
      await backend.delete(gone.id, OWNER_A, CALL);
      const again = await under.reopen();
      expect(again.id).toBe(backend.id);
      expect(Buffer.compare((await again.get(id, CALL))!, bytes)).toBe(0);
      expect(await again.has([gone.id], CALL)).toEqual([false]);
      expect(await again.delete(id, OWNER_A, CALL)).toBe(true);
      expect(await again.has([id], CALL)).toEqual([true]);
    });
  });
}
