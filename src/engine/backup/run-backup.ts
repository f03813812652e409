/**
 * A backup: walks a folder, stores the chunks that no pack has, then the tree, the index and the snapshot, in this order: what exists refers only to what is durable.
 * A run that is broken off leaves whole packs, and the next run finds their chunks.
 */
import { DatameshError } from '../../errors.ts';
import { gearTable } from '../codec/content-chunker.ts';
import { hashProvider } from '../codec/hash.ts';
import type { FileTree, TreePath } from '../effects/tree.ts';
import { countAhead } from './count-ahead.ts';
import { exclusion } from './exclude.ts';
import { encodeIndex } from './index-file.ts';
import { MAX_LISTED, PACK_BYTES, TREE_PACK_BYTES } from './limits.ts';
import { NAMES, type ObjectDoor } from './object-door.ts';
import { openIndex, type PackObject } from './open-index.ts';
import { PackWriter } from './pack-writer.ts';
import { type FileContent, FileReader } from './read-file.ts';
import { encodeSnapshot, type Snapshot } from './snapshot-file.ts';
import { StateReader, StateWriter } from './state-cache.ts';
import { fitsEntry, type TreeEntry } from './tree-entry.ts';
import { TreeStream } from './tree-stream.ts';
import { patternText, type Walked, walk, whyOf } from './walk.ts';

export interface BackupJob {
  source: TreePath;
  skip: TreePath[];
  patterns: string[];
  oneFileSystem: boolean;
  compress: boolean;
  tags: string[];
  node: string;
  device: string;
  takenAtMs: number;
  /** 32 hex digits that no other run has. */
  runId: string;
  /** The owner's secret of deduplication. */
  secret: Uint8Array;
  /** File states of the last run; undefined to read every file. */
  state: Uint8Array | undefined;
  indexFiles: Uint8Array[];
  packs: PackObject[];
}

export interface BackupOutcome {
  snapshotId: string;
  snapshot: Omit<Snapshot, 'tree'>;
  state: Uint8Array;
  /** Files that were read; the others were as at the last run. */
  filesRead: number;
  bytesRead: number;
  chunksNew: number;
  chunksKnown: number;
  /** Packs that an interrupted run had stored. */
  packsAdopted: number;
  skipped: { path: string; why: string }[];
}

export interface BackupCall {
  tree: FileTree;
  door: ObjectDoor;
  monotonicMs(): number;
  aborted(): boolean;
  /** `totalBytes`: undefined until it is known, and where only what has changed is read. */
  onBytes(doneBytes: number, totalBytes: number | undefined): void;
}

/** What was changed this short a time before the run may change again without a later time: it is read again at the next run. */
const UNSURE_NS = 100_000_000n;
const TARGET_NONE = Buffer.alloc(0);

