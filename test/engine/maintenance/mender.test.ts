import { describe, expect, test, vi } from 'vitest';
import type { CustodyClient } from '../../../src/engine/maintenance/custody/custody-client.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { menderMesh } from '../../support/mender-mesh.ts';

test.each(['boasts', 'forges', 'refuses'] as const)(
  'a stranger that says it has everything keeps no custodian from healing (%s)',
  async (fault) => {
    const { mesh, ids, holders, store, objectId, stranger, round } = await menderMesh(10);
    stranger.fault = fault;
    for (const lost of [holders[1]!, holders[2]!]) for (const id of ids) mesh.node(lost).shards.delete(id);
    expect(await round()).toBe(2);
    for (const id of ids) expect(mesh.nodes.some(({ shards }) => shards.has(id))).toBe(true);
    expect(store.claims(objectId).map(({ holder }) => holder)).not.toContain(stranger.peer);
    expect(await round()).toBe(0);
  },
);

test('what has moved to a stranger is found there by one proof, and by being asked from then on', async () => {
  const { mesh, ids, holders, store, objectId, stranger, round } = await menderMesh(10);
  const lost = mesh.node(holders[1]!);
  stranger.shards.set(ids[1]!, lost.shards.get(ids[1]!)!);
  lost.shards.delete(ids[1]!);
  for (let i = 0; i < 3; i++) expect(await round()).toBe(0);
  expect(store.claims(objectId)).toContainEqual({ stripe: 0, index: 1, holder: stranger.peer });
  expect(proofsOf(mesh)).toBe(1);
});

test.each(['boasts', 'refuses'] as const)(
  'a custodian that names a liar as the holder of a shard keeps no other from healing (%s)',
  async (fault) => {
    const { mesh, ids, holders, store, objectId, stranger, round } = await menderMesh(10);
    stranger.fault = fault;
    store.claim([{ objectId, claims: [{ stripe: 0, index: 1, holder: stranger.peer }] }]);
    mesh.node(holders[1]!).shards.delete(ids[1]!);
    expect(await round()).toBe(1);
    expect(mesh.nodes.some(({ shards }) => shards.has(ids[1]!))).toBe(true);
    expect(await round()).toBe(0);
  },
);

test('looking at what is whole costs no proof, and a rebuilt shard one', async () => {
  const { mesh, ids, holders, store, round } = await menderMesh(10);
  await round();
  const reads = vi.spyOn(store, 'manifest');
  for (let i = 0; i < 2; i++) await round();
  expect(proofsOf(mesh)).toBe(0);
  // Of a large object it has megabytes.
  expect(reads).not.toHaveBeenCalled();
  for (const lost of [holders[1]!, holders[2]!]) for (const id of ids) mesh.node(lost).shards.delete(id);
  expect(await round()).toBe(2);
  for (let i = 0; i < 3; i++) expect(await round()).toBe(0);
  expect(proofsOf(mesh)).toBe(2);
});

test('what a custodian has rebuilt on itself is whole, and is not rebuilt in every round', async () => {
  const { mesh, ids, self, audit, health, round } = await menderMesh(10);
  // Rot: the store has found it and taken the shard out, so that the audit hears "absent".
  mesh.node(self).shards.delete(ids[0]!);
  await audit(self, ids[0]!);
  expect(await round()).toBe(1);
  for (let i = 0; i < 4; i++) expect(await round()).toBe(0);
  expect(mesh.node(self).shards.has(ids[0]!)).toBe(true);
  expect(await health()).toMatchObject({ ok: 1, degraded: 0 });
});

test('a holder that takes a shard and cannot show it at once does not count, for all that it has acknowledged it', async () => {
  const { mesh, ids, holders, audit, health, round } = await menderMesh(10);
  const lost = mesh.node(holders[1]!);
  lost.shards.delete(ids[1]!);
  await audit(lost.peer, ids[1]!);
  const takers = mesh.nodes.filter((node) => node === lost || !holders.includes(node.peer));
  for (const node of takers) node.fault = 'forgets';
  expect(await round()).toBe(1);
  for (const node of takers) node.fault = 'boasts';
  expect(await health()).toMatchObject({ ok: 0, degraded: 1 });
});

