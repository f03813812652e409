import { expect, test } from 'vitest';
import type { Backend } from '../../../src/engine/backends/backend.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { encodeManifest } from '../../../src/engine/codec/manifest.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import type { Adoption } from '../../../src/engine/maintenance/custody/adoption.ts';
import type { CustodyClient } from '../../../src/engine/maintenance/custody/custody-client.ts';
import { MANIFEST_GROUP } from '../../../src/engine/maintenance/custody/custody-store.ts';
import { type DrainContext, drainRound } from '../../../src/engine/maintenance/drain.ts';
import { attest } from '../../../src/engine/maintenance/proof/attestation.ts';
import { ProofMemory } from '../../../src/engine/maintenance/proof/memory.ts';
import { judged, reasonsOf } from '../../../src/engine/node/drain.ts';
import { pointOf } from '../../../src/engine/placement/xor.ts';
import { bytesToHex, manifestShardId, type ObjectId, type PeerId } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { attesterOf } from '../../support/attester.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { inputOf } from '../codec/manifest-samples.ts';
import { keepOf, owner, stranger } from './custody/samples.ts';

const manifest = encodeManifest(
  inputOf(40_000, { owner, recipients: [owner.encryptionPublicKey], chunkBytes: 65_536 }),
);
const objectId = bytesToHex(blake3(manifest)) as ObjectId;
const shard = manifestShardId(objectId);
const { bytes: order } = keepOf({ objectId });
const [SELF, A, B, C] = ['self', 'a', 'b', 'c'].map((name) => attesterOf(name).peerId) as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
];
const HOSTILE = 'hostile' as PeerId;
const NO_TIMES = { writtenAtMs: 0, verifiedAtMs: 0 };
/** Copies of the manifest besides that of the node that leaves. */
const holders = ['a', 'b', 'c'].map((name): Backend => {
  const attester = attesterOf(name);
  return {
    id: attester.peerId,
    has: async (ids: readonly string[]) => ids.map((id) => id === shard),
    prove: (ids: Parameters<Backend['prove']>[0], nonce: Uint8Array) =>
      attest(attester, attester.peerId, ids, nonce, async (id) => (id === shard ? manifest : undefined)),
  } as Partial<Backend> as Backend;
});
const claimsOf = (...peers: PeerId[]) =>
  peers.map((holder, index) => ({ stripe: MANIFEST_GROUP, index, holder }));

/** What each custodian says of where the copies are. */
async function drained(
  told: Record<string, ReturnType<typeof claimsOf>>,
  more: {
    held?: CustodyClient['held'];
    clock?: DrainContext['clock'];
    memory?: ProofMemory;
    backendOf?(found: Backend): Backend | undefined;
  } = {},
) {
  const held = new Set([shard]);
  let asked = 0;
  const heldBy: CustodyClient['held'] = async (peer, cursor) =>
    cursor === undefined ? [{ order, manifest, claims: told[peer]! }] : [];
  const context: DrainContext = {
    network: 'test',
    self: SELF,
    clock: more.clock ?? manualClock(),
    heardTo: new Map(),
    store: {
      stat: (id) =>
        held.has(id)
          ? { ...{ id, owners: [owner.ownerId], lengthBytes: manifest.length, pool: '' }, ...NO_TIMES }
          : undefined,
      ownerBytes: () => manifest.length,
      delete: async (id, by) => by === owner.ownerId && held.delete(id),
    },
    client: {
      held: (peer, cursor, call) =>
        peer === HOSTILE ? more.held!(peer, cursor, call) : heldBy(peer, cursor, call),
    } as Partial<CustodyClient> as CustodyClient,
    adoption: {} as Adoption,
    peers: { self: SELF },
    custodians: () => [...Object.keys(told), ...(more.held === undefined ? [] : [HOSTILE])] as PeerId[],
    candidates: () => [A, B, C].map((peer) => ({ peer, point: pointOf(Buffer.from(peer)), freeBytes: 1e9 })),
    ruleOf: () => ({
      domain: 'node',
      members: [],
      siteOf: (peer) => ({ peer, zone: 'z' }),
      leaving: (peer) => peer === SELF,
    }),
    random: realRandom(),
    memory: more.memory ?? new ProofMemory(),
    hash: blake3,
    dropped: () => {},
    backend(holder) {
      asked++;
      const found = holders.find(({ id }) => id === holder);
      return found && more.backendOf ? more.backendOf(found) : found;
    },
    everybody: () => [],
    timeoutMs: 100,
    signal: new AbortController().signal,
  };
  const round = await drainRound(context);
  const { waiting, blocked, reasons, failures } = round;
  return {
    stuckBy: reasonsOf(round, 0, 'stuck'),
    ...{ left: held.size, waiting: waiting.size, blocked: blocked.size, reasons: reasons.size, asked },
    failures: failures.map(({ why }) => why),
  };
}

