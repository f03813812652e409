/**
 * One round of a node that leaves: custodians tell it of which objects it has shards; a shard goes as soon as the object is whole without this node by the
 * rule of its pool, and the holder that counts in its place has proved to this node, by its nonce, that it has it. Custodians do the copying.
 */
import { LRUCache } from 'lru-cache';
import { asDatameshError, DatameshError } from '../../errors.ts';
import { isFolderId } from '../backends/folder-marker.ts';
import { decodeManifest, type Manifest } from '../codec/manifest.ts';
import type { Clock } from '../effects/clock.ts';
import type { Candidate } from '../placement/domains.ts';
import type { ShardStore } from '../shardstore/store.ts';
import {
  bytesToHex,
  manifestShardId,
  type ObjectId,
  type OwnerId,
  type PeerId,
  type ShardId,
} from '../types.ts';
import type { Adoption } from './custody/adoption.ts';
import { type CensusContext, lookThrough, withNoted } from './custody/custody-census.ts';
import type { CustodyClient } from './custody/custody-client.ts';
import type { CustodyPeers } from './custody/custody-peers.ts';
import type { OfferItem } from './custody/custody-protocol.ts';
import type { Claim } from './custody/custody-store.ts';
import { type Order, readOrder } from './custody/order.ts';
import { provedBy } from './proof/ask.ts';
import { type Damage, type GroupState, type Rule, standingOf, targetsFor } from './repair-plan.ts';

export interface DrainContext extends CensusContext {
  network: string;
  clock: Pick<Clock, 'monotonic'>;
  store: Pick<ShardStore, 'stat' | 'delete' | 'ownerBytes'>;
  client: Pick<CustodyClient, 'held' | 'manifest'>;
  adoption: Pick<Adoption, 'drop'>;
  peers: Pick<CustodyPeers, 'self'>;
  /** Other nodes that may be custodians: each is asked. */
  custodians(): PeerId[];
  candidates(owner: OwnerId): readonly Candidate[];
  /** The rule of the object's pool, by which this node is leaving. */
  ruleOf(order: Order): Rule;
  hash(bytes: Uint8Array): Uint8Array;
  dropped(shards: number, bytes: number): void;
  /** Kept from round to round: how far custodians were heard that did not come to an end. */
  heardTo: Map<PeerId, ObjectId>;
}

export interface DrainRound {
  /** Shards of this node that orders or their manifests name: yet to be copied or proved, and without a node that may take them. */
  waiting: Set<ShardId>;
  blocked: Set<ShardId>;
  /** Who is noted to have one of those that wait, so that custodians may see nothing to copy, and has not proved it to this node. */
  unproved: Map<ShardId, PeerId>;
  /** Custodians that gave an answer, and why others did not. */
  answered: number;
  failures: { peer: PeerId; why: string }[];
  /** Why shards are blocked, each reason once. */
  reasons: Set<string>;
}

/** Reasons told: more would only repeat themselves with other numbers. */
const MAX_REASONS = 8;
/** Of a round for one custodian, then it is the next one's turn: whoever goes on listing objects for ever holds nobody up. */
const CUSTODIAN_MS = 5 * 60_000;
/** Claims kept until the next custodian speaks: 30 MiB. */
const MAX_TOLD_CLAIMS = 262_144;