test('one that acknowledges what it is given and proves nothing is not given the same shard in every round', async () => {
  const { mesh, ids, holders, stranger, health, round } = await menderMesh(10);
  mesh.node(holders[1]!).fault = 'dead';
  const spares = mesh.nodes.filter(({ peer }) => peer !== stranger.peer && !holders.includes(peer));
  expect(spares.length).toBe(3);
  for (const node of spares.slice(1)) node.fault = 'refuses';
  let rounds = 0;
  while ((await round()) > 0) expect(++rounds).toBeLessThanOrEqual(spares.length + 1);
  expect(spares[0]!.shards.has(ids[1]!)).toBe(true);
  // A copy of the manifest may have been with the dead node, and have gone to one that proves nothing.
  expect((await health()).stripes).toMatchObject({ spare2: 1 });
});

test('a shard that somebody has put anew where it failed is asked for there, and counts again', async () => {
  const { mesh, ids, holders, audit, round } = await menderMesh(10);
  const node = mesh.node(holders[1]!);
  const shard = node.shards.get(ids[1]!)!;
  node.shards.delete(ids[1]!);
  await audit(node.peer, ids[1]!);
  node.shards.set(ids[1]!, shard);
  for (let i = 0; i < 2; i++) expect(await round()).toBe(0);
});

test('what is lost is not read in vain, waits behind what can be saved, and is mended when a holder comes back', async () => {
  const { mesh, ids, holders, objectId, suspects, round } = await menderMesh(10);
  const back = mesh.node(holders[3]!);
  const shards = new Map(back.shards);
  for (const lost of holders.slice(1, 4)) for (const id of ids) mesh.node(lost!).shards.delete(id);
  const weak = 'ff'.repeat(32) as typeof objectId;
  suspects.suspect(weak, 0, true);
  const gets = () => mesh.nodes.reduce((sum, node) => sum + node.gets, 0);
  const before = gets();
  for (let i = 0; i < 3; i++) expect(await round()).toBe(0);
  expect(gets()).toBe(before);
  expect(suspects.damaged()).toEqual([objectId]);
  expect(suspects.due(Number.POSITIVE_INFINITY, 9)).toEqual([weak, objectId]);
  back.shards = shards;
  expect(await round()).toBe(2);
  expect(suspects.damaged()).toEqual([]);
});

const QUIET: Partial<CustodyClient> = {
  released: async () => [],
  moved: async () => [],
  unlease: async () => {},
};

test('two custodians that give no lease put repairs of the third off, and do not end them', async () => {
  const refuses = () => ({
    ...QUIET,
    lease: async (_: unknown, ids: readonly unknown[]) => ids.map(() => false),
  });
  const { mesh, ids, holders, pass, round } = await menderMesh(10, refuses);
  for (const lost of [holders[1]!, holders[2]!]) for (const id of ids) mesh.node(lost).shards.delete(id);
  expect(await round()).toBe(0);
  pass(59_000);
  expect(await round()).toBe(0);
  pass(2_000);
  expect(await round()).toBe(2);
  // Not once and for all: with the next loss they may be at work.
  for (const id of ids) mesh.node(holders[3]!).shards.delete(id);
  expect(await round()).toBe(0);
});

