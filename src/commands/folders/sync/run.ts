/** One pass of a sync: looks at both sides, decides, does it, and notes what is the same now. */

import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exclusion } from '../../../engine/backup/exclude.ts';
import { asClearError } from '../../../engine/effects/file-errors.ts';
import type { Engine } from '../../../engine/engine.ts';
import { DatameshError } from '../../../errors.ts';
import { openDestination } from '../../files/destination.ts';
import { mimeTypeOf } from '../../files/mime-type.ts';
import { openSource } from '../../files/source-file.ts';
import {
  hashFile,
  type LocalFile,
  markAt,
  moveFile,
  moveOver,
  placeFor,
  removeFile,
  sameMark,
  scanLocal,
} from './local-files.ts';
import { knowsNothing, meantOlder, nowInMesh } from './mesh-side.ts';
import { conflictName, inOrder, isTimeToKeep, isWithin, type Planned, type Step, stepOf } from './plan.ts';
import { type FileMark, INCOMING, STATE_FOLDER, type SyncState } from './state.ts';

export interface SyncOptions {
  engine: Engine;
  /** Absolute. */
  root: string;
  /** Names in the mesh begin with it; ends in a slash. */
  prefix: string;
  bidirectional: boolean;
  exclusion: Exclusion;
  /** Folders within it that are left alone on both sides: the node's own data folder. */
  skip?: readonly string[];
  pool: string | undefined;
  dryRun: boolean;
  parallel: number;
  nowMs: number;
  /** Another number each time. */
  nextNumber(): number;
  /** Name of this node, for conflicts. */
  node: string;
  signal: AbortSignal;
  /** Whether so many of so many known files may be deleted. */
  mayDelete(deletions: number, known: number): Promise<boolean>;
  /** What was done, or failed, as it happens. */
  done(action: SyncAction): void;
  /** Now and then: what is the same so far, to be kept. */
  keep(): Promise<void>;
  onBytes(bytes: number): void;
}

export interface SyncAction {
  step: Exclude<Step, 'same' | 'leave'> | 'skip';
  path: string;
  sizeBytes: number | undefined;
  /** Why it failed or was skipped. */
  problem: string | undefined;
  /** Of a conflict: where the local file is now. */
  keptAs?: string;
}

interface Remote {
  hash: string;
  sizeBytes: number;
}

/** As both were when the pass began. */
interface Sides {
  file: LocalFile | undefined;
  there: Remote | undefined;
}

/** Ticks of file systems' clocks are shorter. */
const UNSURE_MS = 100;

