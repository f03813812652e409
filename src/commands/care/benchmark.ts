import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, OutputRecord } from '../command.ts';
import { BENCHMARK_FIELDS } from './fields.ts';

const MAX_FILE_BYTES = 2 ** 30;

export const benchmarkCommand: Command = {
  path: ['benchmark'],
  synonyms: [['bench']],
  group: 'care',
  summary: 'Store, read back and remove random files on the live mesh, and show how long it took',
  description: `Every figure is measured now, on the pool as it is, with what else runs: medians over the iterations, and the fastest and slowest. What is read is
    compared with what was stored. The files have names of their own under benchmark/ and are removed for good, also after Ctrl-C.`,
  args: [],
  options: [
    { name: 'file-size', type: { kind: 'size' }, summary: 'Of each file, up to 1 GiB', default: '16MiB' },
    {
      name: 'iterations',
      short: 'n',
      type: { kind: 'integer', min: 1, max: 1000 },
      summary: 'Files, one after another',
      default: '5',
    },
    { name: 'pool', type: { kind: 'string' }, summary: 'Pool to put them into', default: 'default' },
  ],
  examples: [
    { line: 'datamesh benchmark', note: 'five files of 16 MiB, one after another' },
    { line: 'datamesh benchmark --file-size 4KiB --iterations 50', note: 'small files: latency' },
    { line: 'datamesh benchmark --file-size 1MiB -n 3 --json=operation,medianMs', note: 'for a script' },
  ],
  fields: BENCHMARK_FIELDS,
  effects: 'writes',
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'operation', title: 'OPERATION' },
    { key: 'iterations', title: 'TIMES', align: 'right', priority: 2 },
    { key: 'fileBytes', title: 'SIZE', align: 'right', format: 'bytes', priority: 1 },
    { key: 'medianMs', title: 'MEDIAN', align: 'right', format: 'duration' },
    { key: 'minMs', title: 'FASTEST', align: 'right', format: 'duration' },
    { key: 'maxMs', title: 'SLOWEST', align: 'right', format: 'duration' },
    { key: 'bytesPerSecond', title: 'RATE', align: 'right', format: 'rate' },
  ],
  exits: [
    { code: EXIT.integrity, meaning: 'what was read is not what was stored' },
    { code: EXIT.partial, meaning: 'files were stored with fewer shards than wanted' },
  ],
  async run(context, values) {
    const { out, options, signal } = context;
    const fileBytes = (values['file-size'] as number | undefined) ?? 16 * 2 ** 20;
    const iterations = (values.iterations as number | undefined) ?? 5;
    if (fileBytes < 1 || fileBytes > MAX_FILE_BYTES) {
      throw new DatameshError('bad-value', {
        what: '--file-size must be from 1 B to 1 GiB',
        mend: 'more iterations say more than a larger file',
      });
    }
    if (options.dryRun) {
      out.record({ dryRun: true, iterations, fileBytes });
      return out.note('nothing was stored (--dry-run)');
    }
    const [{ measurePool }, { randomBytes }] = await Promise.all([
      import('./benchmark-run.ts'),
      import('node:crypto'),
    ]);
    const engine = await context.engine();
    const measured = await measurePool(engine, {
      fileBytes,
      iterations,
      pool: (values.pool as string | undefined) ?? 'default',
      run: randomBytes(6).toString('hex'),
      signal,
      onProgress: (doneItems) =>
        out.progress('benchmark', {
          doneBytes: doneItems * fileBytes,
          totalBytes: iterations * fileBytes,
          doneItems,
          totalItems: iterations,
        }),
    });
    for (const operation of ['put', 'get', 'delete'] as const) {
      const bytes = operation === 'delete' ? undefined : fileBytes;
      out.record({ operation, iterations, fileBytes, ...spreadOf(measured.ms[operation], bytes) });
    }
    if (measured.cacheHits > 0)
      out.note(`${measured.cacheHits} shards came from this node's read cache (reads.cacheBytes)`);
    if (measured.degraded === 0) return EXIT.ok;
    out.warn(`${measured.degraded} of ${iterations} files were stored with fewer shards than wanted`);
    return EXIT.partial;
  },
};

function spreadOf(timesMs: readonly number[], bytes: number | undefined): OutputRecord {
  const sorted = [...timesMs].sort((a, b) => a - b);
  const medianMs = median(sorted);
  return {
    medianMs,
    minMs: sorted[0]!,
    maxMs: sorted.at(-1)!,
    bytesPerSecond: bytes === undefined ? null : (bytes * 1000) / medianMs,
  };
}

/** @param sorted ascending, at least one */
export function median(sorted: readonly number[]): number {
  const half = sorted.length / 2;
  return Number.isInteger(half) ? (sorted[half - 1]! + sorted[half]!) / 2 : sorted[Math.floor(half)]!;
}