test('a custodian that keeps silent holds up one round of leases, and not each', async () => {
  const asked: string[] = [];
  const silent =
    (op: string) =>
    async (peer: PeerId): Promise<never> => {
      asked.push(`${op} ${peer}`);
      throw new DatameshError('timeout', { what: 'no answer' });
    };
  const { mesh, ids, holders, objectId, store, suspects, round } = await menderMesh(10, () => ({
    released: silent('released'),
    lease: silent('lease'),
    moved: silent('moved'),
    unlease: silent('unlease'),
  }));
  for (const id of ids) mesh.node(holders[1]!).shards.delete(id);
  for (let i = 0; i < 3; i++) expect(await round()).toBe(0);
  expect(asked).toHaveLength(2);
  expect(asked.every((it) => it.startsWith('released'))).toBe(true);
  expect(suspects.damaged()).toEqual([objectId]);
  expect(store.mark(objectId)?.state).toBe('live');
});

test('a custodian that has moved the shards whenever one looks keeps no other from healing', async () => {
  let told = 0;
  const { mesh, ids, holders, round } = await menderMesh(10, (store, objectId) => ({
    ...QUIET,
    async lease(_, asked) {
      store.claim([{ objectId, claims: [{ stripe: 0, index: 1, holder: `nobody ${told++}` as PeerId }] }]);
      return asked.map(() => true);
    },
  }));
  for (const lost of [holders[1]!, holders[2]!]) for (const id of ids) mesh.node(lost).shards.delete(id);
  expect(await round()).toBe(2);
  for (const id of ids) expect(mesh.nodes.some(({ shards }) => shards.has(id))).toBe(true);
});

test('what is lost while a repair is under way is mended next, not after the next census', async () => {
  let meanwhile = () => {};
  const { mesh, ids, holders, objectId, suspects, round } = await menderMesh(10, () => ({
    ...QUIET,
    async lease(_, asked) {
      meanwhile();
      return asked.map(() => true);
    },
  }));
  const lose = (at: number) => {
    for (const id of ids) mesh.node(holders[at]!).shards.delete(id);
  };
  lose(1);
  meanwhile = () => {
    lose(2);
    suspects.suspect(objectId, 0, true);
    meanwhile = () => {};
  };
  expect(await round()).toBe(1);
  expect(suspects.due(0, 9)).toEqual([objectId]);
  expect(await round()).toBe(1);
  expect(suspects.size).toBe(0);
});

test('a holder that goes before it is noted what it was given makes the object be looked at again', async () => {
  const { mesh, ids, holders, objectId, suspects, store, round } = await menderMesh(10);
  mesh.node(holders[1]!).fault = 'dead';
  // It shows the shard that it has taken, and is gone when the round ends.
  const reclaim = vi.spyOn(store, 'reclaim').mockImplementationOnce((moves) => {
    for (const { stripe, holder } of moves.flatMap(({ claims }) => claims))
      if (stripe === 0) mesh.node(holder).fault = 'dead';
    return store.claim(moves);
  });
  expect(await round()).toBeGreaterThan(0);
  expect(reclaim).toHaveBeenCalled();
  expect(suspects.due(Number.POSITIVE_INFINITY, 9)).toEqual([objectId]);
  expect(await round()).toBeGreaterThan(0);
  expect(ids.every((id) => mesh.nodes.some((it) => it.fault !== 'dead' && it.shards.has(id)))).toBe(true);
});

test('what has moved to a holder that goes before it is noted there is looked at again', async () => {
  const { mesh, ids, holders, objectId, stranger, suspects, store, round } = await menderMesh(10);
  const lost = mesh.node(holders[1]!);
  stranger.shards.set(ids[1]!, lost.shards.get(ids[1]!)!);
  lost.shards.delete(ids[1]!);
  vi.spyOn(store, 'reclaim').mockImplementationOnce((moves) => {
    stranger.fault = 'dead';
    return store.claim(moves);
  });
  expect(await round()).toBe(0);
  expect(suspects.due(Number.POSITIVE_INFINITY, 9)).toEqual([objectId]);
  expect(await round()).toBe(1);
  expect(suspects.size).toBe(0);
});

