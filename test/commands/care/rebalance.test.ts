import { expect, it } from 'vitest';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { fakeRebalance } from '../../support/fake-rebalance.ts';
import { runLine, testHost } from '../../support/host.ts';

it('plans by default, says who carries how much, and applies when told to', async () => {
  const engine = createFakeEngine({});
  const asked: unknown[] = [];
  engine.rebalance = async (query) => {
    asked.push(query);
    return fakeRebalance(query.apply === true);
  };
  const host = testHost({ engine });
  expect(await runLine(host, 'rebalance')).toBe(0);
  expect(host.seen.records[0]).toMatchObject({
    applied: false,
    moves: 30,
    moved: 0,
    farthest: 1,
    durationMs: 1235,
  });
  expect(host.seen.notes.join('\n')).toMatch(
    /birch: 40 shards \(40\.0 MiB\), then 30 \(30\.0 MiB\); fair 30\.0 MiB/,
  );
  expect(host.seen.notes.join('\n')).toMatch(/2 stripes are left alone/);
  expect(await runLine(host, 'rebalance', 'plan', '--pool', 'archive', '--tolerance', '5')).toBe(0);
  // One shard could not be moved.
  expect(await runLine(host, 'rebalance', 'apply', '--rate', '4MiB')).toBe(3);
  expect(await runLine(host, 'rebalance', 'apply', '--dry-run')).toBe(0);
  const tolerance = 0.1;
  expect(asked).toEqual([
    { apply: false, tolerance },
    { pool: 'archive', apply: false, tolerance: 0.05 },
    { apply: true, tolerance, bytesPerSecond: 4 * 1024 * 1024 },
    { apply: false, tolerance, bytesPerSecond: 32 * 1024 * 1024 },
  ]);
  await expect(runLine(host, 'rebalance', 'plan', '--tolerance', '101')).rejects.toThrow(/at most 100/);
});
