import type { Command } from '../command.ts';
import { DISCOVER_FIELDS } from './fields.ts';

const DEFAULT_SECONDS = 5;
const MAX_SECONDS = 60;

export const discoverCommand: Command = {
  path: ['discover'],
  group: 'network',
  summary: 'Look for nodes now, by every way there is, and list what was found and how',
  description: `Asks the bootstrap addresses and some connected peers for the peers they know, walks through the DHT, and listens for heartbeats and,
    with the preset lan, for mdns. What is found is dialled and kept. VIA says which ways led to a node.`,
  args: [],
  options: [
    {
      name: 'seconds',
      type: { kind: 'integer', min: 1, max: MAX_SECONDS },
      summary: 'How long to look',
      default: String(DEFAULT_SECONDS),
    },
  ],
  examples: [
    { line: 'datamesh discover', note: 'look for five seconds' },
    { line: 'datamesh discover --seconds 20 --verbose', note: 'longer, for neighbours that speak seldom' },
    { line: 'datamesh discover --json=name,peerId,via,isNew', note: 'for a script' },
  ],
  effects: 'writes',
  fields: DISCOVER_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'peerId', title: 'PEER', format: 'id' },
    { key: 'via', title: 'VIA', format: 'list' },
    { key: 'isNew', title: 'NEW', format: 'yesno' },
    { key: 'state', title: 'STATE' },
    { key: 'rttMs', title: 'RTT', align: 'right', format: 'duration', priority: 1 },
    { key: 'address', title: 'ADDRESS', priority: 2 },
  ],
  async run(context, values) {
    const { out, options, signal } = context;
    const seconds = (values.seconds as number | undefined) ?? DEFAULT_SECONDS;
    if (options.dryRun) {
      out.note(`nothing was asked (--dry-run); it would take ${seconds} s`);
      return;
    }
    const engine = await context.engine();
    const report = await engine.discover(seconds * 1000, { signal });
    const peers = [...report.peers].sort((a, b) => compare(a.name ?? '\uffff', b.name ?? '\uffff'));
    for (const peer of peers) {
      out.record({
        name: peer.name ?? null,
        peerId: peer.peerId,
        via: peer.via,
        isNew: peer.isNew,
        state: peer.state ?? null,
        rttMs: peer.rttMs ?? null,
        address: peer.address ?? null,
      });
    }
    for (const { via, target, found, failure } of report.asked) {
      out.note(`${via}, ${target}: ${failure ?? `${found} found`}`);
    }
  },
};

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
