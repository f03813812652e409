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
import { pointOf } from '../../../src/engine/placement/xor.ts';
import { bytesToHex, manifestShardId, type ObjectId, type PeerId } from '../../../src/engine/types.ts';
import { attesterOf } from '../../support/attester.ts';
import { inputOf } from '../codec/manifest-samples.ts';
import { keepOf, owner } from './custody/samples.ts';

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
async function drained(told: Record<string, ReturnType<typeof claimsOf>>) {
  const held = new Set([shard]);
  let asked = 0;
  const context: DrainContext = {
    network: 'test',
    self: SELF,
    store: {
      has: (id) => held.has(id),
      stat: () => undefined,
      delete: async (id) => held.delete(id),
    },
    client: {
      async held(peer, cursor) {
        return cursor === undefined ? [{ order, manifest, claims: told[peer]! }] : [];
      },
    } as Partial<CustodyClient> as CustodyClient,
    adoption: {} as Adoption,
    peers: { self: SELF },
    custodians: () => Object.keys(told) as PeerId[],
    candidates: () => [A, B, C].map((peer) => ({ peer, point: pointOf(Buffer.from(peer)), freeBytes: 1e9 })),
    ruleOf: () => ({
      domain: 'node',
      members: [],
      siteOf: (peer) => ({ peer, zone: 'z' }),
      leaving: (peer) => peer === SELF,
    }),
    random: realRandom(),
    memory: new ProofMemory(),
    hash: blake3,
    dropped: () => {},
    backend(holder) {
      asked++;
      return holders.find(({ id }) => id === holder);
    },
    everybody: () => [],
    timeoutMs: 100,
    signal: new AbortController().signal,
  };
  const { waiting, blocked, reasons } = await drainRound(context);
  return { left: held.size, waiting: waiting.size, blocked: blocked.size, reasons: reasons.size, asked };
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
