/**
 * Two of the six holders of a 4+2 mesh lie, one on each plane: no wrong byte comes out, reads and writes go on, and who lied is known for it.
 * Real engines and real libp2p on 127.0.0.1; the liars are the tests' own (support/liar.ts).
 */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ObjectDetail, PeerView } from '../../src/engine/engine.ts';
import { manifestShardId } from '../../src/engine/types.ts';
import {
  type EngineMesh,
  getBytes,
  openEngineMesh,
  putBytes,
  type TestEngine,
  untilEligible,
  viewOf,
} from '../support/engine-mesh.ts';
import { type Liar, type Lie, startLiar } from '../support/liar.ts';

const HONEST = ['alice', 'bob', 'carol', 'dave'];
const TEST_MS = 90_000;
/** Slower than a healthy read, faster than any time-out of a request. */
const READ_BAR_MS = 5_000;
/** Two holders in a row may each keep a stripe waiting for a cut-off: four times what its other shards took, a second at least. */
const WRITE_BAR_MS = 10_000;

let mesh: EngineMesh;
let alice: TestEngine;
let liars: Liar[] = [];

beforeAll(async () => {
  mesh = await openEngineMesh({ k: 4, m: 2 });
  for (const name of HONEST) await mesh.add(name);
  alice = mesh.engines[0]!;
}, TEST_MS);
afterEach(async () => {
  await Promise.all(liars.splice(0).map((liar) => liar.stop()));
});
afterAll(() => mesh.close());

async function withLiars(): Promise<void> {
  liars = await Promise.all([
    startLiar('mallory', { bootstrap: alice.address, plane: 'libp2p' }),
    startLiar('trudy', { bootstrap: alice.address, plane: 'bulk' }),
  ]);
  const others = mesh.engines.slice(1).map(({ peerId }) => peerId);
  await untilEligible(alice.engine, [...others, ...liars.map(({ peerId }) => peerId)]);
}

/** Alice anew, without what she has learnt of the liars while they were honest: she asks them as readily as anybody. */
async function aliceAnew(): Promise<void> {
  await mesh.reopen(alice);
  for (const { address } of liars) await alice.engine.bootstrap(address);
  await untilEligible(alice.engine, [
    ...mesh.engines.slice(1).map(({ peerId }) => peerId),
    ...liars.map(({ peerId }) => peerId),
  ]);
}

const tell = (lie: Lie) => {
  for (const liar of liars) liar.lie = lie;
};
const askedFor = (op: 'put' | 'get') => liars.map(({ asked }) => asked[op]);

/** Rounds of reads, and after how many of them Alice begins anew: a liar whose first answers came too late to be looked at is asked last from then on. */
const MOST_ROUNDS = 40;
const ROUNDS_OF_ONE_ALICE = 10;

/** Reads until each liar was asked for a shard and is told by what it did, and a few times more. */
async function readAll(
  contents: ReadonlyMap<string, Buffer>,
  isTold: () => Promise<boolean> = async () => true,
): Promise<number> {
  let worstMs = 0;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    if (round > 0 && round % ROUNDS_OF_ONE_ALICE === 0) await aliceAnew();
    for (const [name, bytes] of contents) {
      const before = performance.now();
      const whole = await getBytes(alice.engine, name);
      worstMs = Math.max(worstMs, performance.now() - before);
      expect(whole.equals(bytes), `${name} as it was put`).toBe(true);
      const length = Math.min(1000, bytes.length >> 1);
      const part = await getBytes(alice.engine, name, { offset: length, length });
      expect(part.equals(bytes.subarray(length, 2 * length)), `a range of ${name}`).toBe(true);
    }
    if (round >= 2 && askedFor('get').every((count) => count > 0) && (await isTold())) break;
  }
  return worstMs;
}

/** Lies that are bytes, not silence. */
const WRONG: ReadonlySet<Lie> = new Set<Lie>(['wrong-bytes', 'foreign', 'truncated', 'longer', 'stale']);

