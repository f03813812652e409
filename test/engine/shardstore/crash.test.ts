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
      let states = 0;
      let recoveries = 0;
      for (let seed = 1; states < STATES / 3; seed++) {
        const run = await recordWorkload({ seed, index, faults, operations: 120 });
        // The workload must reach what it is meant to test.
        expect(run.figures.acknowledged).toBeGreaterThan(faults ? 20 : 100);
        expect(run.figures.segmentsRemoved).toBeGreaterThan(faults ? -1 : 0);
        if (faults) expect(run.figures.refused).toBeGreaterThan(5);
        const outcome = await checkCrashes(run, {
          maxStates: Math.ceil(STATES / 3) - states,
          statesPerPrefix: 2,
        });
        states += outcome.states;
        recoveries += outcome.stoppedRecoveries;
      }
      expect(states).toBeGreaterThanOrEqual(Math.floor(STATES / 3));
      expect(recoveries).toBeGreaterThan(0);
    },
  );
});