/** Changes `state`. */
export async function syncOnce(state: SyncState, options: SyncOptions): Promise<void> {
  const { engine, root, prefix, exclusion, bidirectional, signal, dryRun } = options;
  const local = scanLocal(root, exclusion, state, options.skip);
  for (const { path, why } of local.skipped)
    options.done({ step: 'skip', path, sizeBytes: undefined, problem: why });
  // What is in a folder that cannot be read is not gone.
  const unknown = new Set(local.skipped.map(({ path }) => path));
  const remote = await listRemote(engine, prefix, exclusion, signal);
  const paths = [...new Set([...local.files.keys(), ...remote.keys(), ...state.keys()])].sort();

  const plan: Planned[] = [];
  for (const path of paths) {
    signal.throwIfAborted();
    const file = local.files.get(path);
    if (file !== undefined && file.hash === undefined) {
      try {
        file.hash = await hashFile(root, path, signal);
      } catch (error) {
        signal.throwIfAborted();
        options.done({ step: 'skip', path, sizeBytes: undefined, problem: String((error as Error).message) });
        continue;
      }
    }
    // A file that is there and left out by a pattern now is neither deleted nor sent.
    if (file === undefined && (isWithin(unknown, path) || exclusion.hides(path))) continue;
    const there = remote.get(path);
    const base = state.get(path)?.hash;
    let step = stepOf({ base, local: file?.hash, remote: there?.hash }, bidirectional);
    // A change beats a deletion, also one that was made by a device that had not heard of the change.
    if (step === 'delete-local' && (await meantOlder(engine, `${prefix}${path}`, base!))) step = 'upload';
    if (step === 'same') note(state, path, file, options.nowMs);
    else if (step !== 'leave') plan.push({ path, step });
  }

  if (remote.size === 0 && plan.some(({ step }) => step === 'delete-local') && (await knowsNothing(engine))) {
    throw new DatameshError('not-found', {
      what: `the catalog of this node is empty, and ${state.size} files of this folder were in the mesh when it was synced last`,
      why: 'a new node whose catalog was not brought back yet looks like that; to go on would delete the files here',
      mend: `bring it back with: datamesh recover. If all was deleted, remove ${STATE_FOLDER} from the folder: without its notes nothing is deleted`,
    });
  }
  const deletions = plan.filter(({ step }) => step.startsWith('delete')).length;
  const keepAll = !dryRun && deletions > 0 && !(await options.mayDelete(deletions, state.size));
  const work = plan.filter(({ step }) => !(keepAll && step.startsWith('delete')));
  let unkept = 0;
  const doOne = async ({ path, step }: Planned) => {
    signal.throwIfAborted();
    const sizeBytes = local.files.get(path)?.size ?? remote.get(path)?.sizeBytes;
    const action: SyncAction = { step: step as SyncAction['step'], path, sizeBytes, problem: undefined };
    if (!dryRun) {
      try {
        await apply(
          step,
          path,
          { file: local.files.get(path), there: remote.get(path) },
          action,
          state,
          options,
        );
      } catch (error) {
        signal.throwIfAborted();
        action.problem = asClearError(error).message;
      }
      if (isTimeToKeep(++unkept, state.size)) {
        unkept = 0;
        await options.keep();
      }
    }
    options.done(action);
  };
  for (const part of inOrder(work)) await inParallel(part, options.parallel, doOne);
}

function note(state: SyncState, path: string, file: LocalFile | undefined, nowMs: number): void {
  if (file?.hash === undefined) state.delete(path);
  else state.set(path, { ...sureMark(file, nowMs), hash: file.hash });
}

/** What was changed a moment before may change again without a later time: such a mark fits nothing, so that the next pass reads the file again. */
function sureMark({ size, mtimeNs, ctimeNs, inode }: FileMark, nowMs: number): FileMark {
  const sure = Number(BigInt(ctimeNs) / 1_000_000n) < nowMs - UNSURE_MS;
  return { size, mtimeNs: sure ? mtimeNs : '', ctimeNs, inode };
}

async function apply(
  step: Step,
  path: string,
  { file, there }: Sides,
  action: SyncAction,
  state: SyncState,
  options: SyncOptions,
): Promise<void> {
  const { engine, root, prefix, nowMs, node, bidirectional } = options;
  // One way the folder counts, whatever the mesh has. Much may have happened since it was listed: files before this one may have taken hours.
  const lookAgain = async () => {
    const now = await nowInMesh(engine, `${prefix}${path}`);
    if (bidirectional && now?.hash !== there?.hash) throw changedInMesh(path);
    return now?.version;
  };
  switch (step) {
    case 'upload': {
      const version = await lookAgain();
      const replaced = await upload(path, state, options);
      if (bidirectional && replaced !== version)
        action.problem = `version ${replaced} came into the mesh while this was put: the file here is newer, that one is kept as a version`;
      return;
    }
    case 'download':
      await download(path, file, state, options);
      return;
    case 'delete-local':
      await lookAgain();
      if (!(await removeFile(root, path, file!))) throw changedMeanwhile(path);
      state.delete(path);
      return;
    case 'delete-remote':
      await lookAgain();
      await engine.names.hide(`${prefix}${path}`);
      state.delete(path);
      return;
    case 'conflict': {
      let keptAs = conflictName(path, nowMs, node);
      for (let again = 2; markAt(root, keptAs) !== undefined; again++)
        keptAs = conflictName(path, nowMs, `${node} ${again}`);
      const now = markAt(root, path);
      if (now === undefined || !sameMark(now, file!)) throw changedMeanwhile(path);
      await moveFile(root, path, keptAs);
      action.keptAs = keptAs;
      // The other one first: whatever stops this run, both are on one of the sides.
      await upload(keptAs, state, options);
      await download(path, undefined, state, options);
    }
  }
}

