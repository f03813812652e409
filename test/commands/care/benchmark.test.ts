/** benchmark: really stores, compares, and leaves nothing behind. */
import { expect, it } from 'vitest';
import { median } from '../../../src/commands/care/benchmark.ts';
import { measurePool } from '../../../src/commands/care/benchmark-run.ts';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { runLine, testHost } from '../../support/host.ts';

async function run(engine: ReturnType<typeof createFakeEngine>, ...words: string[]) {
  const host = testHost({ engine });
  return { status: await runLine(host, 'benchmark', ...words), ...host.seen };
}

it('puts, gets and deletes as often as it says', async () => {
  const engine = createFakeEngine();
  const { status, records } = await run(engine, '--file-size', '2500KiB', '-n', '3');
  expect(status).toBe(0);
  expect(records.map((it) => [it.operation, it.iterations, it.fileBytes])).toEqual([
    ['put', 3, 2_560_000],
    ['get', 3, 2_560_000],
    ['delete', 3, 2_560_000],
  ]);
  for (const { minMs, medianMs, maxMs } of records as Record<string, number>[]) {
    expect(minMs).toBeGreaterThan(0);
    expect(medianMs).toBeGreaterThanOrEqual(minMs!);
    expect(maxMs).toBeGreaterThanOrEqual(medianMs!);
  }
  for (const method of ['put', 'get', 'delete'])
    expect(engine.calls.filter((it) => it === method)).toHaveLength(3);
  expect((await engine.list()).objects.filter(({ name }) => name.startsWith('benchmark/'))).toEqual([]);
});

it('says when shards are short, and does nothing on a dry run', async () => {
  expect((await run(createFakeEngine({ degraded: true }), '-n', '1', '--file-size', '1KiB')).status).toBe(3);
  const engine = createFakeEngine();
  await run(engine, '--dry-run');
  expect(engine.calls).toEqual([]);
  expect((await run(engine, '--file-size', '2GiB')).status).toBe(2);
});

it('sees a byte that comes back wrong, and removes the file all the same', async () => {
  const engine = createFakeEngine();
  const wrong = {
    ...engine,
    async get(...call: Parameters<typeof engine.get>) {
      const result = await engine.get(...call);
      const body = (async function* () {
        for await (const piece of result.body) {
          const copy = Uint8Array.from(piece);
          copy[copy.length - 1]! ^= 1;
          yield copy;
        }
      })();
      return { ...result, body };
    },
  };
  const { signal } = new AbortController();
  const job = { fileBytes: 100_000, iterations: 1, pool: 'default', run: 'x', signal };
  await expect(measurePool(wrong, job)).rejects.toMatchObject({ code: 'hash-mismatch' });
  expect((await engine.list()).objects.some(({ name }) => name.startsWith('benchmark/'))).toBe(false);
});

it('takes the median', () => {
  expect(median([3])).toBe(3);
  expect(median([1, 2, 10])).toBe(2);
  expect(median([1, 2, 4, 10])).toBe(3);
});
