/**
 * A million records: made, opened, rebuilt; each in a process of its own, for its memory is what is measured.
 *
 *   node bench/store/million.ts make|open|rebuild DIR     prints {"ms": …, "peakMiB": …}
 */
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { freshShards, OWNER, openStore, timed } from './common.ts';

export const RECORDS = 1_000_000;
const BYTES = 32;
const PORTION = 50_000;

function peakMiB(): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  const kib = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? process.memoryUsage.rss() / 1024);
  return kib / 1024;
}

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
  const peak = peakMiB();
  await store.close();
  console.log(JSON.stringify({ ms, peakMiB: peak }));
}

if (realpathSync(process.argv[1] ?? '') === import.meta.filename)
  await main(process.argv[2], process.argv[3]!);