test('what other custodians tell while a repair is under way is not forgotten with its end', async () => {
  const { mesh, ids, holders, objectId, stranger, store, round } = await menderMesh(10);
  for (const id of ids) mesh.node(holders[1]!).shards.delete(id);
  const moved = { stripe: 0, index: 3, holder: stranger.peer };
  const rebuild = mesh.codec.rebuild.bind(mesh.codec);
  vi.spyOn(mesh.codec, 'rebuild').mockImplementationOnce((job) => {
    store.claim([{ objectId, claims: [moved] }]);
    return rebuild(job);
  });
  expect(await round()).toBe(1);
  expect(store.claims(objectId)).toContainEqual(moved);
  // Else nobody here is told when it goes.
  expect(store.heldBy(stranger.peer, undefined, 9)).toEqual([objectId]);
});

describe('a holder that keeps all of its shards but a chunk', () => {
  const KINDS = [
    ['gap', 'wrong'],
    ['gap-fetches', 'wrong'],
    ['gap-withholds', 'absent'],
  ] as const;

  test.each(KINDS)('is found by the first look, and its shard is made anew (%s)', async (fault, verdict) => {
    const { mesh, ids, holders, learnt, auditRound, health, round } = await menderMesh(10);
    const liar = mesh.node(holders[1]!);
    liar.fault = fault;
    expect(await health()).toMatchObject({ ok: 1 });
    const figures = await auditRound();
    expect(figures).toMatchObject({ challenges: 9, proved: 8 });
    expect(learnt).toEqual([`${liar.peer} ${verdict}`]);
    expect(await health()).toMatchObject({ ok: 0, degraded: 1 });
    expect(await round()).toBe(1);
    const whole = mesh.nodes.filter((node) => node !== liar && node.shards.has(ids[1]!));
    expect(whole).toHaveLength(1);
    for (let i = 0; i < 3; i++) expect(await round()).toBe(0);
    expect(await health()).toMatchObject({ ok: 1 });
    const proved = await health('proved');
    expect(proved).toMatchObject({ ok: 1, sums: { whole: 2, unchecked: 0, open: 0 } });
    expect(learnt.every((it) => it.startsWith(liar.peer))).toBe(true);
  });

  test('is found although nodes that have gone, or never were, are claimed to have its shard', async () => {
    const { mesh, ids, holders, store, objectId, learnt, auditRound, round } = await menderMesh(10);
    const liar = mesh.node(holders[1]!);
    liar.fault = 'gap';
    const nobody = [1, 2, 3].map((one) => `nobody ${one}` as PeerId);
    store.claim([{ objectId, claims: nobody.map((holder) => ({ stripe: 0, index: 1, holder })) }]);
    expect(await auditRound()).toMatchObject({ challenges: 9, proved: 8 });
    expect(learnt).toEqual([`${liar.peer} wrong`]);
    expect(await round()).toBe(1);
    expect(mesh.nodes.some((node) => node !== liar && node.shards.has(ids[1]!))).toBe(true);
  });

  test('is found by a verification, and no proof of another chunk makes it whole', async () => {
    const { mesh, ids, holders, audit, health } = await menderMesh(10);
    const liar = mesh.node(holders[2]!);
    liar.fault = 'gap';
    for (const depth of ['proved', 'asked', 'proved', 'asked'] as const) {
      expect(await health(depth)).toMatchObject({ ok: 0, degraded: 1, lost: 0 });
      await audit(liar.peer, ids[2]!);
    }
    liar.fault = undefined;
    expect(await health()).toMatchObject({ ok: 0 });
    expect(await health('proved')).toMatchObject({ ok: 1, sums: { whole: 2 } });
    expect(await health()).toMatchObject({ ok: 1 });
  });

  test.each(KINDS)(
    'is found as well as m others that lack the same: the stripe is lost, and is said to be (%s)',
    async (fault) => {
      const { mesh, holders, learnt, auditRound, health } = await menderMesh(10);
      const liars = holders.slice(1, 4).map((holder) => holder!);
      for (const liar of liars) mesh.node(liar).fault = fault;
      await auditRound();
      expect(new Set(learnt.map((it) => it.split(' ')[0]))).toEqual(new Set(liars));
      expect(await health()).toMatchObject({ ok: 0, lost: 1 });
      expect(await health('proved')).toMatchObject({ ok: 0, lost: 1 });
      expect(new Set(learnt.map((it) => it.split(' ')[0]))).toEqual(new Set(liars));
    },
  );

  test('passes as before where it says that it knows no sums, and the others are compared without it', async () => {
    const { mesh, holders, learnt, health } = await menderMesh(10);
    mesh.node(holders[1]!).fault = 'gap-older';
    mesh.node(holders[2]!).fault = 'gap';
    const report = await health('proved');
    expect(report.sums).toEqual({ whole: 2, unchecked: 0, open: 0 });
    expect(new Set(learnt.map((it) => it.split(' ')[0]))).toContain(holders[2]);
    for (const older of [holders[3]!, holders[4]!]) mesh.node(older).fault = 'gap-older';
    // Three of six are too few for 4+2; of the manifest's copies there may be too few as well.
    expect((await health('proved')).sums?.unchecked).toBeGreaterThanOrEqual(1);
  });
});

