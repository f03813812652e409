import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  CLAIMS_PER_PLACE,
  type Claim,
  type CustodyStore,
  MANIFEST_GROUP,
} from '../../../../src/engine/maintenance/custody/custody-store.ts';
import { memoryCustody } from '../../../../src/engine/maintenance/custody/memory-custody.ts';
import { openCustody } from '../../../../src/engine/maintenance/custody/sqlite-custody.ts';
import { keepOf, objectId, owner, peer, stranger } from './samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'dm-custody-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const MANIFEST = Buffer.from('a manifest');
const LIMITS = { ordersPerOwner: 3, manifestBytesPerOwner: 25 };
let files = 0;

const claim = (stripe: number, index: number, holder: number): Claim => ({
  stripe,
  index,
  holder: peer(holder),
});

for (const [name, open] of [
  ['in memory', memoryCustody],
  ['on SQLite', (limits?: typeof LIMITS) => openCustody(join(folder, `${files++}.sqlite`), limits)],
] as const) {
  describe(`custody ${name}`, () => {
    let store: CustodyStore;
    beforeEach(() => {
      store = open();
    });

    test('keeps order, manifest and claims', () => {
      const keep = keepOf(
        {},
        { manifest: MANIFEST, holders: [peer(1)], claims: [claim(MANIFEST_GROUP, 0, 2)] },
      );
      expect(store.keep([keep])).toEqual(['kept']);
      expect(store.keep([keep])).toEqual(['known']);
      const { objectId: id } = keep.order;
      expect(store.get(id)).toEqual({
        objectId: id,
        owner: owner.ownerId,
        state: 'live',
        sequence: 1,
        hasManifest: true,
        manifestBytes: MANIFEST.length,
        order: keep.order,
        bytes: keep.bytes,
        claims: [claim(MANIFEST_GROUP, 0, 2)],
      });
      expect(Buffer.from(store.manifest(id)!)).toEqual(MANIFEST);
      expect(store.heldBy(peer(1), undefined, 9)).toEqual([id]);
      expect(store.heldBy(peer(2), undefined, 9)).toEqual([id]);
      expect(store.heldBy(peer(3), undefined, 9)).toEqual([]);
      expect(store.usage()).toEqual({ orders: 1, released: 0, manifestBytes: MANIFEST.length });
      store.close();
    });

    test('of nodes that are replaced one after another those stay known that are noted or claimed', () => {
      const { objectId: id } = keepOf().order;
      store.keep([keepOf({}, { manifest: MANIFEST, holders: [peer('noted')] })]);
      for (let one = 0; one < 100; one++) {
        const away = store.claims(id);
        store.claim([{ objectId: id, claims: [claim(0, 1, one)] }]);
        store.reclaim([{ objectId: id, claims: [...away, claim(0, 1, one)], noted: [peer('noted')] }]);
      }
      const known = Array.from({ length: 100 }, (_, one) => peer(one)).filter(
        (one) => store.heldBy(one, undefined, 9).length > 0,
      );
      expect(new Set(known)).toEqual(new Set(store.claims(id).map(({ holder }) => holder)));
      expect(known).toHaveLength(CLAIMS_PER_PLACE);
      expect(store.heldBy(peer('noted'), undefined, 9)).toEqual([id]);
      store.close();
    });

    test('a release is final, whatever comes later', () => {
      const live = keepOf({}, { manifest: MANIFEST });
      const released = keepOf({ state: 'released', sequence: 2 });
      const { objectId: id } = live.order;
      store.keep([live]);
      expect(store.keep([released])).toEqual(['kept']);
      expect(store.keep([live, keepOf({ sequence: 3 }), released])).toEqual(['older', 'older', 'known']);
      expect(store.mark(id)).toMatchObject({ state: 'released', sequence: 2, hasManifest: true });
      store.settle(id);
      expect(store.mark(id)).toMatchObject({ state: 'released', hasManifest: false });
      expect(store.manifest(id)).toBeUndefined();
      expect(store.heldBy(peer(1), undefined, 9)).toEqual([]);
      expect(store.keep([live])).toEqual(['older']);
      store.close();
    });

    test('a manifest may come later, and an order without one is kept', () => {
      const { order, bytes } = keepOf();
      expect(store.keep([{ order, bytes }])).toEqual(['kept']);
      expect(store.mark(order.objectId)?.hasManifest).toBe(false);
      expect(store.keep([{ order, bytes, manifest: MANIFEST }])).toEqual(['kept']);
      expect(store.mark(order.objectId)?.hasManifest).toBe(true);
      store.close();
    });

    test('of two owners’ orders for an object the one with the manifest holds', () => {
      store = open(LIMITS);
      const theirs = (state: 'live' | 'released') =>
        keepOf({ owner: stranger.ownerId, state, sequence: 9 }, { holders: [peer(7)] });
      const { objectId: id } = keepOf().order;
      for (const state of ['live', 'released'] as const) {
        // Nothing tells whose the object is: what came first stays.
        expect(store.keep([theirs(state)])).toEqual(['kept']);
        expect(store.keep([keepOf({ sequence: 10 })])).toEqual(['disputed']);
        expect(store.mark(id)).toMatchObject({ owner: stranger.ownerId, state, sequence: 9 });
        expect(store.keep([keepOf({}, { manifest: MANIFEST })])).toEqual(['kept']);
        expect(store.keep([theirs('live'), theirs('released')])).toEqual(['disputed', 'disputed']);
        expect(store.get(id)).toMatchObject({ owner: owner.ownerId, state: 'live', sequence: 1 });
        expect(store.heldBy(peer(7), undefined, 9)).toEqual([]);
        expect(store.usage()).toEqual({ orders: 1, released: 0, manifestBytes: MANIFEST.length });
        store.forget([id]);
      }
      // Each was charged for what was its own: all of the share is there again.
      const many = [1, 2, 3].map((n) => keepOf({ objectId: objectId(n) }, { manifest: MANIFEST }));
      expect(store.keep(many)).toEqual(['kept', 'kept', 'full']);
      // What was released and carried out stays its owner’s.
      store.keep([keepOf({ state: 'released', sequence: 2 })]);
      store.settle(id);
      expect(store.keep([theirs('live')])).toEqual(['disputed']);
      store.close();
    });

    test('one owner cannot use up another one’s share', () => {
      store = open(LIMITS);
      const many = [1, 2, 3, 4].map((n) => keepOf({ objectId: objectId(n) }, { manifest: MANIFEST }));
      expect(store.keep(many)).toEqual(['kept', 'kept', 'full', 'full']);
      expect(store.keep([keepOf({ objectId: objectId(9), owner: stranger.ownerId })])).toEqual(['kept']);
      store.forget([objectId(1), objectId(2)]);
      expect(store.keep([many[3]!])).toEqual(['kept']);
      expect(store.usage()).toEqual({ orders: 3, released: 0, manifestBytes: MANIFEST.length });
      store.close();
    });

    test('releases that were carried out give way, the oldest first, and only to what is new', () => {
      store = open(LIMITS);
      const released = (n: number, manifest?: Uint8Array) =>
        keepOf({ objectId: objectId(n), state: 'released', sequence: 2 }, { manifest });
      const live = (n: number) => keepOf({ objectId: objectId(n) });
      expect(store.keep([released(1), released(2), live(3)])).toEqual(['kept', 'kept', 'kept']);
      // What another custodian has not forgotten yet.
      expect(store.keep([released(4)])).toEqual(['full']);
      expect(store.keep([live(5)])).toEqual(['kept']);
      expect([1, 2, 3, 4, 5].map((n) => store.mark(objectId(n))?.state)).toEqual([
        ...[undefined, undefined, 'live', undefined, 'live'],
      ]);
      // One that is still to be carried out stays, and comes in.
      expect(store.keep([released(6, MANIFEST)])).toEqual(['kept']);
      expect(store.keep([live(7)])).toEqual(['full']);
      store.settle(objectId(6));
      expect(store.keep([live(7)])).toEqual(['kept']);
      expect(store.usage()).toEqual({ orders: 3, released: 0, manifestBytes: 0 });
      store.close();
    });

    test('lists what is open without releases that were carried out', () => {
      store.keep([1, 2, 3, 4].map((n) => keepOf({ objectId: objectId(n) }, { manifest: MANIFEST })));
      store.keep([keepOf({ objectId: objectId(5) })]);
      store.keep([2, 3].map((n) => keepOf({ objectId: objectId(n), state: 'released', sequence: 2 })));
      store.settle(objectId(3));
      const open = [1, 2, 4, 5].map(objectId).sort();
      expect(store.listOpen(undefined, 9).map((mark) => mark.objectId)).toEqual(open);
      expect(store.listOpen(open[1], 1).map((mark) => mark.objectId)).toEqual([open[2]]);
      expect(store.list(undefined, 9)).toHaveLength(5);
      store.close();
    });

    test.each(['keep', 'claim'] as const)('%s: who is more than a place holds is no holder', (call) => {
      const claims = [1, 2, 3, 4].map((holder) => claim(0, 0, holder));
      store.keep([keepOf()]);
      if (call === 'keep') store.keep([keepOf({}, { claims })]);
      else store.claim([{ objectId: objectId(1), claims }]);
      store.keep([keepOf({ objectId: objectId(2) }, { claims })]);
      const both = [1, 2].map(objectId).sort();
      expect([1, 2, 3, 4].map((holder) => store.heldBy(peer(holder), undefined, 9))).toEqual([
        [],
        both,
        both,
        both,
      ]);
      store.close();
    });

    test('lists in order, page by page', () => {
      const ids = [1, 2, 3, 4, 5].map(objectId);
      store.keep(ids.map((id) => keepOf({ objectId: id }, { holders: [peer(1)] })));
      const sorted = [...ids].sort();
      const first = store.list(undefined, 2).map((mark) => mark.objectId);
      expect(first).toEqual(sorted.slice(0, 2));
      expect(store.list(first[1], 9).map((mark) => mark.objectId)).toEqual(sorted.slice(2));
      expect(store.heldBy(peer(1), first[1], 2)).toEqual(sorted.slice(2, 4));
      store.close();
    });

    test.skipIf(name === 'in memory')('a transaction that fails leaves nothing behind', () => {
      const good = keepOf();
      const bad = { ...keepOf({ objectId: objectId(2) }), bytes: undefined as never };
      expect(store.usage().orders).toBe(0);
      expect(() => store.keep([good, bad])).toThrow();
      expect(store.usage().orders).toBe(0);
      expect(store.keep([good])).toEqual(['kept']);
      store.close();
    });
  });
}

