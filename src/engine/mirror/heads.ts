/** Heads in the mesh: who should hold one, asking for the newest, leaving one, and handing on what this node holds when nodes come and go. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import { decodeStatus, failureOf } from '../backends/shard-protocol.ts';
import { type Net, type NetMessage, NO_BYTES } from '../effects/net.ts';
import { byDistance, type Placed } from '../placement/xor.ts';
import type { ObjectId, OwnerId, PeerId } from '../types.ts';
import { type Head, MAX_HEAD_BYTES, pointOfHead, readHead, supersedes } from './head.ts';
import { decodeIds, encodeHeadRequest, HEAD_PROTOCOL, MAX_ORDER_IDS } from './head-protocol.ts';
import type { HeadStore } from './head-store.ts';

/** Holders of a head: it is small, and with it lost names are lost until somebody scans. */
export const HEAD_HOLDERS = 8;
/** Asked by who knows nothing; in a mesh of thousands the closest ones have it. */
export const MAX_ASKED = 64;

export interface HeadPeers {
  readonly self: PeerId;
  /** Live nodes that store for the owner, this one among them if it does. */
  members(owner: OwnerId): readonly Placed[];
}

export interface HeadsContext {
  net: Pick<Net, 'request'>;
  network: string;
  peers: HeadPeers;
  store: HeadStore;
  timeoutMs: number;
  log(text: string): void;
}

export interface FoundHead {
  head: Head;
  bytes: Uint8Array;
  /** Nodes that gave this one, and those that answered at all. */
  agreed: number;
  asked: number;
  /** Nodes that gave one which is forged or malformed. */
  refused: number;
  /** What other nodes still have: valid and of this catalog, the newest first. */
  older: readonly Uint8Array[];
}

export function closestHolders(peers: HeadPeers, owner: OwnerId, count: number): PeerId[] {
  return byDistance(pointOfHead(owner), peers.members(owner))
    .slice(0, count)
    .map(({ peer }) => peer);
}

/** The newest valid head that any of these nodes holds. Undefined when none has any. */
export async function findHead(
  context: HeadsContext,
  owner: OwnerId,
  asked: readonly PeerId[],
  signal: AbortSignal,
): Promise<FoundHead | undefined> {
  const { peers, store, network, log } = context;
  let answered = 0;
  let refused = 0;
  const answers = await Promise.all(
    asked.map(async (peer) => {
      try {
        const bytes =
          peer === peers.self
            ? await store.get(owner)
            : await ask(
                context,
                peer,
                { header: encodeHeadRequest({ op: 'get', owner }), body: NO_BYTES },
                signal,
              );
        answered++;
        return bytes === undefined ? undefined : { peer, bytes: Uint8Array.from(bytes) };
      } catch (error) {
        signal.throwIfAborted();
        log(`head: ${peer.slice(-8)}: ${asDatameshError(error).message}`);
        return undefined;
      }
    }),
  );
  const heads: Omit<FoundHead, 'asked' | 'refused' | 'older'>[] = [];
  for (const answer of answers) {
    if (answer === undefined) continue;
    try {
      const head = readHead(answer.bytes);
      if (head.owner !== owner || head.network !== network) {
        throw new DatameshError('not-authentic', { what: 'it gave the head of another catalog' });
      }
      const same = heads.find(({ bytes }) => Buffer.compare(bytes, answer.bytes) === 0);
      if (same === undefined) heads.push({ head, bytes: answer.bytes, agreed: 1 });
      else same.agreed++;
    } catch (error) {
      refused++;
      log(`head: ${answer.peer.slice(-8)}: ${asDatameshError(error).message}`);
    }
  }
  const measure = ({ head, bytes }: (typeof heads)[number]) => ({ sequence: head.sequence, bytes });
  const [best, ...older] = heads.sort((a, b) => (supersedes(measure(a), measure(b)) ? -1 : 1));
  return best && { ...best, asked: answered, refused, older: older.map(({ bytes }) => bytes) };
}

export interface LeftHead {
  /** Nodes that hold it now, this one among them. */
  holders: number;
  /** A newer one that some node holds instead. */
  newer: boolean;
}

/** Leaves a head with the closest nodes. */
export async function leaveHead(
  context: HeadsContext,
  head: Head,
  bytes: Uint8Array,
  signal: AbortSignal,
  to = closestHolders(context.peers, head.owner, HEAD_HOLDERS),
): Promise<LeftHead & { peers: PeerId[] }> {
  const peers: PeerId[] = [];
  let newer = false;
  await Promise.all(
    to.map(async (peer) => {
      try {
        const kept =
          peer === context.peers.self
            ? await context.store.put(head.owner, head.sequence, bytes)
            : await ask(context, peer, { header: encodeHeadRequest({ op: 'put' }), body: bytes }, signal);
        if (kept === undefined || kept.length === 0) peers.push(peer);
        else if (supersedes({ ...readHead(kept), bytes: kept }, { ...head, bytes })) newer = true;
      } catch (error) {
        signal.throwIfAborted();
        context.log(`head: ${peer.slice(-8)} does not keep one: ${asDatameshError(error).message}`);
      }
    }),
  );
  return { holders: peers.length, newer, peers };
}

/** Ids of the owner's objects that a custodian keeps, page by page. */
export async function* ordersAt(
  context: HeadsContext,
  peer: PeerId,
  owner: OwnerId,
  signal: AbortSignal,
): AsyncGenerator<ObjectId[]> {
  let after: ObjectId | undefined;
  for (;;) {
    const header = encodeHeadRequest({ op: 'orders', owner, after });
    const body = await ask(context, peer, { header, body: NO_BYTES }, signal);
    const ids = decodeIds(body ?? NO_BYTES);
    if (ids.length === 0) return;
    if (after !== undefined && ids[0]! <= after) {
      throw new DatameshError('malformed-data', { what: 'a list of orders goes back' });
    }
    yield ids;
    after = ids.at(-1)!;
  }
}

/** Body of the answer; undefined when the peer has nothing. Throws what it answered. */
async function ask(
  { net, timeoutMs }: HeadsContext,
  peer: PeerId,
  message: NetMessage,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const maxBodyBytes = Math.max(MAX_HEAD_BYTES, MAX_ORDER_IDS * 32);
  const answer = await net.request(peer, HEAD_PROTOCOL, message, { timeoutMs, signal, maxBodyBytes });
  const { status, tail } = decodeStatus(answer.header);
  if (status === 'ok' || status === 'already') return answer.body;
  if (status === 'absent') return undefined;
  throw failureOf(status, tail);
}
