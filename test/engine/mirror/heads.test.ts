/** Heads and those who hold them: no forged, foreign or older one is kept or taken, whatever some of the holders say. */
import { describe, expect, it } from 'vitest';
import { encodeStatus } from '../../../src/engine/backends/shard-protocol.ts';
import type { Catalog } from '../../../src/engine/catalog/catalog.ts';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { type NetMessage, NO_BYTES, type RequestHandler } from '../../../src/engine/effects/net.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { deriveOwner } from '../../../src/engine/keys/owner.ts';
import { newPhrase } from '../../../src/engine/keys/phrase.ts';
import { shownBy } from '../../../src/engine/maintenance/collect/orders-beyond.ts';
import { memoryCustody } from '../../../src/engine/maintenance/custody/memory-custody.ts';
import { signOrder } from '../../../src/engine/maintenance/custody/order.ts';
import { readHead, signHead } from '../../../src/engine/mirror/head.ts';
import { decodeHeadRequest, decodeIds, encodeIds } from '../../../src/engine/mirror/head-protocol.ts';
import { serveHeads } from '../../../src/engine/mirror/head-service.ts';
import { openHeadStore } from '../../../src/engine/mirror/head-store.ts';
import { findHead, type HeadsContext, leaveHead, ordersAt } from '../../../src/engine/mirror/heads.ts';
import { Mirror, type MirrorContext, type SegmentStore } from '../../../src/engine/mirror/mirror.ts';
import { scanObjects } from '../../../src/engine/mirror/scan.ts';
import { pointOf } from '../../../src/engine/placement/xor.ts';
import type { ObjectId, OwnerId, PeerId } from '../../../src/engine/types.ts';
import { ModelDisk } from '../../support/model-disk.ts';
import { entry } from '../catalog/entries.ts';
import { keepOf, member, objectId, orderOf, owner, peer, stranger } from '../maintenance/custody/samples.ts';

const random = realRandom();
const signal = new AbortController().signal;
const headOf = (sequence: number, by = owner, network = 'test') =>
  signHead({ network, sequence, writtenAtMs: sequence }, [], by, random);

/** Holders in memory, all of them next to the asker. */
async function holders(count: number, admits: (id: OwnerId) => boolean = () => true) {
  const handlers = new Map<PeerId, RequestHandler>();
  const disks = new Map<PeerId, ModelDisk>();
  const asker = peer('asker');
  for (let i = 0; i < count; i++) {
    const disk = new ModelDisk();
    disks.set(peer(i), disk);
    await serveHeads({
      net: {
        handle: async (_protocol: string, handler: RequestHandler) => void handlers.set(peer(i), handler),
      } as unknown as Parameters<typeof serveHeads>[0]['net'],
      clock: realClock(),
      network: 'test',
      heads: await openHeadStore(disk, '/heads', member(i).point, () => {}),
      custody: memoryCustody(),
      ownersOf: (from) => (from === peer('unknown') ? undefined : new Set([owner.ownerId])),
      admitsOwner: admits,
      kept: () => {},
    });
  }
  const context: HeadsContext = {
    net: { request: (to, _protocol, message) => handlers.get(to)!(asker, message) },
    network: 'test',
    peers: {
      self: asker,
      members: () => [...handlers.keys()].map((it) => ({ peer: it, point: pointOf(Buffer.from(it)) })),
    },
    store: await openHeadStore(new ModelDisk(), '/heads', member('asker').point, () => {}),
    timeoutMs: 1_000,
    log: () => {},
  };
  const everybody = [...handlers.keys()];
  const find = () => findHead(context, owner.ownerId, everybody, signal);
  const answer = (i: number, message: NetMessage) => handlers.set(peer(i), async () => message);
  return { context, find, answer, disks, handlers };
}

