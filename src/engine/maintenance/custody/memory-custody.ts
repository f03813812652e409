/** Custody in memory: for nodes of a simulation, and the measure of the one on SQLite. */
import type { ObjectId, OwnerId, PeerId } from '../../types.ts';
import {
  CLAIMS_PER_PLACE,
  type Claim,
  type ClaimsOf,
  CUSTODY_LIMITS,
  type CustodyLimits,
  type CustodyMark,
  type CustodyStore,
  GIVE_WAY,
  type Keep,
  type Kept,
  makesRoom,
} from './custody-store.ts';
import { type Order, replaces } from './order.ts';

interface Entry {
  order: Order;
  bytes: Uint8Array;
  manifest: Uint8Array | undefined;
  holders: ReadonlySet<PeerId>;
  claims: Claim[];
}

export function memoryCustody(limits: CustodyLimits = CUSTODY_LIMITS): CustodyStore {
  const entries = new Map<ObjectId, Entry>();
  const used = new Map<OwnerId, { orders: number; manifestBytes: number }>();
  const shareOf = (owner: OwnerId) => {
    let share = used.get(owner);
    if (share === undefined) used.set(owner, (share = { orders: 0, manifestBytes: 0 }));
    return share;
  };
  const markOf = ({ order, manifest }: Entry): CustodyMark => ({
    objectId: order.objectId,
    owner: order.owner,
    state: order.state,
    sequence: order.sequence,
    hasManifest: manifest !== undefined,
    manifestBytes: manifest?.length ?? 0,
  });
  const idsAfter = (cursor: ObjectId | undefined) =>
    [...entries.keys()].filter((id) => cursor === undefined || id > cursor).sort();

  const makeRoom = (owner: OwnerId) => {
    const carriedOut = [...entries]
      .filter(([, { order, manifest }]) => order.owner === owner && order.state === 'released' && !manifest)
      .slice(0, GIVE_WAY);
    for (const [id] of carriedOut) drop(id);
  };
  const keepOne = (keep: Keep): Kept => {
    const { order, bytes, manifest, holders, claims } = keep;
    const known = entries.get(order.objectId);
    const isOthers = known !== undefined && known.order.owner !== order.owner;
    if (isOthers) {
      if (manifest === undefined || known.manifest !== undefined) return 'disputed';
      drop(order.objectId);
    }
    const before = isOthers ? undefined : known;
    const share = shareOf(order.owner);
    if (before === undefined && share.orders >= limits.ordersPerOwner) {
      if (makesRoom(keep)) makeRoom(order.owner);
      if (share.orders >= limits.ordersPerOwner) return 'full';
    }
    const newer = before === undefined || replaces(order, before.order);
    if (!newer && order.sequence < before.order.sequence) return 'older';
    if (!newer && before.order.state !== order.state) return 'older';
    let taken = before?.manifest;
    let outcome: Kept = newer ? 'kept' : 'known';
    if (taken === undefined && manifest !== undefined) {
      if (share.manifestBytes + manifest.length > limits.manifestBytesPerOwner) outcome = 'full';
      else {
        taken = Uint8Array.from(manifest);
        share.manifestBytes += manifest.length;
        if (!newer) outcome = 'kept';
      }
    }
    if (before === undefined) share.orders++;
    const all = mergeClaims(before?.claims ?? [], claims ?? []);
    entries.set(order.objectId, {
      order: newer ? order : before.order,
      bytes: newer ? Uint8Array.from(bytes) : before.bytes,
      manifest: taken,
      holders: new Set([...(before?.holders ?? []), ...(holders ?? []), ...holdersOf(all)]),
      claims: all,
    });
    return outcome;
  };
  const setClaims = ({ objectId, claims }: ClaimsOf, merge: boolean) => {
    const entry = entries.get(objectId);
    if (entry === undefined) return;
    entry.claims = mergeClaims(merge ? entry.claims : [], claims);
    entry.holders = new Set([...entry.holders, ...holdersOf(entry.claims)]);
  };
  const drop = (id: ObjectId) => {
    const entry = entries.get(id);
    if (entry === undefined) return;
    const share = shareOf(entry.order.owner);
    share.orders--;
    share.manifestBytes -= entry.manifest?.length ?? 0;
    entries.delete(id);
  };

  const listAfter = (cursor: ObjectId | undefined, limit: number, isListed: (mark: CustodyMark) => boolean) =>
    idsAfter(cursor)
      .map((id) => markOf(entries.get(id)!))
      .filter(isListed)
      .slice(0, limit);

  return {
    keep: (batch) => batch.map(keepOne),
    mark(id) {
      const entry = entries.get(id);
      return entry && markOf(entry);
    },
    get(id) {
      const entry = entries.get(id);
      return entry && { ...markOf(entry), order: entry.order, bytes: entry.bytes, claims: [...entry.claims] };
    },
    manifest: (id) => entries.get(id)?.manifest,
    list: (cursor, limit) => listAfter(cursor, limit, () => true),
    listOpen: (cursor, limit) =>
      listAfter(cursor, limit, ({ state, hasManifest }) => state === 'live' || hasManifest),
    heldBy: (holder, cursor, limit) =>
      idsAfter(cursor)
        .filter((id) => entries.get(id)!.holders.has(holder))
        .slice(0, limit),
    claim(batch) {
      for (const it of batch) setClaims(it, true);
    },
    reclaim(batch) {
      for (const it of batch) {
        setClaims(it, false);
        const entry = entries.get(it.objectId);
        if (entry === undefined) continue;
        const stay = new Set([...it.noted, ...holdersOf(entry.claims)]);
        entry.holders = new Set([...entry.holders].filter((holder) => stay.has(holder)));
      }
    },
    claims: (id) => [...(entries.get(id)?.claims ?? [])],
    forget: (ids) => ids.forEach(drop),
    settle(id) {
      const entry = entries.get(id);
      if (entry?.order.state !== 'released') return;
      shareOf(entry.order.owner).manifestBytes -= entry.manifest?.length ?? 0;
      entries.set(id, { ...entry, manifest: undefined, holders: new Set(), claims: [] });
    },
    usage() {
      const sum = { orders: 0, released: 0, manifestBytes: 0 };
      for (const { order, manifest } of entries.values()) {
        sum.orders++;
        if (order.state === 'released') sum.released++;
        sum.manifestBytes += manifest?.length ?? 0;
      }
      return sum;
    },
    close() {},
  };
}

/** Who counts as a holder: of claims that a place has no room for, nobody. */
export function holdersOf(claims: readonly Claim[]): PeerId[] {
  return claims.map(({ holder }) => holder);
}

/** `newer` come first at their places, in reverse order of coming; each place keeps the newest few. */
export function mergeClaims(known: readonly Claim[], newer: readonly Claim[]): Claim[] {
  const places = new Map<string, Claim[]>();
  for (const claim of [...newer].reverse().concat(known)) {
    const key = `${claim.stripe} ${claim.index}`;
    const there = places.get(key) ?? [];
    if (there.length < CLAIMS_PER_PLACE && there.every(({ holder }) => holder !== claim.holder))
      there.push(claim);
    places.set(key, there);
  }
  return [...places.values()].flat().sort((a, b) => a.stripe - b.stripe || a.index - b.index);
}
