import { parseSize } from '../../config/units.ts';
import type { QuotaView } from '../../engine/views/quotas.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, OutputRecord } from '../command.ts';
import { formatBytes } from '../format/units.ts';
import { QUOTA_FIELDS } from './fields.ts';

export const quotaCommand: Command = {
  path: ['quota'],
  group: 'care',
  summary: 'Show and set how much owners may store on this node',
  description: `This node refuses shards of an owner beyond the limit, whatever the owner's own node says; what is stored stays, and can be read and deleted. A limit
    for 'all' holds for every owner without one of his own. The limit of the node as a whole is storage.quotaBytes (datamesh config).`,
  args: [],
  options: [
    { name: 'user', short: 'u', type: { kind: 'string' }, summary: "Owner id, or 'all'" },
    { name: 'set', type: { kind: 'string' }, summary: "Limit, e.g. 10GiB; 'none' takes it away" },
  ],
  examples: [
    { line: 'datamesh quota', note: 'who stores how much here' },
    { line: 'datamesh quota --user all --set 10GiB', note: 'for everybody without a limit of his own' },
    { line: `datamesh quota --user ${'ab'.repeat(32)} --set none --json`, note: 'for a script' },
  ],
  effects: 'writes',
  fields: QUOTA_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'owner', title: 'OWNER', format: 'id' },
    { key: 'usedBytes', title: 'USED', align: 'right', format: 'bytes' },
    { key: 'limitBytes', title: 'LIMIT', align: 'right', format: 'bytes' },
    { key: 'share', title: 'SHARE', align: 'right', format: 'percent', priority: 1 },
    { key: 'ownLimit', title: 'OWN LIMIT', format: 'yesno', priority: 2 },
  ],
  exits: [{ code: EXIT.usage, meaning: 'no owner, or no size' }],
  async run(context, values) {
    const { out, options } = context;
    const user = values.user as string | undefined;
    const set = values.set as string | undefined;
    if (set !== undefined && user === undefined) {
      throw new DatameshError('missing-argument', {
        what: 'whose limit is it to be?',
        mend: 'add --user OWNER-ID, or --user all',
      });
    }
    const limitBytes = set === undefined || set === 'none' ? undefined : parseSize(set);
    if (set !== undefined && set !== 'none' && limitBytes === undefined) {
      throw new DatameshError('bad-value', {
        what: `--set ${set.slice(0, 40)} is no size`,
        mend: "give one as 10GiB, or 'none'",
      });
    }
    const engine = await context.engine();
    const changes = set !== undefined && !options.dryRun;
    const quotas = changes ? await engine.quotas.set(user!, limitBytes) : await engine.quotas.list();
    const shown = user === undefined ? quotas : quotas.filter(({ owner }) => owner === user);
    for (const quota of shown)
      out.record({ ...(options.dryRun ? { dryRun: true } : {}), ...quotaRecord(quota) });
    if (options.dryRun && set !== undefined) out.note('no limit was changed (--dry-run)');
    else if (shown.length === 0) out.note(nothingShown(user, quotas));
  },
};

/** Without a limit for all there is no row of that name, although owners may store something here. */
function nothingShown(user: string | undefined, quotas: readonly QuotaView[]): string {
  if (quotas.length === 0 && (user === undefined || user === 'all'))
    return 'nobody stores anything here, and no limit is set';
  if (user !== 'all') return 'no limit, and nothing stored';
  const usedBytes = quotas.reduce((sum, quota) => sum + (quota.usedBytes ?? 0), 0);
  const owners = quotas.length === 1 ? '1 owner' : `${quotas.length} owners`;
  return `no limit for all; ${formatBytes(usedBytes)} of ${owners} are stored (datamesh quota shows them)`;
}

function quotaRecord({ owner, limitBytes, own, usedBytes }: QuotaView): OutputRecord {
  return {
    owner,
    usedBytes: usedBytes ?? null,
    limitBytes: limitBytes ?? null,
    ownLimit: own,
    share:
      limitBytes === undefined || limitBytes === 0 || usedBytes === undefined ? null : usedBytes / limitBytes,
  };
}