test('both kinds end with the same after any calls', () => {
  const ids = [1, 2, 3, 4, 5].map(objectId);
  const places = fc.array(
    fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 1 }), fc.nat({ max: 4 })).map((it) => claim(...it)),
    { maxLength: 5 },
  );
  const calls = fc.array(
    fc.record({
      call: fc.constantFrom('keep', 'claim', 'reclaim', 'forget', 'settle', 'release'),
      id: fc.constantFrom(...ids),
      claims: places,
      sequence: fc.integer({ min: 1, max: 3 }),
      manifest: fc.boolean(),
      by: fc.constantFrom(owner.ownerId, stranger.ownerId),
    }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(calls, (all) => {
      const stores = [memoryCustody(LIMITS), openCustody(':memory:', LIMITS)];
      for (const { call, id, claims, sequence, manifest, by } of all) {
        const results = stores.map((store) => {
          switch (call) {
            case 'keep':
            case 'release':
              return store.keep([
                keepOf(
                  { objectId: id, sequence, owner: by, state: call === 'keep' ? 'live' : 'released' },
                  { manifest: manifest ? MANIFEST : undefined, claims, holders: [peer(sequence)] },
                ),
              ]);
            case 'claim':
              return store.claim([{ objectId: id, claims }]);
            case 'reclaim':
              return store.reclaim([{ objectId: id, claims, noted: [peer(sequence)] }]);
            case 'forget':
              return store.forget([id]);
            default:
              return store.settle(id);
          }
        });
        expect(results[0]).toEqual(results[1]);
        const [a, b] = stores.map((store) => ({
          list: store.list(undefined, 9),
          open: store.listOpen(undefined, 9),
          usage: store.usage(),
          each: ids.map((one) => [store.get(one)?.claims, store.claims(one), store.get(one)?.order]),
          held: [0, 1, 2, 3, 4].map((one) => store.heldBy(peer(one), undefined, 9)),
        }));
        expect(a).toEqual(b);
        const perPlace = Map.groupBy(stores[0]!.claims(id), (it) => `${it.stripe} ${it.index}`);
        for (const [, there] of perPlace) expect(there.length).toBeLessThanOrEqual(CLAIMS_PER_PLACE);
      }
      for (const store of stores) store.close();
    }),
    { numRuns: 60 },
  );
});

