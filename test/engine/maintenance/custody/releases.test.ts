import { describe, expect, test } from 'vitest';
import { isFolderId } from '../../../../src/engine/backends/folder-marker.ts';
import { blake3 } from '../../../../src/engine/codec/hash.ts';
import { encodeManifest } from '../../../../src/engine/codec/manifest.ts';
import type { Adoption } from '../../../../src/engine/maintenance/custody/adoption.ts';
import { firstMembers } from '../../../../src/engine/maintenance/custody/custodians.ts';
import type { CustodyClient } from '../../../../src/engine/maintenance/custody/custody-client.ts';
import { CustodyManifests } from '../../../../src/engine/maintenance/custody/custody-manifests.ts';
import type { OfferItem } from '../../../../src/engine/maintenance/custody/custody-protocol.ts';
import { Given } from '../../../../src/engine/maintenance/custody/given.ts';
import { Handover } from '../../../../src/engine/maintenance/custody/handover.ts';
import { memoryCustody } from '../../../../src/engine/maintenance/custody/memory-custody.ts';
import { ReleaseCarrier } from '../../../../src/engine/maintenance/custody/release-carrier.ts';
import { bytesToHex, type ObjectId, type PeerId } from '../../../../src/engine/types.ts';
import { DatameshError } from '../../../../src/errors.ts';
import { inputOf } from '../../codec/manifest-samples.ts';
import { keepOf, member, owner, peer } from './samples.ts';

const manifest = encodeManifest(
  inputOf(40_000, { owner, recipients: [owner.encryptionPublicKey], chunkBytes: 65_536 }),
);
const id = bytesToHex(blake3(manifest)) as ObjectId;
const released = keepOf({ objectId: id, state: 'released', sequence: 2 }, { manifest });
const MEMBERS = Array.from({ length: 9 }, (_, at) => member(at));
const near = firstMembers(id, MEMBERS, 9);
const common = {
  hash: blake3,
  log: () => {},
  pause: async () => {},
  timeoutMs: 100,
  signal: new AbortController().signal,
};

function carrierOf(self: PeerId, failing: () => PeerId | undefined, folders: readonly PeerId[] = []) {
  const store = memoryCustody();
  const told = new Map<PeerId, number>();
  const gave: PeerId[] = [];
  let dropped = 0;
  const manifests = new CustodyManifests(store);
  const carrier = new ReleaseCarrier({
    ...common,
    peers: { self, members: () => MEMBERS, refused: () => {} },
    store,
    manifests,
    client: {
      async drop(to: PeerId, items: readonly OfferItem[]) {
        if (to === failing()) throw new DatameshError('timeout', { what: 'no answer' });
        told.set(to, (told.get(to) ?? 0) + 1);
        return items.map(() => 'kept');
      },
    } as Partial<CustodyClient> as CustodyClient,
    given: { of: () => gave, forget: () => {} },
    adoption: {
      async drop() {
        dropped++;
        return 'kept';
      },
    } as Partial<Adoption> as Adoption,
    // Of the holders in the manifest nobody knows any more.
    presence: (holder) =>
      MEMBERS.some(({ peer: one }) => one === holder) || folders.includes(holder) ? 'here' : 'gone',
  });
  return { store, told, gave, carrier, manifests, dropped: () => dropped };
}

test('a release goes to noted holders and to those who stand by; who is here and does not answer is told again', async () => {
  const [holder] = near.slice(7);
  let failing: PeerId | undefined = near[4];
  const { store, told, carrier, manifests } = carrierOf(near[0]!, () => failing);
  store.keep([{ ...released, claims: [{ stripe: 0, index: 0, holder: holder! }] }]);
  expect(await carrier.carry([id])).toEqual([id]);
  expect(manifests.cached(id)).toBeDefined();
  expect([...told.keys()].sort()).toEqual([near[3]!, holder!].sort());
  expect(store.mark(id)?.hasManifest).toBe(true);
  failing = undefined;
  expect(await carrier.carry([id])).toEqual([]);
  expect(Object.fromEntries(told)).toEqual({ [near[3]!]: 1, [near[4]!]: 1, [holder!]: 1 });
  expect(store.mark(id)).toMatchObject({ state: 'released', hasManifest: false });
  expect(manifests.cached(id)).toBeUndefined();
});

test('a custodian drops what it has itself, also where nobody has noted that it has anything', async () => {
  const { store, carrier, dropped } = carrierOf(near[1]!, () => undefined);
  store.keep([released]);
  expect(await carrier.carry([id])).toEqual([]);
  expect(dropped()).toBe(1);
});

test('a folder of this node is no peer that is told: what it has is dropped with what the node has', async () => {
  const folder = `Dir${'1'.repeat(44)}` as PeerId;
  expect(isFolderId(folder)).toBe(true);
  const { store, told, carrier, dropped } = carrierOf(near[0]!, () => folder, [folder]);
  store.keep([{ ...released, claims: [{ stripe: 0, index: 0, holder: folder }] }]);
  expect(await carrier.carry([id])).toEqual([]);
  expect([dropped(), told.has(folder), store.mark(id)?.hasManifest]).toEqual([1, false, false]);
});