export async function runBackup(job: BackupJob, call: BackupCall): Promise<BackupOutcome> {
  const startedMs = call.monotonicMs();
  const noFolder = () =>
    new DatameshError('file-not-found', { what: `${patternText(job.source)} is no folder` });
  if (call.tree.stat(job.source)?.kind !== 'directory') throw noFolder();
  const { index, adopted } = await openIndex(job.indexFiles, job.packs, call.door);
  const hashes = hashProvider();
  const idOf = hashes.keyedBy(job.secret);
  const gear = gearTable(job.secret);
  let packNumber = 0;
  const writer = (kind: 'data' | 'tree') =>
    new PackWriter({
      door: call.door,
      index,
      nextName: () => `${NAMES[kind]}${job.runId}-${packNumber++}`,
      packBytes: kind === 'data' ? PACK_BYTES : TREE_PACK_BYTES,
      compress: kind === 'tree' || job.compress,
      gathered: kind === 'tree',
    });
  const data = writer('data');
  const trees = writer('tree');
  const counts = { files: 0, directories: 0, links: 0, sizeBytes: 0 };
  const tally = { filesRead: 0, bytesRead: 0, chunksNew: 0, chunksKnown: 0 };
  const skipped: { path: string; why: string }[] = [];
  let skippedCount = 0;
  const skip = (path: Buffer, why: string) => {
    // It was one a moment ago.
    if (path.length === 0) throw noFolder();
    skippedCount++;
    if (skipped.length < MAX_LISTED) skipped.push({ path: patternText(path), why });
  };

  const storeIn = (packs: PackWriter) => (chunk: Buffer) => {
    const id = idOf(chunk);
    const known = index.has(id);
    tally[known ? 'chunksKnown' : 'chunksNew']++;
    return { id, wait: known ? undefined : packs.add(id, chunk) };
  };
  const reader = new FileReader(call.tree, gear, storeIn(data));
  const before = StateReader.open(job.state, job.source, job.secret);
  const states = new StateWriter(job.source, job.secret);
  const unsureFromNs = BigInt(job.takenAtMs) * 1_000_000n - UNSURE_NS;
  const treeStream = new TreeStream(gear, storeIn(trees));
  /** First names of files that have several, by device and inode. */
  const firstNames = new Map<string, Buffer>();
  const whole = {
    tree: call.tree,
    root: job.source,
    exclusion: exclusion(job.patterns),
    skip: job.skip,
    oneFileSystem: job.oneFileSystem,
  };
  // Where hardly anything is read, looking at everything twice would be most of the work.
  const ahead = job.state === undefined ? countAhead(whole) : undefined;
  let doneBytes = 0;
  const moved = (bytes: number) => {
    doneBytes += bytes;
    call.onBytes(doneBytes, ahead?.totalBytes());
  };

  const fileEntry = async (found: Walked): Promise<TreeEntry | undefined> => {
    const { path, stat } = found;
    if (stat.links > 1) {
      const key = `${stat.device}:${stat.inode}`;
      const first = firstNames.get(key);
      if (first !== undefined) {
        counts.links++;
        return entryOf(found, { kind: 'hard-link', target: first });
      }
      firstNames.set(key, path);
    }
    const state = before.at(path);
    if (
      state !== undefined &&
      state.ctimeNs === stat.ctimeNs &&
      state.inode === stat.inode &&
      state.entry.kind === 'file' &&
      state.entry.mtimeNs === stat.mtimeNs &&
      state.entry.sizeBytes === stat.sizeBytes &&
      state.entry.segments.every(({ id }) => id === undefined || index.has(id))
    ) {
      counts.files++;
      counts.sizeBytes += stat.sizeBytes;
      moved(stat.sizeBytes);
      if (stat.ctimeNs < unsureFromNs) states.add(stat, state.entry);
      return state.entry;
    }
    let content: FileContent;
    try {
      content = await reader.read(found, moved);
    } catch (error) {
      // What a put threw is no fault of the file.
      if (error instanceof DatameshError || (error as NodeJS.ErrnoException).syscall === undefined)
        throw error;
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') skip(path, whyOf(error));
      firstNames.delete(`${stat.device}:${stat.inode}`);
      return undefined;
    }
    if (!fitsEntry(content.segments)) {
      skip(path, 'it is in more pieces than a snapshot can name: some 1.6 TB, or millions of holes');
      firstNames.delete(`${stat.device}:${stat.inode}`);
      return undefined;
    }
    tally.filesRead++;
    tally.bytesRead += content.sizeBytes;
    counts.files++;
    counts.sizeBytes += content.sizeBytes;
    if (content.changed) skip(path, 'it was changed while it was read: what was read is stored');
    const entry = entryOf({ ...found, stat: content.stat }, { kind: 'file', ...content });
    if (!content.changed && stat.ctimeNs < unsureFromNs) states.add(stat, entry);
    return entry;
  };

  const otherEntry = (found: Walked): TreeEntry | undefined => {
    if (found.stat.kind === 'directory') {
      counts.directories++;
      return entryOf(found, { kind: 'directory' });
    }
    try {
      const target = call.tree.readLink(found.absolute);
      counts.links++;
      return entryOf(found, { kind: 'link', target });
    } catch (error) {
      skip(found.path, whyOf(error));
      return undefined;
    }
  };

  const found = walk({ ...whole, skipped: skip });
  for (const one of found) {
    ahead?.step();
    if (call.aborted()) throw new DatameshError('cancelled', { what: 'the backup was cancelled' });
    const entry = one.stat.kind === 'file' ? await fileEntry(one) : otherEntry(one);
    if (entry !== undefined) await treeStream.add(entry);
  }

  const treeIds = await treeStream.end();
  const packs = [...(await data.finish()), ...(await trees.finish()), ...adopted];
  const indexFile = packs.length === 0 ? undefined : encodeIndex(packs);
  const indexBytes = indexFile?.length ?? 0;
  if (indexFile !== undefined) await call.door.put(`${NAMES.index}${job.runId}`, once(indexFile));
  const { takenAtMs, node, device, source, tags } = job;
  const snapshot: Snapshot = {
    ...{ takenAtMs, node, device, source, tags },
    excludes: job.patterns,
    ...counts,
    addedBytes: data.addedBytes + trees.addedBytes + indexBytes,
    skipped: skippedCount,
    durationMs: call.monotonicMs() - startedMs,
    tree: treeIds,
  };
  const bytes = encodeSnapshot(snapshot);
  const snapshotId = Buffer.from(hashes.keyed(job.secret, bytes)).toString('hex', 0, 8);
  await call.door.put(`${NAMES.snapshot}${snapshotId}`, once(bytes));
  const { tree: _ids, ...rest } = snapshot;
  return {
    ...{ snapshotId, snapshot: rest, state: states.end() },
    ...tally,
    packsAdopted: adopted.length,
    skipped,
  };
}

function entryOf({ path, stat }: Walked, own: Partial<TreeEntry> & Pick<TreeEntry, 'kind'>): TreeEntry {
  const { mode, uid, gid, mtimeNs } = stat;
  const { kind, sizeBytes = 0, sparse = false, segments = [], target = TARGET_NONE } = own;
  return { kind, path, mode, uid, gid, mtimeNs, sizeBytes, sparse, segments, target };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
