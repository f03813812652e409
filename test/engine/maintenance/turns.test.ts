import { describe, expect, it } from 'vitest';
import { leftMs, leftUnseenMs } from '../../../src/engine/maintenance/turns.ts';

const limits = { graceMs: 900_000, settleMs: 10_000, turnMs: 30_000, urgentTurnMs: 5_000 };

describe('how long a custodian leaves damage to those before it', () => {
  const slight = { spare: 1, graceMs: 10_000, toldAgoMs: 0 };
  const urgent = { spare: 0, graceMs: 0 };

  it('is a turn for each of them after the grace that all wait', () => {
    expect([0, 1, 2].map((turn) => leftMs({ ...slight, turn, ageMs: 4_000 }, limits))).toEqual([
      6_000, 36_000, 66_000,
    ]);
  });

  it('is short where the next loss would destroy data, and counts from the loss that made it so', () => {
    expect(leftMs({ ...urgent, turn: 0, ageMs: 0, toldAgoMs: 0 }, limits)).toBeLessThanOrEqual(0);
    expect(leftMs({ ...urgent, turn: 1, ageMs: 25_000, toldAgoMs: 1_000 }, limits)).toBe(4_000);
    expect(leftMs({ ...urgent, turn: 2, ageMs: 25_000, toldAgoMs: 1_000 }, limits)).toBe(9_000);
  });

  it('ends however often more is told to be lost', () => {
    expect(leftMs({ ...urgent, turn: 1, ageMs: 30_000, toldAgoMs: 0 }, limits)).toBe(0);
  });

  it('has no rest too small for the clock', () => {
    const nowMs = 135_170.910_554_746_98;
    const left = leftMs({ ...slight, turn: 1, ageMs: 40_000 - 1e-11 }, limits);
    expect(nowMs + left).toBeGreaterThan(nowMs);
  });

  it('goes by what is known to be lost where nothing was looked at yet', () => {
    const known = { ageMs: 0, toldAgoMs: 0 };
    expect(leftUnseenMs({ ...known, losses: 1 }, 1, 2, limits)).toBe(40_000);
    expect(leftUnseenMs({ ...known, losses: 2 }, 1, 2, limits)).toBe(5_000);
    expect(leftUnseenMs({ ...known, losses: 1 }, 1, 6, limits)).toBe(930_000);
  });
});
