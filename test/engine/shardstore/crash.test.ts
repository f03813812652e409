/**
 * Every prefix of the effects of a recorded workload is a point where the machine stops, in many ways each; the store
 * is opened on what is left. CRASH_STATES=100000 for the long run (npm run test:crash).
 */
import { describe, expect, it } from 'vitest';
import { checkCrashes, recordWorkload } from './crash-support.ts';

const STATES = Number(process.env.CRASH_STATES ?? 3000);
const TIME_MS = 20_000 + STATES * 20;

describe('a machine that stops', () => {
  it.each([
    { name: 'with an index that checkpoints', index: 'snapshot', faults: false },
    { name: 'with an index lost each time', index: 'none', faults: false },
    { name: 'with a disk that also fails writes and syncs', index: 'snapshot', faults: true },
  ] as const)(
    'loses nothing that was acknowledged: $name',
    { timeout: TIME_MS },
    async ({ index, faults }) => {
      const total = {
        states: 0,
        recoveries: 0,
        acknowledged: 0,
        refused: 0,
        segmentsRemoved: 0,
        overlaps: 0,
      };
      const wanted = Math.ceil(STATES / 3);
      for (let seed = 1; total.states < wanted; seed++) {
        const run = await recordWorkload({ seed, index, faults, operations: 120 });
        const outcome = await checkCrashes(run, { maxStates: wanted - total.states, statesPerPrefix: 2 });
        total.states += outcome.states;
        total.recoveries += outcome.stoppedRecoveries;
        total.acknowledged += run.figures.acknowledged;
        total.refused += run.figures.refused;
        total.segmentsRemoved += run.figures.segmentsRemoved;
        total.overlaps += run.figures.overlaps;
      }
      // The workload must have reached what it is meant to test.
      expect(total.states).toBe(wanted);
      expect(total.recoveries).toBeGreaterThan(wanted / 10);
      expect(total.acknowledged).toBeGreaterThan(faults ? 50 : 100);
      expect(total.segmentsRemoved).toBeGreaterThan(0);
      expect(total.overlaps).toBeGreaterThan(30);
      if (faults) expect(total.refused).toBeGreaterThan(10);
    },
  );
});
