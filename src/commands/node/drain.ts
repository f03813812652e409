import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, Values } from '../command.ts';
import { DRAIN_FIELDS } from './fields.ts';

export const drainCommand: Command = {
  path: ['drain'],
  group: 'node',
  summary: 'Empty this node of shards before it leaves the mesh',
  description: `The node takes no more shards, and custodians copy those it has to other nodes by the rules of their pools. A copy here is dropped only after its new holder has proved
    to this node that it has the shard. Waits until nothing that a live object names is left, or it cannot go on; stopping the command does not stop the drain, which
    also outlives a restart of the node. Folders of pools are left as they are.`,
  args: [],
  options: [
    { name: 'status', summary: 'Only tell how far it is' },
    { name: 'cancel', summary: 'Take shards again; what has moved stays where it is' },
  ],
  examples: [
    { line: 'datamesh drain', note: 'then stop the service, and the machine may go' },
    { line: 'datamesh drain --status --json', note: 'how many shards are left?' },
    { line: 'datamesh drain --cancel', note: 'the node stays after all' },
  ],
  effects: 'writes',
  fields: DRAIN_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'state', title: 'State' },
    { key: 'shardsLeft', title: 'Shards left' },
    { key: 'bytesLeft', title: 'Bytes left', format: 'bytes' },
    { key: 'shardsDropped', title: 'Shards dropped' },
    { key: 'waiting', title: 'Being moved' },
    { key: 'blocked', title: 'Without a place' },
    { key: 'unnamed', title: 'Named by nobody' },
  ],
  exits: [
    {
      code: EXIT.partial,
      meaning:
        'shards of live objects, or shards that nobody names, are still here; or somebody cancelled the drain',
    },
  ],
  async run(context, values) {
    const { out, options, signal } = context;
    const action = options.dryRun ? 'status' : actionOf(values);
    const engine = await context.engine();
    const view = await engine.drain(
      { action },
      { signal, onProgress: (progress) => out.progress('drain', progress) },
    );
    out.record({ ...view });
    for (const reason of view.reasons) out.note(reason);
    // Whoever waits for an empty node must not take one that stays for it.
    if (action === 'start' && view.state === 'off') {
      out.warn('the drain was cancelled meanwhile: this node takes shards again');
      return EXIT.partial;
    }
    return view.state === 'off' || view.shardsLeft === 0 ? EXIT.ok : EXIT.partial;
  },
};

function actionOf(values: Values): 'start' | 'status' | 'cancel' {
  if (values.status === true && values.cancel === true) {
    throw new DatameshError('bad-value', {
      what: '--status changes nothing, and --cancel does',
      mend: 'give one of them',
    });
  }
  if (values.status === true) return 'status';
  return values.cancel === true ? 'cancel' : 'start';
}
