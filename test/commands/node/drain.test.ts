import { expect, it } from 'vitest';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { drainView } from '../../support/fake-figures.ts';
import { runLine, testHost } from '../../support/host.ts';

it('starts, tells or takes back, and a dry run only tells', async () => {
  const engine = createFakeEngine({});
  const asked: string[] = [];
  engine.drain = async ({ action }) => {
    asked.push(action);
    return drainView(action);
  };
  const host = testHost({ engine });
  expect(await runLine(host, 'drain')).toBe(0);
  expect(host.seen.records[0]).toMatchObject({ state: 'done', shardsLeft: 0, shardsDropped: 12 });
  for (const option of ['--status', '--cancel', '--dry-run'])
    expect(await runLine(testHost({ engine }), 'drain', option)).toBe(0);
  expect(asked).toEqual(['start', 'status', 'cancel', 'status']);
  expect(await runLine(testHost({ engine }), 'drain', '--status', '--cancel')).toBe(2);
  expect(asked).toHaveLength(4);
});

it('ends with 3 and says why while shards are left', async () => {
  const engine = createFakeEngine({});
  const reasons = ['shards spread over 6 places (4+2) by node: 5 other nodes take shards of that owner'];
  for (const state of ['stuck', 'running', 'done'] as const) {
    engine.drain = async () => ({ ...drainView('start'), state, shardsLeft: 4, blocked: 4, reasons });
    const host = testHost({ engine });
    expect(await runLine(host, 'drain')).toBe(3);
    expect(host.seen.notes).toEqual(reasons);
  }
});

it('ends with 3 when somebody cancelled it: a script must not take the node for an empty one', async () => {
  const engine = createFakeEngine({});
  engine.drain = async () => ({ ...drainView('start'), state: 'off', shardsLeft: 4 });
  const host = testHost({ engine });
  expect(await runLine(host, 'drain')).toBe(3);
  expect(host.seen.warnings.join()).toContain('cancelled meanwhile');
  expect(await runLine(testHost({ engine }), 'drain', '--cancel')).toBe(0);
});
