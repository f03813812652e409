/** A snapshot as a record, the same in every command. */
import { realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { SnapshotView, UnreadSnapshot } from '../../engine/views/backups.ts';
import { DatameshError } from '../../errors.ts';
import type { Column, OutputRecord, ValueType } from '../command.ts';
import { SNAPSHOT_FIELDS } from './fields.ts';

export const SNAPSHOT_COLUMNS: readonly Column[] = [
  { key: 'id', title: 'Id' },
  { key: 'takenAt', title: 'Taken', format: 'time' },
  { key: 'source', title: 'Folder' },
  { key: 'files', title: 'Files', align: 'right' },
  { key: 'sizeBytes', title: 'Size', format: 'bytes', align: 'right' },
  { key: 'addedBytes', title: 'Added', format: 'bytes', align: 'right', priority: 1 },
  { key: 'skipped', title: 'Skipped', align: 'right', priority: 4 },
  { key: 'tags', title: 'Tags', format: 'list', priority: 3 },
  { key: 'node', title: 'Node', priority: 2 },
];

export function snapshotRecord(snapshot: SnapshotView): OutputRecord {
  const { takenAtMs, ...rest } = snapshot;
  return { ...rest, takenAt: new Date(takenAtMs).toISOString() };
}

/** Of one that cannot be read nothing is known but its id. */
export const UNKNOWN_SNAPSHOT: OutputRecord = Object.fromEntries(
  Object.keys(SNAPSHOT_FIELDS).map((key) => [key, null]),
);

export function unreadText({ id, storedAtMs, why }: UnreadSnapshot): string {
  return `snapshot ${id}, stored ${new Date(storedAtMs).toISOString()}, cannot be read: ${why}`;
}

/** For who asked for `latest` and got `taken`. */
export function notTheLatest(it: UnreadSnapshot, taken: SnapshotView): string {
  return `${unreadText(it)}; it may be newer than ${taken.id}, which is the latest that can be read`;
}

/** The folder that a path leads to, absolute, links followed: what is walked must not be a link itself. Throws `file-not-found`. */
export async function folderAt(given: string, cwd: string): Promise<string> {
  const path = absolute(given, cwd);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return await realpath(path);
  throw new DatameshError('file-not-found', {
    what: found === undefined ? `there is no folder ${path}` : `${path} is no folder`,
    mend: found === undefined ? 'check the path' : 'a single file is stored with: datamesh put FILE',
  });
}

/** An option's or argument's path, absolute; a list of them. */
export function absolute(path: string, cwd: string): string {
  if (path === '-') throw new DatameshError('bad-value', { what: "a folder is needed, not '-'" });
  return resolve(cwd, path);
}

export const FOLDER_TYPE: ValueType = { kind: 'path' };

/** Of `--exclude-file`: one pattern a line. */
export function patternLines(text: string): string[] {
  return text.replace(/^\ufeff/, '').split('\n');
}
