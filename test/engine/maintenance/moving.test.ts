import { beforeEach, expect, it } from 'vitest';
import type { Backend } from '../../../src/engine/backends/backend.ts';
import { blake3, shardIdOfBytes } from '../../../src/engine/codec/hash.ts';
import { createCodec } from '../../../src/engine/codec/local-codec.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { type MovingContext, moveShards, type ShardMove } from '../../../src/engine/maintenance/moving.ts';
import { ProofMemory } from '../../../src/engine/maintenance/proof/memory.ts';
import type { RepairContext } from '../../../src/engine/maintenance/repair.ts';
import type { GroupState } from '../../../src/engine/maintenance/repair-plan.ts';
import { RateLimit } from '../../../src/engine/mesh/rate-limit.ts';
import { pointOf } from '../../../src/engine/placement/xor.ts';
import type { OwnerId, PeerId } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { objectId, peer } from './custody/samples.ts';

const codec = createCodec();
const owner = 'a'.repeat(64) as OwnerId;
const nodes = Array.from({ length: 6 }, (_, i) => peer(i));
const shards = [1, 2, 3].map((fill) => Buffer.alloc(100, fill));
const ids = shards.map((bytes) => shardIdOfBytes(bytes));

/** What happened, in order. */
let log: string[];
let held: Map<PeerId, Set<string>>;
let group: GroupState;

beforeEach(() => {
  log = [];
  held = new Map(nodes.map((node, at) => [node, new Set(at < 3 ? [ids[at]!] : [])]));
  group = {
    objectId: objectId(1),
    stripe: 4,
    code: { k: 2, m: 1 },
    shardBytes: 100,
    ids,
    live: nodes.slice(0, 3).map((node) => [node]),
  };
});

const name = (holder: PeerId) => `n${nodes.indexOf(holder)}`;

const repair = (): RepairContext => ({
  self: peer(99),
  codec: { ...codec, hash: (bytes) => blake3(bytes) },
  backend: (holder) =>
    ({
      get: async (id: string) => (held.get(holder)!.has(id) ? shards[ids.indexOf(id as never)] : undefined),
    }) as Partial<Backend> as Backend,
  candidates: () => nodes.map((it) => ({ peer: it, freeBytes: 1e9, point: pointOf(Buffer.from(it)) })),
  rule: { domain: 'node', members: [], siteOf: (holder) => ({ peer: holder }), leaving: () => false },
  async adopt(holder, _id, { index }) {
    log.push(`copy ${index} to ${name(holder)}`);
    held.get(holder)!.add(ids[index]!);
  },
  manifest: () => undefined,
  rate: new RateLimit(realClock(), undefined),
  proofs: new ProofMemory(),
  isLate: () => false,
  failed: () => {},
  signal: new AbortController().signal,
});

const context = (more: Partial<MovingContext> = {}): MovingContext => ({
  async prove(holder, wanted) {
    log.push(`prove ${wanted.map(({ id }) => ids.indexOf(id)).sort()} by ${name(holder)}`);
    return new Set(wanted.map(({ id }) => id).filter((id) => held.get(holder)!.has(id)));
  },
  async announce(_owner, moves) {
    for (const { claims } of moves)
      for (const { stripe, index, holder } of claims) log.push(`claim ${stripe}.${index} at ${name(holder)}`);
    return new Set(moves.map((it) => it.objectId));
  },
  async release(holder, id) {
    log.push(`release ${ids.indexOf(id)} at ${name(holder)}`);
    return held.get(holder)!.delete(id);
  },
  has: async (holder, id) => held.get(holder)!.has(id),
  mayRelease: () => true,
  copied: () => {},
  lanes: 2,
  signal: new AbortController().signal,
  log: () => {},
  ...more,
});

/** Shard `index` goes to node `to`; `before`: moves of the same stripe that come first. */
function moveOf(index: number, to: number, before: readonly ShardMove[] = [], copied = false): ShardMove {
  const holders: (PeerId | undefined)[] = nodes.slice(0, 3);
  for (const it of before) holders[it.index] = it.to;
  return {
    group,
    index,
    id: ids[index]!,
    from: nodes[index]!,
    to: nodes[to]!,
    holders,
    copied,
    owner,
    repair: repair(),
  };
}

