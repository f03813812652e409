import { checkNickname, splitNickname } from '../../config/checks.ts';
import type { Engine } from '../../engine/engine.ts';
import type { PeerId } from '../../engine/types.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { changeList, listInFile } from './config-list.ts';
import { PEER_NAME_FIELDS } from './fields.ts';
import { PEER_ARG, peerGiven, peerText } from './peer-ref.ts';

const NICKNAMES = 'network.nicknames';

export const peerNameCommand: Command = {
  path: ['peer', 'name'],
  group: 'network',
  summary: 'Give a peer a nickname of your own, or take it away',
  description: `This node's own name for a peer: shown wherever its name is shown, and usable wherever a peer is named. It is kept in the configuration
    (network.nicknames) and told to nobody. Without a nickname the one it has is taken away. What a peer calls itself still works, unless it is
    another one's nickname.`,
  args: [
    PEER_ARG,
    {
      name: 'nickname',
      type: { kind: 'string' },
      summary: 'Up to 63 letters, digits, dots, dashes and underscores; none: take it away',
      required: false,
    },
  ],
  options: [],
  examples: [
    { line: 'datamesh peer name birch attic-box', note: 'from now on it is attic-box here' },
    { line: 'datamesh peer name birch attic-box --dry-run', note: 'is the nickname free?' },
    { line: 'datamesh peer name birch --json', note: 'take the nickname away, in a script' },
  ],
  effects: 'writes',
  fields: PEER_NAME_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'nickname', title: 'Nickname' },
    { key: 'before', title: 'Before' },
    { key: 'ownName', title: 'Calls itself' },
    { key: 'peerId', title: 'Peer' },
  ],
  exits: [
    { code: EXIT.notFound, meaning: 'no peer is called so' },
    { code: EXIT.conflict, meaning: 'the nickname is the name of another peer, or of this node' },
  ],
  undo(_values, records) {
    const [record] = records;
    return record === undefined ? undefined : `peer name ${record.peerId} ${record.before ?? ''}`.trimEnd();
  },
  async run(context, values) {
    const { out, options } = context;
    const nickname = values.nickname as string | undefined;
    const engine = await context.engine();
    const listed = await listInFile(context, NICKNAMES);
    const peer = await peerGiven(engine, values.peer as string);
    if (nickname !== undefined) {
      const problem = checkNickname(nickname);
      if (problem !== undefined) throw new DatameshError('bad-value', { what: problem });
      await refuseTaken(engine, listed, peer.peerId, nickname);
    }
    const isOfPeer = (entry: string) => splitNickname(entry)?.peerId === peer.peerId;
    const had = listed.find(isOfPeer);
    const before = had === undefined ? undefined : splitNickname(had)?.name;
    if (before !== nickname)
      await changeList(context, NICKNAMES, (list) => [
        ...list.filter((entry) => !isOfPeer(entry)),
        ...(nickname === undefined ? [] : [`${peer.peerId}=${nickname}`]),
      ]);
    out.record({
      peerId: peer.peerId,
      ownName: peer.view?.ownName ?? null,
      nickname: nickname ?? null,
      before: before ?? null,
      ...(options.dryRun ? { dryRun: true } : {}),
    });
    if (options.dryRun) out.note('nothing was changed (--dry-run)');
    else if (before === nickname)
      out.note(nickname === undefined ? `${peerText(peer)} has no nickname` : `that is its nickname already`);
  },
};

/** A name that means two peers means none. Throws `already-exists`. */
async function refuseTaken(
  engine: Engine,
  listed: readonly string[],
  peerId: PeerId,
  nickname: string,
): Promise<void> {
  const [peers, self] = await Promise.all([engine.peers(), engine.status()]);
  const holder =
    nickname === self.name
      ? 'this node'
      : (peers.find((peer) => peer.peerId !== peerId && [peer.name, peer.ownName].includes(nickname))
          ?.peerId ??
        listed.map(splitNickname).find((it) => it?.name === nickname && it.peerId !== peerId)?.peerId);
  if (holder === undefined) return;
  throw new DatameshError('already-exists', {
    what: `${nickname} is the name of ${holder}`,
    mend: 'choose another nickname',
  });
}
