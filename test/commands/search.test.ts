/** Search, recent and popular: what they ask the engine for, and what they refuse. */
import { expect, it } from 'vitest';
import { sinceOf } from '../../src/commands/files/since.ts';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';

const engine = createFakeEngine({
  objects: [
    { name: 'photos/lake.png', content: 'x'.repeat(2_000) },
    { name: 'papers/report.pdf', content: 'x'.repeat(50), tags: ['work'] },
    { name: 'papers/essay.pdf', content: 'x' },
  ],
});
const run = async (...words: string[]) => {
  const host = testHost({ engine });
  const status = await runLine(host, ...words);
  return { status, names: host.seen.records.map(({ name }) => name), ...host.seen };
};

it.each([
  [['report'], ['papers/report.pdf']],
  [['papers', 'ess'], ['papers/essay.pdf']],
  [
    ['--regex', '^p.*f$'],
    ['papers/essay.pdf', 'papers/report.pdf'],
  ],
  [['--file-type', 'pdf', '--limit', '1'], ['papers/essay.pdf']],
  [['--size', '+1KB'], ['photos/lake.png']],
  [['--size', '-10'], ['papers/essay.pdf']],
  [['--size', '2..100B'], ['papers/report.pdf']],
  [['--size', '50'], ['papers/report.pdf']],
  [['--tag', 'work'], ['papers/report.pdf']],
  [['nothing'], []],
])('search %j', async (words, names) => {
  expect(await run('search', ...words)).toMatchObject({ status: 0, names });
});

it.each([[[]], [['--size', 'much']], [['--size', '+1..2']], [['--since', 'yesterday']], [['--regex', '(']]])(
  'search %j is refused',
  async (words) => {
    expect((await run('search', ...words)).status).toBe(2);
  },
);

it('recent lists the last stored, popular the most read', async () => {
  expect((await run('recent', '--limit', '2')).records).toHaveLength(2);
  expect((await run('recent', '--since', '2027-01-01')).notes[0]).toMatch(/since then/);
  expect((await run('popular', '--timeframe', '7d')).records[0]).toMatchObject({
    reads: 9,
    readBytes: 18_000,
  });
  expect((await run('popular', '--timeframe', 'x')).status).toBe(2);
});

it('times are dates, moments or durations', () => {
  const now = Date.UTC(2026, 10, 21);
  expect(sinceOf(undefined, now)).toBeUndefined();
  expect(sinceOf('2d', now)).toBe(Date.UTC(2026, 10, 19));
  expect(sinceOf('2026-11-01T12:00Z', now)).toBe(Date.UTC(2026, 10, 1, 12));
  expect(sinceOf('2026-11-01', now)).toBe(new Date(2026, 10, 1).getTime());
  expect(() => sinceOf('2026-13-01', now)).toThrow(expect.objectContaining({ code: 'bad-value' }));
});
