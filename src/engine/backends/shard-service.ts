/** The holder's side of the shard protocol: what other nodes may ask of this one's store. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import { MAX_BODY_BYTES, type Net, type NetAnswer, type NetMessage, NO_BYTES } from '../effects/net.ts';
import { type Attester, attest, unlessUnreadable } from '../maintenance/proof/attestation.ts';
import { encodeAnswers } from '../maintenance/proof/challenge.ts';
import { sumKeyOf } from '../maintenance/proof/coefficients.ts';
import { ProofGate } from '../maintenance/proof/gate.ts';
import { BodyPool } from '../mesh/bulk/body-pool.ts';
import { MAX_SERVED_BYTES_PER_PEER } from '../mesh/bulk/limits.ts';
import { ServedBytes } from '../mesh/served-bytes.ts';
import type { ShardStore } from '../shardstore/store.ts';
import type { ObjectId, OwnerId, PeerId, ShardId } from '../types.ts';
import { answering, introduced } from './answering.ts';
import { encodeParts, type GetPart, MAX_GATHERED_BYTES, type PutItem, partsOf } from './shard-batch.ts';
import {
  decodeRequest,
  encodeSignature,
  encodeStatus,
  SHARD_PROTOCOL,
  statusByte,
  statusOfError,
} from './shard-protocol.ts';

export interface ShardServiceOptions {
  net: Net;
  store: ShardStore;
  /** Owners this peer has proved to act for; undefined when it has not introduced itself. */
  ownersOf(peer: PeerId): ReadonlySet<OwnerId> | undefined;
  /** Whether the owner may store here, through this peer. */
  admitsOwner(owner: OwnerId, peer: PeerId): boolean;
  /** Further places of this node: asked for what the store does not hold. */
  elsewhere?: {
    get(id: ShardId): Promise<Uint8Array | undefined>;
    lengthBytes(id: ShardId): Promise<number | undefined>;
    has(ids: readonly ShardId[]): Promise<boolean[]>;
    release(id: ShardId, owner: OwnerId): Promise<boolean>;
  };
  /** Signs what this node proves to hold. */
  attester: Attester;
  clock: Clock;
  /** Publishes the provider record of an object whose manifest is held here. */
  announce(id: ObjectId): void;
}

export async function serveShards(options: ShardServiceOptions): Promise<void> {
  const pool = new BodyPool();
  const gate = new ProofGate(options.clock);
  const served = new ServedBytes(MAX_SERVED_BYTES_PER_PEER);
  const handler = answering((from, request) => answer(options, { pool, gate, served }, from, request));
  await options.net.handle(SHARD_PROTOCOL, handler, {
    maxBodyBytes: MAX_BODY_BYTES,
    answerBytes: (header) => lengthWanted(options.store, header),
    // Memory is given to shards that would be taken, and to nothing else.
    admits(from, header) {
      try {
        const request = decodeRequest(header);
        if ((request.op !== 'put' && request.op !== 'putMany') || !options.ownersOf(from)?.has(request.owner))
          return false;
        return options.admitsOwner(request.owner, from);
      } catch {
        return false; // malformed: the handler says so
      }
    },
  });
}

/** Of a shard that is asked for, as far as the store knows it; small answers do not count. */
function lengthWanted(store: ShardStore, header: Uint8Array): number {
  try {
    const request = decodeRequest(header);
    if (request.op === 'getMany') {
      const lengths = request.ids.map((id) => store.stat(id)?.lengthBytes ?? 0);
      return lengths.reduce((sum, length) => sum + (length <= MAX_GATHERED_BYTES ? length : 0), 0);
    }
    return request.op === 'get' ? (store.stat(request.id)?.lengthBytes ?? 0) : 0;
  } catch {
    return 0; // malformed: the handler says so
  }
}

interface Serving {
  pool: BodyPool;
  gate: ProofGate;
  /** Of what lies elsewhere: `lengthWanted` does not know it, so the wire does not count it before it is read. */
  served: ServedBytes;
}

/** A shard, read into a buffer that is used again when the answer has left. */
async function shardOf(
  { store, elsewhere }: ShardServiceOptions,
  { pool, served }: Serving,
  from: PeerId,
  id: ShardId,
) {
  let buffer: Uint8Array | undefined;
  const bytes = await store.get(id, (lengthBytes) => {
    buffer = pool.take(lengthBytes);
    return buffer;
  });
  if (bytes !== undefined) return { bytes, sent: () => pool.give(bytes) };
  if (buffer !== undefined) pool.give(buffer);
  const lengthBytes = await elsewhere?.lengthBytes(id);
  if (lengthBytes === undefined) return { bytes: undefined };
  await served.enter(from, lengthBytes);
  const sent = () => served.leave(from, lengthBytes);
  const found = await elsewhere!.get(id).catch(() => undefined);
  if (found !== undefined) return { bytes: found, sent };
  sent();
  return { bytes: undefined };
}

