import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { DamageList } from '../../../src/engine/maintenance/damage-list.ts';
import { LANES, MendLanes } from '../../../src/engine/maintenance/mend-lanes.ts';
import type { ObjectId } from '../../../src/engine/types.ts';

const [large, small] = LANES as [(typeof LANES)[number], (typeof LANES)[number]];
const idOf = (at: number) => `object ${at}` as ObjectId;

/** Lanes whose mends end when the test says so. */
function lanesOf(
  suspects: DamageList,
  triage: (id: ObjectId) => boolean = () => true,
  nowMs: () => number = () => 0,
) {
  const batches: { ids: readonly ObjectId[]; ended: boolean; end(): void }[] = [];
  const lanes = new MendLanes({
    suspects,
    nowMs,
    triage,
    mend: (ids) =>
      new Promise((resolve) => {
        for (const id of ids) suspects.look(id, 0);
        batches.push({
          ids,
          ended: false,
          end() {
            this.ended = true;
            for (const id of ids) suspects.whole(id);
            resolve({ looked: ids.length, repaired: 0, trafficBytes: 0, shards: 0 });
          },
        });
      }),
    mended: () => {},
    stopped: () => false,
    pause: async () => {},
  });
  return { lanes, batches };
}

test('what becomes weak while a large batch is mended is in the next small one; nothing is in two hands', async () => {
  const suspects = new DamageList();
  for (let at = 0; at < 1_000; at++) suspects.suspect(idOf(at), 0, true);
  const { lanes, batches } = lanesOf(suspects);
  const both = [lanes.run(large), lanes.run(small)];
  expect(batches.map(({ ids }) => ids.length)).toEqual([large.objects, small.objects]);
  // One in hand, one not.
  for (const at of [3, 999]) suspects.suspect(idOf(at), 0, true);
  batches[1]!.end();
  await turn();
  expect(batches[2]!.ids[0]).toBe(idOf(999));
  expect(batches[2]!.ids).not.toContain(idOf(3));
  while (suspects.size > 0) {
    const open = batches.filter(({ ended }) => !ended);
    const inHand = open.flatMap(({ ids }) => ids);
    expect(new Set(inHand).size).toBe(inHand.length);
    for (const batch of open) batch.end();
    await turn();
  }
  await Promise.all(both);
});

test('what is left to others is not looked at, and does not make the batch smaller', async () => {
  const suspects = new DamageList();
  for (let at = 0; at < 3 * small.objects; at++) suspects.suspect(idOf(at), 0, true);
  const { lanes, batches } = lanesOf(suspects, (id) => {
    const isOthers = Number(id.slice('object '.length)) % 3 > 0;
    if (isOthers) suspects.leaveUntil(id, 1_000);
    return !isOthers;
  });
  const run = lanes.run(small);
  expect(batches[0]!.ids.length).toBe(small.objects);
  batches[0]!.end();
  await run;
  expect([batches.length, suspects.size, suspects.due(1_000, 1_000).length]).toEqual([
    1,
    2 * small.objects,
    2 * small.objects,
  ]);
});

test('what no note tells of is looked at after some minutes, a few at a time, however much else there is to mend', async () => {
  const suspects = new DamageList();
  let now = 0;
  for (let at = 0; at < 2_000; at++) suspects.suspect(idOf(at), now, at >= 100);
  const { lanes, batches } = lanesOf(suspects, undefined, () => now);
  const runs = [lanes.run(large), lanes.run(small)];
  const unknown = (ids: readonly ObjectId[]) => ids.filter((id) => Number(id.slice('object '.length)) < 100);
  expect(batches.map(({ ids }) => unknown(ids).length)).toEqual([0, 0]);
  now = 300_000;
  for (const batch of [...batches]) batch.end();
  await turn();
  const [, , first, second] = batches;
  expect([first, second].map((it) => [it!.ids.length, unknown(it!.ids).length])).toEqual([
    [large.objects, large.objects / 16],
    [small.objects, 0],
  ]);
  while (suspects.size > 0) {
    for (const batch of batches.filter(({ ended }) => !ended)) batch.end();
    await turn();
  }
  await Promise.all(runs);
});
