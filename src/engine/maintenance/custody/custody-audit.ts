/** The audit of what this node leads for others: from a random place of its custody on, some objects a minute, a random stripe and the manifest of each. */
import type { Random } from '../../effects/random.ts';
import { bytesToHex, type ObjectId, type PeerId } from '../../types.ts';
import type { AuditTarget } from '../audit.ts';
import { groupsFrom, withNoted } from './custody-census.ts';
import type { CustodyManifests } from './custody-manifests.ts';
import { type CustodyPeers, dutyFor } from './custody-peers.ts';
import type { CustodyStore } from './custody-store.ts';

export interface CustodyAuditContext {
  random: Random;
  peers: CustodyPeers;
  store: CustodyStore;
  manifests: CustodyManifests;
  /** Whether the holder can be asked now. */
  isHere(holder: PeerId): boolean;
}

export interface LedTarget extends AuditTarget {
  objectId: ObjectId;
}

/** Orders looked at to find objects that this node leads: one in three or so. */
const ORDERS_PER_ROUND = 96;
const OBJECTS_PER_ROUND = 32;

export function sampleLed({ random, peers, store, manifests, isHere }: CustodyAuditContext): LedTarget[] {
  const from = bytesToHex(random.bytes(32)) as ObjectId;
  const page = store.list(from, ORDERS_PER_ROUND);
  // At the end of the ids it goes on at their beginning.
  const marks =
    page.length < ORDERS_PER_ROUND
      ? [...page, ...store.list(undefined, ORDERS_PER_ROUND - page.length)]
      : page;
  const targets: LedTarget[] = [];
  let objects = 0;
  for (const { objectId, owner, state } of marks) {
    if (objects === OBJECTS_PER_ROUND) break;
    if (state !== 'live' || dutyFor(peers, objectId, owner).rank !== 0) continue;
    const manifest = manifests.get(objectId);
    if (manifest === undefined) continue;
    objects++;
    const object = { objectId, manifest, manifestBytes: 0, claims: store.claims(objectId) };
    const stripe = Math.floor(random.fraction() * manifest.stripeCount);
    const groups = [
      groupsFrom(object, 0, 0)[0]!,
      ...groupsFrom(object, stripe, 1).slice(stripe === 0 ? 1 : 0),
    ];
    for (const { group, noted } of withNoted(object, groups)) {
      for (const [index, holders] of noted.entries()) {
        // Claims of those that have gone, or never were, must not keep the one that has it from being asked.
        const holder = holders.find(isHere);
        const lengthBytes = group.shardBytes === 0 ? undefined : group.shardBytes;
        if (holder !== undefined)
          targets.push({ objectId, id: group.ids[index]!, holder, lengthBytes, group });
      }
    }
  }
  return targets;
}
