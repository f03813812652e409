import { asClearError } from '../../engine/effects/file-errors.ts';
import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import type { Check, Finding, Patient } from './doctor/finding.ts';
import { DOCTOR_FIELDS } from './fields.ts';

export const doctorCommand: Command = {
  path: ['doctor'],
  group: 'start',
  summary: 'Check this machine and its set-up, and say what mends what is wrong',
  description: `Every line is a check that was made just now: runtime, configuration, data folder, modes of its files, space, folders of pools, disk (a small file is written and removed), keyring, identity, catalog, custody, shard store, hashing,
    erasure code, codec threads, clock, service, ports, and a TCP connection to each bootstrap peer; with a running service its peers, their versions and clocks, and the DHT. Nothing is changed, unless --rebuild-index is given: then only the index of the stored shards is built
    anew from the shards themselves, with the node stopped.`,
  args: [],
  options: [
    { name: 'rebuild-index', summary: 'Build the index of the stored shards anew; the node must be stopped' },
  ],
  examples: [
    { line: 'datamesh doctor', note: 'all checks' },
    { line: 'datamesh doctor --config ./other.json', note: 'of another configuration' },
    { line: 'datamesh doctor --json | grep -v \'"ok"\'', note: 'only what is not in order' },
  ],
  effects: 'writes',
  fields: DOCTOR_FIELDS,
  needs: 'nothing',
  shape: 'list',
  columns: [
    { key: 'check', title: 'Check' },
    { key: 'state', title: 'State' },
    { key: 'detail', title: 'Found' },
    { key: 'mend', title: 'What mends it' },
  ],
  exits: [{ code: EXIT.failed, meaning: 'a check failed; warnings alone leave it at 0' }],
  async run(context, values) {
    if (values['rebuild-index'] === true) {
      const { rebuildIndex } = await import('./doctor/rebuild-index.ts');
      return rebuildIndex(context);
    }
    const [machine, files, folders, node, store, network, mesh] = await Promise.all([
      import('./doctor/machine.ts'),
      import('./doctor/files.ts'),
      import('./doctor/pool-folders.ts'),
      import('./doctor/node-files.ts'),
      import('./doctor/store-files.ts'),
      import('./doctor/network.ts'),
      import('./doctor/mesh.ts'),
    ]);
    const patient: Patient = { context, config: undefined };
    const checks: [string, Check][] = [
      ['runtime', machine.checkRuntime],
      ['configuration', files.examineConfig],
      ['data folder', files.checkDataFolder],
      ['permissions', files.checkModes],
      ['space', files.checkSpace],
      ['pool folder', folders.checkPoolFolders],
      ['disk', files.checkDisk],
      ['keyring', files.checkKeyring],
      ['identity', node.checkIdentity],
      ['catalog', node.checkCatalog],
      ['custody', node.checkCustody],
      ['shards', store.checkStore],
      ['notes', node.checkNotes],
      ['hash', machine.checkHash],
      ['erasure', machine.checkErasure],
      ['codec', machine.checkCodec],
      ['clock', machine.checkClock],
      ['service', network.checkService],
      ['port', network.checkPort],
      ['bulk port', network.checkBulkPort],
      ['metrics port', network.checkMetricsPort],
      ['bootstrap', network.checkBootstrap],
      ['peers', mesh.checkMesh],
    ];
    const counts = { ok: 0, warn: 0, fail: 0 };
    for (const [name, check] of checks) {
      context.signal.throwIfAborted();
      for (const { mend, ...found } of [await examine(name, check, patient)].flat()) {
        counts[found.state] += 1;
        context.out.record({ ...found, mend: mend ?? null });
      }
    }
    context.out.note(
      counts.fail + counts.warn === 0
        ? 'everything is in order'
        : `${counts.fail} failed, ${counts.warn} with a warning, ${counts.ok} in order`,
    );
    return counts.fail > 0 ? EXIT.failed : EXIT.ok;
  },
};

/** What a check throws is its finding. */
async function examine(name: string, check: Check, patient: Patient): Promise<Finding | Finding[]> {
  try {
    return await check(patient);
  } catch (thrown) {
    const { message, mend } = asClearError(thrown);
    return { check: name, state: 'fail', detail: message, ...(mend === undefined ? {} : { mend }) };
  }
}
