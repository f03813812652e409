/** Who may store here, and who may not even connect: by the configuration, also as it is after a reload. */
import type { Net } from '../effects/net.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { Admission } from '../mesh/admission.ts';
import type { Member } from '../mesh/membership.ts';
import type { EventLog } from '../observe/events.ts';
import type { EngineOptions } from '../options.ts';
import type { OwnerId, PeerId } from '../types.ts';

export interface Access {
  admitsOwner(owner: OwnerId, peer: PeerId): boolean;
  /** Why the peer, acting for these owners, is turned away; undefined when it is not. */
  turnsAway(peer: PeerId, owners: ReadonlySet<OwnerId>): string | undefined;
  /** Named by the configuration, or acting for an owner that is: not only one that an open node lets in. */
  trusts(peer: PeerId, owners: ReadonlySet<OwnerId>): boolean;
  /** On the deny list, as a peer id. */
  isBanned(peer: PeerId): boolean;
  /** Changed options of access hold from now on: who is refused now and connected is hung up on. */
  apply(): void;
}

export interface AccessParts {
  options: EngineOptions;
  admission: Pick<Admission, 'refuses' | 'deny'>;
  keyring: Pick<Keyring, 'list'>;
  net: Pick<Net, 'connected' | 'hangUp'>;
  members(): readonly Pick<Member, 'peerId' | 'actsFor'>[];
  events: Pick<EventLog, 'add'>;
}

export function keepAccess({ options, admission, keyring, net, members, events }: AccessParts): Access {
  let denied = new Set<string>(options.access.deny);

  const turnsAway: Access['turnsAway'] = (peer, owners) => {
    if (admission.refuses(peer)) return 'this node refuses that peer';
    return [...owners].some((id) => denied.has(id)) ? 'this node refuses that owner' : undefined;
  };

  const isNamed = (id: OwnerId) =>
    keyring.list().some((key) => key.ownerId === id) || options.access.allow.includes(id);

  return {
    turnsAway,
    admitsOwner: (id, peer) =>
      options.storage.quotaBytes > 0 &&
      !denied.has(id) &&
      (options.access.mode === 'open' || isNamed(id) || options.access.allow.includes(peer)),
    trusts: (peer, owners) => options.access.allow.includes(peer) || [...owners].some(isNamed),
    isBanned: (peer) => denied.has(peer),
    apply() {
      denied = new Set(options.access.deny);
      admission.deny(options.access.deny);
      const connected = new Set(net.connected());
      for (const { peerId, actsFor } of members()) {
        const reason = connected.has(peerId) ? turnsAway(peerId, actsFor) : undefined;
        if (reason === undefined) continue;
        events.add('warn', 'mesh', `${peerId.slice(-8)} is hung up on: ${reason}`);
        void net.hangUp(peerId);
      }
    },
  };
}
