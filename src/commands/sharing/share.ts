import { DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { objectRecord } from '../files/object-record.ts';
import { seen } from '../files/seen.ts';
import { untilOf } from '../files/since.ts';
import { SHARE_FIELDS } from './fields.ts';
import { shareRecord } from './share-record.ts';

export const shareCommand: Command = {
  path: ['share'],
  group: 'files',
  summary: 'Share an object by a link',
  description: `--to seals the link to one reader's sharing key (his \`datamesh shares key\`); --link makes one that opens for whoever has it: treat it as a
    password. Either gives away this one version; later ones have keys of their own. What was read cannot be taken back, and --expires and --read-once-hint bind only honest
    programs: docs/SHARING.md. The link is shown once and kept nowhere.`,
  args: [{ name: 'object', type: { kind: 'object' }, summary: 'Name or id', required: true }],
  options: [
    { name: 'to', type: { kind: 'string' }, summary: "The reader's sharing key (dmk-…)" },
    { name: 'link', summary: 'For whoever has the link' },
    {
      name: 'version',
      type: { kind: 'integer', min: 1 },
      summary: 'Version to share, in place of the current one',
    },
    {
      name: 'expires',
      type: { kind: 'string' },
      summary: 'Good for so long (7d) or until a date (2026-12-31)',
    },
    { name: 'read-once-hint', summary: 'Ask readers to read it once only' },
  ],
  examples: [
    { line: 'datamesh share report.pdf --link --expires 7d', note: 'for whoever has the link' },
    {
      line: `datamesh share report.pdf --to dmk-${'0'.repeat(72)}`,
      note: 'for one reader',
    },
    { line: 'datamesh share report.pdf --link --json=link,id', note: 'for a script' },
  ],
  effects: 'writes',
  fields: SHARE_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'name', title: 'Name' },
    { key: 'version', title: 'Version' },
    { key: 'recipient', title: 'For' },
    { key: 'untilMs', title: 'Until', format: 'time' },
    { key: 'id', title: 'Share' },
    { key: 'link', title: 'Link' },
  ],
  exits: [{ code: EXIT.notFound, meaning: 'there is no such object' }],
  async run(context, values) {
    const { out, options } = context;
    const ref = values.object as string;
    const to = values.to as string | undefined;
    if ((to === undefined) === (values.link !== true)) {
      throw new DatameshError(to === undefined ? 'missing-argument' : 'bad-value', {
        what: to === undefined ? 'who is to read it?' : '--to and --link exclude each other',
        mend: 'give --to SHARING-KEY for one reader, or --link for whoever has the link',
      });
    }
    const version = values.version as number | undefined;
    const untilMs = untilOf(values.expires as string | undefined);
    const engine = await context.engine();
    if (options.dryRun) {
      if (to !== undefined) (await import('../../engine/sharing/link.ts')).readSharingKey(to);
      const object = await seen(engine, ref, version);
      out.record({
        dryRun: true,
        ...objectRecord(object),
        recipient: to ?? null,
        untilMs: untilMs ?? null,
        id: null,
        link: null,
      });
      out.note('nothing was shared (--dry-run)');
      return;
    }
    const { share, link } = await engine.shares.share(ref, {
      version,
      to,
      untilMs,
      readOnce: values['read-once-hint'] as boolean | undefined,
    });
    out.record({ ...shareRecord(share), link });
    if (to === undefined) out.note('whoever has this link can read the object: the part behind # is its key');
  },
};
