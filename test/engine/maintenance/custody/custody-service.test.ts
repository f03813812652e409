import { expect, test } from 'vitest';
import { blake3, shardIdOfBytes } from '../../../../src/engine/codec/hash.ts';
import { encodeManifest } from '../../../../src/engine/codec/manifest.ts';
import { realClock } from '../../../../src/engine/effects/clock.ts';
import { createAdoption } from '../../../../src/engine/maintenance/custody/adoption.ts';
import {
  type CustodyClient,
  custodyClient,
} from '../../../../src/engine/maintenance/custody/custody-client.ts';
import { CustodyManifests } from '../../../../src/engine/maintenance/custody/custody-manifests.ts';
import { serveCustody } from '../../../../src/engine/maintenance/custody/custody-service.ts';
import { type ClaimsOf, MANIFEST_GROUP } from '../../../../src/engine/maintenance/custody/custody-store.ts';
import { LEASE_MS, Leases } from '../../../../src/engine/maintenance/custody/leases.ts';
import { memoryCustody } from '../../../../src/engine/maintenance/custody/memory-custody.ts';
import type { Order } from '../../../../src/engine/maintenance/custody/order.ts';
import { signOrder } from '../../../../src/engine/maintenance/custody/order.ts';
import { Silences } from '../../../../src/engine/maintenance/custody/silences.ts';
import { releasedOf } from '../../../../src/engine/maintenance/custody/tombstones.ts';
import type { PutRecord } from '../../../../src/engine/shardstore/store.ts';
import {
  bytesToHex,
  manifestShardId,
  type ObjectId,
  type OwnerId,
  type PeerId,
  type ShardId,
} from '../../../../src/engine/types.ts';
import { DatameshError } from '../../../../src/errors.ts';
import { type ManualClock, manualClock } from '../../../support/manual-clock.ts';
import { MemoryNet } from '../../../support/memory-net.ts';
import { inputOf } from '../../codec/manifest-samples.ts';
import { keepOf, member, objectId, orderOf, owner, peer, stranger } from './samples.ts';

const CALL = { timeoutMs: 1000 };
const [SELF, CUSTODIAN, FAR, UNKNOWN] = ['self', 'custodian', 'far', 'unknown'].map(peer) as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
];

/** An object of 40,000 bytes whose shards really exist. */
function sample() {
  const input = inputOf(40_000, { owner, recipients: [owner.encryptionPublicKey], chunkBytes: 65_536 });
  const { shardBytes } = input.stripes[0]!;
  const shards = Array.from({ length: 6 }, (_, i) => Buffer.alloc(shardBytes, i + 1));
  const stripe = { ...input.stripes[0]!, ids: shards.map((bytes) => shardIdOfBytes(bytes)) };
  const manifest = encodeManifest({ ...input, stripes: [stripe] });
  const id = bytesToHex(blake3(manifest)) as ObjectId;
  return { id, manifest, shards, ids: stripe.ids, order: orderOf({ objectId: id }) };
}

async function node(net = new MemoryNet(), clock: ManualClock = manualClock(), admits = true) {
  const shards = new Map<ShardId, PutRecord>();
  const custody = memoryCustody();
  const manifests = new CustodyManifests(custody);
  const kept: Order[] = [];
  const moved: ClaimsOf[] = [];
  const toCarry: ObjectId[] = [];
  const own = net.node(SELF);
  const common = {
    network: 'test',
    hash: blake3,
    admitsOwner: (id: OwnerId) => admits && id === owner.ownerId,
  };
  const adoption = createAdoption({
    ...common,
    self: SELF,
    custody,
    manifests,
    store: {
      async put(record) {
        if (shardIdOfBytes(record.bytes) !== record.id)
          throw new DatameshError('hash-mismatch', { what: 'wrong bytes' });
        shards.set(record.id, record);
        return 'stored';
      },
      get: async (id) => shards.get(id)?.bytes,
      has: (id) => shards.has(id),
      delete: async (id, by) => shards.get(id)?.owner === by && shards.delete(id),
    },
    manifestFrom: (from, id) => custodyClient(own).manifest(from, id, CALL),
    released: (id) => toCarry.push(id),
  });
  await serveCustody({
    ...common,
    net: own,
    clock,
    store: custody,
    manifests,
    leases: new Leases(clock),
    adoption,
    ownersOf: (from) =>
      from === UNKNOWN ? undefined : new Set(from === peer('device') ? [owner.ownerId] : []),
    near: (from) => from === CUSTODIAN,
    kept: (fresh) => kept.push(...fresh.map(({ order }) => order)),
    moved: (claims) => moved.push(...claims),
  });
  return { net, shards, custody, kept, moved, toCarry, as: (from: PeerId) => custodyClient(net.node(from)) };
}

