/**
 * A restore: the whole tree is read and checked first, and only then is anything written. Files are taken in batches, a batch's chunks in long reads of the packs that
 * have them, the next of these under way while one is written.
 */
import { asDatameshError, DatameshError } from '../../errors.ts';
import { hashProvider } from '../codec/hash.ts';
import type { FileTree, TreePath } from '../effects/tree.ts';
import { type ChunkSource, chunkSource } from './chunk-source.ts';
import { BATCH_BYTES, BATCH_FILES, MAX_LISTED, RANGES_AHEAD } from './limits.ts';
import type { ObjectDoor } from './object-door.ts';
import { openIndex, type PackObject } from './open-index.ts';
import { isOneOf, liesWithin } from './own-folder.ts';
import { type PackRange, packRanges, type Wanted } from './ranges.ts';
import { type OpenTarget, RestoreWriter } from './restore-writer.ts';
import { type Selection, selection } from './select.ts';
import type { TreeEntry } from './tree-entry.ts';
import { TreeChecker } from './tree-order.ts';
import { readTree } from './tree-stream.ts';
import { patternText } from './walk.ts';
import {
  type Holders,
  isLikeWorkFolder,
  openWorkFolder,
  reachesByRename,
  type TakeLock,
  WorkFolders,
} from './work-folder.ts';

export interface RestoreJob {
  tree: Buffer[];
  /** Where the snapshot was taken. */
  source: TreePath;
  destination: TreePath;
  /** Folders that nothing is written into: own-folder.ts. */
  skip: TreePath[];
  paths: string[];
  overwrite: boolean;
  dryRun: boolean;
  secret: Uint8Array;
  indexFiles: Uint8Array[];
  packs: PackObject[];
}

export interface RestoreOutcome {
  files: number;
  directories: number;
  links: number;
  /** Of the files' content, holes left out. */
  bytes: number;
  /** Files that were there as they should be. */
  kept: number;
  /** Things whose owner, mode or time could not be set. */
  unset: number;
  failedCount: number;
  failed: { path: string; why: string }[];
}

export interface RestoreCall {
  tree: FileTree;
  door: Pick<ObjectDoor, 'read'>;
  takeLock: TakeLock;
  holders: Holders;
  aborted(): boolean;
  onBytes(doneBytes: number, totalBytes: number): void;
}

const SLASH = Buffer.from('/');

interface Target {
  file: OpenTarget;
  position: number;
}

