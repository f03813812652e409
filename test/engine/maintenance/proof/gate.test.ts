import { expect, test } from 'vitest';
import { nextTurn } from '../../../../src/engine/effects/turn.ts';
import { ProofGate } from '../../../../src/engine/maintenance/proof/gate.ts';
import type { PeerId } from '../../../../src/engine/types.ts';
import { manualClock } from '../../../support/manual-clock.ts';

const [a, b] = ['a', 'b'] as PeerId[] as [PeerId, PeerId];
const MIB = 1024 * 1024;
/** Stands for a shard of that many MiB: only its length is looked at. */
const shardOf = async (mib: number) => ({ length: mib * MIB }) as Uint8Array;

test('questions are answered one at a time, in order', async () => {
  const gate = new ProofGate(manualClock());
  let running = 0;
  let most = 0;
  const order: number[] = [];
  await Promise.all(
    [0, 1, 2, 3].map((n) =>
      gate.run(`peer ${n}` as PeerId, async () => {
        most = Math.max(most, ++running);
        await nextTurn();
        order.push(n);
        running--;
      }),
    ),
  );
  expect(most).toBe(1);
  expect(order).toEqual([0, 1, 2, 3]);
});

test('a third question of the same asker is refused while two wait, and a failed one leaves no trace', async () => {
  const gate = new ProofGate(manualClock());
  const failing = gate.run(a, async () => {
    throw new Error('no');
  });
  const second = gate.run(a, async () => 2);
  await expect(gate.run(a, async () => 3)).rejects.toMatchObject({ code: 'denied' });
  expect(await gate.run(b, async () => 4)).toBe(4);
  await expect(failing).rejects.toThrow('no');
  expect(await second).toBe(2);
  expect(await gate.run(a, async () => 5)).toBe(5);
});

test('a question for more bytes than one may cost is refused', async () => {
  const gate = new ProofGate(manualClock());
  const many = gate.run(a, async (metered) => {
    for (let i = 0; i < 5; i++) await metered(shardOf(60));
  });
  await expect(many).rejects.toMatchObject({ code: 'denied' });
});

test('an asker that has used its share waits for its answer, and others do not wait with it', async () => {
  const clock = manualClock();
  const gate = new ProofGate(clock);
  const ask = (peer: PeerId) =>
    gate.run(peer, async (metered) => {
      for (let i = 0; i < 4; i++) await metered(shardOf(60));
      return clock.monotonic();
    });
  // Its first GiB at once; all askers together have no more than that at once either.
  for (let i = 0; i < 4; i++) await ask(a);
  clock.advance(1000);
  let doneMs: number | undefined;
  const greedy = ask(a).then(() => {
    doneMs = clock.monotonic();
  });
  for (let i = 0; i < 10; i++) await nextTurn();
  const other = gate.run(b, async (metered) => (await metered(shardOf(1))).length);
  expect(await other).toBe(MIB);
  expect(doneMs).toBeUndefined();
  for (let i = 0; i < 100 && doneMs === undefined; i++) {
    clock.advance(50);
    for (let turn = 0; turn < 3; turn++) await nextTurn();
  }
  await greedy;
  // 1200 MiB in all, 1024 of them free: 176 MiB at 64 MiB a second.
  expect(doneMs).toBeGreaterThanOrEqual(2700);
  expect(doneMs).toBeLessThanOrEqual(2900);
});
