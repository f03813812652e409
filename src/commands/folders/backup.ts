import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, Context, Values } from '../command.ts';
import { parseTags } from '../files/object-name.ts';
import { BACKUP_FIELDS } from './fields.ts';
import { FOLDER_TYPE, folderAt, patternLines, snapshotRecord } from './snapshot-record.ts';

/** A list of patterns is written by hand; what is longer is another file. */
const MAX_PATTERN_FILE_BYTES = 4 * 1024 * 1024;

export const backupCommand: Command = {
  path: ['backup'],
  group: 'folders',
  summary: 'Store a folder as a snapshot',
  description: `Files are cut where their content says, and only pieces that no backup of yours has are stored, in packs that are sealed, coded and healed as every object. Files
    whose size, time and inode are as at the last backup are not read again (--full reads them all). Names of any bytes, links, holes of sparse files, modes, owners and
    times are kept; access lists and extended attributes are not. What lies in packs that are lost, by the last census of the service or with --full by a census of all packs, is stored anew. A backup that was interrupted leaves no snapshot; the same command goes on with what was stored.`,
  args: [{ name: 'folder', type: FOLDER_TYPE, summary: 'Folder to back up', required: true }],
  options: [
    {
      name: 'incremental',
      summary:
        'Read only files that look changed since the last backup here (the default, for scripts that say so)',
    },
    {
      name: 'full',
      summary: 'Read every file, and ask the nodes for every pack; still only new pieces are sent',
    },
    {
      name: 'compress',
      summary: 'Compress pieces that shrink; their stored size may then tell what they are',
    },
    {
      name: 'exclude',
      short: 'e',
      type: { kind: 'string' },
      summary: 'Pattern of what to leave out, as in a .gitignore',
      repeatable: true,
    },
    {
      name: 'exclude-file',
      type: { kind: 'path' },
      summary: 'File with such patterns, one a line',
      repeatable: true,
    },
    { name: 'one-file-system', short: 'x', summary: 'Do not go into other file systems below the folder' },
    {
      name: 'tag',
      short: 't',
      type: { kind: 'string' },
      summary: 'Tags of the snapshot, separated by commas',
      repeatable: true,
    },
    { name: 'allow-degraded', summary: 'Store with fewer nodes than the code wants (exit 3)' },
    { name: 'pool', type: { kind: 'string' }, summary: 'Pool to store it in, in place of the default one' },
  ],
  examples: [
    { line: 'datamesh backup ~/photos', note: 'the first time everything, later what is new' },
    {
      line: 'datamesh backup /home/me --exclude node_modules/ --exclude "*.tmp" --tag daily',
      note: 'without what can be made again',
    },
    {
      line: 'datamesh backup /srv --json=snapshotId,addedBytes,skipped',
      note: 'for a script; exit 3 when something could not be read',
    },
  ],
  effects: 'writes',
  fields: BACKUP_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'snapshotId', title: 'Snapshot' },
    { key: 'source', title: 'Folder' },
    { key: 'files', title: 'Files' },
    { key: 'directories', title: 'Folders' },
    { key: 'links', title: 'Links' },
    { key: 'sizeBytes', title: 'Size', format: 'bytes' },
    { key: 'filesRead', title: 'Files read' },
    { key: 'bytesRead', title: 'Bytes read', format: 'bytes' },
    { key: 'addedBytes', title: 'Added', format: 'bytes' },
    { key: 'skipped', title: 'Skipped' },
    { key: 'durationMs', title: 'Took', format: 'duration' },
  ],
  exits: [
    {
      code: EXIT.partial,
      meaning: 'something could not be read, or was stored with fewer shards than wanted',
    },
    { code: EXIT.conflict, meaning: 'another backup runs on this node' },
  ],
  async run(context, values) {
    const { out, signal, options } = context;
    if (values.full === true && values.incremental === true)
      throw new DatameshError('bad-value', { what: '--full and --incremental exclude each other' });
    const source = await folderAt(values.folder as string, context.cwd);
    const exclude = await patternsOf(context, values);
    const engine = await context.engine();
    const report = await engine.backups.backup(
      {
        source,
        exclude,
        full: values.full === true,
        compress: values.compress === true,
        oneFileSystem: values['one-file-system'] === true,
        tags: parseTags(values.tag),
        pool: values.pool as string | undefined,
        allowDegraded: values['allow-degraded'] === true,
        dryRun: options.dryRun,
      },
      { signal, onProgress: (progress) => out.progress(`backup ${source}`, progress) },
    );
    const { snapshot, dryRun, skipped, ...figures } = report;
    const { id, ...view } = snapshotRecord(snapshot);
    out.record({
      ...(dryRun ? { dryRun } : {}),
      snapshotId: dryRun ? null : id,
      ...view,
      ...figures,
      skippedPaths: skipped,
    });
    if (figures.packsAdopted > 0)
      out.note(`resumed: ${figures.packsAdopted} packs of an interrupted backup were already stored`);
    if (figures.packsLost > 0)
      out.warn(
        `${figures.packsLost} packs of earlier backups cannot be read any more; what is in them and still in the folder ${dryRun ? 'would be' : 'was'} stored anew`,
      );
    for (const { path, why } of skipped) out.warn(`${path}: ${why}`);
    if (snapshot.skipped > skipped.length)
      out.warn(`and ${snapshot.skipped - skipped.length} more were skipped`);
    if (dryRun) out.note('nothing was stored (--dry-run)');
    if (figures.degraded > 0)
      out.warn(
        `${figures.degraded} objects of it were stored with fewer shards than wanted: see datamesh health`,
      );
    return snapshot.skipped > 0 || figures.degraded > 0 ? EXIT.partial : undefined;
  },
};

async function patternsOf(context: Context, values: Values): Promise<string[]> {
  const patterns = [...((values.exclude as string[] | undefined) ?? [])];
  for (const given of (values['exclude-file'] as string[] | undefined) ?? []) {
    const path = resolve(context.cwd, given);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || !found.isFile())
      throw new DatameshError('file-not-found', {
        what: `there is no file ${path}`,
        mend: 'check --exclude-file',
      });
    if (found.size > MAX_PATTERN_FILE_BYTES)
      throw new DatameshError('input-too-large', { what: `${path} is too long for a list of patterns` });
    patterns.push(...patternLines(await readFile(path, 'utf8')));
  }
  return patterns;
}
