/** Options that `pool create` and `pool set` share, and what they mean to the engine. */
import { resolve } from 'node:path';
import { parseSize } from '../../config/units.ts';
import { DOMAINS, type Domain } from '../../engine/placement/domains.ts';
import type { CodeProfile } from '../../engine/types.ts';
import type { KeepSettings, PoolSettings } from '../../engine/views/pools.ts';
import { DatameshError } from '../../errors.ts';
import { parseDuration } from '../../lang/units.ts';
import type { ArgSpec, OptionSpec, Values } from '../command.ts';

export const NAME_ARG: ArgSpec = {
  name: 'name',
  type: { kind: 'string' },
  summary: 'Name of the pool',
  required: true,
};

export const SETTING_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'code',
    type: { kind: 'code' },
    summary: 'Data + parity shards; the configured code unless given',
  },
  {
    name: 'domain',
    type: { kind: 'enum', values: DOMAINS },
    summary:
      'What may fail as a whole without loss of data: no one of them holds more than m shards of a stripe',
  },
  { name: 'compress', excludes: ['no-compress'], summary: 'Compress before sealing' },
  { name: 'no-compress', summary: 'Do not compress' },
  {
    name: 'node',
    type: { kind: 'peer' },
    summary: "Peer id or name of a node that may hold shards, or 'all'",
    repeatable: true,
  },
  {
    name: 'dir',
    type: { kind: 'path' },
    summary: 'Folder of this node that holds shards: one per disk',
    repeatable: true,
  },
  {
    name: 'dir-quota',
    needs: 'dir',
    type: { kind: 'size' },
    summary: 'Bytes that each --dir may hold; as many as fit unless given',
  },
  {
    name: 'separate-disks',
    summary: 'Count each --dir as a disk of its own, also where the system says they share one',
  },
  {
    name: 'keep-versions',
    type: { kind: 'string' },
    summary: "Old versions kept of each name: a number, or 'all'",
  },
  {
    name: 'keep-age',
    type: { kind: 'string' },
    summary: "How long old versions are kept, e.g. 30d, or 'all'",
  },
  {
    name: 'keep-bytes',
    type: { kind: 'string' },
    summary: "Bytes of all old versions in the pool, e.g. 10GiB, or 'all'",
  },
  { name: 'adopt', needs: 'dir', summary: 'Take over folders that another node has used and uses no more' },
  { name: 'allow-degraded', summary: 'Also where the nodes at hand cannot keep the rule' },
];

export function settingsOf(values: Values, cwd: string): PoolSettings {
  const nodes = values.node as string[] | undefined;
  const dirs = (values.dir as string[] | undefined) ?? [];
  const quotaBytes = values['dir-quota'] as number | undefined;
  const yes = values.compress === true;
  const no = values['no-compress'] === true;
  if (nodes !== undefined && nodes.length > 1 && nodes.includes('all')) {
    throw new DatameshError('bad-value', { what: '--node all and further nodes contradict each other' });
  }
  return {
    code: values.code as CodeProfile | undefined,
    domain: values.domain as Domain | undefined,
    compress: yes ? true : no ? false : undefined,
    nodes: nodes?.[0] === 'all' ? 'all' : nodes,
    folders:
      dirs.length === 0
        ? undefined
        : dirs.map((dir) => ({
            path: resolve(cwd, dir),
            ...(quotaBytes === undefined ? {} : { quotaBytes }),
          })),
    separateDisks: values['separate-disks'] as boolean | undefined,
    keep: keepOf(values),
    adopt: values.adopt as boolean | undefined,
    allowDegraded: values['allow-degraded'] as boolean | undefined,
  };
}

/** Undefined where none of its options is given. Throws `bad-value`. */
function keepOf(values: Values): KeepSettings | undefined {
  const read = (name: string, parse: (text: string) => number | undefined): number | 'all' | undefined => {
    const text = values[name] as string | undefined;
    if (text === undefined || text === 'all') return text;
    const limit = parse(text);
    if (limit !== undefined) return limit;
    throw new DatameshError('bad-value', {
      what: `--${name} ${text} is no limit`,
      mend: `give ${KEEP_HINTS[name]!}, or all`,
    });
  };
  const keep = {
    versions: read('keep-versions', (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined)),
    ageMs: read('keep-age', parseDuration),
    bytes: read('keep-bytes', parseSize),
  };
  return Object.values(keep).every((limit) => limit === undefined) ? undefined : keep;
}

const KEEP_HINTS: Record<string, string> = {
  'keep-versions': 'a number',
  'keep-age': 'a duration, e.g. 30d',
  'keep-bytes': 'a size, e.g. 10GiB',
};