test('an order is kept with its manifest and told of again', async () => {
  const { as, custody, kept } = await node();
  const { id, manifest, order } = sample();
  const item = { order: signOrder(order, owner), manifest, claims: [] };
  const client = as(FAR);
  expect(await client.known(SELF, [id], CALL)).toEqual([{ sequence: 0, released: false, manifest: false }]);
  expect(await client.offer(SELF, [{ ...item, manifest: undefined }], CALL)).toEqual(['wants-manifest']);
  expect(await client.offer(SELF, [item, item], CALL)).toEqual(['kept', 'kept']);
  expect(kept.map((one) => one.objectId)).toEqual([id, id]);
  expect(await client.known(SELF, [id], CALL)).toEqual([{ sequence: 1, released: false, manifest: true }]);
  expect(Buffer.from((await client.manifest(SELF, id, CALL))!)).toEqual(Buffer.from(manifest));
  expect(custody.heldBy(inputOf(40_000).stripes[0]!.holders[0]!, undefined, 9)).toEqual([id]);
  const released = { ...item, order: signOrder({ ...order, state: 'released', sequence: 2 }, owner) };
  expect(await client.offer(SELF, [released], CALL)).toEqual(['kept']);
  expect(await client.offer(SELF, [item], CALL)).toEqual(['newer']);
  expect(await client.known(SELF, [id], CALL)).toEqual([{ sequence: 2, released: true, manifest: true }]);
});

test('what is forged, foreign or not served is refused, and costs the others of its batch nothing', async () => {
  const { as, custody } = await node();
  const { id, manifest, order } = sample();
  const good = { order: signOrder(order, owner), manifest, claims: [] };
  const forged = Uint8Array.from(good.order);
  forged[60]! ^= 1;
  const answers = await as(FAR).offer(
    SELF,
    [
      { ...good, order: forged },
      { ...good, order: signOrder({ ...order, owner: stranger.ownerId }, stranger) },
      { ...good, order: signOrder({ ...order, network: 'other' }, owner) },
      { ...good, manifest: Buffer.from('another manifest') },
      good,
    ],
    CALL,
  );
  expect(answers).toEqual(['malformed', 'refused', 'refused', 'malformed', 'kept']);
  expect(custody.usage().orders).toBe(1);
  const elsewhere = await node(new MemoryNet(), manualClock(), false);
  expect(await elsewhere.as(FAR).offer(SELF, [good], CALL)).toEqual(['refused']);
  await expect(as(UNKNOWN).known(SELF, [id], CALL)).rejects.toMatchObject({ code: 'denied' });
});

test('only custodians and the owner’s devices are believed where shards are, and only of places that exist', async () => {
  const { as, custody, moved } = await node();
  const { id, manifest, order } = sample();
  const claims = [
    { stripe: 0, index: 1, holder: peer(1) },
    { stripe: 1, index: 1, holder: peer(1) },
    { stripe: 0, index: 6, holder: peer(1) },
    { stripe: MANIFEST_GROUP, index: 2, holder: peer(2) },
    { stripe: MANIFEST_GROUP, index: 3, holder: peer(2) },
  ];
  const item = { order: signOrder(order, owner), manifest, claims };
  await as(FAR).offer(SELF, [item], CALL);
  await as(FAR).moved(SELF, [{ objectId: id, claims }], CALL);
  expect([custody.claims(id), moved]).toEqual([[], []]);
  await as(CUSTODIAN).moved(SELF, [{ objectId: id, claims }], CALL);
  expect(custody.claims(id)).toEqual([claims[0], claims[3]]);
  expect(moved).toEqual([{ objectId: id, claims: [claims[0], claims[3]] }]);
  custody.reclaim([{ objectId: id, claims: [], noted: [] }]);
  await as(peer('device')).offer(SELF, [item], CALL);
  expect(await as(FAR).where(SELF, [id], CALL)).toEqual([{ objectId: id, claims: [claims[0], claims[3]] }]);
});

