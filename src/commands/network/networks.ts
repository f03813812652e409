import { NETWORK_PRESETS } from '../../engine/mesh/presets.ts';
import type { Command } from '../command.ts';
import { NETWORKS_FIELDS } from './fields.ts';

const PURPOSE: Readonly<Record<keyof typeof NETWORK_PRESETS, string>> = {
  local: 'nodes on this machine alone, to try things out',
  lan: 'machines of one house or office, which find each other',
  custom: 'machines anywhere that can dial each other',
};

export const networksCommand: Command = {
  path: ['networks'],
  group: 'network',
  summary: 'List the network presets and what each sets',
  description: `The preset says where a node listens and how it finds others. Whichever it is, nodes of different network names never mix,
    and the addresses in network.bootstrap are dialled: those with the lowest "?priority=N" first (0 without one), later ones only when none of
    the earlier ones answers.`,
  args: [],
  options: [],
  examples: [
    { line: 'datamesh networks', note: 'all presets, and the one in use' },
    { line: 'datamesh config set network.preset lan', note: 'use another, from the next start on' },
    { line: 'datamesh networks --json=preset,inUse', note: 'for a script' },
  ],
  effects: 'reads',
  fields: NETWORKS_FIELDS,
  needs: 'nothing',
  shape: 'list',
  columns: [
    { key: 'preset', title: 'PRESET' },
    { key: 'inUse', title: 'IN USE', format: 'yesno' },
    { key: 'listen', title: 'LISTENS ON' },
    { key: 'finds', title: 'FINDS OTHERS BY', format: 'list' },
    { key: 'publicAddresses', title: 'PUBLIC ADDRESSES', format: 'yesno', priority: 2 },
    { key: 'purpose', title: 'FOR', priority: 1 },
  ],
  async run(context) {
    // Without a configuration none is in use; the presets are the same.
    const current = await context.config().then(
      ({ network }) => network,
      () => undefined,
    );
    for (const [preset, sets] of Object.entries(NETWORK_PRESETS)) {
      const inUse = current?.preset === preset;
      const port = inUse && current.port !== 0 ? `port ${current.port}` : 'any free port';
      context.out.record({
        preset,
        inUse,
        network: inUse ? current.name : null,
        listen: `${sets.listenHost}, ${port}`,
        finds: ['bootstrap', 'gossip', 'dht', ...(sets.mdns ? ['mdns'] : [])],
        publicAddresses: sets.publicAddresses,
        purpose: PURPOSE[preset as keyof typeof PURPOSE],
      });
    }
  },
};
