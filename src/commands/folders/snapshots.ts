import type { KeepRule } from '../../engine/views/backups.ts';
import { EXIT } from '../../errors.ts';
import type { Command, OptionSpec } from '../command.ts';
import { ENTRY_FIELDS, FORGET_FIELDS, PRUNE_FIELDS, SNAPSHOT_FIELDS } from './fields.ts';
import {
  absolute,
  notTheLatest,
  SNAPSHOT_COLUMNS,
  snapshotRecord,
  UNKNOWN_SNAPSHOT,
  unreadText,
} from './snapshot-record.ts';

const FILTERS: readonly OptionSpec[] = [
  { name: 'source', type: { kind: 'path' }, summary: 'Only those of this folder' },
  { name: 'tag', short: 't', type: { kind: 'string' }, summary: 'Only those with this tag' },
];

const filtersOf = (values: Readonly<Record<string, unknown>>, cwd: string) => ({
  source: values.source === undefined ? undefined : absolute(values.source as string, cwd),
  tag: values.tag as string | undefined,
});

export const snapshotsListCommand: Command = {
  path: ['snapshots', 'list'],
  synonyms: [['snapshots'], ['snapshots', 'ls']],
  group: 'folders',
  summary: 'List snapshots, the newest first',
  args: [],
  options: FILTERS,
  examples: [
    { line: 'datamesh snapshots', note: 'all of them, of every node of yours' },
    { line: 'datamesh snapshots list --source ~/photos --tag daily', note: 'of one folder, with a tag' },
    { line: 'datamesh snapshots list --json=id,takenAt,source', note: 'for a script' },
  ],
  effects: 'reads',
  fields: SNAPSHOT_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: SNAPSHOT_COLUMNS,
  exits: [{ code: EXIT.partial, meaning: 'some cannot be read; each is named' }],
  async run(context, values) {
    const engine = await context.engine();
    const { snapshots, unread } = await engine.backups.snapshots(filtersOf(values, context.cwd));
    for (const snapshot of snapshots) context.out.record(snapshotRecord(snapshot));
    if (snapshots.length + unread.length === 0)
      context.out.note('there is no snapshot yet: datamesh backup FOLDER makes one');
    for (const it of unread)
      context.out.warn(
        `${unreadText(it)}; if it is lost for good, give it up: datamesh snapshots forget ${it.id}`,
      );
    return unread.length > 0 ? EXIT.partial : undefined;
  },
};

/** The last moment that a Date can be; a file's may be later. */
const MAX_DATE_MS = 8.64e15;
/** Entries asked for at once. */
const PAGE = 5000;

export const snapshotsShowCommand: Command = {
  path: ['snapshots', 'show'],
  group: 'folders',
  summary: 'List what a snapshot holds',
  args: [
    {
      name: 'snapshot',
      type: { kind: 'string' },
      summary: "Id, or its first digits (4 or more); 'latest' for the newest",
      required: true,
    },
    {
      name: 'path',
      type: { kind: 'string' },
      summary: 'Only what is at or below this path',
      required: false,
    },
  ],
  options: [],
  examples: [
    { line: 'datamesh snapshots show latest', note: 'every file and folder of the newest one' },
    { line: 'datamesh snapshots show 3f9a 2026/holiday', note: 'a folder of it' },
    { line: 'datamesh snapshots show 3f9a --json=path,sizeBytes', note: 'for a script' },
  ],
  effects: 'reads',
  fields: ENTRY_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'mode', title: 'Mode', priority: 2 },
    { key: 'sizeBytes', title: 'Size', format: 'bytes', align: 'right' },
    { key: 'modifiedAt', title: 'Modified', format: 'time', priority: 1 },
    { key: 'path', title: 'Path' },
    { key: 'target', title: 'Links to', priority: 3 },
  ],
  exits: [{ code: EXIT.notFound, meaning: 'there is no such snapshot, or nothing at the path' }],
  async run(context, values) {
    const engine = await context.engine();
    let id = values.snapshot as string;
    const path = values.path as string | undefined;
    for (let skip = 0; ; skip += PAGE) {
      context.signal.throwIfAborted();
      const { snapshot, unread, entries, more } = await engine.backups.show({ id, path, skip, limit: PAGE });
      for (const it of unread) context.out.warn(notTheLatest(it, snapshot));
      // The latest may be another one by the next page.
      id = snapshot.id;
      for (const { mode, mtimeMs, target, ...entry } of entries) {
        context.out.record({
          ...entry,
          mode: mode.toString(8).padStart(4, '0'),
          modifiedAt: new Date(Math.max(-MAX_DATE_MS, Math.min(mtimeMs, MAX_DATE_MS))).toISOString(),
          target: target ?? null,
        });
      }
      if (!more) return;
    }
  },
};

const PERIODS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