test('a lease is one custodian’s until it ends', async () => {
  const clock = manualClock();
  const { as } = await node(new MemoryNet(), clock);
  const { id } = sample();
  expect(await as(FAR).lease(SELF, [id], CALL)).toEqual([false]);
  expect(await as(CUSTODIAN).lease(SELF, [id], CALL)).toEqual([true]);
  const leases = new Leases(clock);
  expect([leases.take(id, peer(1)), leases.take(id, peer(2)), leases.take(id, peer(1))]).toEqual([
    true,
    false,
    true,
  ]);
  clock.advance(LEASE_MS + 1);
  expect(leases.take(id, peer(2))).toBe(true);
  leases.drop(peer(2));
  expect(leases.take(id, peer(1))).toBe(true);
});

test('who asks is given the release itself, and no lease of a released object', async () => {
  const { as } = await node();
  const { id, manifest, order } = sample();
  const client = as(CUSTODIAN);
  await client.offer(SELF, [{ order: signOrder(order, owner), manifest, claims: [] }], CALL);
  expect(await client.released(SELF, [id], CALL)).toEqual([]);
  const release = signOrder({ ...order, state: 'released', sequence: 2 }, owner);
  await client.offer(SELF, [{ order: release, manifest: undefined, claims: [] }], CALL);
  expect((await client.released(SELF, [objectId(7), id], CALL)).map((it) => Buffer.from(it))).toEqual([
    Buffer.from(release),
  ]);
  expect(await client.lease(SELF, [id], CALL)).toEqual([false]);
});

test('a custodian that missed a release learns of it before it repairs, from a signed order alone', async () => {
  const { id, order } = sample();
  const other = objectId(8);
  const released = (changes: Partial<Order>, by = owner) =>
    signOrder({ ...order, state: 'released', sequence: 2, ...changes }, by);
  const forged = Uint8Array.from(released({ objectId: other }));
  forged[forged.length - 1]! ^= 1;
  const answers: Record<string, Uint8Array[]> = {
    [peer(1)]: [released({ objectId: other }, owner), signOrder({ ...order, sequence: 9 }, owner)],
    [peer(2)]: [forged],
    [peer(3)]: [released({ objectId: id, owner: stranger.ownerId }, stranger), released({ network: 'x' })],
  };
  const learn = async (from: number) => {
    const store = memoryCustody();
    store.keep([keepOf({ objectId: id }), keepOf({ objectId: other })]);
    const found = await releasedOf(
      [id, other].map((objectId) => ({ objectId, owner: owner.ownerId })),
      {
        peers: { self: SELF, members: () => [member(from)], refused: () => {} },
        silences: new Silences(realClock()),
        store,
        client: { released: async (to) => answers[to]! } as Partial<CustodyClient> as CustodyClient,
        ...CALL,
        signal: new AbortController().signal,
        log: () => {},
      },
    );
    return { found: [...found], states: [id, other].map((one) => store.mark(one)?.state) };
  };
  expect(await learn(1)).toEqual({ found: [other], states: ['live', 'released'] });
  for (const liar of [2, 3]) expect(await learn(liar)).toEqual({ found: [], states: ['live', 'live'] });
});

test('where the copies of a manifest are is taken from the owner even before the manifest is here', async () => {
  const { as, custody } = await node();
  const { id, order } = sample();
  const release = signOrder({ ...order, state: 'released', sequence: 2 }, owner);
  const claims = [
    { stripe: MANIFEST_GROUP, index: 0, holder: peer(1) },
    { stripe: 0, index: 0, holder: peer(2) },
  ];
  await as(CUSTODIAN).offer(SELF, [{ order: release, manifest: undefined, claims }], CALL);
  expect(custody.claims(id)).toEqual([]);
  await as(peer('device')).offer(SELF, [{ order: release, manifest: undefined, claims }], CALL);
  expect(custody.claims(id)).toEqual([claims[0]]);
});

