import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { RESTORE_FIELDS } from './fields.ts';
import { absolute, FOLDER_TYPE, notTheLatest } from './snapshot-record.ts';

export const restoreCommand: Command = {
  path: ['restore'],
  group: 'folders',
  summary: 'Write a snapshot, or a part of it, into a folder',
  description: `Nothing is ever written outside the folder: the whole tree is checked first, files appear under their names when they are whole and verified, and links are made
    last. The folder must be empty or new unless --overwrite is given, with which files that are as they should be stay, so an interrupted restore goes on. Owners are set
    where the service's user may.`,
  args: [
    {
      name: 'snapshot',
      type: { kind: 'string' },
      summary: "Id, or its first digits (4 or more); 'latest' for the newest",
      required: true,
    },
    { name: 'folder', type: FOLDER_TYPE, summary: 'Folder to write into', required: true },
  ],
  options: [
    {
      name: 'path',
      short: 'p',
      type: { kind: 'string' },
      summary: 'Only this file or folder of the snapshot (a name that is no UTF-8 comes with its folder)',
      repeatable: true,
    },
    { name: 'overwrite', summary: 'Write into a folder that is not empty, and replace what differs' },
  ],
  examples: [
    { line: 'datamesh restore latest /tmp/back', note: 'the newest snapshot of all' },
    {
      line: 'datamesh restore 3f9a photos-back --path 2026/holiday',
      note: 'one folder of it; its path is kept below photos-back',
    },
    {
      line: 'datamesh restore 3f9a /srv --overwrite --json=files,kept,failed',
      note: 'brings a folder back to what it was; what is not in the snapshot stays',
    },
  ],
  effects: 'writes',
  fields: RESTORE_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'snapshotId', title: 'Snapshot' },
    { key: 'destination', title: 'Folder' },
    { key: 'files', title: 'Files' },
    { key: 'directories', title: 'Folders' },
    { key: 'links', title: 'Links' },
    { key: 'bytes', title: 'Bytes', format: 'bytes' },
    { key: 'kept', title: 'Kept' },
    { key: 'failedCount', title: 'Failed' },
    { key: 'durationMs', title: 'Took', format: 'duration' },
  ],
  exits: [
    { code: EXIT.partial, meaning: 'some things could not be restored; each is named' },
    { code: EXIT.conflict, meaning: 'the folder is not empty, or another restore writes into it' },
  ],
  async run(context, values) {
    const { out, signal, options } = context;
    const destination = absolute(values.folder as string, context.cwd);
    const engine = await context.engine();
    const report = await engine.backups.restore(
      {
        id: values.snapshot as string,
        destination,
        paths: values.path as string[] | undefined,
        overwrite: values.overwrite === true,
        dryRun: options.dryRun,
      },
      { signal, onProgress: (progress) => out.progress(`restore ${destination}`, progress) },
    );
    const { snapshot, unread, dryRun, failed, ...figures } = report;
    for (const it of unread) out.warn(notTheLatest(it, snapshot));
    out.record({
      ...(dryRun ? { dryRun } : {}),
      snapshotId: snapshot.id,
      source: snapshot.source,
      destination,
      ...figures,
      failed,
    });
    for (const { path, why } of failed) out.warn(`${path}: ${why}`);
    if (figures.failedCount > failed.length)
      out.warn(`and ${figures.failedCount - failed.length} more failed`);
    if (figures.unset > 0)
      out.note(`owner, mode or time of ${figures.unset} things could not be set as the snapshot has them`);
    if (dryRun) out.note('nothing was written (--dry-run)');
    return figures.failedCount > 0 ? EXIT.partial : undefined;
  },
};