test('claims that say nothing new are not written, and of others what is new alone', () => {
  const store = openCustody(join(folder, 'calm.sqlite'));
  const claims = [0, 1, 2].map((copy) => claim(MANIFEST_GROUP, copy, copy));
  store.keep([keepOf({}, { manifest: MANIFEST, holders: [peer(5)], claims })]);
  const writes = vi.spyOn(StatementSync.prototype, 'run');
  const id = objectId(1);
  store.claim([{ objectId: id, claims }]);
  store.reclaim([{ objectId: id, claims, noted: [peer(5)] }]);
  expect(writes).not.toHaveBeenCalled();
  store.claim([{ objectId: id, claims: [claim(0, 1, 7)] }]);
  // The claims, the holder, and that it has something of the object.
  expect(writes).toHaveBeenCalledTimes(3);
  writes.mockRestore();
  expect(store.heldBy(peer(7), undefined, 9)).toEqual([id]);
  store.reclaim([{ objectId: id, claims: [], noted: [] }]);
  store.claim([{ objectId: id, claims: [claim(0, 2, 1)] }]);
  expect(store.claims(id)).toEqual([claim(0, 2, 1)]);
  expect(store.heldBy(peer(1), undefined, 9)).toEqual([id]);
  store.close();
});

test('what is on the disk is there after a restart', () => {
  const path = join(folder, 'again.sqlite');
  const store = openCustody(path);
  store.keep([keepOf({}, { manifest: MANIFEST, claims: [claim(0, 1, 7)] })]);
  store.close();
  expect(statSync(path).size).toBeGreaterThan(0);
  const again = openCustody(path);
  expect(again.get(objectId(1))).toMatchObject({ sequence: 1, hasManifest: true, claims: [claim(0, 1, 7)] });
  again.forget([objectId(1)]);
  again.close();
  // Who has nothing of anything is forgotten with the next start.
  const last = openCustody(path);
  last.keep([keepOf({}, { claims: [claim(0, 1, 8)] })]);
  last.close();
  const db = new DatabaseSync(path);
  expect(db.prepare('SELECT holder FROM holders').all()).toEqual([{ holder: peer(8) }]);
  db.close();
});