it('copies, has it proved, announces it, and only then has the old holder drop it', async () => {
  const outcome = await moveShards([moveOf(0, 3)], context());
  expect(log).toEqual(['copy 0 to n3', 'prove 0 by n3', 'claim 4.0 at n3', 'release 0 at n0']);
  expect(outcome).toMatchObject({ moved: [{ index: 0 }], left: [], trafficBytes: 200 });
  expect(held.get(nodes[0]!)!.size).toBe(0);
});

it('keeps the old copy when the new one has gone since its proof: another device took it for one too many', async () => {
  const { announce } = context();
  const outcome = await moveShards(
    [moveOf(0, 3)],
    context({
      async announce(by, moves) {
        held.get(nodes[3]!)!.delete(ids[0]!);
        return await announce(by, moves);
      },
    }),
  );
  expect(outcome).toMatchObject({ moved: [], left: [{ index: 0 }] });
  expect(held.get(nodes[0]!)!.has(ids[0]!)).toBe(true);
});

it('does not copy again what a stopped run has copied', async () => {
  held.get(nodes[3]!)!.add(ids[0]!);
  await moveShards([moveOf(0, 3, [], true)], context());
  expect(log).toEqual(['prove 0 by n3', 'claim 4.0 at n3', 'release 0 at n0']);
});

const refusing: [string, () => Partial<MovingContext>][] = [
  ['the new holder does not prove it', () => ({ prove: async () => new Set() })],
  [
    'the new holder does not answer',
    () => ({
      async prove() {
        throw new DatameshError('timeout', { what: 'late' });
      },
    }),
  ],
  ['no custodian takes the claim', () => ({ announce: async () => new Set() })],
  ['one of the two leaves meanwhile', () => ({ mayRelease: () => false })],
  [
    'the old holder does not answer',
    () => ({
      async release() {
        throw new DatameshError('peer-unreachable', { what: 'gone' });
      },
    }),
  ],
];
it.each(refusing)('leaves both copies when %s', async (_why, more) => {
  const outcome = await moveShards([moveOf(0, 3)], context(more()));
  expect(outcome).toMatchObject({ moved: [], left: [{ index: 0 }] });
  expect(held.get(nodes[0]!)!.has(ids[0]!)).toBe(true);
  expect(held.get(nodes[3]!)!.has(ids[0]!)).toBe(true);
});

it('leaves the rest of a stripe alone when one of its moves does not come about: the others were planned with it done', async () => {
  const first = moveOf(0, 3);
  const second = moveOf(1, 4, [first]);
  const none = context({
    async prove(holder, wanted) {
      return new Set(holder === nodes[3] ? [] : wanted.map(({ id }) => id));
    },
  });
  const outcome = await moveShards([first, second], none);
  expect(outcome.moved).toEqual([]);
  expect(held.get(nodes[1]!)!.has(ids[1]!)).toBe(true);
  expect(log.filter((line) => line.startsWith('release'))).toEqual([]);
});

it('ends with its signal and releases nothing any more', async () => {
  const stopper = new AbortController();
  const stopped = context({
    signal: stopper.signal,
    async announce(_owner, moves) {
      stopper.abort(new DatameshError('cancelled', { what: 'enough' }));
      return new Set(moves.map((it) => it.objectId));
    },
  });
  await expect(moveShards([moveOf(0, 3)], stopped)).rejects.toMatchObject({ code: 'cancelled' });
  expect(held.get(nodes[0]!)!.has(ids[0]!)).toBe(true);
});

it('does not wait for its share of the link once it is stopped', async () => {
  const stopper = new AbortController();
  const { signal } = stopper;
  const move = moveOf(0, 3);
  // The first shard overdraws the budget by a minute and more.
  const slow = { ...move, repair: { ...move.repair, rate: new RateLimit(realClock(), 1), signal } };
  const moving = moveShards([slow], context({ signal }));
  setTimeout(() => stopper.abort(new DatameshError('cancelled', { what: 'enough' })), 50);
  const before = performance.now();
  await expect(moving).rejects.toMatchObject({ code: 'cancelled' });
  expect(performance.now() - before).toBeLessThan(5_000);
});
