/** The part of a node that keeps other people's objects whole: its custody store, what it serves and asks, and the keeper's loop. */
import { DatameshError } from '../../errors.ts';
import { isFolderId } from '../backends/folder-marker.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Codec } from '../codec/codec.ts';
import type { Clock } from '../effects/clock.ts';
import type { Net } from '../effects/net.ts';
import type { Random } from '../effects/random.ts';
import { nextTurn } from '../effects/turn.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import { type AuditFigures, createAudit } from '../maintenance/audit.ts';
import { liftNamed } from '../maintenance/collect/lift-named.ts';
import type { Quarantine } from '../maintenance/collect/quarantine.ts';
import { createAdoption } from '../maintenance/custody/adoption.ts';
import { Attendance } from '../maintenance/custody/attendance.ts';
import { sampleLed } from '../maintenance/custody/custody-audit.ts';
import { custodyClient } from '../maintenance/custody/custody-client.ts';
import { CustodyManifests } from '../maintenance/custody/custody-manifests.ts';
import { type CustodyPeers, isNear } from '../maintenance/custody/custody-peers.ts';
import { serveCustody } from '../maintenance/custody/custody-service.ts';
import type { Claim, ClaimsOf, CustodyRecord, CustodyStore } from '../maintenance/custody/custody-store.ts';
import { Given } from '../maintenance/custody/given.ts';
import { Handover } from '../maintenance/custody/handover.ts';
import { Leases } from '../maintenance/custody/leases.ts';
import { askWhere, manifestInCustody, tellWhere } from '../maintenance/custody/locate.ts';
import { sendOrders } from '../maintenance/custody/outbox.ts';
import { ReleaseCarrier } from '../maintenance/custody/release-carrier.ts';
import { HOLDERS, LATE, Silences } from '../maintenance/custody/silences.ts';
import { DamageList } from '../maintenance/damage-list.ts';
import type { DrainContext } from '../maintenance/drain.ts';
import { createKeeper, KEEPER_LIMITS, type Keeper } from '../maintenance/keeper.ts';
import { mend } from '../maintenance/mender.ts';
import type { MenderContext, MenderLimits } from '../maintenance/mender-context.ts';
import { provedBy } from '../maintenance/proof/ask.ts';
import type { ProofMemory } from '../maintenance/proof/memory.ts';
import { ADOPT_TIMEOUT_MS, type RepairContext } from '../maintenance/repair.ts';
import { keptHere, notedLosses, triage } from '../maintenance/triage.ts';
import type { Membership } from '../mesh/membership.ts';
import type { PeerHealth } from '../mesh/peer-health.ts';
import { RateLimit } from '../mesh/rate-limit.ts';
import type { EventLog } from '../observe/events.ts';
import type { Jobs } from '../observe/jobs.ts';
import type { Measures } from '../observe/measures.ts';
import type { Candidate } from '../placement/domains.ts';
import type { Folders } from '../pools/folders.ts';
import type { ShardStore } from '../shardstore/store.ts';
import type { FreshManifests } from '../transfer/fresh-manifests.ts';
import { ASK_TIMEOUT_MS } from '../transfer/limits.ts';
import { bytesToHex, type ObjectId, type OwnerId, type PeerId } from '../types.ts';
import type { Closers } from './closers.ts';
import { findManifest, type Presence } from './find-manifest.ts';
import type { Holders } from './holders.ts';
import { createKeepers } from './keepers.ts';
import type { Sites } from './sites.ts';

export interface Custody {
  store: CustodyStore;
  /** What a drain needs of it. */
  drainParts: Pick<DrainContext, 'client' | 'adoption'> & {
    candidates(owner: OwnerId): Candidate[];
    changed(): void;
  };
  keeper: Keeper;
  /** Objects to be looked at, and those of them that a look has found damaged. */
  backlog(): { suspected: number; damaged: number };
  /** Of what it keeps. */
  audit: Readonly<AuditFigures>;
  /** Tells custodians where the owner has put shards anew: the objects of which at least one has taken it. */
  told(owner: OwnerId, moves: readonly ClaimsOf[], signal: AbortSignal): Promise<ReadonlySet<ObjectId>>;
  /** Where custodians say that shards are which do not lie where the manifest says. */
  where(owner: OwnerId, ids: readonly ObjectId[], signal: AbortSignal): Promise<Map<ObjectId, Claim[]>>;
  /** An object's manifest as its custodians, those `except` left out, keep it, verified. */
  manifest(
    owner: OwnerId | undefined,
    id: ObjectId,
    signal: AbortSignal,
    except?: (peer: PeerId) => boolean,
  ): Promise<Uint8Array | undefined>;
  /** Who may keep an owner's objects. */
  peers: CustodyPeers;
}

