import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeClaims,
  decodeCustodyRequest,
  decodeKnown,
  decodeOffer,
  encodeClaims,
  encodeCustodyRequest,
  encodeKnown,
  encodeOffer,
  itemBytes,
  MAX_CUSTODY_IDS,
} from '../../../../src/engine/maintenance/custody/custody-protocol.ts';
import { MANIFEST_GROUP } from '../../../../src/engine/maintenance/custody/custody-store.ts';
import { objectId, peer } from './samples.ts';

const bytes = (max: number) => fc.uint8Array({ minLength: 1, maxLength: max });
const claims = fc.array(
  fc.record({
    stripe: fc.oneof(fc.nat({ max: 70_000 }), fc.constant(MANIFEST_GROUP)),
    index: fc.nat({ max: 254 }),
    holder: fc.nat({ max: 9 }).map(peer),
  }),
  { maxLength: 20 },
);

test('requests are read as they were written', () => {
  const ids = Array.from({ length: MAX_CUSTODY_IDS }, (_, i) => objectId(i));
  for (const request of [
    { op: 'offer' as const, ids: [] },
    { op: 'moved' as const, ids: [] },
    { op: 'drop' as const, ids: [] },
    { op: 'known' as const, ids },
    { op: 'where' as const, ids: ids.slice(0, 1) },
    { op: 'lease' as const, ids },
    { op: 'manifest' as const, ids: ids.slice(0, 1) },
    { op: 'adopt' as const, ids: ids.slice(0, 1), place: { stripe: 65_535, index: 254 } },
  ]) {
    const header = encodeCustodyRequest(request);
    expect(decodeCustodyRequest(header)).toEqual(request);
    expect(() => decodeCustodyRequest(header.subarray(0, header.length - 1))).toThrow(
      expect.objectContaining({ code: 'malformed-data' }),
    );
  }
  for (const bad of [[], [0], [9], [2], [6], [7, ...Array(37).fill(0)], [1, ...Array(32).fill(0)]])
    expect(() => decodeCustodyRequest(Uint8Array.from(bad))).toThrow();
  expect(() =>
    decodeCustodyRequest(encodeCustodyRequest({ op: 'known', ids: [...ids, objectId(0)] })),
  ).toThrow();
});

test('offers and claims are read as they were written, and no cut of them is', () => {
  const item = fc.record({ order: bytes(300), manifest: fc.option(bytes(300), { nil: undefined }), claims });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 6 }), fc.nat(), (items, cut) => {
      const body = encodeOffer(items);
      expect(
        decodeOffer(body).map((it) => ({
          ...it,
          order: Uint8Array.from(it.order),
          manifest: it.manifest && Uint8Array.from(it.manifest),
        })),
      ).toEqual(items);
      if (items.length === 0) return;
      const shorter = body.subarray(0, cut % body.length);
      const read = () => decodeOffer(shorter).length;
      // A cut between two items leaves a shorter list; any other is refused.
      try {
        expect(read()).toBeLessThan(items.length);
      } catch (error) {
        expect(error).toMatchObject({ code: 'malformed-data' });
      }
    }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.record({ objectId: fc.nat().map(objectId), claims }), { maxLength: 6 }),
      (moves) => {
        expect(decodeClaims(encodeClaims(moves))).toEqual(moves);
      },
    ),
  );
});

test('what is known is read as it was written', () => {
  const known = fc.record({ sequence: fc.nat(), released: fc.boolean(), manifest: fc.boolean() });
  fc.assert(
    fc.property(fc.array(known, { maxLength: 20 }), (all) => {
      expect(decodeKnown(encodeKnown(all), all.length)).toEqual(all);
      expect(() => decodeKnown(encodeKnown(all), all.length + 1)).toThrow();
    }),
  );
});

test('an item is reckoned as no shorter than it is, however many holders its order names', () => {
  fc.assert(
    fc.property(
      bytes(20_000),
      fc.option(bytes(5_000), { nil: undefined }),
      claims,
      (order, manifest, told) => {
        const item = { order, manifest, claims: told };
        const table = encodeOffer([{ order: Uint8Array.of(1), manifest: undefined, claims: told }]).length;
        expect(encodeOffer([item]).length - table).toBeLessThanOrEqual(itemBytes(item));
      },
    ),
    { numRuns: 200 },
  );
});
