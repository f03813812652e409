import { DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { DEMO_FIELDS } from './fields.ts';

/** Each node is a process of its own with some 100 MB. */
const MAX_NODES = 50;

export const demoCommand: Command = {
  path: ['demo'],
  group: 'start',
  summary: 'Try datamesh out: a local mesh, a file, some killed nodes, the file back, and the mesh healed',
  description: `Starts real nodes as processes of this machine in a temporary folder, stores a file through one of them, shows where
    its shards lie, kills nodes with SIGKILL, reads the file back from those left, compares the hashes, and waits until those left have rebuilt what is missing (where
    they are enough for the code). Everything is removed again. With more nodes killed than the code spares (2 of 4+2) reading fails, as it must, with exit 7.`,
  args: [
    {
      name: 'file',
      type: { kind: 'path' },
      summary: 'File to store; random bytes when absent',
      required: false,
    },
  ],
  options: [
    {
      name: 'nodes',
      type: { kind: 'integer', min: 2, max: MAX_NODES },
      summary: 'Nodes to start',
      default: '8',
    },
    {
      name: 'kill',
      type: { kind: 'integer', min: 0, max: MAX_NODES },
      summary: 'Nodes to kill',
      default: '2',
    },
    { name: 'size', type: { kind: 'size' }, summary: 'Size of the random file', default: '64MiB' },
    {
      name: 'console',
      summary: 'Open the console on the mesh in place of killing nodes; leaving it ends the demo',
    },
    { name: 'keep', summary: 'Leave the nodes running and their folder in place' },
  ],
  examples: [
    { line: 'datamesh demo', note: 'eight nodes, 64 MiB, two killed' },
    { line: 'datamesh demo holiday.mp4 --nodes 10 --kill 2', note: 'with a file of yours' },
    { line: 'datamesh demo --size 1GiB --kill 3 --json', note: 'one more than 4+2 survives: exit 7' },
  ],
  effects: 'writes',
  fields: DEMO_FIELDS,
  needs: 'nothing',
  exits: [{ code: EXIT.integrity, meaning: 'the file could not be read back, or not as it was' }],
  async run(context, values) {
    const nodes = values.nodes as number;
    const kill = values.kill as number;
    if (kill >= nodes) {
      throw new DatameshError('bad-value', {
        what: `of ${nodes} nodes at most ${nodes - 1} can be killed: one has to read the file back`,
        mend: 'give a smaller --kill or more --nodes',
      });
    }
    if (values.console === true && (!context.interactive || context.mode !== 'one-shot')) {
      throw new DatameshError('not-a-terminal', {
        what: 'the console needs a terminal',
        mend: 'run on a terminal, or without --console',
      });
    }
    if (context.options.dryRun) {
      return context.out.note(`would start ${nodes} nodes and kill ${kill} (--dry-run: nothing was done)`);
    }
    const { runDemo } = await import('./demo/run.ts');
    return runDemo(context, {
      file: values.file as string | undefined,
      sizeBytes: values.size as number,
      nodes,
      kill,
      keep: values.keep === true,
      console: values.console === true,
    });
  },
};
