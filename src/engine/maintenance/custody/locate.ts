/** The owner's word to custodians on where shards are now, and theirs to whoever looks for them. Claims both: nobody believes them without asking the holder. */
import { asDatameshError } from '../../../errors.ts';
import type { ObjectId, OwnerId, PeerId } from '../../types.ts';
import { CUSTODIANS, firstMembers } from './custodians.ts';
import type { CustodyClient } from './custody-client.ts';
import type { CustodyPeers } from './custody-peers.ts';
import type { Claim, ClaimsOf, CustodyStore } from './custody-store.ts';

export interface LocateContext {
  peers: CustodyPeers;
  store: Pick<CustodyStore, 'claim' | 'claims' | 'mark' | 'manifest'>;
  client: Pick<CustodyClient, 'moved' | 'where'>;
  timeoutMs: number;
  signal: AbortSignal;
  log(text: string): void;
}

/** Objects of which at least one custodian has taken the claims. Custodians that cannot be reached find it out by asking. */
export async function tellWhere(
  owner: OwnerId,
  moves: readonly ClaimsOf[],
  context: LocateContext,
): Promise<ReadonlySet<ObjectId>> {
  const { peers, store, client } = context;
  const taken = new Set<ObjectId>();
  const byId = new Map(moves.map((move) => [move.objectId, move]));
  await eachCustodian(owner, [...byId.keys()], context, async (peer, ids, call) => {
    const theirs = ids.map((id) => byId.get(id)!);
    if (peer === peers.self) {
      const kept = theirs.filter(({ objectId }) => store.mark(objectId) !== undefined);
      store.claim(kept);
      for (const { objectId } of kept) taken.add(objectId);
      return;
    }
    const answers = await client.moved(peer, theirs, call);
    for (const [at, id] of ids.entries()) if (answers[at]) taken.add(id);
  });
  return taken;
}

/** Where custodians say that shards are which do not lie where the manifest says; the newest claims first. */
export async function askWhere(
  owner: OwnerId,
  ids: readonly ObjectId[],
  context: LocateContext,
): Promise<Map<ObjectId, Claim[]>> {
  const { peers, store, client } = context;
  const found = new Map<ObjectId, Claim[]>();
  const add = ({ objectId, claims }: ClaimsOf) => {
    const known = found.get(objectId) ?? [];
    for (const claim of claims) {
      const isSame = (it: Claim) =>
        it.stripe === claim.stripe && it.index === claim.index && it.holder === claim.holder;
      if (!known.some(isSame)) known.push(claim);
    }
    if (known.length > 0) found.set(objectId, known);
  };
  await eachCustodian(owner, ids, context, async (peer, theirs, call) => {
    const told =
      peer === peers.self
        ? theirs.map((objectId) => ({ objectId, claims: store.claims(objectId) }))
        : await client.where(peer, theirs, call);
    told.forEach(add);
  });
  return found;
}

/** An object's manifest as a custodian keeps it, from the first whose bytes are the object's; `except`: custodians that are not asked. */
export async function manifestInCustody(
  owner: OwnerId | undefined,
  id: ObjectId,
  isIt: (bytes: Uint8Array) => boolean,
  {
    peers,
    store,
    client,
    timeoutMs,
    signal,
    log,
  }: LocateContext & { client: Pick<CustodyClient, 'manifest'> },
  except: (peer: PeerId) => boolean = () => false,
): Promise<Uint8Array | undefined> {
  for (const peer of firstMembers(id, peers.members(owner), CUSTODIANS)) {
    if (except(peer)) continue;
    try {
      const bytes =
        peer === peers.self ? store.manifest(id) : await client.manifest(peer, id, { timeoutMs, signal });
      if (bytes !== undefined && isIt(bytes)) return bytes;
    } catch (error) {
      signal.throwIfAborted();
      log(`manifest: ${peer.slice(-8)}: ${asDatameshError(error).message}`);
    }
  }
  return undefined;
}

async function eachCustodian(
  owner: OwnerId,
  ids: readonly ObjectId[],
  { peers, timeoutMs, signal, log }: LocateContext,
  work: (
    peer: PeerId,
    ids: readonly ObjectId[],
    call: { timeoutMs: number; signal: AbortSignal },
  ) => Promise<void>,
): Promise<void> {
  const members = peers.members(owner);
  const byPeer = new Map<PeerId, ObjectId[]>();
  for (const id of ids) {
    for (const peer of firstMembers(id, members, CUSTODIANS)) {
      const theirs = byPeer.get(peer);
      if (theirs === undefined) byPeer.set(peer, [id]);
      else theirs.push(id);
    }
  }
  await Promise.all(
    [...byPeer].map(async ([peer, theirs]) => {
      try {
        await work(peer, theirs, { timeoutMs, signal });
      } catch (error) {
        signal.throwIfAborted();
        log(`whereabouts: ${peer.slice(-8)}: ${asDatameshError(error).message}`);
      }
    }),
  );
}
