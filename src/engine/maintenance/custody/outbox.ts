/** The owner's side: what he has stored and released is told to the custodians, and again until they have confirmed it. */
import { asDatameshError } from '../../../errors.ts';
import type { Catalog, PendingOrder } from '../../catalog/catalog.ts';
import type { OwnerKeys } from '../../keys/keys.ts';
import type { ObjectId, PeerId } from '../../types.ts';
import { CUSTODIANS, firstMembers } from './custodians.ts';
import type { CustodyClient } from './custody-client.ts';
import { writtenTo } from './custody-manifests.ts';
import type { CustodyPeers } from './custody-peers.ts';
import type { OfferItem } from './custody-protocol.ts';
import { type CustodyStore, MANIFEST_GROUP } from './custody-store.ts';
import { type Order, readOrder, signOrders } from './order.ts';

export interface FoundManifest {
  bytes: Uint8Array | undefined;
  /** Some holder that this node still knows did not answer. */
  silent: boolean;
}

export interface OutboxContext {
  owner: OwnerKeys;
  network: string;
  catalog: Pick<Catalog, 'pendingOrders' | 'orderConfirmed'>;
  peers: CustodyPeers;
  store: CustodyStore;
  client: CustodyClient;
  /** The object's manifest from this node or a holder, and whether one of them could not be asked. */
  manifest(id: ObjectId, holders: readonly PeerId[], signal: AbortSignal): Promise<FoundManifest>;
  /** The custodians have these. */
  confirmed(ids: readonly ObjectId[]): void;
  /** Custodians were told; this node is one of them for these. */
  kept(ids: readonly ObjectId[]): void;
  nowMs(): number;
  log(text: string): void;
  timeoutMs: number;
  signal: AbortSignal;
}

/** Orders signed and sent in one go. */
const BATCH = 256;
/** Fewer, where their manifests have so many bytes: of large objects one has up to 16 MiB. */
const BATCH_BYTES = 16 * 1024 * 1024;
/** Manifests asked for side by side. */
const FETCHED_TOGETHER = 8;

/** How many orders are still unconfirmed: those for which too few custodians answered. */
export async function sendOrders(context: OutboxContext): Promise<number> {
  const { catalog, owner, signal } = context;
  let unconfirmed = 0;
  let after: ObjectId | undefined;
  for (;;) {
    signal.throwIfAborted();
    const batch = catalog.pendingOrders(owner.ownerId, after, BATCH);
    if (batch.length === 0) return unconfirmed;
    after = batch.at(-1)!.objectId;
    for await (const part of withManifests(batch, context)) {
      const confirmed = await sendBatch(part, context);
      catalog.orderConfirmed(owner.ownerId, confirmed);
      context.confirmed(confirmed.map(({ objectId }) => objectId));
      unconfirmed += part.length - confirmed.length;
    }
  }
}

interface Sending {
  pending: PendingOrder;
  manifest: FoundManifest;
}

async function* withManifests(
  batch: readonly PendingOrder[],
  { manifest, signal }: OutboxContext,
): AsyncGenerator<Sending[]> {
  let part: Sending[] = [];
  let bytes = 0;
  for (let at = 0; at < batch.length; at += FETCHED_TOGETHER) {
    const found = await Promise.all(
      batch.slice(at, at + FETCHED_TOGETHER).map(async (pending) => ({
        pending,
        manifest: await manifest(pending.objectId, pending.manifestHolders, signal),
      })),
    );
    part.push(...found);
    for (const one of found) bytes += one.manifest.bytes?.length ?? 0;
    if (bytes < BATCH_BYTES && at + FETCHED_TOGETHER < batch.length) continue;
    yield part;
    part = [];
    bytes = 0;
  }
}