describe('holders', () => {
  it('keep the newest and give the newer one back to who comes with an older', async () => {
    const { context, find } = await holders(5);
    const [old, newer] = [headOf(3), headOf(4)];
    expect(await leaveHead(context, readHead(newer), newer, signal)).toMatchObject({
      holders: 5,
      newer: false,
    });
    expect(await leaveHead(context, readHead(old), old, signal)).toMatchObject({ holders: 0, newer: true });
    expect(await find()).toMatchObject({ head: { sequence: 4 }, agreed: 5, asked: 5, refused: 0 });
  });

  it('refuse one that is forged, of another network, or of an owner they do not admit', async () => {
    const { context } = await holders(2, (id) => id === owner.ownerId);
    const forged = headOf(9);
    forged[forged.length - 70]! ^= 1;
    const head = { network: 'test', owner: owner.ownerId, sequence: 9, writtenAtMs: 9 };
    for (const bytes of [forged, headOf(9, owner, 'other'), headOf(9, stranger)])
      expect((await leaveHead(context, head, bytes, signal)).holders).toBe(0);
  });

  it('have what they acknowledged after a crash', async () => {
    const { context, disks } = await holders(1);
    const bytes = headOf(5);
    await leaveHead(context, readHead(bytes), bytes, signal);
    const store = await openHeadStore(disks.get(peer(0))!, '/heads', member(0).point, () => {});
    expect(Buffer.compare((await store.get(owner.ownerId))!, bytes)).toBe(0);
  });

  it('have none where it rotted on their disk, and take it anew', async () => {
    const disk = new ModelDisk();
    const told: string[] = [];
    const store = await openHeadStore(disk, '/heads', member(0).point, (text) => told.push(text));
    const bytes = headOf(5);
    const path = `/heads/${owner.ownerId}.head`;
    for (let at = 0; at < 8; at++) {
      await store.put(owner.ownerId, 5, bytes);
      const rotted = Uint8Array.from(bytes);
      rotted[rotted.length - 1 - at]! ^= 1;
      await disk.writeFileAtomic(path, rotted, 0o600);
      expect(await store.put(owner.ownerId, 5, bytes)).toBeUndefined();
      expect(Buffer.compare((await store.get(owner.ownerId))!, bytes)).toBe(0);
    }
    expect(told).toHaveLength(8);
  });

  it('keep so many at most, those closest to themselves', async () => {
    const store = await openHeadStore(new ModelDisk(), '/heads', member(0).point, () => {}, 3);
    const refused = [];
    for (let i = 0; i < 12; i++) {
      const by = deriveOwner(newPhrase(random), 'x');
      const bytes = headOf(1, by);
      await store.put(by.ownerId, 1, bytes).catch((error: unknown) => refused.push(error));
    }
    expect(store.owners()).toHaveLength(3);
  });
});

describe('who asks', () => {
  it('takes the highest valid one, however many give an older or a forged one, and says how many agreed', async () => {
    const { context, find, answer } = await holders(6);
    const [old, newest] = [headOf(3), headOf(8)];
    const forged = headOf(99, { ...stranger, ownerId: owner.ownerId });
    await leaveHead(context, readHead(newest), newest, signal);
    for (const i of [0, 1]) answer(i, { header: encodeStatus('ok'), body: old });
    answer(2, { header: encodeStatus('ok'), body: forged });
    answer(3, { header: encodeStatus('ok'), body: headOf(50, stranger) });
    answer(4, { header: encodeStatus('ok'), body: Buffer.from('rubbish') });
    expect(await find()).toMatchObject({ head: { sequence: 8 }, agreed: 1, asked: 6, refused: 3 });
    answer(5, { header: encodeStatus('absent'), body: NO_BYTES });
    expect(await find()).toMatchObject({ head: { sequence: 3 }, agreed: 2 });
  });

  it('finds nothing where nobody has any', async () => {
    expect(await (await holders(3)).find()).toBeUndefined();
  });
});

function mirrorOn(
  catalog: Catalog,
  heads: HeadsContext,
  store: SegmentStore['store'],
  more: Partial<Pick<MirrorContext, 'clock' | 'believedMs' | 'segments'>> = {},
): Mirror {
  return new Mirror({
    clock: realClock(),
    believedMs: () => undefined,
    random,
    owner,
    book: catalog.mirror,
    heads,
    segments: {
      store,
      read: () => {
        throw new Error('nothing is read here');
      },
      release: async () => {},
    },
    greeted: () => [],
    ordersWaiting: () => {},
    log: () => {},
    ...more,
  });
}

it('a device that has seen a head takes none below it, nor a forged one, and keeps what it has', async () => {
  const { context, answer } = await holders(2);
  const catalog = openCatalog(':memory:', realClock());
  const mirror = mirrorOn(catalog, context, () => Promise.reject(new Error('nothing is written here')));
  const say = (bytes: Uint8Array) => {
    for (const i of [0, 1]) answer(i, { header: encodeStatus('ok'), body: bytes });
  };
  say(headOf(7));
  expect((await mirror.follow(signal)).found?.head.sequence).toBe(7);
  say(headOf(6));
  await expect(mirror.follow(signal)).rejects.toMatchObject({ code: 'not-authentic' });
  say(headOf(99, { ...stranger, ownerId: owner.ownerId }));
  expect((await mirror.follow(signal)).found).toBeUndefined();
  expect(catalog.mirror.state(owner.ownerId).sequence).toBe(7);
  say(headOf(8));
  expect((await mirror.follow(signal)).found?.head.sequence).toBe(8);
  catalog.close();
});

