import { expect, it } from 'vitest';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { runLine, testHost } from '../../support/host.ts';

it('lists jobs, and those that run alone', async () => {
  const host = testHost({ engine: createFakeEngine({}) });
  expect(await runLine(host, 'jobs')).toBe(0);
  expect(host.seen.records).toMatchObject([
    { id: 'j1', verb: 'put', state: 'running', share: 0.25, doneItems: null },
    { id: 'j2', verb: 'get', state: 'failed', error: 'stripe 10 has 3 of the 4 shards it needs' },
  ]);
  const running = testHost({ engine: createFakeEngine({}) });
  expect(await runLine(running, 'jobs', 'list', '--running')).toBe(0);
  expect(running.seen.records).toMatchObject([{ id: 'j1' }]);
});

it('shows one, waits for one and ends as it did', async () => {
  const host = testHost({ engine: createFakeEngine({}) });
  expect(await runLine(host, 'jobs', 'show', 'j2')).toBe(0);
  expect(await runLine(host, 'jobs', 'wait', 'j1')).toBe(0);
  expect(await runLine(host, 'jobs', 'wait', 'j2')).toBe(1);
  expect(host.seen.records.map(({ id, state }) => [id, state])).toEqual([
    ['j2', 'failed'],
    ['j1', 'done'],
    ['j2', 'failed'],
  ]);
  expect(await runLine(host, 'jobs', 'show', 'j3')).toBe(8);
});

it('cancels what runs, only tells with --dry-run, and leaves alone what has ended', async () => {
  const engine = createFakeEngine({});
  const host = testHost({ engine });
  expect(await runLine(host, 'jobs', 'cancel', 'j1', '--dry-run')).toBe(0);
  expect(host.seen.records.at(-1)).toMatchObject({ id: 'j1', state: 'running', dryRun: true });
  expect(host.seen.notes).toEqual(['nothing was cancelled (--dry-run)']);
  expect(host.seen.records.at(-1)).not.toHaveProperty('log');
  expect(await runLine(host, 'jobs', 'cancel', 'j1')).toBe(0);
  expect(host.seen.records.at(-1)).toMatchObject({ id: 'j1', state: 'cancelled' });
  expect(await runLine(host, 'jobs', 'cancel', 'j2')).toBe(0);
  expect(host.seen.notes).toContain('j2 has ended already');
});

it('shows the log of one, as records for a program and as lines for a person', async () => {
  const host = testHost({ engine: createFakeEngine({}) });
  expect(await runLine(host, 'jobs', 'show', 'j2')).toBe(0);
  expect(host.seen.records[0]).toMatchObject({
    logDropped: 0,
    log: [
      { level: 'info', text: '10 % done after 2.0 s' },
      { level: 'error', text: 'failed: stripe 10 has 3 of the 4 shards it needs' },
    ],
  });
  expect(host.seen.notes).toEqual([
    expect.stringMatching(/^2026-11-21T\S+Z info {2}10 % done after 2\.0 s$/),
    expect.stringMatching(/^2026-11-21T\S+Z error failed: stripe 10 has 3/),
  ]);
});