function proofsOf({ nodes }: { nodes: readonly { proofs: number }[] }): number {
  return nodes.reduce((sum, { proofs }) => sum + proofs, 0);
}

describe('what is looked at now, by the notes alone', () => {
  const limits = { graceMs: 900_000, settleMs: 10_000, turnMs: 30_000, urgentTurnMs: 5_000 };
  const now = () => performance.now();

  test('a loss waits for its time and for the custodians before this one', async () => {
    const { mesh, holders, suspects, objectId, triage, pass } = await menderMesh(10);
    suspects.suspect(objectId, now());
    // Suspected by a census, with nothing known to be lost: that is what a look is for.
    expect(triage(1, limits)).toBe(true);
    mesh.node(holders[4]!).fault = 'dead';
    suspects.suspect(objectId, now(), true);
    expect(triage(0, limits)).toBe(false);
    expect([suspects.due(now(), 9), suspects.due(now() + 10_000, 9)]).toEqual([[], [objectId]]);
    expect(triage(1, limits)).toBe(false);
    expect([suspects.due(now() + 30_000, 9), suspects.due(now() + 40_000, 9)]).toEqual([[], [objectId]]);
    mesh.node(holders[5]!).fault = 'dead';
    suspects.suspect(objectId, now(), true);
    expect(suspects.due(now(), 9)).toEqual([objectId]);
    expect(triage(1, limits)).toBe(false);
    expect(suspects.due(now() + 5_000, 9)).toEqual([objectId]);
    // A custodian before this one is gone.
    suspects.wake(now());
    expect(triage(0, limits)).toBe(true);
    pass(5_000);
    expect(triage(1, limits)).toBe(true);
    expect(suspects.damaged()).toEqual([]);
  });

  test('what only seemed to be lost, as others have its shards, comes after what is weaker', async () => {
    const { suspects, objectId, triage } = await menderMesh(10);
    const weaker = 'ff'.repeat(32) as typeof objectId;
    suspects.suspect(objectId, now(), true);
    suspects.suspect(objectId, now(), true);
    suspects.suspect(weaker, now(), true);
    expect(suspects.due(now(), 9)).toEqual([objectId, weaker]);
    expect(triage(0, limits)).toBe(false);
    expect(suspects.due(now(), 9)).toEqual([weaker, objectId]);
    expect(triage(0, limits)).toBe(true);
  });

  test('what may wait for long is looked at all the same, as there may be more of it than is noted', async () => {
    const { mesh, holders, suspects, objectId, triage, pass } = await menderMesh(10);
    mesh.node(holders[4]!).fault = 'dead';
    suspects.suspect(objectId, now(), true);
    expect(triage(2, { ...limits, settleMs: 600_000 })).toBe(false);
    pass(90_000);
    expect(triage(2, { ...limits, settleMs: 600_000 })).toBe(true);
  });
});
