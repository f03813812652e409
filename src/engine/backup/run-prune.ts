/**
 * Deletes what no snapshot refers to: packs of which nothing is live go, packs of which little is live are written anew. The new packs and an index of all are durable before the first
 * old object goes; a run that is broken off in between leaves bytes too many, and the next one takes them. A pack that cannot be read stays while something live may be in it alone.
 */
import { asDatameshError, DatameshError } from '../../errors.ts';
import { ChunkIndex } from './chunk-index.ts';
import { type ChunkSource, chunkSource } from './chunk-source.ts';
import { encodeIndex, type PackRecord } from './index-file.ts';
import { PACK_BYTES, TREE_PACK_BYTES } from './limits.ts';
import { NAMES, type ObjectDoor } from './object-door.ts';
import { openIndex, type PackObject } from './open-index.ts';
import { PackWriter } from './pack-writer.ts';
import { readTree } from './tree-stream.ts';
import { unreadable } from './unreadable.ts';

export interface PruneJob {
  /** All snapshots, with the chunks of their trees. */
  snapshots: { id: string; tree: Buffer[] }[];
  dryRun: boolean;
  runId: string;
  secret: Uint8Array;
  indexFiles: Uint8Array[];
  packs: PackObject[];
}

export interface PruneOutcome {
  chunksLive: number;
  bytesLive: number;
  packsRewritten: number;
  /** Packs to be deleted now, old index objects with them; none in a dry run. */
  deletable: string[];
  packsDeleted: number;
  /** Packs that stay because they cannot be read. */
  packsUnread: number;
  freedBytes: number;
}

export interface PruneCall {
  door: ObjectDoor;
  aborted(): boolean;
  onBytes(doneBytes: number): void;
}

/** A pack stays as it is while this much of it is live: what rewriting costs is got back over years only. */
const KEEP_SHARE = 0.7;

export async function runPrune(job: PruneJob, call: PruneCall): Promise<PruneOutcome> {
  const { index, packs, unread } = await openIndex(job.indexFiles, job.packs, call.door);
  const source = chunkSource(index, job.packs, call.door, job.secret);
  const live = new Set<string>();
  for (const { id, tree } of job.snapshots) {
    for (const chunk of tree) live.add(chunk.toString('latin1'));
    try {
      for await (const entry of readTree(source.treeChunks(tree))) {
        if (call.aborted()) throw cancelled();
        for (const segment of entry.segments)
          if (segment.id !== undefined) live.add(segment.id.toString('latin1'));
      }
    } catch (cause) {
      const error = asDatameshError(cause);
      throw error.code === 'cancelled' ? error : unreadable({ id, error }, 'prunes');
    }
  }

  const sizes = new Map(job.packs.map(({ name, sizeBytes }) => [name, sizeBytes]));
  const kept: PackRecord[] = [];
  const dead: PackRecord[] = [];
  const rewritten: PackRecord[] = [];
  let bytesLive = 0;
  /** A chunk may lie in two packs after two runs at once: one place is enough. */
  const placed = new Set<string>();
  const shareOf = new Map<PackRecord, number>();
  for (const pack of packs) {
    let own = 0;
    let all = 0;
    for (const { id, storedBytes } of pack.table) {
      all += storedBytes;
      const key = id.toString('latin1');
      if (!live.has(key) || placed.has(key)) continue;
      if (index.find(id)?.pack === pack.name) {
        placed.add(key);
        own += storedBytes;
      }
    }
    bytesLive += own;
    shareOf.set(pack, own / Math.max(1, all));
    (own === 0 ? dead : own >= KEEP_SHARE * all ? kept : rewritten).push(pack);
  }
  // What is live and in no pack that can be read may be in one that cannot.
  const areNeeded = live.size > placed.size;
  const needless = areNeeded ? [] : unread;
  const sizeOf = (some: readonly { name: string }[]) =>
    some.reduce((sum, { name }) => sum + (sizes.get(name) ?? 0), 0);
  const outcome = {
    chunksLive: live.size,
    bytesLive,
    packsRewritten: rewritten.length,
    packsDeleted: dead.length + needless.length,
    packsUnread: unread.length - needless.length,
  };
  if (job.dryRun || outcome.packsDeleted + rewritten.length === 0) {
    const back = rewritten.reduce((sum, pack) => sum + shareOf.get(pack)! * (sizes.get(pack.name) ?? 0), 0);
    const freedBytes = Math.round(sizeOf([...dead, ...needless, ...rewritten]) - back);
    return { ...outcome, deletable: [], freedBytes: Math.max(0, freedBytes) };
  }

  const made = await rewrite(job, call, rewritten, live, index);
  const gone = [...dead, ...needless, ...rewritten.filter((pack) => !made.unread.includes(pack))];
  if (gone.length > 0) {
    const file = encodeIndex([...kept, ...made.unread, ...made.packs]);
    await call.door.put(`${NAMES.index}${job.runId}`, once(file));
  }
  return {
    ...outcome,
    packsRewritten: rewritten.length - made.unread.length,
    packsUnread: outcome.packsUnread + made.unread.length,
    deletable: gone.map(({ name }) => name),
    freedBytes: Math.max(0, sizeOf(gone) - made.addedBytes),
  };
}

