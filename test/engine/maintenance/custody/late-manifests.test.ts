import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { blake3 } from '../../../../src/engine/codec/hash.ts';
import { decodeManifest, encodeManifest } from '../../../../src/engine/codec/manifest.ts';
import { realRandom } from '../../../../src/engine/effects/random.ts';
import { firstMembers } from '../../../../src/engine/maintenance/custody/custodians.ts';
import {
  type CustodyClient,
  MAX_OFFERED_MANIFEST_BYTES,
} from '../../../../src/engine/maintenance/custody/custody-client.ts';
import { MANIFEST_GROUP } from '../../../../src/engine/maintenance/custody/custody-store.ts';
import { Handover, itemOf } from '../../../../src/engine/maintenance/custody/handover.ts';
import { Leases } from '../../../../src/engine/maintenance/custody/leases.ts';
import { memoryCustody } from '../../../../src/engine/maintenance/custody/memory-custody.ts';
import type { ReleaseCarrier } from '../../../../src/engine/maintenance/custody/release-carrier.ts';
import { DamageList } from '../../../../src/engine/maintenance/damage-list.ts';
import { createKeeper, KEEPER_LIMITS } from '../../../../src/engine/maintenance/keeper.ts';
import { bytesToHex, type ObjectId, type PeerId } from '../../../../src/engine/types.ts';
import { manualClock } from '../../../support/manual-clock.ts';
import { inputOf } from '../../codec/manifest-samples.ts';
import { keepOf, member, owner, peer, stranger } from './samples.ts';

const manifest = encodeManifest(
  inputOf(40_000, { owner, recipients: [owner.encryptionPublicKey], chunkBytes: 65_536 }),
);
const id = bytesToHex(blake3(manifest)) as ObjectId;
const MEMBERS = Array.from({ length: 9 }, (_, at) => member(at));
const near = firstMembers(id, MEMBERS, 9);
const peers = { self: near[0]!, members: () => MEMBERS, refused: () => {} };
const holder = peer('holder');
/** As the owner's node tells it when it could not get hold of the manifest itself. */
const bare = keepOf({ objectId: id }, { claims: [{ stripe: MANIFEST_GROUP, index: 0, holder }] });

/** A leader; others answer as told. */
function leader(given: {
  custodians: Uint8Array | undefined;
  holders?: (asked: readonly PeerId[]) => Uint8Array | undefined | Promise<undefined>;
}) {
  const store = memoryCustody();
  const asked: PeerId[] = [];
  const handover = new Handover({
    hash: blake3,
    log: () => {},
    pause: async () => {},
    timeoutMs: 100,
    signal: new AbortController().signal,
    peers,
    store,
    client: {
      async manifest(to: PeerId) {
        asked.push(to);
        return given.custodians;
      },
    } as Partial<CustodyClient> as CustodyClient,
    isNew: () => false,
    released: () => {},
    manifestFromHolders: async (_, holders) => given.holders?.(holders),
  });
  return { store, asked, handover };
}

test('a manifest that an order came without is fetched from another custodian', async () => {
  const { store, asked, handover } = leader({ custodians: manifest });
  store.keep([bare]);
  expect(await handover.fetchManifests([id])).toEqual([id]);
  expect(asked).toEqual([near[1]]);
  expect(store.mark(id)).toMatchObject({ state: 'live', hasManifest: true });
  // Else nobody here would be told that one of them is gone.
  const written = decodeManifest(manifest).peers;
  expect(written).not.toHaveLength(0);
  for (const one of written) expect(store.heldBy(one, undefined, 9)).toEqual([id]);
  expect(bytesToHex(store.manifest(id)!)).toBe(bytesToHex(manifest));
});

test('two are fetched at once: what no offer takes is large', async () => {
  let now = 0;
  let most = 0;
  const { store, handover } = leader({
    custodians: undefined,
    async holders() {
      most = Math.max(most, ++now);
      await turn();
      now--;
      return undefined;
    },
  });
  const ids = Array.from({ length: 9 }, (_, at) => `${at}`.padStart(64, '0') as ObjectId);
  for (const objectId of ids) store.keep([keepOf({ objectId })]);
  expect(await handover.fetchManifests(ids)).toEqual([]);
  expect([most, now]).toEqual([2, 0]);
});

test('a manifest that no offer takes is not read to be offered', () => {
  const store = memoryCustody();
  const [small, large] = [MAX_OFFERED_MANIFEST_BYTES, MAX_OFFERED_MANIFEST_BYTES + 1].map((length, at) => {
    const objectId = `${at}`.padStart(64, '0') as ObjectId;
    store.keep([keepOf({ objectId }, { manifest: Buffer.alloc(length) })]);
    return itemOf(store, { objectId });
  });
  expect([small?.manifest?.length, large]).toEqual([
    MAX_OFFERED_MANIFEST_BYTES,
    expect.objectContaining({ manifest: undefined }),
  ]);
});

test('where custodians have none, or another’s, noted holders are asked; what nobody has stays away', async () => {
  const other = Uint8Array.from(manifest, (byte, at) => (at === 0 ? byte ^ 1 : byte));
  let asked: readonly PeerId[] = [];
  const first = leader({
    custodians: other,
    holders: (theirs) => {
      asked = theirs;
      return manifest;
    },
  });
  first.store.keep([bare]);
  expect(await first.handover.fetchManifests([id])).toEqual([id]);
  expect(asked).toEqual([holder]);

  const second = leader({ custodians: undefined });
  second.store.keep([bare]);
  expect(await second.handover.fetchManifests([id])).toEqual([]);
  expect(second.store.mark(id)).toMatchObject({ hasManifest: false });
});

test('an order of somebody whose object it is not goes when the manifest says so', async () => {
  const { store, handover } = leader({ custodians: manifest });
  store.keep([keepOf({ objectId: id, owner: stranger.ownerId })]);
  expect(await handover.fetchManifests([id])).toEqual([]);
  expect(store.mark(id)).toBeUndefined();
});

test('the leader gets it as soon as the order is here, and then knows that a holder is gone', async () => {
  const clock = manualClock();
  const { store, handover } = leader({ custodians: manifest });
  const suspects = new DamageList();
  const looked: ObjectId[] = [];
  const keeper = createKeeper({
    clock,
    random: realRandom(),
    peers,
    store,
    handover,
    carrier: { carry: async () => [], forgetPeer() {} } as Partial<ReleaseCarrier> as ReleaseCarrier,
    leases: new Leases(clock),
    suspects,
    limits: KEEPER_LIMITS,
    triage: () => true,
    async mend(ids) {
      looked.push(...ids);
      for (const one of ids) suspects.whole(one);
      return { looked: ids.length, repaired: 0, trafficBytes: 0, shards: 0 };
    },
    // Whose holders can be told from the manifest alone.
    notedLosses: (one) => (store.mark(one)?.hasManifest ? { losses: 1, m: 2, sinceMs: 0 } : undefined),
    pause: async () => {},
    log: (text) => expect.fail(text),
  });
  keeper.start();
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 250) {
      clock.advance(250);
      for (let i = 0; i < 4; i++) await turn();
    }
  };
  await pass(KEEPER_LIMITS.meetMs);
  store.keep([bare]);
  keeper.kept([id]);
  await pass(KEEPER_LIMITS.calmMs + 2_000);
  expect(store.mark(id)).toMatchObject({ hasManifest: true });
  expect(looked).toEqual([id]);
  await keeper.stop();
});
