/** Mark and sweep over the wire's messages, with puts under way, shards that vanish, and clocks that jump. */
import { randomBytes, randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Backend } from '../../../../src/engine/backends/backend.ts';
import { shardIdOfBytes } from '../../../../src/engine/codec/hash.ts';
import type { Net } from '../../../../src/engine/effects/net.ts';
import { type CollectOptions, collectOrphans } from '../../../../src/engine/maintenance/collect/collect.ts';
import { CollectHolder } from '../../../../src/engine/maintenance/collect/collect-holder.ts';
import { serveCollect } from '../../../../src/engine/maintenance/collect/collect-service.ts';
import {
  askToVouch,
  type CollectTarget,
  peerCollectTarget,
} from '../../../../src/engine/maintenance/collect/collect-target.ts';
import { ordersBeyond } from '../../../../src/engine/maintenance/collect/orders-beyond.ts';
import { Quarantine } from '../../../../src/engine/maintenance/collect/quarantine.ts';
import { memoryCustody } from '../../../../src/engine/maintenance/custody/memory-custody.ts';
import { storeObject } from '../../../../src/engine/transfer/put.ts';
import { RunningPuts } from '../../../../src/engine/transfer/running-puts.ts';
import type { ObjectId, OwnerId, PeerId, ShardId } from '../../../../src/engine/types.ts';
import { manualClock } from '../../../support/manual-clock.ts';
import { bytesOf, MemoryMesh } from '../../../support/memory-mesh.ts';
import { MemoryNet } from '../../../support/memory-net.ts';
import { ModelDisk } from '../../../support/model-disk.ts';
import { keepOf, objectId, owner, peer, stranger } from '../custody/samples.ts';

const YEARS = 10 * 365 * 86_400_000;
const SELF = peer('self');
const NEVER = new AbortController().signal;
const CALL = { timeoutMs: 1000, signal: NEVER };

