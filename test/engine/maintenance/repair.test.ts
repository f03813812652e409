import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Backend } from '../../../src/engine/backends/backend.ts';
import { blake3, shardIdOfBytes } from '../../../src/engine/codec/hash.ts';
import { createCodec } from '../../../src/engine/codec/local-codec.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { ProofMemory } from '../../../src/engine/maintenance/proof/memory.ts';
import { repairGroup } from '../../../src/engine/maintenance/repair.ts';
import {
  compareRisk,
  damageOf,
  type GroupState,
  graceOf,
  mendable,
  type Rule,
} from '../../../src/engine/maintenance/repair-plan.ts';
import { RateLimit } from '../../../src/engine/mesh/rate-limit.ts';
import type { Candidate, Domain, Site } from '../../../src/engine/placement/domains.ts';
import { keepsRule } from '../../../src/engine/placement/load.ts';
import { pointOf } from '../../../src/engine/placement/xor.ts';
import type { CodeProfile, PeerId, ShardId } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { objectId, peer } from './custody/samples.ts';

const codec = createCodec();
const SHARD_BYTES = 256;
const nodes = Array.from({ length: 12 }, (_, i) => peer(i));
const SELF = nodes[0]!;

/** A stripe whose shards exist: data at random, parity computed from it. */
async function stripeOf(code: CodeProfile, shardBytes = SHARD_BYTES): Promise<Uint8Array[]> {
  const data = new Map(
    Array.from({ length: code.k }, (_, i) => [i, Buffer.alloc(shardBytes, i + 1) as Uint8Array]),
  );
  const wanted = Array.from({ length: code.m }, (_, i) => code.k + i);
  const parity = (await codec.rebuild({ code, shardBytes, shards: data, wanted })).shards;
  return [...data.values(), ...wanted.map((index) => parity.get(index)!)];
}

interface World {
  held: Map<PeerId, Map<string, Uint8Array>>;
  zones: Map<PeerId, string>;
  adopted: { holder: PeerId; index: number }[];
  sentBytes: number;
  refuses: Set<PeerId>;
  lies: Set<PeerId>;
}

function worldOf(
  shards: readonly Uint8Array[],
  at: readonly PeerId[][],
  zoneOf: (index: number) => string,
): World {
  const held = new Map(nodes.map((node) => [node, new Map<string, Uint8Array>()]));
  shards.forEach((bytes, index) => {
    for (const holder of at[index]!) held.get(holder)!.set(shardIdOfBytes(bytes), bytes);
  });
  const zones = new Map(nodes.map((node, index) => [node, zoneOf(index)]));
  return { held, zones, adopted: [], sentBytes: 0, refuses: new Set(), lies: new Set() };
}

function ruleOf(world: World, domain: Domain, more: Partial<Rule> = {}): Rule {
  const siteOf = (holder: PeerId): Site => ({ peer: holder, zone: world.zones.get(holder) });
  return { domain, members: [], siteOf, leaving: () => false, ...more };
}

function groupOf(shards: readonly Uint8Array[], code: CodeProfile, live: PeerId[][]): GroupState {
  const ids = shards.map((bytes) => shardIdOfBytes(bytes));
  return { objectId: objectId(1), stripe: 0, code, shardBytes: SHARD_BYTES, ids, live };
}

function contextOf(world: World, rule: Rule) {
  const candidates = (): Candidate[] =>
    nodes.map((node) => ({ ...rule.siteOf(node)!, freeBytes: 1e9, point: pointOf(Buffer.from(node)) }));
  return {
    self: SELF,
    codec,
    rule,
    candidates,
    backend: (holder: PeerId): Backend | undefined =>
      ({
        async get(id: string) {
          const bytes = world.held.get(holder)?.get(id);
          if (bytes === undefined) return undefined;
          if (holder !== SELF) world.sentBytes += bytes.length;
          return world.lies.has(holder) ? Buffer.alloc(bytes.length, 99) : Uint8Array.from(bytes);
        },
      }) as Partial<Backend> as Backend,
    async adopt(holder: PeerId, _id: unknown, { index }: { index: number }, bytes: Uint8Array) {
      if (world.refuses.has(holder)) throw new DatameshError('quota-full', { what: 'full' });
      if (holder !== SELF) world.sentBytes += bytes.length;
      world.held.get(holder)!.set(shardIdOfBytes(bytes), Uint8Array.from(bytes));
      world.adopted.push({ holder, index });
    },
    manifest: () => undefined,
    rate: new RateLimit(realClock(), undefined),
    proofs: new ProofMemory(),
    isLate: (_holder: PeerId) => false,
    failed: () => {},
    signal: new AbortController().signal,
  };
}

const CODE = { k: 4, m: 2 };