describe('holders that lie when they are read', () => {
  test.each<Lie>([
    'wrong-bytes',
    'foreign',
    'truncated',
    'longer',
    'stale',
    'nonsense',
    'errors',
    'silent',
    'drips',
    'stalls',
  ])(
    '%s',
    async (lie) => {
      await withLiars();
      const contents = new Map([
        ['large', randomBytes(9_000_000)],
        ['small', randomBytes(3_000)],
        ['middle', randomBytes(200_000)],
      ]);
      // An older version of each: what a stale holder would like to pass off as the newest.
      for (const [name, bytes] of contents) await putBytes(alice.engine, name, randomBytes(bytes.length));
      for (const [name, bytes] of contents) {
        // A holder may be suspect for a moment on a busy machine; what is tested here begins with everybody holding a shard.
        await expect
          .poll(async () => (await putBytes(alice.engine, name, bytes)).degraded, { timeout: 20_000 })
          .toBe(false);
      }
      for (const { held } of liars) expect(held.size).toBeGreaterThan(0);
      await aliceAnew();
      tell(lie);
      const viewsOfLiars = () => Promise.all(liars.map(({ peerId }) => viewOf(alice.engine, peerId)));
      // An answer of another length than was asked for costs the connection: then the breaker tells.
      const told = ({ score, state, breaker }: PeerView) =>
        WRONG.has(lie) ? score < 30 || state === 'quarantined' || breaker !== 'closed' : true;
      const worstMs = await readAll(contents, async () => (await viewsOfLiars()).every(told));
      const honestScore = Math.max(
        ...(await Promise.all(mesh.engines.slice(1).map(({ peerId }) => viewOf(alice.engine, peerId)))).map(
          ({ score }) => score,
        ),
      );
      const views = await viewsOfLiars();
      process.stdout.write(
        `${lie}: worst read ${worstMs.toFixed(0)} ms; the liars were asked ${askedFor('get').join(' and ')} times; ` +
          `reputation ${views.map(({ score }) => score.toFixed(0)).join(' and ')}, ` +
          `breaker ${views.map(({ breaker }) => breaker).join(' and ')}, ${views.map(({ state }) => state).join(' and ')}\n`,
      );
      expect(worstMs).toBeLessThan(READ_BAR_MS);
      for (const view of views) {
        const { score, breaker } = view;
        if (WRONG.has(lie)) expect(told(view), `standing of ${lie}`).toBe(true);
        else if (lie === 'errors' || lie === 'nonsense')
          expect(score < 50 || breaker !== 'closed').toBe(true);
        else expect(score, 'it was asked, and earned nothing').toBeLessThan(honestScore);
      }
    },
    TEST_MS,
  );
});

