import { basename } from 'node:path';
import { asClearError } from '../../../engine/effects/file-errors.ts';
import { DatameshError, EXIT } from '../../../errors.ts';
import type { Command, Context, Values } from '../../command.ts';
import { checkName } from '../../files/object-name.ts';
import { SYNC_FIELDS } from '../fields.ts';
import { absolute, FOLDER_TYPE, folderAt } from '../snapshot-record.ts';

const DEFAULT_MAX_DELETE_PERCENT = 25;
const DEFAULT_PARALLEL = 4;
/** How long a watch waits before it looks at the mesh again, or tries again. */
const DEFAULT_INTERVAL = '30s';
/** What a timer takes at most. */
const FOREVER_MS = 2 ** 31 - 1;

export const syncCommand: Command = {
  path: ['sync'],
  group: 'folders',
  summary: 'Keep a folder and names in the mesh the same',
  description: `Each file is an object NAME/path, which other commands see as any other. One way, as it is without --bidirectional, the folder counts: what is new or changed is put as a new version,
    what is gone from the folder is deleted in the mesh (undelete brings it back), and what never came from the folder is left alone. Both ways, changes go either way, a change beats a
    deletion, and where both sides have changed the folder's file is kept beside, named "(conflict …)". What was last the same is noted in FOLDER/.datamesh-sync; without it nothing is ever deleted.
    Patterns in FOLDER/.datameshignore, as in a .gitignore, leave files out. Content and names are kept the same; modes and times are not, and links are left alone: backup keeps those.`,
  args: [{ name: 'folder', type: FOLDER_TYPE, summary: 'Folder to keep the same', required: true }],
  options: [
    {
      name: 'to',
      type: { kind: 'string' },
      summary: "Beginning of the names in the mesh; the folder's own name unless given",
    },
    { name: 'bidirectional', short: 'b', summary: 'Take over changes of the mesh as well' },
    { name: 'watch', short: 'w', summary: 'Go on until interrupted, after each change' },
    {
      name: 'interval',
      type: { kind: 'duration' },
      summary:
        'With --watch: how soon to try again what failed, and to look for changes in the mesh (with -b)',
      default: DEFAULT_INTERVAL,
    },
    {
      name: 'exclude',
      short: 'e',
      type: { kind: 'string' },
      summary: 'Pattern of what to leave out, as in a .gitignore',
      repeatable: true,
    },
    {
      name: 'max-delete',
      type: { kind: 'integer', min: 0, max: 100 },
      summary: 'Ask before more than this share of the files, in percent, is deleted (and more than 5)',
      default: String(DEFAULT_MAX_DELETE_PERCENT),
    },
    {
      name: 'parallel',
      type: { kind: 'integer', min: 1, max: 64 },
      summary: 'Files under way at once',
      default: String(DEFAULT_PARALLEL),
    },
    { name: 'pool', type: { kind: 'string' }, summary: 'Pool to put files into' },
  ],
  examples: [
    { line: 'datamesh sync ~/notes', note: 'what is in the folder, as notes/… in the mesh' },
    {
      line: 'datamesh sync ~/notes --to shared/notes --bidirectional --watch',
      note: 'on each of several machines: they follow each other',
    },
    { line: 'datamesh sync /srv/www --dry-run --json', note: 'what would be done' },
  ],
  effects: 'writes',
  fields: SYNC_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'action', title: 'Action' },
    { key: 'path', title: 'Path' },
    { key: 'sizeBytes', title: 'Size', format: 'bytes', align: 'right' },
    { key: 'keptAs', title: 'Kept as', priority: 1 },
    { key: 'problem', title: 'Problem', priority: 2 },
  ],
  exits: [
    { code: EXIT.partial, meaning: 'something could not be synced, or was kept in spite of a deletion' },
    {
      code: EXIT.usage,
      meaning: 'more would be deleted than --max-delete allows, and nobody was there to ask',
    },
    { code: EXIT.conflict, meaning: 'another sync of this folder runs' },
  ],
  async run(context, values) {
    const root = await folderAt(values.folder as string, context.cwd);
    const given = (
      (values.to as string | undefined) ?? basename(absolute(values.folder as string, context.cwd))
    ).replace(/\/+$/, '');
    const prefix = `${checkName(given, 'give another with --to')}/`;
    const { peekState, StateFile } = await import('./state.ts');
    if (context.options.dryRun) {
      const state = await peekState(root, prefix);
      return statusOf(await pass(context, values, root, prefix, state, async () => {}));
    }
    const file = await StateFile.open(root, prefix);
    try {
      const state = await file.read();
      const keep = () => file.write(state);
      const once = async () => {
        try {
          return await pass(context, values, root, prefix, state, keep);
        } finally {
          // Also of a pass that was broken off: what it did is done.
          await keep();
        }
      };
      if (values.watch !== true) return statusOf(await once());
      const engine = await context.engine();
      const { watchFolder } = await import('./watch.ts');
      const warn = (error: Error) => context.out.warn(`watching: ${error.message}`);
      const watch = await watchFolder(root, [(await engine.status()).dataDir], warn);
      try {
        for (let first = true; ; first = false) {
          await file.needIsThere();
          const { failed, again } = await once().catch((error: unknown): Failed => {
            // As without --watch: what was asked for may be wrong. Later it was right once, and a service, nodes or a disk may come back.
            if (first || context.signal.aborted) throw error;
            return { failed: asClearError(error), again: true };
          });
          if (failed !== undefined) context.out.warn(failed.message);
          const looks = again || values.bidirectional === true;
          await watch.next(looks ? (values.interval as number) : FOREVER_MS, context.signal);
        }
      } finally {
        await watch.close();
      }
    } finally {
      await file.release();
    }
  },
};

