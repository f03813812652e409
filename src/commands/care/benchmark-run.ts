/** Puts, gets and deletes of random files on a running engine, timed one by one. */
import { randomFillSync } from 'node:crypto';
import type { Engine } from '../../engine/engine.ts';
import { DatameshError } from '../../errors.ts';

/** The content: this block again and again, each time with its number in front, so that it need not be kept. */
const BLOCK_BYTES = 2 ** 20;

export interface PoolRun {
  fileBytes: number;
  iterations: number;
  pool: string;
  /** Of this run alone, for the names. */
  run: string;
  signal: AbortSignal;
  onProgress?(doneIterations: number): void;
}

export interface PoolFigures {
  /** In the order they were made. */
  ms: Record<'put' | 'get' | 'delete', number[]>;
  degraded: number;
  /** Shards that the gets found in the read cache. */
  cacheHits: number;
}

/** Removes what it stored, also when it fails or is cancelled. Throws `hash-mismatch` when a file does not come back as it was. */
export async function measurePool(
  engine: Pick<Engine, 'put' | 'get' | 'delete' | 'stats'>,
  { fileBytes, iterations, pool, run, signal, onProgress }: PoolRun,
): Promise<PoolFigures> {
  const figures: PoolFigures = { ms: { put: [], get: [], delete: [] }, degraded: 0, cacheHits: 0 };
  const block = randomFillSync(Buffer.alloc(Math.min(BLOCK_BYTES, fileBytes)));
  const hitsBefore = (await engine.stats()).reads.cacheHits;
  for (let at = 0; at < iterations; at++) {
    signal.throwIfAborted();
    const name = `benchmark/${run}-${at}`;
    let stored = false;
    try {
      const source = content(block, fileBytes, at);
      figures.ms.put.push(
        await timed(async () => {
          const receipt = await engine.put(source, { name, pool, sizeBytes: fileBytes }, { signal });
          stored = true;
          if (receipt.degraded) figures.degraded++;
        }),
      );
      figures.ms.get.push(
        await timed(async () => {
          const { body } = await engine.get(name, {}, { signal });
          await compare(body, content(block, fileBytes, at), name);
        }),
      );
    } finally {
      if (stored) figures.ms.delete.push(await timed(async () => void (await engine.delete(name))));
    }
    onProgress?.(at + 1);
  }
  figures.cacheHits = (await engine.stats()).reads.cacheHits - hitsBefore;
  return figures;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

async function* content(block: Buffer, sizeBytes: number, file: number): AsyncGenerator<Buffer> {
  for (let done = 0, number = 0; done < sizeBytes; done += block.length, number++) {
    const piece = Buffer.from(block.subarray(0, Math.min(block.length, sizeBytes - done)));
    if (piece.length >= 8) piece.writeUInt32BE(number, piece.writeUInt32BE(file, 0));
    yield piece;
  }
}

/** Pieces are cut differently on both sides. */
async function compare(
  body: AsyncIterable<Uint8Array>,
  wanted: AsyncGenerator<Buffer>,
  name: string,
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of body) {
    for (let at = 0; at < piece.length; ) {
      if (rest.length === 0) {
        const next = await wanted.next();
        if (next.done) throw different(name);
        rest = next.value;
      }
      const length = Math.min(rest.length, piece.length - at);
      if (rest.compare(piece, at, at + length, 0, length) !== 0) throw different(name);
      rest = rest.subarray(length);
      at += length;
    }
  }
  if (rest.length > 0 || !(await wanted.next()).done) throw different(name);
}

function different(name: string): DatameshError {
  return new DatameshError('hash-mismatch', {
    what: `${name} was not read as it was stored`,
    mend: 'examine this machine: datamesh doctor',
  });
}