test('a holder to which a repair that still ran has given one more shard is told again', async () => {
  const [holder] = near.slice(7);
  const failing = near[4]!;
  const { store, told, carrier } = carrierOf(near[0]!, () => failing);
  store.keep([{ ...released, claims: [{ stripe: 0, index: 0, holder: holder! }] }]);
  await carrier.carry([id]);
  await carrier.carry([id]);
  expect(told.get(holder!)).toBe(1);
  store.claim([{ objectId: id, claims: [{ stripe: 0, index: 1, holder: holder! }] }]);
  await carrier.carry([id]);
  expect(told.get(holder!)).toBe(2);
});

/** A node far from the object, whose custodians know of the release or not. */
function farNode(custodiansKnow: boolean) {
  const store = memoryCustody();
  const toCarry: ObjectId[] = [];
  const handover = new Handover({
    ...common,
    peers: { self: near[8]!, members: () => MEMBERS, refused: () => {} },
    store,
    client: {
      known: async (_to: PeerId, ids: readonly ObjectId[]) =>
        ids.map(() => ({ sequence: 2, released: custodiansKnow, manifest: true })),
      released: async () => [released.bytes],
      offer: async () => [],
    } as Partial<CustodyClient> as CustodyClient,
    isNew: () => false,
    manifestFromHolders: async () => undefined,
    released: (ids) => toCarry.push(...ids),
  });
  return { store, toCarry, handover };
}

test('whoever learns from custodians that an object is released takes the release, and carries it out before it forgets', async () => {
  const { store, toCarry, handover } = farNode(true);
  store.keep([keepOf({ objectId: id }, { manifest, claims: [{ stripe: 0, index: 0, holder: peer('x') }] })]);
  expect(await handover.pass('all')).toMatchObject({ forgotten: 0 });
  expect(new Set(toCarry)).toEqual(new Set([id]));
  expect(store.mark(id)).toMatchObject({ state: 'released', hasManifest: true });
  expect(await handover.pass('all')).toMatchObject({ forgotten: 0 });
  store.settle(id);
  expect(await handover.pass('all')).toMatchObject({ forgotten: 1 });
});

test('what lives, and three custodians have, is forgotten by those who are far', async () => {
  const { store, toCarry, handover } = farNode(false);
  store.keep([keepOf({ objectId: id }, { manifest })]);
  expect(await handover.pass('all')).toMatchObject({ forgotten: 1 });
  expect(toCarry).toEqual([]);
  expect(store.mark(id)).toBeUndefined();
});

test('a holder that a repair of this node gave a shard is told, though nobody has noted it, and again when it was given one after that', async () => {
  const [holder] = near.slice(7);
  const { store, told, gave, carrier } = carrierOf(near[0]!, () => near[4]);
  store.keep([released]);
  gave.push(holder!);
  await carrier.carry([id]);
  await carrier.carry([id]);
  expect(told.get(holder!)).toBe(1);
  carrier.again(id, holder!);
  await carrier.carry([id]);
  expect(told.get(holder!)).toBe(2);
});

test('a repair that is heard of while holders are told keeps the release open', async () => {
  const [holder] = near.slice(7);
  const { store, told, carrier } = carrierOf(near[0]!, () => undefined);
  store.keep([released]);
  const carrying = carrier.carry([id]);
  store.claim([{ objectId: id, claims: [{ stripe: 0, index: 0, holder: holder! }] }]);
  expect(await carrying).toEqual([id]);
  expect(store.mark(id)?.hasManifest).toBe(true);
  expect(await carrier.carry([id])).toEqual([]);
  expect(told.get(holder!)).toBe(1);
});

describe('a shard that is given while its object is released', () => {
  const holder = near[7]!;
  const live = keepOf({ objectId: id, state: 'live', sequence: 1 }, { manifest });
  const setting = () => {
    const store = memoryCustody();
    store.keep([live]);
    const overtaken: PeerId[] = [];
    const given = new Given({ store, overtaken: (_id, peer) => overtaken.push(peer) });
    const release = () => {
      store.keep([released]);
      store.settle(id);
      given.forget(id);
    };
    return { store, given, overtaken, release };
  };

  test('opens a release again that was carried out meanwhile, with the manifest that it needs', async () => {
    const { store, given, overtaken, release } = setting();
    await given.give(id, holder, async () => release());
    expect(overtaken).toEqual([holder]);
    expect(given.of(id)).toEqual([holder]);
    expect(store.mark(id)).toMatchObject({ state: 'released', hasManifest: true });
  });

  test('also when nobody knows whether it arrived; a refusal says that it did not', async () => {
    for (const [code, told] of [
      ['timeout', [holder]],
      ['denied', []],
    ] as const) {
      const { given, overtaken, release } = setting();
      const giving = given.give(id, holder, async () => {
        release();
        throw new DatameshError(code, { what: 'x' });
      });
      await expect(giving).rejects.toMatchObject({ code });
      expect(overtaken).toEqual(told);
    }
  });

  test('is remembered while the object lives', async () => {
    const { given, overtaken } = setting();
    await given.give(id, holder, async () => {});
    expect(overtaken).toEqual([]);
    expect(given.of(id)).toEqual([holder]);
    given.forget(id);
    expect(given.of(id)).toEqual([]);
  });
});