interface Parts {
  freshManifests: FreshManifests;
  clock: Clock;
  random: Random;
  net: Net;
  network: string;
  store: ShardStore;
  custody: CustodyStore;
  quarantine: Quarantine;
  catalog: Catalog;
  owner: OwnerKeys | undefined;
  codec: Codec;
  membership: Membership;
  holders: Holders;
  sites: Sites;
  folders: Folders;
  health: PeerHealth;
  proofs: ProofMemory;
  jobs: Jobs;
  events: EventLog;
  measures: Measures;
  ownersOf(peer: PeerId): ReadonlySet<OwnerId> | undefined;
  admitsOwner(owner: OwnerId, peer: PeerId): boolean;
}

/** Repairs leave a home's link to others: half of 1 Gbit/s. */
const REPAIR_BYTES_PER_SECOND = 64 * 1024 * 1024;
const MENDER_LIMITS: MenderLimits = {
  graceMs: 15 * 60_000,
  settleMs: 10_000,
  turnMs: 30_000,
  urgentTurnMs: 5_000,
  retryMs: 3_000,
  blockedMs: 180_000,
  silenceMs: 15_000,
  askTimeoutMs: ASK_TIMEOUT_MS,
  unseenMs: 90_000,
};

/** A node that has just started remembers nobody yet: only after this long is whom it does not know gone for good. */
const ALL_MET_MS = 10 * 60_000;
/** By then a newcomer has the orders that are its to keep. */
const NEW_MS = 60_000;

