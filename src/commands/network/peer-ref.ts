/** A peer as a person names it, also one that this node does not know (yet): by its whole id. */
import { checkPeerId } from '../../config/checks.ts';
import type { Engine, PeerView } from '../../engine/engine.ts';
import { nodeCalled } from '../../engine/mesh/peer-refs.ts';
import type { PeerId } from '../../engine/types.ts';
import { DatameshError } from '../../errors.ts';
import type { ArgSpec } from '../command.ts';

export const PEER_ARG: ArgSpec = {
  name: 'peer',
  type: { kind: 'peer' },
  summary: 'Its name, nickname or id, or the beginning or end of its id',
  required: true,
};

export interface NamedPeer {
  peerId: PeerId;
  name: string | undefined;
  /** What this node knows of it; undefined for a stranger. */
  view: PeerView | undefined;
}

/** Throws `not-found`, `bad-value` where several are called so, or it is this node itself. */
export async function peerGiven(engine: Engine, text: string): Promise<NamedPeer> {
  const [peers, self] = await Promise.all([engine.peers(), engine.status()]);
  if (text === self.peerId || (text === self.name && !peers.some(({ nickname }) => nickname === text)))
    throw new DatameshError('bad-value', { what: `${text.slice(0, 80)} is this node itself` });
  const isStranger = checkPeerId(text) === undefined && !peers.some(({ peerId }) => peerId === text);
  if (isStranger) return { peerId: text as PeerId, name: undefined, view: undefined };
  const view = nodeCalled(peers, text);
  return { peerId: view.peerId, name: view.name, view };
}

/** "birch (…a1b2c3d4)": the end tells ids apart. */
export function peerText({ peerId, name }: Pick<NamedPeer, 'peerId' | 'name'>): string {
  return name === undefined ? peerId : `${name} (…${peerId.slice(-8)})`;
}