it('changes whose segment could not be stored, or whose writer died, are written the next time', async () => {
  const { context } = await holders(2);
  const catalog = openCatalog(':memory:', realClock());
  let fails = true;
  const mirror = mirrorOn(catalog, context, async (source) => {
    for await (const _ of source);
    if (fails) throw new Error('nobody takes it now');
    const custody = { domain: 'node' as const, members: [] };
    return { objectId: objectId(1), holders: [], custody, settled: () => {} };
  });
  catalog.commit(entry('x', { owner: owner.ownerId }));
  await mirror.flush(signal);
  expect(mirror.view()).toMatchObject({ sequence: 0, pendingChanges: 1 });
  expect(mirror.view().problem).toContain('nobody takes it now');
  catalog.mirror.take(owner.ownerId, catalog.mirror.begin(owner.ownerId), [], 10);
  fails = false;
  await mirror.flush(signal);
  expect(mirror.view()).toMatchObject({ sequence: 1, pendingChanges: 0, problem: undefined });
  await mirror.close();
  catalog.close();
});

it('a head that names what another device has released loses no names: a recovery reads the other heads that there are', async () => {
  const kept = new Map<ObjectId, Uint8Array[]>();
  let stored = 0;
  const device = (context: HeadsContext) => {
    const catalog = openCatalog(':memory:', realClock());
    const store: SegmentStore['store'] = async (source) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of source) pieces.push(Uint8Array.from(piece));
      const id = objectId(`segment ${++stored}`);
      kept.set(id, pieces);
      const custody = { domain: 'node' as const, members: [] };
      return { objectId: id, holders: [], custody, settled: () => {} };
    };
    const mirror = mirrorOn(catalog, context, store, {
      segments: {
        store,
        async *read({ objectId: id }) {
          const pieces = kept.get(id);
          if (pieces === undefined) throw new Error('released');
          yield* pieces;
        },
        release: async (gone) => {
          for (const { objectId: id } of gone) kept.delete(id);
        },
      },
    });
    const put = async (prefix: string, count: number) => {
      for (let i = 0; i < count; i++)
        catalog.commit(entry(`${prefix}${i}`, { owner: owner.ownerId, objectId: objectId(`${prefix}${i}`) }));
      await mirror.flush(signal);
    };
    const names = () => catalog.list(owner.ownerId, { limit: 100 }).objects.map(({ name }) => name);
    return { catalog, mirror, put, names, head: () => catalog.mirror.state(owner.ownerId).head! };
  };
  const desk = device((await holders(1)).context);
  await desk.put('both', 10);
  const there = (await holders(1)).context;
  await leaveHead(there, readHead(desk.head()), desk.head(), signal);
  const lap = device(there);
  await lap.mirror.follow(signal);
  // Neither can reach the other: the desk takes the segment into another and releases it, the laptop goes on from it.
  await desk.put('desk', 6);
  await desk.put('more', 1);
  for (const name of ['lap', 'lip', 'lop']) await lap.put(name, 1);
  expect(readHead(lap.head()).sequence).toBeGreaterThan(readHead(desk.head()).sequence);
  const both = await holders(2);
  both.answer(0, { header: encodeStatus('ok'), body: desk.head() });
  both.answer(1, { header: encodeStatus('ok'), body: lap.head() });
  const blank = device(both.context);
  const followed = await blank.mirror.follow(signal);
  expect(followed.missing).toHaveLength(1);
  expect(blank.names().sort()).toEqual([...new Set([...desk.names(), ...lap.names()])].sort());
  expect(blank.names()).toHaveLength(20);
  // What no head told of beside that one is told anew.
  expect(blank.catalog.mirror.pending(owner.ownerId)).toBeGreaterThanOrEqual(17);
  for (const { catalog, mirror } of [desk, lap, blank]) {
    await mirror.close();
    catalog.close();
  }
});