export async function runRestore(job: RestoreJob, call: RestoreCall): Promise<RestoreOutcome> {
  const { index } = await openIndex(job.indexFiles, job.packs, call.door);
  const source = chunkSource(index, job.packs, call.door, job.secret);
  const chosen = selection(job.paths, job.source, (path, why) => {
    throw new DatameshError('bad-value', { what: `--path ${JSON.stringify(path)} cannot be a path`, why });
  });
  const plan = await planOf(job, chosen, source);
  if (job.dryRun) return { ...plan.counts, kept: 0, unset: 0, failedCount: 0, failed: [] };

  const isOwn = isOneOf(call.tree, job.skip);
  if (liesWithin(call.tree, job.destination, isOwn)) {
    throw new DatameshError('bad-value', {
      what: `${patternText(job.destination)} is in the data folder of this node, which is in use`,
      mend: 'restore into another folder, and take over what is wanted while no node runs',
    });
  }
  makeRoot(call.tree, job.destination);
  const under = (path: Buffer) =>
    path.length === 0 ? job.destination : Buffer.concat([job.destination, SLASH, path]);
  const failed: { path: string; why: string }[] = [];
  let failedCount = 0;
  const writer = new RestoreWriter({
    tree: call.tree,
    root: job.destination,
    work: new WorkFolders({
      open: (path) => openWorkFolder(call.tree, under(path), plan.takenIn(path), call.takeLock, call.holders),
      reaches: (from, to) => reachesByRename(call.tree, under(from), under(to)),
    }),
    overwrite: job.overwrite,
    isOwn,
    idOf: hashProvider().keyedBy(job.secret),
    failed(path, why) {
      failedCount++;
      if (failed.length < MAX_LISTED) failed.push({ path: patternText(path), why });
    },
  });
  await writer.begin();
  let doneBytes = 0;
  const ranges = rangesOf(targetsOf(job, chosen, plan.firstNames, source, writer), source, writer);
  try {
    for await (const { range, bytes } of readAhead(ranges, call.door)) {
      if (call.aborted()) throw new DatameshError('cancelled', { what: 'the restore was cancelled' });
      for (const { id, place, targets } of range.chunks) {
        const content =
          bytes instanceof DatameshError ? bytes : openChunk(source, id, place, bytes, range.offset);
        for (const { file, position } of targets) {
          if (content instanceof DatameshError) writer.lose(file, place.rawBytes, content.message);
          else writer.write(file, position, content);
          doneBytes += place.rawBytes;
        }
      }
      call.onBytes(doneBytes, plan.counts.bytes);
    }
    await writer.end();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  return { ...writer.counts, failedCount, failed };
}

/** With the folders above it, whose modes are the user's usual ones. */
function makeRoot(tree: FileTree, path: TreePath): void {
  if (tree.statThrough(path) !== undefined) return;
  const above = path.subarray(0, path.lastIndexOf('/'));
  if (above.length > 0) makeRoot(tree, above);
  if (tree.statThrough(path) === undefined) tree.makeDir(path, 0o777);
}

function openChunk(
  source: ChunkSource,
  id: Buffer,
  place: Wanted<Target>['place'],
  bytes: Uint8Array,
  offset: number,
): Uint8Array | DatameshError {
  const from = place.offset - offset;
  try {
    return source.open(id, place, bytes.subarray(from, from + place.storedBytes));
  } catch (error) {
    return asDatameshError(error);
  }
}

interface Plan {
  counts: { files: number; directories: number; links: number; bytes: number };
  /** First names, not chosen themselves, of files of which a further name is: by path in latin1. */
  firstNames: Set<string>;
  /** Names in lower case, of those that this run would have for a folder of its own, that the snapshot has in a folder. */
  takenIn(folder: Buffer): Pick<ReadonlySet<string>, 'has'>;
}

/** The first look at the tree: is it lawful, is anything chosen, how much is it. */
async function planOf(job: RestoreJob, chosen: Selection, source: ChunkSource): Promise<Plan> {
  const counts = { files: 0, directories: 0, links: 0, bytes: 0 };
  const firstNames = new Set<string>();
  const likeWorkFolder = new Set<string>();
  const checker = new TreeChecker();
  let found = 0;
  for await (const entry of readTree(source.treeChunks(job.tree))) {
    checker.check(entry);
    const share = chosen.of(entry.path);
    if (share === 'none') continue;
    if (isLikeWorkFolder(entry.path)) likeWorkFolder.add(lowerOf(entry.path));
    if (share === 'all') found++;
    if (entry.kind === 'directory') counts.directories += entry.path.length === 0 ? 0 : 1;
    else if (entry.kind === 'file') counts.files++;
    else counts.links++;
    for (const { id, lengthBytes } of entry.segments) if (id !== undefined) counts.bytes += lengthBytes;
    if (entry.kind === 'hard-link' && chosen.of(entry.target) === 'none')
      firstNames.add(entry.target.toString('latin1'));
  }
  if (found === 0) throw chosen.nothing();
  const takenIn = (folder: Buffer) => {
    const above = folder.length === 0 ? '' : `${lowerOf(folder)}/`;
    return { has: (name: string) => likeWorkFolder.has(`${above}${name}`) };
  };
  return { counts, firstNames, takenIn };
}

function lowerOf(path: Buffer): string {
  return path.toString('latin1').toLowerCase();
}

/** Makes folders, opens files and gives what is wanted for them. */
async function* targetsOf(
  job: RestoreJob,
  chosen: Selection,
  firstNames: ReadonlySet<string>,
  source: ChunkSource,
  writer: RestoreWriter,
): AsyncGenerator<{ id: Buffer; target: Target; lengthBytes: number }> {
  /** Content of first names that are not chosen; the path that has it once it is there. */
  const elsewhere = new Map<string, TreeEntry>();
  for await (const entry of readTree(source.treeChunks(job.tree))) {
    const key = entry.path.toString('latin1');
    if (firstNames.has(key)) elsewhere.set(key, entry);
    const share = chosen.of(entry.path);
    if (share === 'none') continue;
    let wanted = entry;
    if (entry.kind === 'directory') {
      await writer.directory(entry, share === 'way');
      continue;
    }
    if (entry.kind === 'hard-link') {
      const first = elsewhere.get(entry.target.toString('latin1'));
      if (first === undefined || first.kind === 'hard-link') {
        writer.link(first === undefined ? entry : { ...entry, target: first.path });
        continue;
      }
      // The first name of this file here; others link to it.
      wanted = { ...first, path: entry.path };
      elsewhere.set(entry.target.toString('latin1'), { ...entry, kind: 'hard-link' });
    }
    if (entry.kind === 'link') {
      writer.link(entry);
      continue;
    }
    const file = writer.openFile(wanted);
    if (file === undefined) continue;
    let position = 0;
    for (const { id, lengthBytes } of wanted.segments) {
      if (id !== undefined) yield { id, target: { file, position }, lengthBytes };
      position += lengthBytes;
    }
  }
}

/** The ranges of one batch after another. */
async function* rangesOf(
  targets: AsyncIterable<{ id: Buffer; target: Target; lengthBytes: number }>,
  source: ChunkSource,
  writer: RestoreWriter,
): AsyncGenerator<PackRange<Target>> {
  let batch = new Map<string, Wanted<Target>>();
  let bytes = 0;
  let count = 0;
  for await (const { id, target, lengthBytes } of targets) {
    const key = id.toString('latin1');
    const known = batch.get(key);
    if (known !== undefined) known.targets.push(target);
    else {
      const place = source.find(id);
      if (place === undefined || place.rawBytes !== lengthBytes) {
        const why =
          place === undefined ? 'no pack has a chunk of it' : 'a chunk is not as long as the tree says';
        writer.lose(target.file, lengthBytes, why);
        continue;
      }
      batch.set(key, { id, place, targets: [target] });
      bytes += place.storedBytes;
    }
    count++;
    if (bytes < BATCH_BYTES && count < BATCH_FILES) continue;
    yield* packRanges([...batch.values()]);
    batch = new Map();
    bytes = 0;
    count = 0;
  }
  yield* packRanges([...batch.values()]);
}

/** Reads some ranges ahead, and gives them in order. A range that cannot be read comes with its error. */
async function* readAhead(
  ranges: AsyncIterator<PackRange<Target>> & AsyncIterable<PackRange<Target>>,
  door: Pick<ObjectDoor, 'read'>,
): AsyncGenerator<{ range: PackRange<Target>; bytes: Uint8Array | DatameshError }> {
  const waiting: { range: PackRange<Target>; bytes: Promise<Uint8Array | DatameshError> }[] = [];
  for (;;) {
    while (waiting.length < RANGES_AHEAD) {
      const next = await ranges.next();
      if (next.done === true) break;
      const { pack, offset, lengthBytes } = next.value;
      waiting.push({
        range: next.value,
        bytes: door.read(pack, offset, lengthBytes).catch((error: unknown) => asDatameshError(error)),
      });
    }
    const first = waiting.shift();
    if (first === undefined) return;
    yield { range: first.range, bytes: await first.bytes };
  }
}
