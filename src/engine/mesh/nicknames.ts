/** What this node calls its peers: its own names for them, never told to anybody, and what they call themselves. */
import type { PeerId } from '../types.ts';

/** Peer id → nickname. */
export type Nicknames = ReadonlyMap<string, string>;

export interface PeerNames {
  /** The nickname if there is one, else what the peer calls itself; undefined while that is not known, or is another peer's nickname. */
  name: string | undefined;
  nickname: string | undefined;
  /** What the peer calls itself. */
  ownName: string | undefined;
}

export function namesOf(
  { nicknames }: { nicknames?: Nicknames | undefined },
  peer: PeerId,
  ownName: string | undefined,
): PeerNames {
  const nickname = nicknames?.get(peer);
  const isTaken = nicknames !== undefined && ownName !== undefined && valuesOf(nicknames).has(ownName);
  return { name: nickname ?? (isTaken ? undefined : ownName), nickname, ownName };
}

/** The map is replaced, never changed. */
const values = new WeakMap<Nicknames, ReadonlySet<string>>();
function valuesOf(nicknames: Nicknames): ReadonlySet<string> {
  const known = values.get(nicknames) ?? new Set(nicknames.values());
  values.set(nicknames, known);
  return known;
}
