/**
 * Deletes what no snapshot refers to: packs of which nothing is live go, packs of which little is live are written anew. The new packs and an index of all are durable before the first
 * old object goes; a run that is broken off in between leaves bytes too many, and the next one takes them.
 */
import { DatameshError } from '../../errors.ts';
import { ChunkIndex } from './chunk-index.ts';
import { chunkSource } from './chunk-source.ts';
import { encodeIndex, type PackRecord } from './index-file.ts';
import { PACK_BYTES, TREE_PACK_BYTES } from './limits.ts';
import { NAMES, type ObjectDoor } from './object-door.ts';
import { openIndex, type PackObject } from './open-index.ts';
import { PackWriter } from './pack-writer.ts';
import { readTree } from './tree-stream.ts';

export interface PruneJob {
  /** Chunks of the trees of all snapshots. */
  trees: Buffer[][];
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
  const { index, packs } = await openIndex(job.indexFiles, job.packs, call.door, true);
  const source = chunkSource(index, job.packs, call.door, job.secret);
  const live = new Set<string>();
  for (const tree of job.trees) {
    for (const id of tree) live.add(id.toString('latin1'));
    for await (const entry of readTree(source.treeChunks(tree))) {
      if (call.aborted()) throw cancelled();
      for (const { id } of entry.segments) if (id !== undefined) live.add(id.toString('latin1'));
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
  const gone = [...dead, ...rewritten];
  const goneBytes = gone.reduce((sum, { name }) => sum + (sizes.get(name) ?? 0), 0);
  const outcome = {
    chunksLive: live.size,
    bytesLive,
    packsRewritten: rewritten.length,
    packsDeleted: dead.length,
  };
  if (job.dryRun || gone.length === 0) {
    const back = rewritten.reduce((sum, pack) => sum + shareOf.get(pack)! * (sizes.get(pack.name) ?? 0), 0);
    return { ...outcome, deletable: [], freedBytes: Math.max(0, Math.round(goneBytes - back)) };
  }

  const made = await rewrite(job, call, rewritten, live, index);
  await call.door.put(`${NAMES.index}${job.runId}`, once(encodeIndex([...kept, ...made.packs])));
  return {
    ...outcome,
    deletable: gone.map(({ name }) => name),
    freedBytes: Math.max(0, goneBytes - made.addedBytes),
  };
}

async function rewrite(
  job: PruneJob,
  call: PruneCall,
  packs: readonly PackRecord[],
  live: ReadonlySet<string>,
  places: ChunkIndex,
): Promise<{ packs: PackRecord[]; addedBytes: number }> {
  // Of the new packs alone, so that they take what the old ones have.
  const index = new ChunkIndex();
  const source = chunkSource(places, job.packs, call.door, job.secret);
  const made: PackRecord[] = [];
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
    for (const { name, table } of packs.filter((pack) => pack.name.startsWith(NAMES[kind]))) {
      const bytes = await call.door.read(
        name,
        0,
        table.reduce((sum, it) => sum + it.storedBytes, 0),
      );
      let offset = 0;
      for (const chunk of table) {
        if (call.aborted()) throw cancelled();
        const stored = bytes.subarray(offset, offset + chunk.storedBytes);
        const at = offset;
        offset += chunk.storedBytes;
        if (!live.has(chunk.id.toString('latin1')) || index.has(chunk.id)) continue;
        if (places.find(chunk.id)?.pack !== name) continue;
        const raw = source.open(chunk.id, { ...chunk, pack: name, offset: at }, stored);
        const wait = writer.addAs(chunk.id, stored, chunk.method, raw.length);
        if (wait !== undefined) await wait;
      }
      doneBytes += bytes.length;
      call.onBytes(doneBytes);
    }
    made.push(...(await writer.finish()));
    addedBytes += writer.addedBytes;
  }
  return { packs: made, addedBytes };
}

function cancelled(): DatameshError {
  return new DatameshError('cancelled', { what: 'the prune was cancelled' });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
