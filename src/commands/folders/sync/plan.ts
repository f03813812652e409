/**
 * What a sync does, from three sides: what each path was when both were last the same, what it is in the folder, and what it is in the mesh. Contents are told apart by
 * their hashes; undefined: nothing is there. Pure.
 */
import { createHash } from 'node:crypto';

export interface Sides {
  /** When both were last the same. */
  base: string | undefined;
  local: string | undefined;
  remote: string | undefined;
}

export type Step =
  /** Nothing to do, and the path is the same on both sides, or on neither. */
  | 'same'
  /** Left as it is: not this sync's to change. */
  | 'leave'
  | 'upload'
  | 'download'
  | 'delete-local'
  | 'delete-remote'
  /** Both have changed: the local file is kept under another name, on both sides. */
  | 'conflict';

/**
 * One way, the folder is what counts: changes of the mesh are overwritten (their versions stay), and only what came from the folder is deleted there. Both ways, a change
 * beats a deletion, and two changes are both kept. A path without a base was never synced, so its absence on one side deletes nothing.
 */
export function stepOf({ base, local, remote }: Sides, bidirectional: boolean): Step {
  if (local === remote) return 'same';
  if (!bidirectional) {
    if (local !== undefined) return 'upload';
    return base === undefined ? 'leave' : 'delete-remote';
  }
  if (base === undefined) {
    if (local === undefined) return 'download';
    return remote === undefined ? 'upload' : 'conflict';
  }
  if (local === base) return remote === undefined ? 'delete-local' : 'download';
  if (remote === base) return local === undefined ? 'delete-remote' : 'upload';
  if (local === undefined) return 'download';
  return remote === undefined ? 'upload' : 'conflict';
}

export interface Planned {
  path: string;
  step: Step;
}

/** First what is in the way of what comes: a file where a folder is to be, and the files of a folder where a file is to be. */
export function inOrder(plan: readonly Planned[]): [Planned[], Planned[]] {
  const coming = new Set(plan.flatMap(({ path, step }) => (step === 'download' ? [path] : [])));
  const foldersToBe = new Set([...coming].flatMap(foldersOf));
  const parts: [Planned[], Planned[]] = [[], []];
  for (const one of plan) {
    const isInWay = foldersToBe.has(one.path) || foldersOf(one.path).some((folder) => coming.has(folder));
    parts[one.step === 'delete-local' && isInWay ? 0 : 1].push(one);
  }
  return parts;
}

/** All that it lies in. */
function foldersOf(path: string): string[] {
  const names = path.split('/');
  return names.slice(1).map((_, i) => names.slice(0, i + 1).join('/'));
}

/** Whether it is one of these, or in one of them; '' is the folder itself. There may be a hundred thousand of either. */
export function isWithin(paths: ReadonlySet<string>, path: string): boolean {
  return paths.has('') || paths.has(path) || foldersOf(path).some((folder) => paths.has(folder));
}

/** What a kill costs: looking at so many files again. */
const KEEP_EVERY = 200;
const KEEP_SHARE = 1 / 10;

/** Whether the notes of so many files are to be written after so many more: where each write is of all of them, they must become rarer as there are more. */
export function isTimeToKeep(since: number, noted: number): boolean {
  return since >= Math.max(KEEP_EVERY, noted * KEEP_SHARE);
}

/** Deletions up to this number need no leave, whatever their share. */
const FREE_DELETIONS = 5;

/** Whether so many deletions, of so many files known, are more than the share (0 to 100) that needs no leave. */
export function tooManyDeletions(deletions: number, known: number, maxPercent: number): boolean {
  return deletions > FREE_DELETIONS && deletions * 100 > known * maxPercent;
}

/** What file systems take for one name. */
const MAX_NAME_BYTES = 255;
/** What follows the last dot of a name and is longer is no extension. */
const MAX_EXTENSION_BYTES = 32;

/** `a/b.txt` → `a/b (conflict 2026-11-21 10.30.05 alpha).txt`: sorts beside it and keeps its extension. A long name is cut, with digits that no other name beside it has. */
export function conflictName(path: string, atMs: number, node: string): string {
  const stamp = new Date(atMs).toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '.');
  const slash = path.lastIndexOf('/');
  const dot = path.lastIndexOf('.');
  const isExtension = dot > slash + 1 && Buffer.byteLength(path.slice(dot)) <= MAX_EXTENSION_BYTES;
  const cut = isExtension ? dot : path.length;
  const name = path.slice(slash + 1, cut);
  const end = ` (conflict ${stamp} ${node})${path.slice(cut)}`;
  const room = MAX_NAME_BYTES - Buffer.byteLength(end);
  return `${path.slice(0, slash + 1)}${fitted(name, room)}${end}`;
}

function fitted(name: string, room: number): string {
  if (Buffer.byteLength(name) <= room) return name;
  const digits = `~${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
  const characters = [...name];
  while (Buffer.byteLength(characters.join('')) > room - digits.length) characters.pop();
  return `${characters.join('')}${digits}`;
}