test('a stripe that lost one shard costs k shards of traffic, whether the leader has one of its shards or none', async () => {
  const shards = await stripeOf(CODE);
  for (const leaderHolds of [true, false]) {
    const holders = nodes.slice(leaderHolds ? 0 : 1, leaderHolds ? 6 : 7);
    for (let lost = 1; lost < 6; lost++) {
      const at = shards.map((_, index) => (index === lost ? [] : [holders[index]!]));
      const world = worldOf(shards, at, () => '');
      const rule = ruleOf(world, 'node');
      const damage = damageOf(groupOf(shards, CODE, at), rule)!;
      expect(damage).toMatchObject({ missing: [lost], misplaced: [], spare: 1 });
      const result = await repairGroup(damage, contextOf(world, rule));
      expect(result.placed).toHaveLength(1);
      expect(world.sentBytes).toBeLessThanOrEqual(CODE.k * SHARD_BYTES);
      expect(result.trafficBytes).toBe(world.sentBytes);
    }
  }
});

test('two lost shards are rebuilt from one reading', async () => {
  const shards = await stripeOf(CODE);
  const at = shards.map((_, index) => (index < 2 ? [] : [nodes[index]!]));
  const world = worldOf(shards, at, () => '');
  const rule = ruleOf(world, 'node');
  const result = await repairGroup(damageOf(groupOf(shards, CODE, at), rule)!, contextOf(world, rule));
  expect(result.placed.map(({ index }) => index).sort()).toEqual([0, 1]);
  expect(world.sentBytes).toBeLessThanOrEqual((CODE.k + 1) * SHARD_BYTES);
});

test('of large shards nothing is left lying: what was read and what was rebuilt is given back, whoever took it', async () => {
  const shardBytes = 128 * 1024;
  const shards = await stripeOf(CODE, shardBytes);
  const at = shards.map((_, index) => (index < 2 ? [] : [nodes[index]!]));
  for (const refuses of [[], nodes.slice(6), nodes]) {
    const world = worldOf(shards, at, () => '');
    world.refuses = new Set(refuses);
    const rule = ruleOf(world, 'node');
    const context = contextOf(world, rule);
    const places: Uint8Array[] = [];
    let released = 0;
    const result = await repairGroup(damageOf({ ...groupOf(shards, CODE, at), shardBytes }, rule)!, {
      ...context,
      codec: {
        ...codec,
        async rebuild(job) {
          expect(places.map(({ length }) => length)).toEqual(new Array(CODE.k).fill(shardBytes));
          return { ...(await codec.rebuild(job)), release: () => released++ };
        },
      },
      backend: (holder) => ({
        ...context.backend(holder)!,
        async get(id, { into }) {
          const bytes = world.held.get(holder)!.get(id)!;
          places.push(into!);
          into!.set(bytes);
          return into!;
        },
      }),
    });
    expect(result.placed.length + result.unplaced.length).toBe(2);
    expect(world.adopted.length).toBe(refuses.length === nodes.length ? 0 : 2);
    expect(released).toBe(1);
    expect(places.every(({ length }) => length === 0)).toBe(true);
    for (const { holder, index } of world.adopted) {
      expect(world.held.get(holder)!.has(shardIdOfBytes(shards[index]!))).toBe(true);
    }
  }
});

