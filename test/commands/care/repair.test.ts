import { expect, it } from 'vitest';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { runLine, testHost } from '../../support/host.ts';

const objects = [{ name: 'box/a', content: 'a' }];

it('changes nothing unless it is told to, and tells what is damaged by words and by exit status', async () => {
  const engine = createFakeEngine({ objects });
  const host = testHost({ engine });
  expect(await runLine(host, 'repair')).toBe(3);
  expect(host.seen.records[0]).toMatchObject({ applied: false, shardsMissing: 4, shardsRebuilt: 0 });
  expect(host.seen.notes.join('\n')).toMatch(
    /photo\.jpg, stripe 1: 2 missing \(spare 0\)\na\.txt, manifest: 1 misplaced/,
  );
  expect(await runLine(testHost({ engine }), 'repair', '--apply')).toBe(0);
  expect(await runLine(testHost({ engine }), 'repair', 'nothing')).toBe(8);
  expect(await runLine(testHost({ engine }), 'repair', '--plan', '--apply')).toBe(2);
});

it('passes on what is asked for, and a lost stripe is exit 7', async () => {
  const engine = createFakeEngine({ objects });
  const report = await engine.repair({});
  const asked: unknown[] = [];
  engine.repair = async (query) => {
    asked.push(query);
    return { ...report, applied: true, shardsUnplaced: 1 };
  };
  expect(await runLine(testHost({ engine }), 'repair', '--fix-corrupted')).toBe(3);
  expect(
    await runLine(testHost({ engine }), 'repair', 'box/a', '--check-integrity', '--pool', 'default'),
  ).toBe(3);
  expect(asked).toEqual([
    { ref: undefined, pool: undefined, apply: true, checkIntegrity: true },
    { ref: 'box/a', pool: 'default', apply: false, checkIntegrity: true },
  ]);
  engine.repair = async () => ({ ...report, stripesLost: 1 });
  expect(await runLine(testHost({ engine }), 'repair', '--apply')).toBe(7);
});
