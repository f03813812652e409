import { checkBootstrap } from '../../config/checks.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { BOOTSTRAP_FIELDS } from './fields.ts';

export const bootstrapCommand: Command = {
  path: ['bootstrap'],
  group: 'node',
  summary: 'Dial a node by its address and join its mesh',
  description: `The address is kept for this run of the node. To dial it at every start, add it to the configuration:
    datamesh config set network.bootstrap ADDRESS.`,
  args: [
    {
      name: 'address',
      type: { kind: 'multiaddr' },
      summary: 'Multiaddr with the peer id at its end',
      required: true,
    },
  ],
  options: [],
  examples: [
    {
      line: 'datamesh bootstrap /ip4/192.168.1.7/tcp/40871/p2p/12D3KooWExample',
      note: 'a node in the same network',
    },
    {
      line: 'datamesh bootstrap /dns4/mesh.example.org/tcp/40871/p2p/12D3KooWExample --timeout 10s',
      note: 'by name, for at most ten seconds',
    },
    {
      line: 'datamesh bootstrap /ip4/127.0.0.1/tcp/40871/p2p/12D3KooWExample --json',
      note: 'with the round trip as JSON',
    },
  ],
  effects: 'writes',
  fields: BOOTSTRAP_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'peerId', title: 'Peer' },
    { key: 'address', title: 'Address' },
    { key: 'rttMs', title: 'Round trip', format: 'duration' },
  ],
  exits: [{ code: EXIT.unreachable, meaning: 'the node did not answer' }],
  async run(context, values) {
    const address = values.address as string;
    const wrong = checkBootstrap(address);
    if (wrong !== undefined) throw new DatameshError('bad-value', { what: wrong });
    if (context.options.dryRun) {
      context.out.record({ dryRun: true, address });
      context.out.note('nothing was dialled (--dry-run)');
      return;
    }
    const engine = await context.engine();
    const { peerId, rttMs, ...dialled } = await engine.bootstrap(address);
    context.out.record({ peerId, address: dialled.address, rttMs });
    if (dialled.address !== address)
      context.out.note('it was connected already, by this address: the one you gave was not tried');
    const status = await engine.status();
    if (status.mode === 'embedded') {
      const { startWords } = await import('./service-words.ts');
      context.out.note(
        `no service runs, so this connection ends with the command; start one: ${await startWords(context)}`,
      );
    }
  },
};