test('whatever was lost, what is rebuilt is right, and no shard is placed against the rule', async () => {
  const codes: CodeProfile[] = [CODE, { k: 2, m: 1 }, { k: 1, m: 2 }, { k: 3, m: 3 }];
  const cases = await Promise.all(
    codes.map(async (code) => {
      const shards =
        code.k === 1 ? Array.from({ length: 3 }, () => Buffer.alloc(SHARD_BYTES, 7)) : await stripeOf(code);
      return { code, shards: shards as Uint8Array[] };
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...cases),
      fc.constantFrom<Domain>('node', 'zone'),
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.option(fc.nat({ max: 11 }), { nil: undefined }), { minLength: 6, maxLength: 6 }),
      fc.uniqueArray(fc.nat({ max: 11 }), { maxLength: 6 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 11 }), { maxLength: 2 }),
      async ({ code, shards }, domain, zones, places, full, liars) => {
        const taken = new Set<number>();
        const at = shards.map((_, index) => {
          const place = places[index];
          // Replicas on one node are one replica.
          if (place === undefined || (code.k === 1 && taken.has(place))) return [];
          taken.add(place);
          return [nodes[place]!];
        });
        const world = worldOf(shards, at, (index) => `zone ${index % zones}`);
        world.refuses = new Set(full.map((index) => nodes[index]!));
        world.lies = new Set(liars.map((index) => nodes[index]!));
        const rule = ruleOf(world, domain);
        const damage = damageOf(groupOf(shards, code, at), rule);
        if (damage === undefined) {
          expect(at.every((holders) => holders.length > 0)).toBe(true);
          return;
        }
        const before = [...damage.holders];
        const lawfulBefore = before.filter((_, index) => !damage.misplaced.includes(index));
        expect(keepsRule({ code, domain, allowDegraded: false }, lawfulBefore, rule.siteOf)).toBe(true);
        const misplaced = new Set(damage.misplaced);
        const result = await repairGroup(damage, contextOf(world, rule)).catch((error: unknown) => error);
        if (result instanceof DatameshError) {
          expect(result.code).toBe('shards-missing');
          expect(world.adopted).toEqual([]);
          return;
        }
        for (const { holder, index } of world.adopted) {
          expect(world.refuses.has(holder)).toBe(false);
          expect(world.held.get(holder)!.has(shardIdOfBytes(shards[index]!))).toBe(true);
        }
        const placed = new Set(world.adopted.map(({ index }) => index));
        const lawfulAfter = damage.holders.filter((_, index) => placed.has(index) || !misplaced.has(index));
        expect(keepsRule({ code, domain, allowDegraded: false }, lawfulAfter, rule.siteOf)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

test('a node that leaves, and one that is no member, have nothing that counts', async () => {
  const shards = await stripeOf(CODE);
  const at = shards.map((_, index) => [nodes[index]!]);
  const world = worldOf(shards, at, () => '');
  const leaving = ruleOf(world, 'node', { leaving: (holder) => holder === nodes[3] });
  expect(damageOf(groupOf(shards, CODE, at), leaving)).toMatchObject({
    missing: [],
    misplaced: [3],
    isAwaited: true,
    spare: 2,
  });
  // Copied elsewhere, all is well while the one that leaves still has its own.
  const copied = at.with(3, [nodes[3]!, nodes[7]!]);
  expect(damageOf(groupOf(shards, CODE, copied), leaving)).toBeUndefined();
  const members = ruleOf(world, 'node', { members: nodes.filter((node) => node !== nodes[5]) });
  const damage = damageOf(groupOf(shards, CODE, at), members)!;
  expect(damage.misplaced).toEqual([5]);
  const { placed } = await repairGroup(damage, contextOf(world, members));
  expect(placed).toEqual([{ index: 5, holder: expect.anything(), moved: true }]);
  expect(nodes.slice(6)).toContain(placed[0]!.holder);
  // Moving needs no more than the shard itself.
  expect(world.sentBytes).toBeLessThanOrEqual(2 * SHARD_BYTES);
});

test('a holder that leaves gets rid of the shards of a stripe of which nothing can be made any more', async () => {
  const shards = await stripeOf(CODE);
  const at = shards.map((_, index) => (index < 3 ? [nodes[index + 1]!] : []));
  const world = worldOf(shards, at, () => '');
  const rule = ruleOf(world, 'node', { leaving: (holder) => holder === nodes[2] });
  const damage = damageOf(groupOf(shards, CODE, at), rule)!;
  expect(damage).toMatchObject({ missing: [3, 4, 5], misplaced: [1], spare: -1 });
  const open = mendable(damage)!;
  expect(graceOf(open, { settleMs: 1, graceMs: 1 })).toBe(0);
  expect((await repairGroup(open, contextOf(world, rule))).placed).toMatchObject([{ index: 1, moved: true }]);
  const staying = ruleOf(world, 'node');
  expect(mendable(damageOf(groupOf(shards, CODE, at), staying)!)).toBeUndefined();
});

test('a copy of a manifest that leaves counts only until another holder has one', () => {
  const id = 'ab'.repeat(32) as ShardId;
  const code = { k: 1, m: 2 };
  const rule = {
    domain: 'node',
    members: [],
    siteOf: (holder: PeerId) => ({ peer: holder }),
    leaving: (holder: PeerId) => holder === nodes[0],
  };
  const standing = (live: PeerId[][]) =>
    damageOf(
      { objectId: objectId(1), stripe: 0, code, shardBytes: 9, ids: [id, id, id], live },
      rule as Rule,
    );
  const [leaving, b, c, d] = nodes as [PeerId, PeerId, PeerId, PeerId];
  expect(standing([[leaving], [b], [c]])).toMatchObject({ missing: [], misplaced: [2], isAwaited: true });
  // The fourth stands beside any one of the three: they are all alike.
  for (const live of [
    [[leaving, d], [b], [c]],
    [[b, d], [leaving], [c]],
  ])
    expect(standing(live)).toBeUndefined();
});

test('the less is spare, the sooner, and the greater risk comes first', () => {
  const limits = { settleMs: 10_000, graceMs: 900_000 };
  const damage = (spare: number, missing: number, m = 4) => ({
    group: { code: { k: 10, m }, objectId: objectId(spare) } as GroupState,
    spare,
    missing: Array.from({ length: missing }, (_, i) => i),
    misplaced: [],
    isAwaited: false,
    holders: [],
  });
  const waits = [3, 2, 1, 0, -1].map((spare) => graceOf(damage(spare, 4 - spare), limits));
  expect(waits).toEqual([900_000, 10_000, 10_000, 0, 0]);
  expect(graceOf(damage(4, 0), limits)).toBe(900_000);
  expect(graceOf({ ...damage(4, 0), isAwaited: true }, limits)).toBe(0);
  // Whoever waits to leave does not wait for what somebody else has lost.
  expect(graceOf({ ...damage(3, 1), isAwaited: true }, limits)).toBe(0);
  // 4+2: one lost shard is half of the parity.
  expect(graceOf(damage(1, 1, 2), limits)).toBe(10_000);
  expect(graceOf(damage(2, 1, 3), limits)).toBe(900_000);
  const order = [damage(3, 1), damage(0, 4), damage(1, 3)].sort(compareRisk).map(({ spare }) => spare);
  expect(order).toEqual([0, 1, 3]);
});

test('reading goes on at another holder when one lies', async () => {
  const shards = await stripeOf(CODE);
  const at = shards.map((_, index) => (index === 5 ? [] : [nodes[index + 1]!]));
  const world = worldOf(shards, at, () => '');
  world.lies.add(nodes[2]!);
  const rule = ruleOf(world, 'node');
  const { placed } = await repairGroup(damageOf(groupOf(shards, CODE, at), rule)!, contextOf(world, rule));
  expect(placed).toHaveLength(1);
  expect(
    Buffer.from(blake3(world.held.get(placed[0]!.holder)!.get(shardIdOfBytes(shards[5]!))!)).toString('hex'),
  ).toBe(shardIdOfBytes(shards[5]!));
  world.lies.add(nodes[3]!);
  const again = worldOf(shards, at, () => '');
  again.lies = world.lies;
  await expect(
    repairGroup(damageOf(groupOf(shards, CODE, at), rule)!, contextOf(again, rule)),
  ).rejects.toMatchObject({ code: 'shards-missing' });
});

test('a holder that let a repair wait is neither read from nor given anything while others will do, and is where they will not', async () => {
  const shards = await stripeOf(CODE);
  const at = shards.map((_, index) => (index === 5 ? [] : [nodes[index + 1]!]));
  const world = worldOf(shards, at, () => '');
  const rule = ruleOf(world, 'node');
  const damage = () => damageOf(groupOf(shards, CODE, at), rule)!;
  const run = async (late: readonly PeerId[], self: PeerId) => {
    const asked: PeerId[] = [];
    const context = contextOf(world, rule);
    const backend = (holder: PeerId) => {
      asked.push(holder);
      return context.backend(holder);
    };
    const isLate = (holder: PeerId) => late.includes(holder);
    const { placed } = await repairGroup(damage(), { ...context, self, backend, isLate });
    world.held.get(placed[0]!.holder)!.delete(shardIdOfBytes(shards[5]!));
    return { asked: asked.sort(), taker: placed[0]!.holder };
  };
  const usual = await run([], nodes[1]!);
  expect(usual).toEqual({ asked: nodes.slice(1, 5).sort(), taker: usual.taker });
  const { asked, taker } = await run([nodes[2]!, usual.taker], nodes[1]!);
  expect(asked).toEqual([nodes[1]!, ...nodes.slice(3, 6)].sort());
  expect(taker).not.toBe(usual.taker);
  expect((await run(nodes, nodes[1]!)).taker).toBe(usual.taker);
});

test('what a holder has taken anew is no longer held against it, and what it refuses is', async () => {
  const shards = await stripeOf(CODE);
  const at = shards.map((_, index) => (index < 2 ? [] : [nodes[index]!]));
  const world = worldOf(shards, at, () => '');
  const rule = ruleOf(world, 'node', { members: nodes.slice(0, 6) });
  world.refuses.add(nodes[1]!);
  const context = contextOf(world, rule);
  const group = groupOf(shards, CODE, at);
  const isMissing = (holder: PeerId) =>
    group.ids.slice(0, 2).map((id) => context.proofs.isMissing(holder, id));
  for (const holder of nodes.slice(0, 2))
    context.proofs.note(
      holder,
      group.ids,
      group.ids.map(() => 'absent'),
    );
  const { placed } = await repairGroup(damageOf(group, rule)!, context);
  expect(placed).toMatchObject([{ index: 0, holder: SELF }]);
  expect(isMissing(SELF)).toEqual([false, true]);
  expect(isMissing(nodes[1]!)).toEqual([true, true]);
});
