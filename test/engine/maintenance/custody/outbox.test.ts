import { beforeEach, expect, test } from 'vitest';
import type { Catalog } from '../../../../src/engine/catalog/catalog.ts';
import { openCatalog } from '../../../../src/engine/catalog/sqlite-catalog.ts';
import { decodeManifest, encodeManifest } from '../../../../src/engine/codec/manifest.ts';
import { realClock } from '../../../../src/engine/effects/clock.ts';
import type { CustodyClient } from '../../../../src/engine/maintenance/custody/custody-client.ts';
import type { OfferAnswer, OfferItem } from '../../../../src/engine/maintenance/custody/custody-protocol.ts';
import { memoryCustody } from '../../../../src/engine/maintenance/custody/memory-custody.ts';
import { readOrder } from '../../../../src/engine/maintenance/custody/order.ts';
import { type FoundManifest, sendOrders } from '../../../../src/engine/maintenance/custody/outbox.ts';
import type { ObjectId, PeerId } from '../../../../src/engine/types.ts';
import { DatameshError } from '../../../../src/errors.ts';
import { entry, idOf } from '../../catalog/entries.ts';
import { inputOf } from '../../codec/manifest-samples.ts';
import { member, owner, peer } from './samples.ts';

let catalog: Catalog;
beforeEach(() => {
  catalog = openCatalog(':memory:', realClock());
});
const custody = { domain: 'zone' as const, members: [] };
const put = (name: string) => catalog.commit(entry(name, { owner: owner.ownerId, custody }));

interface Mesh {
  found?: FoundManifest;
  /** Whether the custodians have the manifest. */
  known?: boolean;
  /** Manifests asked for, less those of confirmed orders. */
  open?: { now: number; most: number };
}

function sender(
  names: readonly (number | string)[],
  reply: (to: PeerId, items: readonly OfferItem[]) => OfferAnswer[],
  mesh: Mesh = {},
) {
  const told: { to: PeerId; item: OfferItem }[] = [];
  const store = memoryCustody();
  const send = () =>
    sendOrders({
      owner,
      network: 'test',
      catalog,
      peers: { self: peer('self'), members: () => names.map(member), refused: () => {} },
      store,
      client: {
        async offer(to: PeerId, items: readonly OfferItem[]) {
          const answers = reply(to, items);
          told.push(...items.map((item) => ({ to, item })));
          return answers;
        },
        known: async (_to: PeerId, ids: readonly ObjectId[]) =>
          ids.map(() => ({ sequence: 2, released: true, manifest: mesh.known === true })),
      } as Partial<CustodyClient> as CustodyClient,
      async manifest() {
        if (mesh.open) mesh.open.most = Math.max(mesh.open.most, ++mesh.open.now);
        return mesh.found ?? { bytes: Buffer.from('a manifest'), silent: false };
      },
      kept: () => {},
      confirmed(ids) {
        if (mesh.open) mesh.open.now -= ids.length;
      },
      nowMs: () => 5,
      log: () => {},
      timeoutMs: 100,
      signal: new AbortController().signal,
    });
  return { told, send, store };
}

const kept = (_to: PeerId, items: readonly OfferItem[]) => items.map(() => 'kept' as const);

test('what was put is told to three custodians, once they have confirmed it no more', async () => {
  put('a');
  put('b');
  const { told, send } = sender([1, 2, 3, 4, 5], kept);
  expect(await send()).toBe(0);
  expect(told).toHaveLength(6);
  for (const { item } of told) {
    expect(readOrder(item.order)).toMatchObject({
      state: 'live',
      sequence: 1,
      domain: 'zone',
      network: 'test',
    });
    expect(item.claims.map(({ holder }) => holder)).toEqual(['12D3KooWA', '12D3KooWB']);
  }
  expect(await send()).toBe(0);
  expect(told).toHaveLength(6);
});

test('of large objects only so many manifests are in the memory at once, and all orders are told', async () => {
  for (let at = 0; at < 40; at++) put(`large ${at}`);
  const open = { now: 0, most: 0 };
  const bytes = Buffer.alloc(6 * 1024 * 1024);
  const { told, send } = sender([1, 2, 3], kept, { found: { bytes, silent: false }, open });
  expect(await send()).toBe(0);
  expect([told.length, open.now, open.most]).toEqual([120, 0, 8]);
});

test('a custodian that is the owner’s own node knows as well as the others whose shards are gone when a node is', async () => {
  const bytes = encodeManifest(inputOf(40_000, { owner }));
  put('a');
  const { send, store } = sender(['self', 2, 3], kept, { found: { bytes, silent: false } });
  expect(await send()).toBe(0);
  const id = store.listOpen(undefined, 9)[0]!.objectId;
  const written = decodeManifest(bytes).peers;
  expect(written).toHaveLength(6);
  for (const one of written) expect(store.heldBy(one, undefined, 9)).toEqual([id]);
});

test('an order that one custodian did not take, or that nobody is there for, waits', async () => {
  put('a');
  const alone = sender([], kept);
  expect(await alone.send()).toBe(1);
  let down = true;
  const { send, told } = sender([1, 2, 3], (to, items) => {
    if (down && to === peer(2)) throw new DatameshError('timeout', { what: 'no answer' });
    return kept(to, items);
  });
  expect(await send()).toBe(1);
  expect(told).toHaveLength(2);
  down = false;
  expect(await send()).toBe(0);
});

test('a delete takes the place of the order before it, and is told until it is confirmed', async () => {
  const first = put('a').entry;
  put('b');
  catalog.remove(owner.ownerId, 'a', first.version);
  const { send, told } = sender([1, 2, 3], kept);
  expect(await send()).toBe(0);
  const states = new Map(
    told.map(({ item }) => [readOrder(item.order).objectId, readOrder(item.order).state]),
  );
  expect(states).toEqual(
    new Map([
      [idOf('a'), 'released'],
      [idOf('b'), 'live'],
    ]),
  );
});

test('a release without its manifest names the holders of its copies, and waits while one that may have it is silent', async () => {
  const { version } = put('a').entry;
  catalog.remove(owner.ownerId, 'a', version);
  const mesh: Mesh = { found: { bytes: undefined, silent: true } };
  const { send, told } = sender([1, 2, 3], kept, mesh);
  expect(await send()).toBe(1);
  expect(told).toHaveLength(3);
  for (const { item } of told)
    expect(item.claims.map(({ holder }) => holder)).toEqual(['12D3KooWA', '12D3KooWB']);
  mesh.found = { bytes: Buffer.from('a manifest'), silent: false };
  expect(await send()).toBe(0);
  expect(told.at(-1)!.item.manifest).toEqual(Buffer.from('a manifest'));
});

test('a release is with custodians who have the manifest, or whose holders all say that it is gone', async () => {
  for (const mesh of [
    { found: { bytes: undefined, silent: true }, known: true },
    { found: { bytes: undefined, silent: false } },
  ]) {
    const { version } = put('a').entry;
    catalog.remove(owner.ownerId, 'a', version);
    expect(await sender([1, 2, 3], kept, mesh).send()).toBe(0);
  }
});

test('an object that another name still uses is not released', () => {
  const same = { owner: owner.ownerId, custody, objectId: idOf('same') };
  const one = catalog.commit(entry('a', same)).entry;
  catalog.commit(entry('b', same));
  catalog.remove(owner.ownerId, 'a', one.version);
  expect(catalog.pendingOrders(owner.ownerId, undefined, 9)).toMatchObject([{ state: 'live', sequence: 1 }]);
});