export const snapshotsForgetCommand: Command = {
  path: ['snapshots', 'forget'],
  group: 'folders',
  summary: 'Delete snapshots, named or by a rule of what to keep',
  description: `With --keep-… each folder of each node keeps the newest snapshot of each of so many hours, days, weeks, months or years that have one; all its others go. The pieces of
    files stay stored until: datamesh snapshots prune. A snapshot that cannot be read is forgotten by its id alone.`,
  args: [
    {
      name: 'snapshots',
      type: { kind: 'string' },
      summary: 'Ids, or their first digits',
      required: false,
      variadic: true,
    },
  ],
  options: [
    ...PERIODS.map(
      (period): OptionSpec => ({
        name: `keep-${period}`,
        type: { kind: 'integer', min: 0, max: 100_000 },
        summary: period === 'last' ? 'Keep this many of the newest' : `Keep this many ${period} ones`,
      }),
    ),
    ...FILTERS,
  ],
  examples: [
    { line: 'datamesh snapshots forget 3f9a --yes', note: 'one of them' },
    {
      line: 'datamesh snapshots forget --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run',
      note: 'what a rule would keep, and why',
    },
    {
      line: 'datamesh snapshots forget --keep-last 30 --source /srv --yes --json',
      note: 'from a timer',
    },
  ],
  effects: 'destructive',
  fields: FORGET_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'action', title: 'Action' },
    { key: 'reasons', title: 'Kept as', format: 'list' },
    ...SNAPSHOT_COLUMNS,
  ],
  exits: [{ code: EXIT.partial, meaning: 'the rule left alone what cannot be read; each is named' }],
  async run(context, values) {
    const { out, options } = context;
    const keep: KeepRule = {};
    for (const period of PERIODS) {
      const count = values[`keep-${period}`] as number | undefined;
      if (count !== undefined) keep[period] = count;
    }
    const named = (values.snapshots as string[] | undefined) ?? [];
    const engine = await context.engine();
    const query = { ids: named, keep, ...filtersOf(values, context.cwd) };
    const plan = await engine.backups.forget({ ...query, dryRun: true });
    const ids = [...plan.forgotten, ...plan.forgottenUnread].map(({ id }) => id);
    const count = ids.length;
    for (const it of plan.forgottenUnread) out.warn(unreadText(it));
    if (!options.dryRun && count > 0) {
      const sure = await context.confirm(
        `Forget ${count === 1 ? 'a snapshot' : `${count} snapshots`} for good?`,
      );
      if (!sure) {
        out.note('nothing was forgotten');
        return EXIT.failed;
      }
    }
    // What was shown and agreed to, and nothing that came since.
    const done = options.dryRun || count === 0 ? plan : await engine.backups.forget({ ids });
    const dry = options.dryRun ? { dryRun: true } : {};
    for (const { reasons, ...it } of plan.kept)
      out.record({ ...dry, action: 'kept', reasons, ...snapshotRecord(it) });
    for (const it of done.forgotten)
      out.record({ ...dry, action: 'forgotten', reasons: [], ...snapshotRecord(it) });
    for (const { id } of done.forgottenUnread)
      out.record({ ...dry, action: 'forgotten', reasons: [], ...UNKNOWN_SNAPSHOT, id });
    if (options.dryRun) out.note('nothing was forgotten (--dry-run)');
    else if (count > 0) out.note('their space comes back with: datamesh snapshots prune');
    for (const it of plan.unread) out.warn(`${unreadText(it)}; no rule can judge it, so it stays`);
    return plan.unread.length > 0 ? EXIT.partial : undefined;
  },
};

export const snapshotsPruneCommand: Command = {
  path: ['snapshots', 'prune'],
  group: 'folders',
  summary: 'Delete what no snapshot refers to',
  description: `Packs without a living piece are deleted, packs that are mostly dead are written anew. A backup that runs on another node of yours at the same moment may count on pieces
    that nothing refers to yet: after one of the last week --alone is needed. While a snapshot cannot be read nothing is deleted: what it refers to is not known. If it is
    lost for good, forget it first.`,
  args: [],
  options: [{ name: 'alone', summary: 'No other node of mine is backing up just now' }],
  examples: [
    { line: 'datamesh snapshots prune --dry-run', note: 'how much would be freed' },
    { line: 'datamesh snapshots prune', note: 'after forget' },
    { line: 'datamesh snapshots prune --alone --json=freedBytes', note: 'from a timer, with several nodes' },
  ],
  effects: 'writes',
  fields: PRUNE_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'snapshots', title: 'Snapshots' },
    { key: 'chunksLive', title: 'Live pieces' },
    { key: 'bytesLive', title: 'Live bytes', format: 'bytes' },
    { key: 'packs', title: 'Packs' },
    { key: 'packsDeleted', title: 'Deleted' },
    { key: 'packsRewritten', title: 'Written anew' },
    { key: 'packsUnread', title: 'Unread' },
    { key: 'freedBytes', title: 'Freed', format: 'bytes' },
    { key: 'durationMs', title: 'Took', format: 'duration' },
  ],
  exits: [
    { code: EXIT.partial, meaning: 'packs that cannot be read stay as they are' },
    { code: EXIT.conflict, meaning: 'a backup or restore runs here, or may run on another node' },
    { code: EXIT.integrity, meaning: 'a snapshot cannot be read, so nothing was deleted' },
  ],
  async run(context, values) {
    const { out, options, signal } = context;
    const engine = await context.engine();
    const { dryRun, ...figures } = await engine.backups.prune(
      { alone: values.alone === true, dryRun: options.dryRun },
      { signal, onProgress: (progress) => out.progress('prune', progress) },
    );
    out.record({ ...(dryRun ? { dryRun } : {}), ...figures });
    if (dryRun) out.note('nothing was deleted (--dry-run)');
    if (figures.packsUnread === 0) return undefined;
    out.warn(
      `packs that cannot be read: ${figures.packsUnread}. They stay as they are, as something may be needed of them; see datamesh health`,
    );
    return EXIT.partial;
  },
};
