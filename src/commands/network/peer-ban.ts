import type { Engine } from '../../engine/engine.ts';
import { nodeCalled } from '../../engine/mesh/peer-refs.ts';
import type { PeerId } from '../../engine/types.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Column, Command, Context, OutputRecord } from '../command.ts';
import { many } from '../format/units.ts';
import { changeList, listInFile } from './config-list.ts';
import { PEER_BAN_FIELDS } from './fields.ts';
import { type NamedPeer, PEER_ARG, peerGiven, peerText } from './peer-ref.ts';

const DENY = 'access.deny';

const COLUMNS: readonly Column[] = [
  { key: 'name', title: 'Name' },
  { key: 'peerId', title: 'Peer' },
  { key: 'banned', title: 'Banned', format: 'yesno' },
  { key: 'shards', title: 'Shards on it' },
  { key: 'objectsChanged', title: 'Objects that change' },
  { key: 'objectsLost', title: 'Not readable from here' },
];

export const peerBanCommand: Command = {
  path: ['peer', 'ban'],
  group: 'network',
  summary: 'Have nothing to do with a peer: it can neither connect nor is it dialled',
  description: `Puts the peer on the deny list of the configuration (access.deny) and closes its connection; 'peer unban' takes it off. Only this node keeps away from
    it: others go on as before.

    What the peer holds of your objects counts as not reachable from here from then on: 'health' shows these objects as degraded, and custodians do not
    rebuild what they can still reach. A census is taken first, and you are asked with its figures.`,
  args: [PEER_ARG],
  options: [],
  examples: [
    { line: 'datamesh peer ban birch', note: 'says what that costs, and asks' },
    { line: 'datamesh peer ban birch --dry-run', note: 'only says what it would cost' },
    { line: 'datamesh peer ban birch --yes --json', note: 'in a script' },
  ],
  effects: 'writes',
  fields: PEER_BAN_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: COLUMNS,
  exits: [{ code: EXIT.notFound, meaning: 'no peer is called so' }],
  undo: (_values, records) => (records.length === 1 ? `peer unban ${records[0]?.peerId}` : undefined),
  async run(context, values) {
    const { out, options } = context;
    const engine = await context.engine();
    const peer = await peerGiven(engine, values.peer as string);
    const denied = await listInFile(context, DENY);
    if (denied.includes(peer.peerId)) {
      out.record({ ...recordOf(peer, true), shards: null, objectsChanged: null, objectsLost: null });
      out.note(`${peerText(peer)} is banned already`);
      return;
    }
    const cost = await costOf(context, engine, peer);
    if (!(await context.confirm(question(peer, cost))))
      throw new DatameshError('cancelled', { what: 'nobody was banned' });
    await changeList(context, DENY, (list) => [...new Set([...list, peer.peerId])]);
    out.record({ ...recordOf(peer, true), ...cost, ...(options.dryRun ? { dryRun: true } : {}) });
    if (options.dryRun) out.note(`${question(peer, cost)} Nothing was changed (--dry-run).`);
    else await tellIfWaiting(context, engine, peer, true);
  },
};

export const peerUnbanCommand: Command = {
  path: ['peer', 'unban'],
  group: 'network',
  summary: 'Take a peer off the deny list: it may connect again, and is dialled',
  args: [PEER_ARG],
  options: [],
  examples: [
    { line: 'datamesh peer unban birch', note: 'at once, without a restart' },
    { line: 'datamesh peer unban birch --dry-run', note: 'is it banned at all?' },
    { line: 'datamesh peer unban birch --json=peerId,banned', note: 'in a script' },
  ],
  effects: 'writes',
  fields: PEER_BAN_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: COLUMNS.slice(0, 3),
  exits: [{ code: EXIT.notFound, meaning: 'no banned peer is called so' }],
  async run(context, values) {
    const { out, options } = context;
    const engine = await context.engine();
    const denied = await listInFile(context, DENY);
    const peer = await bannedPeer(engine, denied, values.peer as string);
    await changeList(context, DENY, (list) => list.filter((id) => id !== peer.peerId));
    out.record({
      ...recordOf(peer, false),
      ...{ shards: null, objectsChanged: null, objectsLost: null },
      ...(options.dryRun ? { dryRun: true } : {}),
    });
    if (options.dryRun) out.note(`${peerText(peer)} would be let in again. Nothing was changed (--dry-run).`);
    else await tellIfWaiting(context, engine, peer, false);
  },
};

/** Of a census with and without it; figures are null of a peer that this node does not know. */
async function costOf(context: Context, engine: Engine, { peerId, view }: NamedPeer): Promise<Cost> {
  if (view === undefined) return { shards: null, objectsChanged: null, objectsLost: null };
  const { signal, out } = context;
  const report = await engine.whatif(
    { lose: [peerId] },
    { signal, onProgress: (progress) => out.progress('census', progress) },
  );
  const shards = report.gone.reduce((sum, each) => sum + each.shards, 0);
  return { shards, objectsChanged: report.changed, objectsLost: report.newlyLost };
}

interface Cost {
  shards: number | null;
  objectsChanged: number | null;
  objectsLost: number | null;
}

function question(peer: NamedPeer, { shards, objectsChanged, objectsLost }: Cost): string {
  const ban = `Ban ${peerText(peer)}?`;
  if (shards === null) return `${ban} This node does not know it, so nothing of yours is on it.`;
  if (shards === 0) return `${ban} Nothing of yours is on it.`;
  return `${ban} ${many(shards, 'shard')} on it would not be reachable from here: ${many(objectsChanged ?? 0, 'object')} would be degraded or worse, ${objectsLost} could not be read any more.`;
}

/** By the names of peers that are known, else by the ids on the list, of which the beginning or end is enough. */
async function bannedPeer(engine: Engine, denied: readonly string[], text: string): Promise<NamedPeer> {
  const peers = await engine.peers();
  const listed = denied.map((id) => {
    const view = peers.find(({ peerId }) => peerId === id);
    return view ?? { peerId: id as PeerId, name: undefined };
  });
  try {
    const { peerId, name } = nodeCalled(listed, text);
    return { peerId, name, view: undefined };
  } catch (error) {
    if (!(error instanceof DatameshError) || error.code !== 'not-found') throw error;
    throw new DatameshError('not-found', {
      what: `no banned peer is called "${text.slice(0, 80)}"`,
      mend: denied.length === 0 ? 'nobody is banned' : 'see the list: datamesh config get access.deny',
    });
  }
}

function recordOf({ peerId, name }: NamedPeer, banned: boolean): OutputRecord {
  return { peerId, name: name ?? null, banned };
}

/** The file is one thing; what the node at work does is another. */
async function tellIfWaiting(
  context: Context,
  engine: Engine,
  { peerId }: NamedPeer,
  banned: boolean,
): Promise<void> {
  const now = (await engine.peers()).find((peer) => peer.peerId === peerId);
  if (now !== undefined && now.banned !== banned)
    context.out.note('it is written, and holds from the next start of the node');
}
