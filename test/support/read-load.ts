/** Reads without pause on one engine, timed, their bytes compared. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../src/engine/engine.ts';

export interface Read {
  atMs: number;
  tookMs: number;
  error: string | undefined;
}

const OBJECT_BYTES = 1 << 20;

/**
 * Nodes that have just met hand each other orders and fill their tables of the DHT for a quarter of a minute, which fourteen on two cores feel: `npm run test:latency`
 * waits until that is over before it measures.
 */
export function meshAtRest(): Promise<void> {
  return sleep(Number(process.env.SETTLE_SECONDS ?? 0) * 1000);
}

/** Objects of 1 MiB by name. */
export async function putRandomObjects(
  engine: Engine,
  count: number,
  randomBytes: (length: number) => Buffer,
): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  for (let i = 0; i < count; i++) {
    const bytes = randomBytes(OBJECT_BYTES);
    contents.set(`object-${i}`, bytes);
    const source = (async function* () {
      yield bytes;
    })();
    await engine.put(source, { name: `object-${i}`, sizeBytes: bytes.length });
  }
  return contents;
}

/** Every object in turn, by so many readers at once, until the time is over and there are enough, or `during` has ended. */
export async function readUntil(
  engine: Engine,
  contents: ReadonlyMap<string, Buffer>,
  readers: number,
  during: { forMs: number; atLeast: number } | ((reads: readonly Read[]) => Promise<void>),
): Promise<Read[]> {
  const names = [...contents.keys()];
  const reads: Read[] = [];
  let stop = false;
  const reader = async (first: number) => {
    for (let i = first; !stop; i++) {
      const name = names[i % names.length]!;
      const atMs = performance.now();
      let error: string | undefined;
      try {
        const pieces: Uint8Array[] = [];
        for await (const piece of (await engine.get(name)).body) pieces.push(Buffer.from(piece));
        if (!Buffer.concat(pieces).equals(contents.get(name)!)) error = `${name}: other bytes`;
      } catch (cause) {
        error = `${name}: ${(cause as Error).message}`;
      }
      reads.push({ atMs, tookMs: performance.now() - atMs, error });
    }
  };
  const all = Array.from({ length: readers }, (_, i) => reader(i));
  if (typeof during === 'function') await during(reads);
  else {
    const startedMs = performance.now();
    while (performance.now() - startedMs < during.forMs || reads.length < during.atLeast) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  stop = true;
  await Promise.all(all);
  return reads;
}

/** Of the times that reads took; 1 is the longest. */
export function quantile(reads: readonly Read[], share: number): number {
  const took = reads.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return took[Math.floor((took.length - 1) * share)]!;
}