export async function drainRound(context: DrainContext): Promise<DrainRound> {
  const round: DrainRound = {
    waiting: new Set(),
    blocked: new Set(),
    unproved: new Map(),
    answered: 0,
    failures: [],
    reasons: new Set(),
  };
  const settled = new Set<ObjectId>();
  /** Of what is not settled: all that custodians said so far. One of them may not have heard where a shard is by now. */
  const told = new LRUCache<ObjectId, readonly Claim[]>({
    maxSize: MAX_TOLD_CLAIMS,
    sizeCalculation: (claims) => claims.length + 1,
  });
  const { client, clock, store, heardTo, timeoutMs, signal } = context;
  for (const peer of context.custodians()) {
    const begunMs = clock.monotonic();
    const from = heardTo.get(peer);
    let cursor = from;
    let heard = 0;
    let isLate = false;
    try {
      for (let ended = false; !ended && !isLate; ) {
        signal.throwIfAborted();
        const items = await client.held(peer, cursor, { timeoutMs, signal });
        ended = items.length === 0;
        for (const item of items) {
          isLate = heard > 0 && clock.monotonic() - begunMs >= CUSTODIAN_MS;
          if (isLate) break;
          const order = readOrder(item.order);
          const { objectId, owner } = order;
          if (cursor !== undefined && objectId <= cursor) throw outOfOrder();
          heard++;
          const known = told.get(objectId);
          const claims = withClaims(known ?? [], item.claims);
          const isNew = order.network === context.network && !settled.has(objectId);
          if (isNew && store.ownerBytes(owner) > 0 && known?.length !== claims.length) {
            const found = await examine(peer, { ...item, claims }, order, context, round);
            if (found === 'settled') settled.add(objectId);
            else if (found === 'open') told.set(objectId, claims);
          }
          cursor = objectId;
        }
      }
      // The next round goes on there, and the one after that begins anew: only a round that hears all of it can tell that nothing is left.
      if (isLate) heardTo.set(peer, cursor!);
      else heardTo.delete(peer);
      if (isLate || from !== undefined) throw inParts(heard);
      round.answered++;
    } catch (error) {
      signal.throwIfAborted();
      round.failures.push({ peer, why: asDatameshError(error).message });
    }
  }
  if (round.blocked.size === 0) round.reasons.clear();
  return round;
}

function outOfOrder(): DatameshError {
  return new DatameshError('malformed-data', { what: 'it does not list objects in order' });
}

function inParts(heard: number): DatameshError {
  return new DatameshError('failed', {
    what: `it lists more objects than can be looked at in ${CUSTODIAN_MS / 60_000} minutes; ${heard} were this time`,
  });
}

function withClaims(known: readonly Claim[], more: readonly Claim[]): readonly Claim[] {
  const keyOf = ({ stripe, index, holder }: Claim) => `${stripe} ${index} ${holder}`;
  const keys = new Set(known.map(keyOf));
  return [...known, ...more.filter((claim) => !keys.has(keyOf(claim)))];
}

/** `settled`: nothing of the object is left here. `open`: with what this custodian said something stays. Undefined: it said nothing that can be checked. */
async function examine(
  from: PeerId,
  item: OfferItem,
  order: Order,
  context: DrainContext,
  round: DrainRound,
): Promise<'settled' | 'open' | undefined> {
  const { objectId, owner } = order;
  const { client, store, timeoutMs, signal } = context;
  const bytes = item.manifest ?? (await client.manifest(from, objectId, { timeoutMs, signal }));
  if (bytes === undefined || bytesToHex(context.hash(bytes)) !== objectId) return undefined;
  const kept = Uint8Array.from(bytes);
  const manifest = decodeManifest(kept);
  if (manifest.ownerId !== owner) return undefined;
  if (order.state === 'released') {
    const answer = await context.adoption.drop(context.peers.self, { ...item, manifest: kept });
    return answer === 'kept' ? 'settled' : undefined;
  }
  const mine = shardsHere(objectId, manifest, owner, store);
  if (mine.size === 0) return 'settled';
  for (const id of mine) {
    round.waiting.delete(id);
    round.blocked.delete(id);
    round.unproved.delete(id);
  }
  const rule = context.ruleOf(order);
  const object = { objectId, manifest, manifestBytes: kept.length, claims: item.claims };
  for await (const [part] of lookThrough([{ object }], context)) {
    const groups = part!.state.groups.filter(({ ids }) => ids.some((id) => mine.has(id)));
    for (const { group, noted } of withNoted(object, groups)) noteUnseen(group, noted, mine, rule, round);
    const standings = groups.map((group) => standingOf(group, rule));
    await settle(standings, mine, order, rule, context, round);
  }
  return [...mine].some((id) => round.waiting.has(id) || round.blocked.has(id)) ? 'open' : 'settled';
}

