import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { createCodecPool } from '../../../src/engine/codec/codec-pool.ts';
import { SlotUpkeep } from '../../../src/engine/codec/slot-upkeep.ts';
import { type Slot, StripeSlots } from '../../../src/engine/codec/stripe-slots.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { pattern } from './reference.ts';

const MIB = 1024 * 1024;
const WINDOW_MS = 300_000;

function slotsWithUpkeep() {
  const clock = manualClock();
  const upkeep = new SlotUpkeep(clock, (keep) => void slots.trimTo(keep));
  const slots: StripeSlots = new StripeSlots({ lent: (count) => upkeep.lent(count) });
  /** So many at a time, for so long. */
  const use = async (count: number, ms: number, bytes = MIB) => {
    const lent: Slot[] = Array.from({ length: count }, () => slots.lend(bytes)!);
    await clock.advance(ms);
    for (const slot of lent) slot.giveBack();
  };
  return { clock, slots, use };
}

describe('slots that are hardly used', () => {
  it('are let go five to ten minutes after a large put, and all of them when nothing uses one any more', async () => {
    const { clock, slots, use } = slotsWithUpkeep();
    await use(6, 20_000);
    await clock.advance(WINDOW_MS);
    expect(slots.totalBytes).toBeGreaterThan(6 * MIB);
    await clock.advance(2 * WINDOW_MS);
    expect(slots.totalBytes).toBe(0);
  });

  it('stay when up to three are used now and then; the largest of the others go first', async () => {
    const { clock, slots, use } = slotsWithUpkeep();
    await use(2, 10, 4 * MIB);
    await use(6, 1_000);
    for (let i = 0; i < 10; i++) {
      await clock.advance(WINDOW_MS);
      await use(3, 10);
    }
    expect(slots.totalBytes).toBeGreaterThan(3 * MIB);
    expect(slots.totalBytes).toBeLessThan(4 * MIB);
  });

  it('stay when they are used for a hundredth of the time', async () => {
    const { clock, slots, use } = slotsWithUpkeep();
    for (let i = 0; i < 120; i++) {
      await use(5, 200);
      await clock.advance(9_800);
    }
    expect(slots.totalBytes).toBeGreaterThan(5 * MIB);
  });

  it('stay while they are lent, however long', async () => {
    const { clock, slots } = slotsWithUpkeep();
    const slot = slots.lend(MIB)!;
    await clock.advance(5 * WINDOW_MS);
    expect(slots.lentCount).toBe(1);
    slot.giveBack();
    await clock.advance(3 * WINDOW_MS);
    expect(slots.totalBytes).toBe(0);
  });
});

it('a pool that has let slots go lets their workers go, and has new ones for the next stripe', async () => {
  const clock = manualClock();
  const workers: Worker[] = [];
  const file = new URL('../../../src/engine/codec/codec-worker.ts', import.meta.url);
  const spawn = () => workers[workers.push(new Worker(file)) - 1]!;
  const pool = createCodecPool({ workers: 1, clock, spawn });
  const encode = async () => {
    const job = { code: { k: 4, m: 2 }, fileKey: pattern(32, 1), chunkIndex: 0, last: true };
    const stripe = await pool.encode({ ...job, plaintext: pattern(300_000, 1) });
    const ids = [...stripe.ids];
    stripe.release();
    return ids;
  };
  const ids = await encode();
  expect(workers).toHaveLength(1);
  const ended = once(workers[0]!, 'exit');
  await clock.advance(3 * WINDOW_MS);
  await ended;
  expect(await encode()).toEqual(ids);
  expect(workers).toHaveLength(2);
  await pool.close();
});