async function sendBatch(batch: readonly Sending[], context: OutboxContext): Promise<PendingOrder[]> {
  const { owner, network, peers, store, client, timeoutMs, signal, log } = context;
  const members = peers.members(owner.ownerId);
  /** Releases of which a holder that may have the manifest cannot be asked. */
  const withheld = new Set<PendingOrder>();
  /** Custodians that have yet to confirm, by object. */
  const waiting = new Map<PendingOrder, number>();
  const offers = new Map<PeerId, { pending: PendingOrder; item: OfferItem }[]>();
  const orderOf = (pending: PendingOrder): Order => {
    const { objectId, state, sequence, domain, members: only } = pending;
    const issuedAtMs = context.nowMs();
    return { network, objectId, owner: owner.ownerId, domain, members: only, state, sequence, issuedAtMs };
  };
  const signed = signOrders(
    batch.map(({ pending }) => orderOf(pending)),
    owner,
  );
  for (const [at, { pending, manifest }] of batch.entries()) {
    const { objectId, state, manifestHolders } = pending;
    const claims = [...manifestHolders]
      .sort()
      .map((holder, index) => ({ stripe: MANIFEST_GROUP, index, holder }));
    const item = { order: signed[at]!, manifest: manifest.bytes, claims };
    if (state === 'released' && manifest.bytes === undefined && manifest.silent) withheld.add(pending);
    const custodians = firstMembers(objectId, members, CUSTODIANS);
    // Nobody is there to keep it: it waits.
    waiting.set(pending, custodians.length === 0 ? Number.POSITIVE_INFINITY : custodians.length);
    for (const peer of custodians) {
      const theirs = offers.get(peer);
      if (theirs === undefined) offers.set(peer, [{ pending, item }]);
      else theirs.push({ pending, item });
    }
  }
  const confirm = (pending: PendingOrder) => waiting.set(pending, waiting.get(pending)! - 1);
  await Promise.all(
    [...offers].map(async ([peer, theirs]) => {
      try {
        if (peer === peers.self) {
          store.keep(
            theirs.map(({ item }) => ({
              ...item,
              order: readOrder(item.order),
              bytes: item.order,
              holders: item.manifest && writtenTo(item.manifest, owner.ownerId),
            })),
          );
          for (const { pending } of theirs) confirm(pending);
          context.kept(theirs.map(({ pending }) => pending.objectId));
          return;
        }
        const items = theirs.map(({ item }) => item);
        const answers = await client.offer(peer, items, { timeoutMs, signal });
        for (const [at, answer] of answers.entries()) {
          const { pending } = theirs[at]!;
          // A release is known for good where a newer order is known: nothing comes after a release.
          if (answer === 'kept' || answer === 'newer' || answer === 'wants-manifest') confirm(pending);
          else if (answer === 'refused') peers.refused(peer, owner.ownerId);
          else log(`custody: ${peer.slice(-8)} does not keep an order: ${answer}`);
        }
      } catch (error) {
        signal.throwIfAborted();
        log(`custody: ${peer.slice(-8)} was not told: ${asDatameshError(error).message}`);
      }
    }),
  );
  const told = batch.map(({ pending }) => pending).filter((pending) => waiting.get(pending) === 0);
  const open = await withoutManifest(
    told.filter((pending) => withheld.has(pending)),
    context,
  );
  return told.filter((pending) => !open.has(pending));
}

/**
 * Releases that no custodian can carry out: without the manifest they do not know whose shards are to go. They stay with the owner until the holders that may
 * have it have been asked.
 */
async function withoutManifest(
  releases: readonly PendingOrder[],
  { peers, store, client, owner, timeoutMs, signal, log }: OutboxContext,
): Promise<ReadonlySet<PendingOrder>> {
  const open = new Set(releases);
  const members = peers.members(owner.ownerId);
  const byPeer = new Map<PeerId, PendingOrder[]>();
  for (const pending of releases)
    for (const peer of firstMembers(pending.objectId, members, CUSTODIANS))
      byPeer.set(peer, [...(byPeer.get(peer) ?? []), pending]);
  await Promise.all(
    [...byPeer].map(async ([peer, theirs]) => {
      const ids = theirs.map(({ objectId }) => objectId);
      try {
        const having =
          peer === peers.self
            ? ids.map((id) => store.mark(id)?.hasManifest === true)
            : (await client.known(peer, ids, { timeoutMs, signal })).map(({ manifest }) => manifest);
        for (const [at, pending] of theirs.entries()) if (having[at]) open.delete(pending);
      } catch (error) {
        signal.throwIfAborted();
        log(`custody: ${peer.slice(-8)}: ${asDatameshError(error).message}`);
      }
    }),
  );
  return open;
}
