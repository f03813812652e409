import { expect, it } from 'vitest';
import { CUSTODIANS, firstMembers } from '../../../../src/engine/maintenance/custody/custodians.ts';
import {
  askWhere,
  type LocateContext,
  manifestInCustody,
  tellWhere,
} from '../../../../src/engine/maintenance/custody/locate.ts';
import { pointOf } from '../../../../src/engine/placement/xor.ts';
import type { ObjectId, OwnerId, PeerId } from '../../../../src/engine/types.ts';
import { DatameshError } from '../../../../src/errors.ts';
import { objectId, peer } from './samples.ts';

const owner = 'b'.repeat(64) as OwnerId;
const nodes = Array.from({ length: 8 }, (_, i) => peer(i));
const members = nodes.map((node) => ({ peer: node, point: pointOf(Buffer.from(node)) }));
const ids = Array.from({ length: 40 }, (_, i) => objectId(i));
const [self] = nodes;
const custodiansOf = (id: ObjectId) => firstMembers(id, members, CUSTODIANS);

function contextOf(more: { dead?: readonly PeerId[]; refuses?: readonly PeerId[]; unknown?: boolean }) {
  const asked = new Map<PeerId, number>();
  const reached = (at: PeerId) => {
    asked.set(at, (asked.get(at) ?? 0) + 1);
    if (more.dead?.includes(at)) throw new DatameshError('peer-unreachable', { what: 'dead' });
  };
  const claimOf = (at: PeerId) => ({ stripe: 1, index: 2, holder: at });
  const claimed: ObjectId[] = [];
  const context: LocateContext & { client: Parameters<typeof manifestInCustody>[3]['client'] } = {
    peers: { self: self!, members: () => members, refused: () => {} },
    store: {
      claim: (batch) => claimed.push(...batch.map((it) => it.objectId)),
      claims: () => [claimOf(self!)],
      mark: (() => (more.unknown ? undefined : {})) as never,
      manifest: () => Buffer.from('own'),
    },
    client: {
      async moved(at, moves) {
        reached(at);
        return moves.map(() => !more.refuses?.includes(at));
      },
      async where(at, some) {
        reached(at);
        return some.map((id) => ({ objectId: id, claims: [claimOf(at), claimOf(nodes[7]!)] }));
      },
      async manifest(at) {
        reached(at);
        return Buffer.from(at === custodiansOf(ids[0]!)[0] ? 'wrong' : 'right');
      },
    },
    timeoutMs: 1,
    signal: new AbortController().signal,
    log: () => {},
  };
  return { context, asked, claimed };
}

it('tells each custodian once of all that is its, and counts an object as told when one of them took it', async () => {
  const moves = ids.map((id) => ({ objectId: id, claims: [{ stripe: 0, index: 0, holder: nodes[1]! }] }));
  const all = contextOf({});
  expect((await tellWhere(owner, moves, all.context)).size).toBe(ids.length);
  expect([...all.asked.values()].every((count) => count === 1)).toBe(true);
  expect(all.claimed).toEqual(ids.filter((id) => custodiansOf(id).includes(self!)));

  const dead = custodiansOf(ids[0]!).filter((it) => it !== self);
  const some = contextOf({ dead: dead.slice(0, 1), refuses: dead.slice(1), unknown: true });
  const told = await tellWhere(owner, moves, some.context);
  expect(told.has(ids[0]!)).toBe(false);
  expect(some.claimed).toEqual([]);
  for (const id of ids)
    expect(told.has(id)).toBe(custodiansOf(id).some((it) => it !== self && !dead.includes(it)));
});

it('gathers what custodians say, each holder once, and goes without those that do not answer', async () => {
  const { context, asked } = contextOf({ dead: [nodes[3]!] });
  const found = await askWhere(owner, ids, context);
  expect([...asked.values()].every((count) => count === 1)).toBe(true);
  for (const id of ids) {
    const others = custodiansOf(id).filter((it) => it !== nodes[3]);
    const expected = new Set([...others, ...(others.some((it) => it !== self) ? [nodes[7]!] : [])]);
    expect(new Set(found.get(id)!.map(({ holder }) => holder))).toEqual(expected);
    expect(found.get(id)).toHaveLength(expected.size);
  }
});

it('takes the first manifest whose bytes are the object’s', async () => {
  const { context } = contextOf({});
  const text = async (isIt: (bytes: Uint8Array) => boolean) => {
    const bytes = await manifestInCustody(owner, ids[0]!, isIt, context);
    return bytes && Buffer.from(bytes).toString();
  };
  expect(await text((bytes) => Buffer.from(bytes).toString() !== 'wrong')).toMatch(/right|own/);
  expect(await text(() => false)).toBeUndefined();
  expect(
    await manifestInCustody(
      owner,
      ids[0]!,
      () => true,
      context,
      () => true,
    ),
  ).toBeUndefined();
});
