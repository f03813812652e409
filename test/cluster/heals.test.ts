/**
 * The mesh heals itself: processes are killed and their disks wiped one after another, and everything stays readable and becomes whole again, also while the
 * owner's node is off. A short sample in every run; the measured one with `npm run test:heals`.
 */
import { expect, test } from 'vitest';
import { type HealRun, healRun } from '../support/heal-run.ts';

const LONG = process.env.HEAL_MINUTES !== undefined;
const minutes = Number(process.env.HEAL_MINUTES ?? 0);
const everyMs = Number(process.env.HEAL_EVERY_SECONDS ?? 30) * 1000;
const run: HealRun = LONG
  ? {
      nodes: Number(process.env.HEAL_NODES ?? 12),
      objects: Number(process.env.HEAL_OBJECTS ?? 10_000),
      kills: Math.floor((minutes * 60_000) / everyMs),
      everyMs,
      wholeWithinMs: 120_000,
      maxBytes: 2_000_000,
      log: (text) => process.stdout.write(`${new Date().toISOString()} ${text}\n`),
    }
  : {
      nodes: 8,
      objects: 200,
      kills: 3,
      everyMs: 12_000,
      wholeWithinMs: 60_000,
      maxBytes: 600_000,
      log: (text) => process.env.HEAL_LOG && process.stdout.write(`${text}\n`),
    };
const ownerOff = process.env.HEAL_OWNER_OFF === '1';
const TEST_MS = 1_200_000 + minutes * 60_000;

test.skipIf(LONG && ownerOff)(
  `${run.kills} of ${run.nodes} nodes lose their disks while the owner reads: nothing is lost, and all is whole again`,
  async () => {
    const { reads, readsFailed, wholeAfterMs, health, lost, differs } = await healRun(run);
    run.log(`${reads} reads, ${readsFailed.length} failed; whole after ${wholeAfterMs} ms`);
    // 99.99 % of them: in a short run, all.
    expect(readsFailed.length, readsFailed.slice(0, 5).join('\n')).toBeLessThanOrEqual(
      Math.floor(reads / 10_000),
    );
    expect(lost).toEqual([]);
    expect(differs).toEqual([]);
    expect(health).toMatchObject({ ok: run.objects, lost: 0 });
    expect(wholeAfterMs).toBeLessThan(run.wholeWithinMs);
  },
  TEST_MS,
);

test.skipIf(LONG && !ownerOff)(
  `the same while the owner’s node is off`,
  async () => {
    const ownerOffForMs = LONG ? 60_000 : 18_000;
    const short = { nodes: 7, objects: 60, kills: 1 };
    const { wholeAfterMs, health, lost, differs } = await healRun({
      ...run,
      ...(LONG ? {} : short),
      ownerOffForMs,
    });
    run.log(`whole after ${wholeAfterMs} ms`);
    expect(lost).toEqual([]);
    expect(differs).toEqual([]);
    expect(health).toMatchObject({ ok: health.objects, lost: 0 });
    expect(wholeAfterMs).toBeLessThan(run.wholeWithinMs);
  },
  TEST_MS,
);
