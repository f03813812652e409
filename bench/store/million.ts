/**
 * A million records: made, opened, rebuilt; each in a process of its own, for its memory is what is measured.
 *
 *   node bench/store/million.ts make|open|rebuild DIR     prints {"ms": …, "peakMiB": …}
 */
import { realpathSync, writeFileSync } from 'node:fs';
import { peakBytes } from '../../test/support/process-memory.ts';
import { freshShards, OWNER, openStore, timed } from './common.ts';

export const RECORDS = 1_000_000;
const BYTES = 32;
const PORTION = 50_000;

async function main(what: string | undefined, dir: string): Promise<void> {
  const startedMs = performance.now();
  const store = await openStore(dir, what === 'rebuild');
  const ms = performance.now() - startedMs;
  if (what === 'make') {
    for (let done = 0; done < RECORDS; done += PORTION) {
      await timed(freshShards(PORTION, BYTES), 512, (it) => store.put({ ...it, owner: OWNER }));
    }
    writeFileSync(`${dir}.count`, String(store.usage().shards));
  } else if (store.usage().shards !== RECORDS) throw new Error(`${store.usage().shards} records`);
  const peak = (peakBytes(process.pid) || process.memoryUsage.rss()) / 2 ** 20;
  await store.close();
  console.log(JSON.stringify({ ms, peakMiB: peak }));
}

if (realpathSync(process.argv[1] ?? '') === import.meta.filename)
  await main(process.argv[2], process.argv[3]!);
