import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Order,
  parseOrder,
  readOrder,
  replaces,
  signOrder,
  signOrders,
} from '../../../../src/engine/maintenance/custody/order.ts';
import { DOMAINS } from '../../../../src/engine/placement/domains.ts';
import { DatameshError } from '../../../../src/errors.ts';
import { objectId, orderOf, owner, peer, stranger } from './samples.ts';

const orders = fc.record({
  network: fc.string({ maxLength: 60 }),
  objectId: fc.nat().map(objectId),
  domain: fc.constantFrom(...DOMAINS),
  members: fc.uniqueArray(fc.nat({ max: 50 }), { maxLength: 20 }).map((all) => all.map(peer)),
  state: fc.constantFrom('live' as const, 'released' as const),
  sequence: fc.integer({ min: 1, max: 2 ** 40 }),
  issuedAtMs: fc.integer({ min: 0, max: 2 ** 45 }),
});

test('what is signed is what is read, members in order', () => {
  fc.assert(
    fc.property(orders, (some) => {
      const order = orderOf(some);
      expect(readOrder(signOrder(order, owner))).toEqual({ ...order, members: [...order.members].sort() });
    }),
    { numRuns: 200 },
  );
});

test('no changed byte, no missing and no further one is believed', () => {
  const bytes = signOrder(orderOf({ members: [peer(1), peer(2)] }), owner);
  for (let at = 0; at < bytes.length; at++) {
    const changed = Uint8Array.from(bytes);
    changed[at]! ^= 1 + (at % 255);
    expect(() => readOrder(changed), `byte ${at}`).toThrow(DatameshError);
  }
  for (let length = 0; length < bytes.length; length++)
    expect(() => readOrder(bytes.subarray(0, length)), `${length} bytes`).toThrow(DatameshError);
  expect(() => readOrder(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(DatameshError);
});

test('orders signed together are read each by itself; what others of them say does not pass', () => {
  const all = [1, 2, 3].map((n) => orderOf({ objectId: objectId(n) }));
  const signed = signOrders(all, owner);
  for (const [at, bytes] of signed.entries()) {
    expect(readOrder(bytes)).toEqual(all[at]);
    const body = bytes.subarray(0, parseOrder(bytes).signedBytes);
    const others = signed[(at + 1) % 3]!.subarray(parseOrder(signed[(at + 1) % 3]!).signedBytes);
    expect(() => readOrder(Buffer.concat([body, others]))).toThrow(
      expect.objectContaining({ code: 'not-authentic' }),
    );
  }
  expect(signOrders([], owner)).toEqual([]);
});

test('an order of version 1, with a signature of its own, is read as before', () => {
  const bytes = signOrder(orderOf(), owner);
  const body = Uint8Array.from(bytes.subarray(0, parseOrder(bytes).signedBytes));
  body['datamesh-custody-order'.length] = 1;
  expect(readOrder(Buffer.concat([body, owner.sign(body)]))).toEqual(orderOf());
  expect(() => readOrder(Buffer.concat([body, stranger.sign(body)]))).toThrow(
    expect.objectContaining({ code: 'not-authentic' }),
  );
});

test('an order signed by another is refused', () => {
  expect(() => signOrder(orderOf(), stranger)).toThrow(RangeError);
  const own = signOrder(orderOf(), owner); // one alone: its path is empty
  const foreign = signOrder(orderOf({ owner: stranger.ownerId }), stranger);
  const mixed = Buffer.concat([own.subarray(0, own.length - 64), foreign.subarray(foreign.length - 64)]);
  expect(() => readOrder(mixed)).toThrow(expect.objectContaining({ code: 'not-authentic' }));
});

test('a later version is told from rubbish', () => {
  const bytes = signOrder(orderOf(), owner);
  bytes['datamesh-custody-order'.length] = 3;
  expect(() => readOrder(bytes)).toThrow(expect.objectContaining({ code: 'format-too-new' }));
  expect(() => readOrder(Buffer.from('rubbish'))).toThrow(
    expect.objectContaining({ code: 'malformed-data' }),
  );
});

test('whatever comes in whatever order, all end with the same: the release, else the highest sequence', () => {
  const marks = fc.array(
    fc.record({
      state: fc.constantFrom<Order['state']>('live', 'live', 'released'),
      sequence: fc.integer({ min: 1, max: 9 }),
    }),
    { minLength: 1, maxLength: 8 },
  );
  fc.assert(
    fc.property(marks, fc.infiniteStream(fc.nat()), (all, keys) => {
      const settled = (list: typeof all) =>
        list.reduce((known, next) => (replaces(next, known) ? next : known));
      const shuffled = all.map((one) => ({ one, key: keys.next().value! })).sort((a, b) => a.key - b.key);
      const a = settled(all);
      const b = settled(shuffled.map(({ one }) => one));
      expect(a.state).toBe(b.state);
      if (a.state === 'live') expect(a.sequence).toBe(b.sequence);
      expect(a.state).toBe(all.some(({ state }) => state === 'released') ? 'released' : 'live');
    }),
  );
});