/** Gives the version that stepped back for it. */
async function upload(path: string, state: SyncState, options: SyncOptions): Promise<number | undefined> {
  const { engine, root, prefix, pool, signal, nowMs } = options;
  const before = markAt(root, path);
  if (before === undefined) throw changedMeanwhile(path);
  const source = await openSource(path, root);
  const name = `${prefix}${path}`;
  const receipt = await engine.put(
    source.read(signal),
    { name, sizeBytes: before.size, mimeType: mimeTypeOf(name), pool, source: await source.fingerprint() },
    { signal, givesPieces: true },
  );
  options.onBytes(receipt.object.sizeBytes);
  const after = markAt(root, path);
  // Written while it was read: the next pass reads it again.
  const steady = after !== undefined && sameMark(before, after);
  const mark = steady ? sureMark(before, nowMs) : { ...before, mtimeNs: '' };
  state.set(path, { ...mark, hash: receipt.object.contentHash });
  return receipt.replacedVersion;
}

async function download(
  path: string,
  looked: LocalFile | undefined,
  state: SyncState,
  options: SyncOptions,
): Promise<void> {
  const { engine, root, prefix, signal } = options;
  const place = await placeFor(root, path);
  const got = await engine.get(`${prefix}${path}`, {}, { signal });
  // Beside the notes of the sync: whatever a kill leaves there is never taken for a file of the folder.
  const incoming = join(root, STATE_FOLDER, `${INCOMING}${options.nextNumber()}`);
  // What was kept from others stays so, and a script can still be run.
  const replaced = await stat(place).catch(() => undefined);
  const destination = await openDestination(incoming, true, replaced?.mode);
  try {
    for await (const piece of got.body) await destination.write(piece);
    await destination.commit();
    await moveOver(incoming, place, () => {
      const now = markAt(root, path);
      const same = looked === undefined ? now === undefined : now !== undefined && sameMark(now, looked);
      if (!same) throw changedMeanwhile(path);
    });
  } finally {
    await destination.discard();
    await rm(incoming, { force: true });
  }
  options.onBytes(got.length);
  const mark = markAt(root, path);
  if (mark !== undefined) state.set(path, { ...mark, hash: got.object.contentHash });
}

function changedMeanwhile(path: string): DatameshError {
  return new DatameshError('source-changed', {
    what: `${path} was changed while this ran`,
    mend: 'the next sync takes it as it then is',
  });
}

function changedInMesh(path: string): DatameshError {
  return new DatameshError('source-changed', {
    what: `${path} was changed in the mesh while this ran`,
    mend: 'the next sync takes it as it then is',
  });
}

async function listRemote(
  engine: Engine,
  prefix: string,
  exclusion: Exclusion,
  signal: AbortSignal,
): Promise<Map<string, Remote>> {
  const found = new Map<string, Remote>();
  let cursor: string | undefined;
  do {
    signal.throwIfAborted();
    const page = await engine.list({ prefix, limit: 10_000, cursor });
    for (const { name, contentHash, sizeBytes } of page.objects) {
      const path = name.slice(prefix.length);
      if (!exclusion.hides(path)) found.set(path, { hash: contentHash, sizeBytes });
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

/** In order, so many at a time; the first that throws ends it, once those under way have ended. */
async function inParallel<T>(
  items: readonly T[],
  count: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failure: unknown;
  const lane = async () => {
    while (next < items.length && failure === undefined) {
      try {
        await work(items[next++]!);
      } catch (error) {
        failure ??= error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, lane));
  if (failure !== undefined) throw failure;
}
