import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { STATUS_FIELDS } from './fields.ts';

export const statusCommand: Command = {
  path: ['status'],
  group: 'node',
  summary: 'Show this node: identity, addresses, peers and storage',
  args: [],
  options: [
    { name: 'service', summary: 'Fail if no service runs, in place of starting a node for the answer' },
  ],
  examples: [
    { line: 'datamesh status', note: 'the running service, or a node started for the answer' },
    { line: 'datamesh status --service', note: 'exit 5 when no service runs' },
    { line: 'datamesh status --json=peerId,addresses', note: 'what another node needs to find this one' },
  ],
  effects: 'reads',
  fields: STATUS_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'name', title: 'Name' },
    { key: 'mode', title: 'Mode' },
    { key: 'role', title: 'Role' },
    { key: 'network', title: 'Network' },
    { key: 'peerId', title: 'Peer id' },
    { key: 'owner', title: 'Owner' },
    { key: 'addresses', title: 'Addresses', format: 'list' },
    { key: 'peersConnected', title: 'Peers connected' },
    { key: 'peersKnown', title: 'Peers known' },
    { key: 'objects', title: 'Objects' },
    { key: 'code', title: 'Code' },
    { key: 'shards', title: 'Shards held' },
    { key: 'usedBytes', title: 'Used', format: 'bytes' },
    { key: 'quotaBytes', title: 'Offered', format: 'bytes' },
    { key: 'diskFreeBytes', title: 'Free on disk', format: 'bytes' },
    { key: 'dataDir', title: 'Data folder' },
    { key: 'version', title: 'Version' },
    { key: 'pid', title: 'Process' },
    { key: 'uptimeMs', title: 'Up for', format: 'duration' },
  ],
  exits: [{ code: EXIT.unreachable, meaning: 'no service runs (--service)' }],
  async run(context, values) {
    const engine = values.service === true ? await runningService(context) : await context.engine();
    const { store, code, owner, ...rest } = await engine.status();
    context.out.record({ ...rest, owner: owner ?? null, code: `${code.k}+${code.m}`, ...store });
  },
};

async function runningService(context: Parameters<Command['run']>[0]) {
  const engine = await context.service();
  if (engine) return engine;
  const { DatameshError } = await import('../../errors.ts');
  throw new DatameshError('service-not-running', {
    what: 'no service runs for this configuration',
    mend: 'start it: datamesh service start',
  });
}