async function answer(
  options: ShardServiceOptions,
  serving: Serving,
  from: PeerId,
  message: NetMessage,
): Promise<NetAnswer> {
  const { store, elsewhere } = options;
  const owners = introduced(options.ownersOf(from));
  const request = decodeRequest(message.header);
  const reply = (header: Uint8Array, body: Uint8Array = NO_BYTES): NetMessage => ({ header, body });
  switch (request.op) {
    case 'put': {
      if (!owners.has(request.owner)) throw denied('this peer has no certificate of that owner');
      if (!options.admitsOwner(request.owner, from)) throw denied('this node does not store for that owner');
      const outcome = await store.put({ id: request.id, bytes: message.body, owner: request.owner });
      // A manifest's shard id is its object's id.
      if (request.announce) options.announce(request.id as string as ObjectId);
      return reply(encodeStatus(outcome === 'stored' ? 'ok' : 'already'));
    }
    case 'get': {
      // Whoever knows a shard's id may read it: the id is a 256-bit hash, and the bytes are sealed.
      const { bytes, ...release } = await shardOf(options, serving, from, request.id);
      if (bytes === undefined) return reply(encodeStatus('absent'));
      return { ...reply(encodeStatus('ok'), bytes), ...release };
    }
    case 'putMany': {
      if (!owners.has(request.owner)) throw denied('this peer has no certificate of that owner');
      if (!options.admitsOwner(request.owner, from)) throw denied('this node does not store for that owner');
      return reply(encodeStatus('ok', await putMany(options, request.owner, request.items, message.body)));
    }
    case 'getMany': {
      // One that the disk does not give must not take the others with it: asked for alone, it says why.
      const part = (id: ShardId) => partOf(options, id).catch((): GetPart => 'alone');
      const { tail, body } = encodeParts(await Promise.all(request.ids.map(part)));
      return reply(encodeStatus('ok', tail), body);
    }
    case 'has':
      return reply(encodeStatus('ok', Uint8Array.from(await held(options, request.ids), Number)));
    case 'prove': {
      const { attester, net } = options;
      const { ids, nonce, seed } = request;
      const attestation = await serving.gate.run(from, (metered) => {
        const read = (id: ShardId, into: (lengthBytes: number) => Uint8Array) =>
          metered(proofBytes(options, id, into));
        return attest(attester, net.self, ids, nonce, read, { sumKey: seed && sumKeyOf(seed, from) });
      });
      return reply(encodeStatus('ok', encodeSignature(attestation)), encodeAnswers(attestation.answers));
    }
    case 'announce': {
      if (!(await held(options, [request.id]))[0]) return reply(encodeStatus('absent'));
      // A manifest's shard id is its object's id.
      options.announce(request.id as string as ObjectId);
      return reply(encodeStatus('ok'));
    }
    case 'delete': {
      if (!owners.has(request.owner)) throw denied('this peer has no certificate of that owner');
      const here = await store.delete(request.id, request.owner);
      const released = (await elsewhere?.release(request.id, request.owner)) || here;
      return reply(encodeStatus(released ? 'ok' : 'absent'));
    }
  }
}

/** A status for each; settles only when none of them is read any more, as their memory is used again. */
async function putMany(
  { store, announce }: ShardServiceOptions,
  owner: OwnerId,
  items: readonly PutItem[],
  body: Uint8Array,
): Promise<Uint8Array> {
  const parts = partsOf(items, body);
  const put = async ({ id, announce: announced }: PutItem, at: number): Promise<number> => {
    try {
      const outcome = await store.put({ id, bytes: parts[at]!, owner });
      // A manifest's shard id is its object's id.
      if (announced) announce(id as string as ObjectId);
      return statusByte(outcome === 'stored' ? 'ok' : 'already');
    } catch (error) {
      return statusByte(statusOfError(asDatameshError(error)));
    }
  };
  return Uint8Array.from(await Promise.all(items.map(put)));
}

async function partOf({ store, elsewhere }: ShardServiceOptions, id: ShardId): Promise<GetPart> {
  if ((store.stat(id)?.lengthBytes ?? 0) > MAX_GATHERED_BYTES) return 'alone';
  const here = await store.get(id);
  if (here !== undefined) return here.length <= MAX_GATHERED_BYTES ? here : 'alone';
  // Looked at before it is read: many large ones may be asked for at once.
  if (((await elsewhere?.lengthBytes(id)) ?? 0) > MAX_GATHERED_BYTES) return 'alone';
  return (await elsewhere?.get(id)) ?? 'absent';
}

async function proofBytes(
  { store, elsewhere }: ShardServiceOptions,
  id: ShardId,
  into: (lengthBytes: number) => Uint8Array,
) {
  return (await unlessUnreadable(store.get(id, into))) ?? (await elsewhere?.get(id));
}

async function held({ store, elsewhere }: ShardServiceOptions, ids: readonly ShardId[]): Promise<boolean[]> {
  const found = ids.map((id) => store.has(id));
  const missing = ids.filter((_id, at) => !found[at]);
  if (elsewhere === undefined || missing.length === 0) return found;
  const there = await elsewhere.has(missing);
  const known = new Set(missing.filter((_id, at) => there[at]));
  return found.map((here, at) => here || known.has(ids[at]!));
}

function denied(why: string): DatameshError {
  return new DatameshError('denied', { what: why });
}