interface Failed {
  /** Where something could not be synced. */
  failed: DatameshError | undefined;
  /** It may go well the next time, though nothing changes here. */
  again: boolean;
}

interface Pass extends Failed {
  status: number;
}

function statusOf({ status, failed }: Pass): number {
  if (failed !== undefined) throw failed;
  return status;
}

async function pass(
  context: Context,
  values: Values,
  root: string,
  prefix: string,
  state: import('./state.ts').SyncState,
  keep: () => Promise<void>,
): Promise<Pass> {
  const { out, signal, options } = context;
  const [
    { syncOnce },
    { IS_LINK, ignoredByFile },
    { exclusion },
    { OWN_FOLDER, RESTORE_FOLDER },
    { tooManyDeletions },
    { STATE_FOLDER },
  ] = await Promise.all([
    import('./run.ts'),
    import('./local-files.ts'),
    import('../../../engine/backup/exclude.ts'),
    import('../../../engine/backup/own-folder.ts'),
    import('./plan.ts'),
    import('./state.ts'),
  ]);
  const engine = await context.engine();
  // Once, not for every file.
  if (values.pool !== undefined) await engine.pools.show(values.pool as string);
  // By a catalog of yesterday, changes of other devices would be overwritten unseen. Out of reach, what is known here has to do.
  if (values.bidirectional === true) {
    await engine.recover({}, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
  const patterns = [
    ...(await ignoredByFile(root)),
    ...((values.exclude as string[] | undefined) ?? []),
    // Also of a folder within it that is synced by itself: with the notes of another device it would take for deleted what it never had.
    `${STATE_FOLDER}/`,
  ];
  const maxPercent = values['max-delete'] as number;
  const startedMs = performance.now();
  let [actions, problems, doneBytes, kept, incoming] = [0, 0, 0, 0, 0];
  let again = false;
  const { name, dataDir } = await engine.status();
  await syncOnce(state, {
    engine,
    root,
    prefix,
    bidirectional: values.bidirectional === true,
    exclusion: exclusion(patterns),
    pool: values.pool as string | undefined,
    dryRun: options.dryRun,
    parallel: values.parallel as number,
    nowMs: Date.now(),
    nextNumber: () => incoming++,
    node: name,
    skip: [dataDir],
    signal,
    async mayDelete(deletions, known) {
      if (!tooManyDeletions(deletions, known, maxPercent)) return true;
      // Nobody is asked in the middle of a watch: the files stay, and the exit status or a warning says so.
      const question = `Delete ${deletions} of ${known} files?`;
      const may = values.watch === true && !options.yes ? false : await context.confirm(question);
      if (!may) {
        kept = deletions;
        out.warn(
          `${deletions} of ${known} files are gone on one side: kept on the other, as that is more than ${maxPercent} %`,
        );
      }
      return may;
    },
    done({ step, path, sizeBytes, problem, keptAs }) {
      if (problem === IS_LINK || problem === OWN_FOLDER || problem === RESTORE_FOLDER) return;
      if (problem !== undefined) problems++;
      else actions++;
      again ||= problem !== undefined && step !== 'skip';
      out.record({
        ...(options.dryRun ? { dryRun: true } : {}),
        action: step,
        path,
        sizeBytes: sizeBytes ?? null,
        ...(keptAs === undefined ? {} : { keptAs }),
        ...(problem === undefined ? {} : { problem }),
      });
    },
    keep,
    onBytes(bytes) {
      doneBytes += bytes;
      out.progress(`sync ${prefix}`, { doneBytes, totalBytes: undefined });
    },
  });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  if (options.dryRun) out.note('nothing was changed (--dry-run)');
  else if (actions + problems + kept === 0) out.note('everything is the same');
  else out.note(`${actions} changed, in ${seconds} s`);
  const failed =
    problems === 0
      ? undefined
      : new DatameshError('some-failed', {
          what: `${problems} of ${actions + problems} could not be synced`,
          mend: 'see the problem beside each; the same command again tries them anew',
        });
  return { status: kept > 0 ? EXIT.partial : EXIT.ok, failed, again };
}
