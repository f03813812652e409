/** A snapshot as a record, the same in every command. */
import { resolve } from 'node:path';
import type { SnapshotView } from '../../engine/backup-views.ts';
import { DatameshError } from '../../errors.ts';
import type { Column, OutputRecord, ValueType } from '../command.ts';

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