/** Serves and starts the keeper; `closers` stops it. */
export async function keepCustody(parts: Parts, closers: Closers): Promise<Custody> {
  const { clock, random, net, network, custody, codec, membership, holders, sites, events, admitsOwner } =
    parts;
  const stopper = new AbortController();
  const { signal } = stopper;
  const hash = (bytes: Uint8Array) => codec.hash(bytes);
  const log = (text: string) => events.add('debug', 'custody', text);
  const peers = createKeepers({ self: net.self, clock, sites, admitsOwner });
  const client = custodyClient(net);
  const manifests = new CustodyManifests(custody);
  const leases = new Leases(clock);
  const suspects = new DamageList();
  const silences = new Silences(clock);
  const late = new Silences(clock, LATE);
  const rate = new RateLimit(clock, REPAIR_BYTES_PER_SECOND);
  const call = { timeoutMs: ASK_TIMEOUT_MS, signal };
  const adoption = createAdoption({
    self: net.self,
    network,
    store: parts.store,
    custody,
    manifests,
    hash,
    admitsOwner,
    manifestFrom: (from, id) => client.manifest(from, id, call),
    released: (id) => keeper.kept([id]),
    elsewhere: parts.folders,
  });
  const startedMs = clock.monotonic();
  const isHere = (holder: PeerId) => holders.backend(holder) !== undefined;
  const presence = (peer: PeerId): Presence => {
    if (isHere(peer)) return 'here';
    const isGone = membership.member(peer) === undefined && clock.monotonic() - startedMs > ALL_MET_MS;
    return isGone ? 'gone' : 'away';
  };
  const whom = { self: net.self, backend: holders.backend, presence };
  const attendance = new Attendance(startedMs + KEEPER_LIMITS.meetMs);
  const isNew = (peer: PeerId) => {
    const hereMs = attendance.hereMs(peer, clock.monotonic());
    return hereMs !== undefined && hereMs < NEW_MS;
  };
  const handover = new Handover({
    ...call,
    isNew,
    peers,
    store: custody,
    client,
    hash,
    manifestFromHolders: async (id, noted) => (await findManifest(id, noted, whom, hash, signal)).bytes,
    released: (ids) => keeper.kept(ids),
    pause: nextTurn,
    log,
  });
  const given = new Given({
    store: custody,
    overtaken(id, holder) {
      carrier.again(id, holder);
      keeper.kept([id]);
    },
  });
  const carrier: ReleaseCarrier = new ReleaseCarrier({
    ...call,
    peers,
    store: custody,
    manifests,
    client,
    adoption,
    given,
    log,
    presence,
  });

  const repairOf = ({ order }: CustodyRecord): RepairContext | undefined => {
    // Folders of another node cannot be filled from here; the owner's node sees to such pools.
    if (order.members.some(isFolderId)) return undefined;
    return {
      self: net.self,
      codec,
      backend: holders.backend,
      candidates: () => peers.candidates(order.owner),
      rule: {
        domain: order.domain,
        members: order.members,
        siteOf: sites.siteOf,
        leaving: (holder) => membership.member(holder)?.state === 'draining',
      },
      async adopt(holder, id, place, bytes) {
        if (custody.mark(id)?.state !== 'live')
          throw new DatameshError('denied', { what: 'the object was released meanwhile' });
        await given.give(id, holder, () =>
          holder === net.self
            ? adoption.adopt(net.self, id, place, bytes)
            : client.adopt(holder, id, place, bytes, { timeoutMs: ADOPT_TIMEOUT_MS, signal }),
        );
      },
      manifest: (id) => custody.manifest(id),
      rate,
      proofs: parts.proofs,
      isLate: (holder) => late.has(holder),
      failed(holder, error) {
        late.failed(holder, error);
        if (error.code === 'hash-mismatch') parts.health.observe(holder, { kind: 'wrong-bytes' });
        log(`repair: ${holder.slice(-8)}: ${error.message}`);
      },
      signal,
    };
  };
  const mending: Omit<MenderContext, 'atOnce'> = {
    peers,
    store: custody,
    manifests,
    client,
    leases,
    suspects,
    silences,
    prove: (holder, shards) =>
      provedBy(holders.backend(holder), shards, { random, signal, memory: parts.proofs }),
    turnOf: (id, duty) => handover.turnOf(id, duty),
    jobs: parts.jobs,
    backend: holders.backend,
    memory: parts.proofs,
    mute: new Silences(clock, HOLDERS),
    random,
    everybody: holders.reachable,
    repairOf,
    released: (ids) => keeper.kept(ids),
    nowMs: clock.monotonic,
    awayMs: (holder) => (isHere(holder) ? undefined : attendance.awaySinceMs(holder, clock.monotonic())),
    limits: MENDER_LIMITS,
    log,
    signal,
  };
  const { owner } = parts;
  const keeper = createKeeper({
    clock,
    random,
    peers,
    store: custody,
    handover,
    carrier,
    leases,
    suspects,
    limits: KEEPER_LIMITS,
    notedLosses(id) {
      const kept = keptHere(id, mending);
      return kept && notedLosses(id, kept, mending);
    },
    mended: (report) => parts.measures.mended(report),
    triage: (id) => triage(id, mending),
    mend: (ids, atOnce) => mend(ids, { ...mending, atOnce }),
    ...(owner === undefined
      ? {}
      : {
          sendOrders: () =>
            sendOrders({
              ...call,
              owner,
              network,
              catalog: parts.catalog,
              peers,
              store: custody,
              client,
              manifest: async (id, noted) => {
                const bytes = parts.freshManifests.get(id);
                if (bytes !== undefined) return { bytes, silent: false };
                return await findManifest(id, noted, whom, hash, signal);
              },
              confirmed(ids) {
                for (const id of ids) parts.freshManifests.delete(id);
              },
              kept: (ids) => keeper.kept(ids),
              nowMs: clock.now,
              log,
            }),
        }),
    pause: nextTurn,
    log: (text) => events.add('info', 'custody', text),
  });

  await serveCustody({
    net,
    clock,
    store: custody,
    manifests,
    leases,
    adoption,
    network,
    hash,
    ownersOf: parts.ownersOf,
    admitsOwner,
    near: (peer, id) => isNear(peers, peer, id, custody.mark(id)?.owner),
    kept(fresh) {
      liftNamed(
        parts.quarantine,
        manifests,
        fresh.map(({ order }) => order),
      );
      // The first order of an object whose holders are all here, with its manifest, calls for nothing: it is what every put brings.
      const others = fresh.filter(
        ({ order, holders: of }) =>
          order.state !== 'live' ||
          order.sequence > 1 ||
          custody.mark(order.objectId)?.hasManifest !== true ||
          of.some((holder) => !isHere(holder)),
      );
      if (others.length > 0) keeper.kept(others.map(({ order }) => order.objectId));
    },
    // Who went while the teller was still at work: when it did, these shards were not known to be there.
    moved: (told) => keeper.moved(told.map(({ objectId }) => objectId)),
  });
  const unsubscribe = membership.onChange((peer, state) => {
    if (state === 'suspect' || state === 'joining') return;
    peers.changed();
    if (state === 'active') {
      if (!attendance.came(peer, clock.monotonic())) return;
    } else {
      attendance.left(peer, clock.monotonic());
    }
    keeper.changed(peer, state === 'active');
  });
  closers.add(async () => {
    unsubscribe();
    stopper.abort();
    await keeper.stop();
  });
  const audit = createAudit({
    clock,
    random,
    self: peers.self,
    backend: holders.backend,
    memory: parts.proofs,
    sample: async () => sampleLed({ random, peers, store: custody, manifests, isHere }),
    onResult({ objectId }, verdict) {
      if (verdict !== 'proved') suspects.suspect(objectId, clock.monotonic());
    },
    log,
  });
  closers.add(() => audit.stop());
  keeper.start();
  audit.start();
  const locate = (callSignal: AbortSignal) => ({
    ...call,
    signal: callSignal,
    peers,
    store: custody,
    client,
    log,
  });
  const drainParts = { client, adoption, candidates: peers.candidates, changed: peers.changed };
  return {
    store: custody,
    drainParts,
    keeper,
    backlog: () => ({ suspected: suspects.size, damaged: suspects.damaged().length }),
    audit: audit.figures,
    peers,
    told: (id, moves, callSignal) => tellWhere(id, moves, locate(callSignal)),
    where: (id, ids, callSignal) => askWhere(id, ids, locate(callSignal)),
    manifest: (id, object, callSignal, except) =>
      manifestInCustody(
        id,
        object,
        (bytes) => bytesToHex(hash(bytes)) === object,
        locate(callSignal),
        except,
      ),
  };
}
