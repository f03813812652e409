import { expect, it } from 'vitest';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { cleanupReport } from '../../support/fake-figures.ts';
import { runLine, testHost } from '../../support/host.ts';

it('collects orphans, gives copies back only when asked to, and says what was done, where and why something waits', async () => {
  const engine = createFakeEngine({});
  const asked: unknown[] = [];
  engine.cleanup = async (query) => {
    asked.push(query);
    return cleanupReport(query);
  };
  const host = testHost({ engine });
  expect(await runLine(host, 'cleanup')).toBe(3);
  expect(host.seen.records[0]).toMatchObject({
    marked: 2,
    swept: 1,
    sweptBytes: 4096,
    released: null,
    epoch: 7,
  });
  expect(host.seen.notes.join('\n')).toMatch(
    /alpha: 3 orphans; marked 2, swept 1\nbeta did not answer: timeout/,
  );
  expect(await runLine(testHost({ engine }), 'cleanup', '--duplicates')).toBe(0);
  expect(await runLine(testHost({ engine }), 'cleanup', '--orphaned', '--dry-run')).toBe(3);
  expect(asked).toEqual([
    { orphaned: true, duplicates: false, dryRun: false },
    { orphaned: false, duplicates: true, dryRun: false },
    { orphaned: true, duplicates: false, dryRun: true },
  ]);
});

it('says so when what is live is not known for sure', async () => {
  const engine = createFakeEngine({});
  engine.cleanup = async (query) => {
    const report = cleanupReport(query);
    return {
      ...report,
      orphaned: { ...report.orphaned!, holders: [], blocked: ['a manifest cannot be read'] },
    };
  };
  const host = testHost({ engine });
  expect(await runLine(host, 'cleanup', '--orphaned')).toBe(3);
  expect(host.seen.notes).toContain('nothing was marked or swept: a manifest cannot be read');
});
