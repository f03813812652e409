/** What `optimize` measures on the live node: reads with and without the cache, the disk, the lines to its peers. */
import { randomBytes, randomFillSync } from 'node:crypto';
import { open, rm, statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { Engine, PeerView } from '../../engine/engine.ts';
import { asDatameshError, type ErrorCode } from '../../errors.ts';
import type { CacheFigures, LineFigures, StorageFigures } from './optimize-propose.ts';

const WEEK_MS = 7 * 24 * 3600 * 1000;
/** Read files are named by their reads; beyond these they are hardly read twice. */
const POPULAR = 1000;
const PROBE_FILES = 6;
/** Small enough for the cache to take it whatever its size is, large enough for a stripe. */
const PROBE_BYTES = 256 * 1024;
const DISK_BYTES = 64 * 2 ** 20;
const DISK_PIECE_BYTES = 4 * 2 ** 20;
/** As an operator waits, and as the engine allows; half of it each way. */
const LINE_MS = 4000;
const LOOK_MS = 200;

/** Stores a few small files, reads each twice, and removes them. */
export async function measureCache(
  engine: Pick<Engine, 'put' | 'get' | 'delete' | 'stats' | 'popular'>,
  signal: AbortSignal,
): Promise<CacheFigures> {
  const run = randomBytes(6).toString('hex');
  const bytes = randomFillSync(Buffer.alloc(PROBE_BYTES));
  const names: string[] = [];
  const times = { first: [] as number[], again: [] as number[] };
  const before = (await engine.stats()).reads;
  try {
    for (let at = 0; at < PROBE_FILES; at++) {
      signal.throwIfAborted();
      const name = `benchmark/${run}-${at}`;
      bytes.writeUInt32BE(at);
      await engine.put(once(Buffer.from(bytes)), { name, sizeBytes: PROBE_BYTES }, { signal });
      names.push(name);
      for (const kind of ['first', 'again'] as const) {
        const startMs = performance.now();
        const { body } = await engine.get(name, {}, { signal });
        for await (const _ of body);
        times[kind].push(performance.now() - startMs);
      }
    }
  } finally {
    for (const name of names) await engine.delete(name);
  }
  const { reads } = await engine.stats();
  const popular = await engine.popular({ sinceMs: Date.now() - WEEK_MS, limit: POPULAR });
  const repeated = popular.filter((it) => it.reads > 1);
  return {
    firstMs: middle(times.first),
    againMs: middle(times.again),
    againFromCache: reads.cacheHits > before.cacheHits,
    // A read takes k of the k + m shards, about the size of the file.
    workingSetBytes: repeated.reduce((sum, { object }) => sum + object.sizeBytes, 0),
    repeatedReads: repeated.reduce((sum, it) => sum + it.reads - 1, 0),
    memoryBytes: totalmem(),
  };
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** Writes and syncs a file in the data folder, and removes it. */
export async function measureStorage(
  engine: Pick<Engine, 'status'>,
  signal: AbortSignal,
): Promise<StorageFigures> {
  const { dataDir, store } = await engine.status();
  const path = `${dataDir}/optimize-${randomBytes(6).toString('hex')}.tmp`;
  const piece = randomFillSync(Buffer.alloc(DISK_PIECE_BYTES));
  const syncMs: number[] = [];
  const file = await open(path, 'wx', 0o600);
  const startMs = performance.now();
  try {
    for (let done = 0; done < DISK_BYTES; done += piece.length) {
      signal.throwIfAborted();
      await file.write(piece);
      const before = performance.now();
      await file.datasync();
      syncMs.push(performance.now() - before);
    }
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
  const elapsedMs = performance.now() - startMs;
  const { bavail, bsize } = await statfs(dataDir);
  return {
    writeBytesPerSecond: (DISK_BYTES * 1000) / elapsedMs,
    syncMs: middle(syncMs),
    freeBytes: bavail * bsize,
    usedBytes: store.usedBytes,
    quotaBytes: store.quotaBytes,
    reserveBytes: store.reserveBytes,
  };
}

/**
 * Fills the line to the nearest peer that takes a test now, and looks what becomes of the round trips to all of them meanwhile. Undefined when none
 * does: a peer takes one in half a minute.
 */
export async function measureLine(
  engine: Pick<Engine, 'peers' | 'speedTest' | 'snapshot'>,
  signal: AbortSignal,
): Promise<LineFigures | undefined> {
  const peers = (await engine.peers()).filter(
    ({ state, rttMs }) => state === 'active' && rttMs !== undefined,
  );
  for (const peer of [...peers].sort((a, b) => a.rttMs! - b.rttMs!).slice(0, PEERS_TRIED)) {
    try {
      return await fillLine(engine, peers, peer, signal);
    } catch (error) {
      if (!NOT_NOW.has(asDatameshError(error).code)) throw error;
    }
  }
  return undefined;
}

const PEERS_TRIED = 3;
const NOT_NOW: ReadonlySet<ErrorCode> = new Set(['denied', 'peer-unreachable', 'timeout']);

async function fillLine(
  engine: Pick<Engine, 'peers' | 'speedTest' | 'snapshot'>,
  peers: readonly PeerView[],
  peer: PeerView,
  signal: AbortSignal,
): Promise<LineFigures> {
  const idle = peers.flatMap(({ rttHistoryMs }) => rttHistoryMs.slice(-10).filter((it) => it !== undefined));
  const loaded = { up: [] as number[], down: [] as number[] };
  const startMs = performance.now();
  let testing = true;
  const looking = (async () => {
    let seen = trips(peers);
    while (testing) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const now = trips(await engine.peers());
      const way = performance.now() - startMs < LINE_MS / 2 ? 'up' : 'down';
      // Only round trips that were measured since the last look.
      for (const [id, rttMs] of now) if (seen.get(id) !== rttMs) loaded[way].push(rttMs);
      seen = now;
    }
  })();
  try {
    const report = await engine.speedTest(peer.peerId, LINE_MS, { signal });
    const { bandwidth } = await engine.snapshot();
    return {
      peer: peer.name ?? peer.peerId,
      upBytesPerSecond: (report.sentBytes * 1000) / report.sentMs,
      downBytesPerSecond: (report.receivedBytes * 1000) / report.receivedMs,
      idleMs: idle.length === 0 ? report.rttMs : middle(idle),
      upLoadedMs: loaded.up.length === 0 ? undefined : middle(loaded.up),
      downLoadedMs: loaded.down.length === 0 ? undefined : middle(loaded.down),
      capUpBytesPerSecond: bandwidth.capUpBytesPerSecond,
      capDownBytesPerSecond: bandwidth.capDownBytesPerSecond,
    };
  } finally {
    testing = false;
    await looking;
  }
}

function trips(peers: readonly PeerView[]): Map<string, number> {
  return new Map(
    peers.flatMap(({ peerId, rttMs }) => (rttMs === undefined ? [] : [[peerId, rttMs] as const])),
  );
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