describe('holders that lie when they are written to', () => {
  beforeAll(async () => {
    // Six that are honest: a stripe finds its places without the liars.
    for (const name of ['erin', 'frank']) await mesh.add(name);
  }, TEST_MS);

  test.each<Lie>(['errors', 'nonsense', 'silent', 'deaf'])(
    '%s',
    async (lie) => {
      await withLiars();
      tell(lie);
      const contents = new Map<string, Buffer>();
      const tookMs: number[] = [];
      for (let i = 0; i < 2; i++) {
        const bytes = randomBytes(16_000_000);
        contents.set(`${lie}-${i}`, bytes);
        const receipt = await putBytes(alice.engine, `${lie}-${i}`, bytes);
        tookMs.push(receipt.durationMs);
        // All six are where somebody honest has them, and the receipt says so of nobody else.
        expect(receipt).toMatchObject({ shardsDurable: receipt.shardsWanted, degraded: false, spare: 2 });
        for (const { peerId } of receipt.holders)
          expect(liars.map((liar) => liar.peerId)).not.toContain(peerId);
      }
      for (const [name, bytes] of contents)
        expect((await getBytes(alice.engine, name)).equals(bytes)).toBe(true);
      expect(Math.max(...tookMs)).toBeLessThan(WRITE_BAR_MS);
      process.stdout.write(`${lie}: puts took ${tookMs.map((ms) => ms.toFixed(0)).join(', ')} ms\n`);
    },
    120_000,
  );

  test(
    'with too few others the receipt counts what the honest have fsynced, and no more',
    async () => {
      await withLiars();
      tell('errors');
      const [, ...others] = mesh.engines;
      // Five honest nodes are left: one shard of each stripe finds no place.
      await others.pop()!.engine.close();
      await expect
        .poll(async () => (await viewOf(alice.engine, mesh.engines.at(-1)!.peerId)).state, {
          timeout: 20_000,
        })
        .toBe('offline');
      mesh.engines.pop();
      const bytes = randomBytes(5_000_000);
      const receipt = await putBytes(alice.engine, 'short', bytes);
      expect(receipt).toMatchObject({ degraded: true, spare: 1, survives: { node: 1 } });
      expect(receipt.shardsDurable).toBeLessThan(receipt.shardsWanted);
      expect((await getBytes(alice.engine, 'short')).equals(bytes)).toBe(true);
    },
    TEST_MS,
  );

  test(
    '"stored" and dropped: the read succeeds from the others; a census counts what the holder says',
    async () => {
      await withLiars();
      tell('drops');
      const contents = new Map([
        ['dropped-large', randomBytes(9_000_000)],
        ['dropped-small', randomBytes(3_000)],
      ]);
      // Of seven holders a stripe leaves one out: three stripes may have left out the same. And a liar that was late for a moment, on a busy machine, is left out of all until it is well again.
      for (let round = 0; round < 5 && !askedFor('put').every((count) => count > 0); round++) {
        await untilEligible(
          alice.engine,
          liars.map(({ peerId }) => peerId),
        );
        for (const [name, bytes] of contents) {
          // What a holder acknowledges is what a receipt can know: only a reader, or an audit, finds out.
          expect(await putBytes(alice.engine, name, bytes)).toMatchObject({ degraded: false, spare: 2 });
        }
      }
      expect(askedFor('put').every((count) => count > 0)).toBe(true);
      await aliceAnew();
      await readAll(contents);
      const spareOf = async () => (await alice.engine.info('dropped-large')).spare;
      expect(await spareOf(), 'they still claim to have it').toBe(2);
      for (const liar of liars) liar.claims = false;
      const ofLiars = ({ stripesDetail }: ObjectDetail) =>
        stripesDetail.flatMap(({ shards }) =>
          shards.filter(({ holder }) => liars.some(({ peerId }) => peerId === holder)),
        );
      // Who failed a read a moment ago, or an honest holder that answered too late on a busy machine, may be left
      // unasked for as long as its breaker is open: that is no answer yet, and counts as no live shard.
      const unanswered = ({ stripesDetail }: ObjectDetail) =>
        stripesDetail.some(({ shards }) => shards.some(({ live }) => live === undefined));
      let detail = await alice.engine.info('dropped-large');
      const startedMs = performance.now();
      while (unanswered(detail) && performance.now() - startedMs < 45_000) {
        await new Promise((resolve) => setTimeout(resolve, 250));
        detail = await alice.engine.info('dropped-large');
      }
      const { stripesDetail, spare } = detail;
      const theirs = ofLiars(detail);
      expect(theirs.map(({ live }) => live)).toEqual(theirs.map(() => false));
      // The manifest counts as a stripe does: its three copies may lie with both of them.
      const manifest = manifestShardId(detail.objectId);
      const worst = Math.max(
        liars.filter(({ dropped }) => dropped.has(manifest)).length,
        ...stripesDetail.map(({ shards }) => shards.filter(({ live }) => live === false).length),
      );
      expect(spare).toBe(2 - worst);
    },
    TEST_MS,
  );
});