test('a shard is adopted when the owner’s manifest names it, and by nothing else', async () => {
  const { as, shards, custody, net } = await node();
  const { id, manifest, order, shards: bytes, ids } = sample();
  const client = as(FAR);
  const place = { stripe: 0, index: 4 };
  // Nobody has the manifest: not here, not at the caller.
  await net
    .node(FAR)
    .handle('/datamesh/custody/1', async () => ({ header: Uint8Array.of(2), body: Buffer.alloc(0) }), {
      maxBodyBytes: 1,
    });
  await expect(client.adopt(SELF, id, place, bytes[4]!, CALL)).rejects.toBeInstanceOf(DatameshError);
  await client.adopt(SELF, id, { stripe: MANIFEST_GROUP, index: 0 }, manifest, CALL);
  expect([...shards.keys()]).toEqual([manifestShardId(id)]);
  await client.adopt(SELF, id, place, bytes[4]!, CALL);
  expect(shards.get(ids[4]!)?.owner).toBe(owner.ownerId);
  await expect(client.adopt(SELF, id, place, bytes[3]!, CALL)).rejects.toMatchObject({
    code: 'hash-mismatch',
  });
  await expect(client.adopt(SELF, id, { stripe: 0, index: 6 }, bytes[4]!, CALL)).rejects.toBeInstanceOf(
    DatameshError,
  );
  await expect(client.adopt(SELF, id, { stripe: 1, index: 0 }, bytes[4]!, CALL)).rejects.toBeInstanceOf(
    DatameshError,
  );
  custody.keep([
    { order: { ...order, state: 'released' }, bytes: signOrder({ ...order, state: 'released' }, owner) },
  ]);
  await expect(client.adopt(SELF, id, place, bytes[4]!, CALL)).rejects.toMatchObject({ code: 'denied' });
  const other = await node(new MemoryNet(), manualClock(), false);
  await expect(
    other.as(FAR).adopt(SELF, id, { stripe: MANIFEST_GROUP, index: 0 }, manifest, CALL),
  ).rejects.toMatchObject({ code: 'denied' });
});

test('the owner’s release alone makes a holder drop his claims', async () => {
  const { as, shards, custody, toCarry } = await node();
  const { id, manifest, order, shards: bytes } = sample();
  const client = as(FAR);
  await client.adopt(SELF, id, { stripe: MANIFEST_GROUP, index: 0 }, manifest, CALL);
  await client.adopt(SELF, id, { stripe: 0, index: 2 }, bytes[2]!, CALL);
  await client.offer(SELF, [{ order: signOrder(order, owner), manifest, claims: [] }], CALL);
  const live = signOrder({ ...order, sequence: 9 }, owner);
  const released = signOrder({ ...order, state: 'released', sequence: 2 }, owner);
  const forged = signOrder({ ...order, owner: stranger.ownerId, state: 'released' }, stranger);
  expect(
    await client.drop(
      SELF,
      [live, forged].map((one) => ({ order: one, manifest, claims: [] })),
      CALL,
    ),
  ).toEqual(['malformed', 'malformed']);
  expect(shards.size).toBe(2);
  expect(toCarry).toEqual([]);
  expect(await client.drop(SELF, [{ order: released, manifest: undefined, claims: [] }], CALL)).toEqual([
    'kept',
  ]);
  expect(shards.size).toBe(0);
  // What it had in custody is released as well, and goes on to whomever it knows to hold shards.
  expect(custody.mark(id)?.state).toBe('released');
  expect(toCarry).toEqual([id]);
});

test('who asks after more objects than a census has is answered later, and nobody else is', async () => {
  const clock = manualClock();
  const { as } = await node(undefined, clock);
  const client = as(FAR);
  const ids = Array.from({ length: 256 }, (_, i) => objectId(i));
  // A hundred thousand at once.
  for (let i = 0; i < 390; i++) await client.known(SELF, ids, CALL);
  let answered = false;
  const late = client.where(SELF, ids, CALL).then(() => {
    answered = true;
  });
  await as(CUSTODIAN).known(SELF, ids, CALL);
  expect(answered).toBe(false);
  // 160 are left of the burst, 96 come with 5,000 a second.
  await clock.advance(100);
  await late;
});