/** Of that owner: anybody may write a manifest that names the shards of others. */
function shardsHere(
  objectId: ObjectId,
  manifest: Manifest,
  owner: OwnerId,
  store: Pick<ShardStore, 'stat'>,
): ReadonlySet<ShardId> {
  const mine = new Set<ShardId>();
  const note = (id: ShardId) => store.stat(id)?.owners.includes(owner) === true && mine.add(id);
  note(manifestShardId(objectId));
  for (let stripe = 0; stripe < manifest.stripeCount; stripe++) manifest.stripe(stripe).ids.forEach(note);
  return mine;
}

/** Who should have shards of this node by the notes, and was not found to. */
function noteUnseen(
  { code, ids, live }: GroupState,
  noted: readonly (readonly PeerId[])[],
  mine: ReadonlySet<ShardId>,
  rule: Rule,
  { unproved }: DrainRound,
): void {
  for (const [index, id] of ids.entries()) {
    if (!mine.has(id)) continue;
    const seen = code.k === 1 ? live.flat() : live[index]!;
    const unseen = noted[index]!.find((holder) => !seen.includes(holder) && !rule.leaving(holder));
    if (unseen !== undefined) unproved.set(id, unseen);
  }
}

/** Drops what others have proved, and notes why the rest stays. */
async function settle(
  standings: readonly Damage[],
  mine: ReadonlySet<ShardId>,
  order: Order,
  rule: Rule,
  context: DrainContext,
  round: DrainRound,
): Promise<void> {
  const { store, peers } = context;
  /** By holder: what it has to prove before this node's copy may go. */
  const questions = new Map<PeerId, { id: ShardId; lengthBytes: number }[]>();
  const open = new Map<ShardId, number>();
  for (const standing of standings) {
    const { ids, shardBytes } = standing.group;
    const lacking = new Set([...standing.missing, ...standing.misplaced]);
    for (const [index, id] of ids.entries()) {
      if (!mine.has(id)) continue;
      open.set(id, (open.get(id) ?? 0) + 1);
      const holder = standing.holders[index];
      if (!lacking.has(index) && holder !== undefined && holder !== peers.self) {
        questions.set(holder, [...(questions.get(holder) ?? []), { id, lengthBytes: shardBytes }]);
        continue;
      }
      const candidates = context.candidates(order.owner);
      const targets = targetsFor(standing, index, rule, candidates, peers.self, new Set());
      const byOwner = order.members.some(isFolderId);
      if (targets.length > 0 && !byOwner) round.waiting.add(id);
      else if (byOwner) {
        round.blocked.add(id);
        round.reasons.add(
          'shards of a pool with folders are moved by its owner: datamesh repair --apply there',
        );
      } else {
        round.blocked.add(id);
        if (round.reasons.size < MAX_REASONS)
          round.reasons.add(whyBlocked(standing, order, candidates.length));
      }
    }
  }
  await Promise.all(
    [...questions].map(async ([holder, shards]) => {
      const { random, memory, signal } = context;
      let proved: ReadonlySet<ShardId> = new Set();
      try {
        proved = await provedBy(context.backend(holder), shards, { random, memory, signal });
      } catch {
        signal.throwIfAborted(); // busy or gone: it is asked again in the next round
      }
      for (const { id } of shards) {
        if (proved.has(id)) open.set(id, open.get(id)! - 1);
        else round.unproved.set(id, holder);
      }
    }),
  );
  for (const [id, unproved] of open) {
    if (unproved > 0) {
      if (!round.blocked.has(id)) round.waiting.add(id);
      continue;
    }
    const lengthBytes = store.stat(id)?.lengthBytes ?? 0;
    if (await store.delete(id, order.owner)) context.dropped(1, lengthBytes);
    round.waiting.delete(id);
    round.unproved.delete(id);
  }
}

function whyBlocked(
  { group: { code, ids } }: Damage,
  { domain, members }: Order,
  candidates: number,
): string {
  const takers = `${candidates} other ${candidates === 1 ? 'node takes' : 'nodes take'} shards of that owner`;
  const pool = members.length === 0 ? '' : `, and the pool names ${members.length} holders`;
  return `shards spread over ${ids.length} places (${code.k}+${code.m}) by ${domain}: ${takers}${pool}`;
}
