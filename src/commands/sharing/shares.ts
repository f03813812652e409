import { DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { forPrograms } from '../for-programs.ts';
import { many } from '../format/units.ts';
import { SHARE_FIELDS, SHARE_ROW_FIELDS, SHARES_KEY_FIELDS } from './fields.ts';
import { shareRecord } from './share-record.ts';

export const sharesListCommand: Command = {
  path: ['shares', 'list'],
  synonyms: [['shares']],
  group: 'files',
  summary: 'List what was shared',
  description: 'What this node has shared, those made last first. Links are not kept, so they are not shown.',
  args: [],
  options: [],
  examples: [
    { line: 'datamesh shares list', note: 'all of them' },
    { line: 'datamesh shares list --wide', note: 'with whole keys' },
    { line: 'datamesh shares list --json=id,name,recipient', note: 'for a script' },
  ],
  effects: 'reads',
  fields: SHARE_ROW_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'id', title: 'SHARE' },
    { key: 'name', title: 'NAME' },
    { key: 'version', title: 'VER', align: 'right' },
    { key: 'recipient', title: 'FOR', format: 'id', priority: 1 },
    { key: 'createdAtMs', title: 'SHARED', format: 'time', priority: 3 },
    { key: 'untilMs', title: 'UNTIL', format: 'time', priority: 2 },
    { key: 'revokedAtMs', title: 'REVOKED', format: 'time' },
  ],
  async run({ out, engine }) {
    const shares = await (await engine()).shares.list();
    for (const share of shares) out.record(shareRecord(share));
    if (shares.length === 0) out.note('nothing was shared');
  },
};

export const sharesKeyCommand: Command = {
  path: ['shares', 'key'],
  group: 'files',
  summary: 'Show the key that others share with you by',
  description:
    'It is public: give it to whoever is to share something with you (datamesh share NAME --to KEY).',
  args: [],
  options: [],
  examples: [
    { line: 'datamesh shares key', note: 'of the owner key of this node' },
    { line: 'datamesh shares key --quiet', note: 'the key alone' },
    { line: 'datamesh shares key --json', note: 'for a script' },
  ],
  effects: 'reads',
  fields: SHARES_KEY_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [{ key: 'sharingKey', title: 'Sharing key' }],
  async run(context) {
    const sharingKey = await (await context.engine()).shares.key();
    if (context.options.quiet && !forPrograms(context))
      await context.out.bytes(Buffer.from(`${sharingKey}\n`));
    else context.out.record({ sharingKey });
  },
};

export const sharesRevokeCommand: Command = {
  path: ['shares', 'revoke'],
  group: 'files',
  summary: 'Take a share back as far as that can be done',
  description: `Later versions are closed to the reader anyhow. --rekey stores the object anew under another key and purges the shared version from its holders, so that the
    link leads nowhere; readers whose shares stay get new links. What was read before, and what a dishonest holder keeps, cannot be taken back: docs/SHARING.md.`,
  args: [
    { name: 'share', type: { kind: 'string' }, summary: 'Its id, as `shares list` shows it', required: true },
  ],
  options: [{ name: 'rekey', summary: 'Store the object anew and purge the shared version' }],
  examples: [
    { line: 'datamesh shares revoke 5f0c12ab9d3e', note: 'strikes it off the list' },
    { line: 'datamesh shares revoke 5f0c12ab9d3e --rekey --yes', note: 'so that the link leads nowhere' },
    { line: 'datamesh shares revoke 5f0c12ab9d3e --rekey --yes --json', note: 'for a script' },
  ],
  effects: 'destructive',
  fields: SHARE_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'id', title: 'SHARE' },
    { key: 'name', title: 'NAME' },
    { key: 'version', title: 'VER', align: 'right' },
    { key: 'recipient', title: 'FOR', format: 'id', priority: 1 },
    { key: 'link', title: 'LINK' },
  ],
  exits: [{ code: EXIT.notFound, meaning: 'there is no such share' }],
  async run(context, values) {
    const { out, options, signal } = context;
    const id = values.share as string;
    const rekey = values.rekey === true;
    const engine = await context.engine();
    const share = (await engine.shares.list()).find((it) => it.id === id);
    if (share === undefined) {
      throw new DatameshError('not-found', {
        what: `there is no share '${id.slice(0, 40)}'`,
        mend: 'see them with `datamesh shares list`',
      });
    }
    if (options.dryRun) {
      out.record({ dryRun: true, ...shareRecord(share), link: null });
      out.note('nothing was revoked (--dry-run)');
      return;
    }
    const question = rekey
      ? `Store '${share.name}' anew and purge version ${share.version}?`
      : `Strike the share of '${share.name}' off? Its link goes on opening version ${share.version}.`;
    if (!(await context.confirm(question)))
      throw new DatameshError('cancelled', { what: 'nothing was revoked' });
    const { object, unreachable, otherUses, reissued } = await engine.shares.revoke(
      id,
      { rekey },
      { signal },
    );
    const { name, version } = object ?? share;
    out.record({ ...shareRecord(share), name, version, link: null });
    for (const { share: other, link } of reissued) out.record({ ...shareRecord(other), link });
    if (!rekey) out.note('its link still opens this version; --rekey makes it lead nowhere');
    else if (otherUses > 0)
      out.warn(
        `the same object stands under ${many(otherUses, 'other name')} or version${otherUses === 1 ? '' : 's'}, by which the link still opens it`,
      );
    if (unreachable > 0)
      out.warn(
        `${many(unreachable, 'holder')} did not answer; what they have of the shared version stays until it is collected`,
      );
  },
};
