import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  faded,
  HALF_LIFE_MS,
  isQuarantined,
  NEUTRAL_SCORE,
  type ObservationKind,
  observed,
  QUARANTINE_SCORE,
  type Standing,
  stranger,
} from '../../../src/engine/mesh/reputation.ts';

const BAD: ObservationKind[] = ['slow', 'timeout', 'unreachable', 'wrong-bytes', 'refused', 'flood'];
const kind = fc.constantFrom<ObservationKind>('ok', ...BAD);
const step = fc.record({ kind, gapMs: fc.nat({ max: 2 * HALF_LIFE_MS }) });
const standing = fc.record({
  score: fc.double({ min: 0, max: 100, noNaN: true }),
  lies: fc.double({ min: 0, max: 50, noNaN: true }),
  atMs: fc.constant(0),
});

function after(steps: readonly { kind: ObservationKind; gapMs: number }[], start = stranger(0)): Standing {
  return steps.reduce((it, { kind, gapMs }) => observed(it, kind, it.atMs + gapMs), start);
}

test('whatever is observed, the score stays within 0 and 100', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { score, lies } = after(steps);
      expect(score).toBeGreaterThanOrEqual(0);
      expect(score).toBeLessThanOrEqual(100);
      expect(lies).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('a good observation never lowers it, a bad one never raises it', () => {
  fc.assert(
    fc.property(standing, fc.constantFrom(...BAD), (it, bad) => {
      expect(observed(it, 'ok', 0).score).toBeGreaterThanOrEqual(it.score);
      expect(observed(it, bad, 0).score).toBeLessThanOrEqual(it.score);
    }),
  );
});

test('with one good answer in the place of a bad one a peer never ends lower', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), fc.nat(), (steps, at) => {
      const better = steps.map((one, i) => (i === at % steps.length ? { ...one, kind: 'ok' as const } : one));
      expect(after(better).score).toBeGreaterThanOrEqual(after(steps).score - 1e-9);
    }),
  );
});

test('merit and guilt fade to neutral: half in one half-life, and never past it', () => {
  fc.assert(
    fc.property(standing, fc.nat({ max: 100 * HALF_LIFE_MS }), (it, passedMs) => {
      const half = faded(it, HALF_LIFE_MS);
      expect(half.score - NEUTRAL_SCORE).toBeCloseTo((it.score - NEUTRAL_SCORE) / 2, 9);
      expect(half.lies).toBeCloseTo(it.lies / 2, 9);
      const later = faded(it, passedMs).score - NEUTRAL_SCORE;
      expect(later * (it.score - NEUTRAL_SCORE)).toBeGreaterThanOrEqual(0);
      expect(Math.abs(later)).toBeLessThanOrEqual(Math.abs(it.score - NEUTRAL_SCORE) + 1e-9);
    }),
  );
  expect(faded({ score: 0, lies: 9, atMs: 0 }, 30 * HALF_LIFE_MS).score).toBeCloseTo(NEUTRAL_SCORE, 3);
});

test('fading in two steps is fading in one', () => {
  fc.assert(
    fc.property(standing, fc.nat({ max: HALF_LIFE_MS }), fc.nat({ max: HALF_LIFE_MS }), (it, a, b) => {
      expect(faded(faded(it, a), a + b).score).toBeCloseTo(faded(it, a + b).score, 9);
    }),
  );
});

test('a liar is quarantined by its second lie as a stranger, by its third whatever its merit', () => {
  const lie = { kind: 'wrong-bytes' as const, gapMs: 10 };
  expect(isQuarantined(after([lie]), false)).toBe(false);
  expect(after([lie, lie]).score).toBeLessThan(QUARANTINE_SCORE);
  const saint: Standing = { score: 100, lies: 0, atMs: 0 };
  expect(isQuarantined(after([lie, lie, lie], saint), false)).toBe(true);
});

test('good answers between its lies do not keep a liar out of quarantine', () => {
  const good = Array.from({ length: 500 }, () => ({ kind: 'ok' as const, gapMs: 1 }));
  const lie = { kind: 'wrong-bytes' as const, gapMs: 1 };
  const it = after([...good, lie, ...good, lie, ...good, lie, ...good]);
  expect(it.score).toBeGreaterThan(90);
  expect(isQuarantined(it, false)).toBe(true);
});

test('what an honest peer can suffer never quarantines it, however long', () => {
  const honest = fc.constantFrom<ObservationKind>('unreachable', 'slow', 'refused');
  fc.assert(
    fc.property(fc.array(honest, { minLength: 500, maxLength: 800 }), (kinds) => {
      expect(isQuarantined(after(kinds.map((one) => ({ kind: one, gapMs: 0 }))), false)).toBe(false);
    }),
    { numRuns: 20 },
  );
});

test('a quarantined peer comes out within three half-lives, not at once', () => {
  const worst: Standing = { score: 0, lies: 4, atMs: 0 };
  expect(isQuarantined(worst, false)).toBe(true);
  expect(isQuarantined(faded(worst, HALF_LIFE_MS / 2), true)).toBe(true);
  expect(isQuarantined(faded(worst, 3 * HALF_LIFE_MS), true)).toBe(false);
});