it('a clock that is wrong by years forgets no removal, or what was removed would come back from a device that was off', async () => {
  const { context } = await holders(2);
  const clock = { ...realClock(), now: () => nowMs };
  let nowMs = Date.now();
  let believedMs: number | undefined;
  const catalog = openCatalog(':memory:', clock);
  let stored = 0;
  const store: SegmentStore['store'] = async (source) => {
    for await (const _ of source);
    const custody = { domain: 'node' as const, members: [] };
    return { objectId: objectId(++stored), holders: [], custody, settled: () => {} };
  };
  const mirror = mirrorOn(catalog, context, store, { clock, believedMs: () => believedMs });
  const { ownerId } = owner;
  const removed = catalog.commit(entry('x', { owner: ownerId })).entry;
  catalog.remove(ownerId, 'x', 1);
  const rewrite = async () => {
    catalog.commit(entry('y', { owner: ownerId, objectId: objectId(`y${stored}`) }));
    await mirror.flush(signal);
    return catalog.mirror.wasRemoved(ownerId, removed.objectId);
  };
  expect(await rewrite()).toBe(true);
  nowMs += 10 * 365 * 86_400_000;
  expect(await rewrite()).toBe(true);
  believedMs = nowMs;
  expect(await rewrite()).toBe(false);
  await mirror.close();
  catalog.close();
});

describe('orders of an owner', () => {
  it('come page by page, and not from who answers in circles', async () => {
    const custody = memoryCustody();
    custody.keep(Array.from({ length: 600 }, (_, i) => keepOf({ objectId: objectId(i) })));
    const { context, handlers, answer } = await holders(2);
    await serveHeads({
      net: {
        handle: async (_protocol: string, handler: RequestHandler) => void handlers.set(peer(0), handler),
      } as unknown as Parameters<typeof serveHeads>[0]['net'],
      clock: realClock(),
      network: 'test',
      heads: context.store,
      custody,
      ownersOf: () => new Set([owner.ownerId]),
      admitsOwner: () => true,
      kept: () => {},
    });
    const all = [];
    for await (const ids of ordersAt(context, peer(0), owner.ownerId, signal)) all.push(...ids);
    expect(new Set(all).size).toBe(600);
    const ids = [objectId(1), objectId(2)].sort();
    answer(1, { header: encodeStatus('ok'), body: encodeIds(ids) });
    const circles = async () => {
      for await (const _ of ordersAt(context, peer(1), owner.ownerId, signal));
    };
    await expect(circles()).rejects.toMatchObject({ code: 'malformed-data' });
    expect(() => decodeIds(encodeIds(ids.toReversed()))).toThrow();
  });

  it('count in a scan only where they are shown, and who makes them up without end is left at once', async () => {
    const { context, handlers } = await holders(2);
    const kept = [1, 2].map((at) => objectId(at)).sort();
    const of = (id: ObjectId) => signOrder(orderOf({ objectId: id }), owner);
    const forged = (id: ObjectId) => signOrder(orderOf({ objectId: id, owner: stranger.ownerId }), stranger);
    handlers.set(peer(0), async (_from, { header }) => {
      const request = decodeHeadRequest(header);
      const isFirst = request.op === 'orders' && request.after === undefined;
      return { header: encodeStatus('ok'), body: isFirst ? encodeIds(kept) : NO_BYTES };
    });
    let pages = 0;
    handlers.set(peer(1), async () => {
      if (++pages > 50) throw new Error('enough');
      const ids = Array.from({ length: 256 }, (_, at) => (pages * 256 + at).toString(16).padStart(64, '0'));
      return { header: encodeStatus('ok'), body: encodeIds(ids as ObjectId[]) };
    });
    const call = { timeoutMs: 1_000, signal };
    const scan = await scanObjects({
      heads: context,
      owner: owner.ownerId,
      peers: [peer(0), peer(1)],
      known: () => false,
      shown: (by, ids) =>
        shownBy({ order: async () => ids.map(by === peer(0) ? of : forged) }, ids, {
          owner: owner.ownerId,
          network: 'test',
          call,
        }),
      holders: async () => new Map(),
      open: () => Promise.reject(new Error('nobody has it')),
      signal,
    });
    expect(scan).toMatchObject({ asked: 1, named: 2, missing: kept });
    expect(pages).toBe(1);
  });

  it('are told to devices of that owner alone', async () => {
    const { context } = await holders(1);
    const foreign = async () => {
      for await (const _ of ordersAt(context, peer(0), stranger.ownerId, signal));
    };
    await expect(foreign()).rejects.toMatchObject({ code: 'denied' });
  });
});