/** Holders of a memory mesh that keep marks and answer the collect protocol; their clocks are wrong by `skew`. */
async function world(nodes: number, turns = () => 0) {
  const mesh = new MemoryMesh(nodes);
  const net = new MemoryNet();
  const self = net.node(SELF);
  const { ownerId } = mesh.owner;
  const skew = { ms: 0 };
  const pause = async () => {
    for (let left = turns(); left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
  };
  const quarantines = new Map<PeerId, Quarantine>();
  const clock = manualClock();
  for (const node of mesh.nodes) {
    const disk = new ModelDisk();
    disk.turns = turns;
    const quarantine = await Quarantine.open({
      disk,
      clock: { now: () => 1_800_000_000_000 + skew.ms },
      path: '/q',
      log: () => {},
    });
    quarantines.set(node.peer, quarantine);
    const stat = (id: ShardId) => {
      const held = node.shards.get(id);
      if (held === undefined) return undefined;
      return {
        id,
        lengthBytes: held.bytes.length,
        owners: [held.owner],
        pool: '',
        writtenAtMs: 0,
        verifiedAtMs: 0,
      };
    };
    const holder = new CollectHolder({
      quarantine,
      custody: memoryCustody(),
      store: {
        stat,
        list: (cursor, limit) =>
          [...node.shards.keys()]
            .sort()
            .filter((id) => id > (cursor ?? ''))
            .slice(0, limit),
        async delete(id, by) {
          const removed = node.shards.get(id)?.owner === by && node.shards.delete(id);
          await pause();
          return removed;
        },
      },
    });
    await serveCollect({
      net: net.node(node.peer),
      clock,
      holder,
      ownersOf: (from) => new Set(from === SELF ? [ownerId] : []),
      vouch: async (_owner, ids) => ids.map(() => false),
    });
  }
  /** As the mesh's, but what is put leaves quarantine first. */
  const backend = (of: PeerId): Backend | undefined => {
    const plain = mesh.backend(of);
    if (plain === undefined) return undefined;
    return {
      ...plain,
      async put(id, bytes, by, call) {
        await pause();
        await quarantines.get(of)!.lift(by, [id]);
        await plain.put(id, bytes, by, call);
        await pause();
      },
    };
  };
  const running = new RunningPuts();
  const committed = new Set<ShardId>();
  let epoch = 0;
  const put = async (sizeBytes: number, signal?: AbortSignal) => {
    const put = running.begin();
    try {
      const context = { ...mesh.putContext(), backend, sending: put.sending };
      const source = bytesOf(randomBytes(sizeBytes));
      const stored = await storeObject(source, { name: 'x', sizeBytes }, context, { signal });
      await pause();
      for (const { id } of stored.placed) committed.add(id);
      return stored;
    } finally {
      put.end();
    }
  };
  const cleanup = async (more: Partial<CollectOptions> = {}) => {
    epoch++;
    clock.advance(60_000);
    const watch = running.watch();
    try {
      await pause();
      const live = new Set(committed);
      return await collectOrphans({
        epoch,
        delayMs: 0,
        dryRun: false,
        live: { has: (id) => live.has(id) || watch.has(id), objects: 0, shards: live.size },
        targets: mesh.nodes.map((node) => peerCollectTarget(self, node.peer, ownerId)),
        nameOf: () => undefined,
        vouched: async (ids) => ({ live: ids.map(() => false), doubt: undefined }),
        clock,
        call: CALL,
        ...more,
      });
    } finally {
      watch.close();
    }
  };
  /** Shards that a put which died has left. */
  const orphan = (count: number, by: OwnerId = ownerId) => {
    for (let left = count; left > 0; left--) {
      const bytes = randomBytes(100);
      mesh.nodes[randomInt(nodes)]!.shards.set(shardIdOfBytes(bytes), { bytes, owner: by });
    }
  };
  const held = () => new Set(mesh.nodes.flatMap(({ shards }) => [...shards.keys()]));
  return { mesh, net, self, ownerId, skew, quarantines, put, cleanup, orphan, held, committed, backend };
}

test('two cleanups leave exactly what is live; one leaves everything', async () => {
  const it = await world(8);
  await it.put(300_000);
  await it.put(20);
  it.orphan(40);
  it.orphan(5, stranger.ownerId);
  const plan = await it.cleanup({ dryRun: true });
  expect(plan).toMatchObject({ marked: 40, swept: 0, waiting: 0 });
  const before = it.held().size;
  expect(await it.cleanup()).toMatchObject({ marked: 40, swept: 0, waiting: 0 });
  expect(it.held().size).toBe(before);
  expect(await it.cleanup({ dryRun: true })).toMatchObject({ marked: 0, swept: 40, sweptBytes: 4000 });
  expect(await it.cleanup()).toMatchObject({ marked: 0, swept: 40, sweptBytes: 4000, waiting: 0 });
  const mine = new Set(
    it.mesh.nodes.flatMap(({ shards }) =>
      [...shards].filter(([, one]) => one.owner === it.ownerId).map(([id]) => id),
    ),
  );
  expect(mine).toEqual(it.committed);
  expect(it.held().size).toBe(it.committed.size + 5);
});

test('the delay holds them back; a clock that jumps ten years on or back deletes nothing that is live', async () => {
  const it = await world(8);
  await it.put(300_000);
  it.orphan(10);
  const delayMs = 86_400_000;
  await it.cleanup({ delayMs });
  expect(await it.cleanup({ delayMs })).toMatchObject({ swept: 0, waiting: 10 });
  for (const jumpMs of [YEARS, -2 * YEARS, YEARS, YEARS, -YEARS]) {
    it.skew.ms += jumpMs;
    await it.cleanup({ delayMs });
    expect([...it.committed].every((id) => it.held().has(id))).toBe(true);
  }
  expect(it.held()).toEqual(it.committed);
});

test('nobody else may list, mark or sweep', async () => {
  const it = await world(6);
  it.orphan(1);
  const foe = peerCollectTarget(it.net.node(peer('foe')), it.mesh.nodes[0]!.peer, it.ownerId);
  await expect(foe.list(undefined, 0, CALL)).rejects.toThrow(/certificate/);
  await expect(foe.mark(1, 0, [...it.held()], CALL)).rejects.toThrow(/certificate/);
  await expect(foe.sweep(1, 0, [...it.held()], CALL)).rejects.toThrow(/certificate/);
  await expect(foe.orders(undefined, CALL)).rejects.toThrow(/certificate/);
  await expect(
    askToVouch(it.net.node(peer('foe')), it.mesh.nodes[0]!.peer, it.ownerId, [], CALL),
  ).rejects.toThrow(/certificate/);
});

test('what another node of the owner refers to stays, and while it cannot be asked nothing is swept', async () => {
  const it = await world(6);
  it.orphan(10);
  const theirs = new Set([...it.held()].slice(0, 4));
  const vouched = (doubt: string | undefined) => async (ids: readonly ShardId[]) => ({
    live: ids.map((id) => doubt === undefined && theirs.has(id)),
    doubt,
  });
  await it.cleanup({ vouched: vouched('away') });
  const report = await it.cleanup({ vouched: vouched('away') });
  expect(report).toMatchObject({ swept: 0, waiting: 10, waits: ['away'] });
  expect(await it.cleanup({ vouched: vouched(undefined) })).toMatchObject({ swept: 6 });
  expect(it.held()).toEqual(theirs);
});

test('a holder that fails is told, and the others are collected', async () => {
  const it = await world(6);
  it.orphan(30);
  const call = { timeoutMs: 1000, signal: NEVER };
  const away = peerCollectTarget(it.self, peer('away'), it.ownerId);
  const targets = [away, ...it.mesh.nodes.map((node) => peerCollectTarget(it.self, node.peer, it.ownerId))];
  await it.cleanup({ targets, call });
  const report = await it.cleanup({ targets, call });
  expect(report.holders.filter(({ failed }) => failed !== undefined)).toHaveLength(1);
  expect(report.swept).toBe(30);
});

const ROUNDS = Number(process.env.COLLECT_ROUNDS ?? 60);

test(`puts under way during cleanups lose nothing (${ROUNDS} rounds)`, { timeout: 600_000 }, async () => {
  const it = await world(9, () => randomInt(4));
  for (let round = 0; round < ROUNDS; round++) {
    it.orphan(randomInt(4));
    it.skew.ms = randomInt(3) === 0 ? (randomInt(2) === 0 ? YEARS : -YEARS) : 0;
    const dying = new AbortController();
    const puts = [
      it.put(randomInt(200_000)),
      it.put(randomInt(200_000)),
      it.put(200_000, dying.signal).catch(() => undefined),
    ];
    const cleaning = (async () => {
      for (let left = 1 + randomInt(3); left > 0; left--) await it.cleanup();
    })();
    for (let left = randomInt(20); left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
    dying.abort();
    await Promise.all([...puts, cleaning]);
    const held = it.held();
    expect([...it.committed].filter((id) => !held.has(id))).toEqual([]);
    // Deleted, their releases lost.
    if (it.committed.size > 300) for (const id of [...it.committed].slice(0, 200)) it.committed.delete(id);
  }
  it.skew.ms = 2 * YEARS;
  await it.cleanup();
  await it.cleanup();
  expect(it.held()).toEqual(it.committed);
});

test('orders of objects that another node stored count, unless anybody has the release', async () => {
  const net = new MemoryNet();
  const nodes = [peer('a'), peer('b')];
  const stores = nodes.map(() => memoryCustody());
  stores[0]!.keep([
    keepOf({ objectId: objectId(1) }),
    keepOf({ objectId: objectId(2) }),
    keepOf({ objectId: objectId(3) }),
    keepOf({ objectId: objectId(4), owner: stranger.ownerId }),
    keepOf({ objectId: objectId(5), network: 'another' }),
  ]);
  stores[1]!.keep([
    keepOf({ objectId: objectId(1) }),
    keepOf({ objectId: objectId(2), state: 'released', sequence: 2 }),
  ]);
  for (const [at, self] of nodes.entries()) {
    const quarantine = await Quarantine.open({
      disk: new ModelDisk(),
      clock: manualClock(),
      path: '/q',
      log: () => {},
    });
    const store = { stat: () => undefined, list: () => [], delete: async () => false };
    await serveCollect({
      net: net.node(self),
      clock: manualClock(),
      holder: new CollectHolder({ quarantine, custody: stores[at]!, store }),
      ownersOf: () => new Set([owner.ownerId]),
      vouch: async (_owner, ids) => ids.map(() => false),
    });
  }
  const targets = [...nodes, peer('gone')].map((each) =>
    peerCollectTarget(net.node(SELF), each, owner.ownerId),
  );
  const found = await ordersBeyond({
    owner: owner.ownerId,
    network: 'test',
    targets,
    known: (id) => id === objectId(3),
    clock: manualClock(),
    call: CALL,
  });
  expect(found).toEqual({ live: [{ objectId: objectId(1), keepers: nodes }], silent: 1 });
});

test('no holder may answer with more than its page has', async () => {
  const bounds: (number | undefined)[] = [];
  const request: Net['request'] = async (_peer, _protocol, _message, options) => {
    bounds.push(options.maxBodyBytes);
    throw new Error('enough');
  };
  const target = peerCollectTarget({ request } as Partial<Net> as Net, peer('a'), owner.ownerId);
  for (const asked of [
    () => target.list(undefined, 0, CALL),
    () => target.orders(undefined, CALL),
    () => target.sweep(1, 0, [], CALL),
  ])
    await expect(asked()).rejects.toThrow('enough');
  expect(bounds.every((bound) => bound !== undefined && bound < 8 * 1024 * 1024)).toBe(true);
});

test('a holder whose list has no end is cut off after half an hour, told, and the others are collected', async () => {
  const it = await world(6);
  it.orphan(30);
  const clock = manualClock();
  let pages = 0;
  const nth = (at: number) => at.toString(16).padStart(64, '0');
  const endless: CollectTarget = {
    ...peerCollectTarget(it.self, peer('endless'), it.ownerId),
    async list() {
      clock.advance(10_000);
      return { items: [], cursor: nth(++pages) as ShardId };
    },
  };
  const targets = [
    endless,
    ...it.mesh.nodes.map((node) => peerCollectTarget(it.self, node.peer, it.ownerId)),
  ];
  const report = await it.cleanup({ targets, clock });
  expect(report).toMatchObject({ marked: 30, waits: [expect.stringContaining('1 holders')] });
  expect(report.holders[0]!.failed).toContain('no end after 30 minutes');
  expect(pages).toBe(180);
});

test('who lists orders without end, or one again and again, counts as one that did not answer', async () => {
  const clock = manualClock();
  let pages = 0;
  const { bytes } = keepOf({ objectId: objectId(1) });
  const lists = (orders: CollectTarget['orders']): CollectTarget => ({
    ...peerCollectTarget(new MemoryNet().node(SELF), peer('endless'), owner.ownerId),
    orders,
    order: async () => [],
  });
  const next = () => (++pages).toString(16).padStart(64, '0') as ObjectId;
  for (const [items, most] of [
    [[], 180],
    [[bytes], 2],
  ] as const) {
    pages = 0;
    const target = lists(async () => {
      clock.advance(10_000);
      return { items: [...items], cursor: next() };
    });
    const options = { owner: owner.ownerId, network: 'test', known: () => false, clock, call: CALL };
    const { live, silent } = await ordersBeyond({ ...options, targets: [target] });
    expect({ pages, silent, keepers: live.map(({ keepers }) => keepers.length) }).toEqual({
      ...{ pages: most, silent: 1, keepers: items.map(() => 1) },
    });
  }
});