async function rewrite(
  job: PruneJob,
  call: PruneCall,
  packs: readonly PackRecord[],
  live: ReadonlySet<string>,
  places: ChunkIndex,
): Promise<{ packs: PackRecord[]; unread: PackRecord[]; addedBytes: number }> {
  // Of the new packs alone, so that they take what the old ones have.
  const index = new ChunkIndex();
  const source = chunkSource(places, job.packs, call.door, job.secret);
  const made: PackRecord[] = [];
  const unread: PackRecord[] = [];
  let addedBytes = 0;
  let number = 0;
  let doneBytes = 0;
  for (const kind of ['data', 'tree'] as const) {
    const writer = new PackWriter({
      door: call.door,
      index,
      nextName: () => `${NAMES[kind]}${job.runId}-${number++}`,
      packBytes: kind === 'data' ? PACK_BYTES : TREE_PACK_BYTES,
      compress: false,
      gathered: kind === 'tree',
    });
    for (const pack of packs.filter(({ name }) => name.startsWith(NAMES[kind]))) {
      if (call.aborted()) throw cancelled();
      const bytes = await storedBytes(pack, call.door);
      const chunks = bytes && wholeChunks(pack, bytes, live, places, source);
      if (bytes === undefined || chunks === undefined) {
        unread.push(pack);
        continue;
      }
      for (const { id, stored, method, rawBytes } of chunks) {
        if (call.aborted()) throw cancelled();
        const wait = index.has(id) ? undefined : writer.addAs(id, stored, method, rawBytes);
        if (wait !== undefined) await wait;
      }
      doneBytes += bytes.length;
      call.onBytes(doneBytes);
    }
    made.push(...(await writer.finish()));
    addedBytes += writer.addedBytes;
  }
  return { packs: made, unread, addedBytes };
}

/** All chunks of a pack, as they lie in it; undefined where it cannot be read. */
async function storedBytes(
  { name, table }: PackRecord,
  door: Pick<ObjectDoor, 'read'>,
): Promise<Uint8Array | undefined> {
  const lengthBytes = table.reduce((sum, it) => sum + it.storedBytes, 0);
  try {
    return await door.read(name, 0, lengthBytes);
  } catch (error) {
    if (asDatameshError(error).code === 'cancelled') throw error;
    return undefined;
  }
}

/** Its live chunks, each held against its id; undefined where one is damaged. */
function wholeChunks(
  { name, table }: PackRecord,
  bytes: Uint8Array,
  live: ReadonlySet<string>,
  places: ChunkIndex,
  source: ChunkSource,
): { id: Buffer; stored: Uint8Array; method: number; rawBytes: number }[] | undefined {
  const chunks: { id: Buffer; stored: Uint8Array; method: number; rawBytes: number }[] = [];
  let offset = 0;
  for (const { id, storedBytes, rawBytes, method } of table) {
    const place = { pack: name, offset, storedBytes, rawBytes, method };
    const stored = bytes.subarray(offset, offset + storedBytes);
    offset += storedBytes;
    if (!live.has(id.toString('latin1')) || places.find(id)?.pack !== name) continue;
    try {
      chunks.push({ id, stored, method, rawBytes: source.open(id, place, stored).length });
    } catch {
      return undefined;
    }
  }
  return chunks;
}

function cancelled(): DatameshError {
  return new DatameshError('cancelled', { what: 'the prune was cancelled' });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