test('a custodian that has not heard of a move does not hold a drain up: another one has', async () => {
  const stale = claimsOf(A, SELF, B);
  expect(await drained({ x: stale })).toMatchObject({ left: 1, waiting: 1, blocked: 0 });
  const whole = { left: 0, waiting: 0, blocked: 0, reasons: 0 };
  expect(await drained({ x: stale, y: claimsOf(A, C, B) })).toMatchObject(whole);
  expect(await drained({ y: claimsOf(A, C, B), x: stale })).toMatchObject(whole);
});

test('who says the same as others before is not looked into again', async () => {
  const stale = claimsOf(A, SELF, B);
  const once = await drained({ x: stale });
  expect((await drained({ x: stale, y: stale, z: stale })).asked).toBe(once.asked);
});

test('a drain that waits for the proof of one holder says which, and what to do', async () => {
  const silent = (found: Backend): Backend =>
    found.id === C
      ? { ...found, prove: () => Promise.reject(new DatameshError('timeout', { what: 'no answer' })) }
      : found;
  const claims = { x: claimsOf(A, C, B) };
  const memory = new ProofMemory();
  // From the third time on it counts as one that has not what it says.
  for (let round = 0; round < 4; round++) {
    const { left, waiting, stuckBy } = await drained(claims, { memory, backendOf: silent });
    expect([left, waiting]).toEqual([1, 1]);
    expect(stuckBy.filter((text) => text.startsWith(C.slice(-8)))).toEqual([
      expect.stringMatching(/noted to have 1 of them and does not prove that to this node: .*stop that node/),
    ]);
  }
  const unreachable = { backendOf: (found: Backend) => (found.id === C ? undefined : found) };
  expect((await drained(claims, unreachable)).stuckBy.join()).toContain(C.slice(-8));
  expect((await drained({ x: claimsOf(A, SELF, B) })).stuckBy).toHaveLength(1);
});

/** One object after another that is nobody's, for as long as anybody asks. */
function endless(
  clock: ReturnType<typeof manualClock>,
  idOf: (page: number) => number,
): CustodyClient['held'] {
  let page = 0;
  return async () => {
    clock.advance(2_000);
    if (++page > 1_000) throw new Error('asked for ever');
    const id = idOf(page).toString(16).padStart(64, '0') as ObjectId;
    return [{ order: keepOf({ objectId: id }).bytes, manifest, claims: [] }];
  };
}

test('a custodian that lists for ever is cut off, and it is told', async () => {
  const clock = manualClock();
  const { failures } = await drained({}, { clock, held: endless(clock, (page) => page) });
  expect(failures.join()).toMatch(/more objects than can be looked at in 5 minutes; 149 were/);
  expect((await drained({}, { clock, held: endless(clock, () => 1) })).failures.join()).toContain('in order');
});

test('a stranger who names a shard of this node neither keeps it here nor makes it count as drained', async () => {
  const input = inputOf(40_000, { owner: stranger, chunkBytes: 65_536 });
  const stripes = input.stripes.map((it) => ({ ...it, ids: it.ids.with(0, shard) }));
  const theirs = encodeManifest({ ...input, recipients: [stranger.encryptionPublicKey], stripes });
  const id = bytesToHex(blake3(theirs)) as ObjectId;
  const { bytes } = keepOf({ objectId: id, owner: stranger.ownerId });
  const claims = [{ stripe: 0, index: 0, holder: A }];
  const held: CustodyClient['held'] = async (_peer, cursor) =>
    cursor === undefined ? [{ order: bytes, manifest: theirs, claims }] : [];
  expect(await drained({}, { held })).toMatchObject({ left: 1, waiting: 0, blocked: 0, asked: 0 });
  const stale = claimsOf(A, SELF, B);
  expect(await drained({ x: stale }, { held })).toMatchObject({ left: 1, waiting: 1, blocked: 0 });
});

test('custodians that never say what they keep hold a drain up for a while, not for ever, unless they are all that some order is with', () => {
  const round = (failing: number, answered = 2) => ({
    waiting: new Set<never>(),
    blocked: new Set<never>(),
    answered,
    failures: Array.from({ length: failing }, () => ({ peer: HOSTILE, why: 'timeout' })),
  });
  const orphans = 5;
  expect(judged(round(0), orphans, 10_000)).toBe('running');
  expect(judged(round(0), orphans, 30_000)).toBe('done');
  expect(judged(round(2), orphans, 30_000)).toBe('stuck');
  expect(judged(round(2), orphans, 200_000)).toBe('done');
  expect(judged(round(3), orphans, 200_000)).toBe('stuck');
  expect(judged(round(1, 0), orphans, 200_000)).toBe('stuck');
});
