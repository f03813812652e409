import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import { type Net, NO_BYTES, type RequestOptions } from '../effects/net.ts';
import { checkQuestion } from '../maintenance/proof/attestation.ts';
import { decodeAnswers, MAX_ANSWER_BYTES } from '../maintenance/proof/challenge.ts';
import { sumKeyOf } from '../maintenance/proof/coefficients.ts';
import { ProofTurns } from '../maintenance/proof/turns.ts';
import { CANCEL_GRACE_MS } from '../mesh/bulk/limits.ts';
import { manifestShardId, type OwnerId, type PeerId, type ShardId } from '../types.ts';
import type { Backend, BackendCall } from './backend.ts';
import { Gatherer } from './gather.ts';
import { decodeParts, type GetPart, MAX_BATCH_BODY_BYTES, MAX_GATHERED_BYTES } from './shard-batch.ts';
import {
  decodeSignature,
  decodeStatus,
  encodeRequest,
  failureOf,
  MAX_HAS_IDS,
  SHARD_PROTOCOL,
  type ShardRequest,
  statusByte,
} from './shard-protocol.ts';

interface SmallPut {
  id: ShardId;
  bytes: Uint8Array;
  owner: OwnerId;
  announce: boolean;
}

interface SmallGet {
  id: ShardId;
  maxBytes: number | undefined;
}

/** A node that did not understand a newer question is asked it again after this: it may have been updated, or one answer was garbled. */
const UNKNOWN_MS = 600_000;

/** What became of one of several: `alone` when it is to be asked again by itself. */
const ALONE = Symbol('alone');

/** Another node, over the shard protocol; small shards that are asked for at once share requests. */
export function peerBackend(net: Net, peer: PeerId, clock: Clock): Backend {
  const ask = async (
    request: ShardRequest,
    body: Uint8Array,
    { timeoutMs, signal, waiting }: BackendCall,
    /** But for shards and proofs all is in the header. */
    options: Pick<RequestOptions, 'into' | 'maxBodyBytes'> = { maxBodyBytes: 0 },
  ) => {
    const message = { header: encodeRequest(request), body };
    const answer = await net.request(peer, SHARD_PROTOCOL, message, {
      timeoutMs,
      signal,
      waiting,
      ...options,
    });
    const { status, tail } = decodeStatus(answer.header);
    if (status !== 'ok' && status !== 'already' && status !== 'absent') throw failureOf(status, tail);
    return { status, tail, body: answer.body };
  };
  const putAlone = async ({ id, bytes, owner, announce }: SmallPut, call: BackendCall): Promise<void> => {
    const { status } = await ask({ op: 'put', id, owner, announce }, bytes, call);
    if (status === 'absent') throw malformed(peer);
  };
  const getAlone = async (id: ShardId, call: BackendCall): Promise<Uint8Array | undefined> => {
    const { into } = call;
    const place = (bodyBytes: number) => (bodyBytes === into?.length ? into : undefined);
    const maxBodyBytes = into?.length ?? call.maxBytes;
    const known = maxBodyBytes === undefined ? undefined : { ...(into && { into: place }), maxBodyBytes };
    const { status, body } = await ask({ op: 'get', id }, NO_BYTES, call, known ?? {}).catch(
      (error: unknown) => {
        const { code, details } = asDatameshError(error);
        // Not what the holder says of the question: its answer is longer than the shard is.
        if (known === undefined || code !== 'malformed-data' || details?.status !== undefined) throw error;
        throw new DatameshError('hash-mismatch', {
          what: `${peer.slice(-8)} sent more bytes than the shard has`,
          cause: error,
        });
      },
    );
    return status === 'absent' ? undefined : body;
  };

  const proofs = new ProofTurns(clock);
  /** An older node does not understand a question for sums: until then it is asked for none. */
  let asksSumsFromMs = Number.NEGATIVE_INFINITY;
  /** So with a request for several. */
  let gathersFromMs = Number.NEGATIVE_INFINITY;
  const understands = () => clock.monotonic() >= gathersFromMs;
  /** What `many` says of each; `ALONE` of all when the peer does not understand it. */
  const together = async <R>(count: number, many: () => Promise<R[]>): Promise<(R | typeof ALONE)[]> => {
    try {
      return await many();
    } catch (error) {
      if (asDatameshError(error).code !== 'malformed-data') throw error;
      gathersFromMs = clock.monotonic() + UNKNOWN_MS;
      return Array.from({ length: count }, () => ALONE);
    }
  };
  const puts = new Gatherer<SmallPut, true | typeof ALONE>(
    clock,
    // Whoever takes back what a put may have done must not overtake it.
    CANCEL_GRACE_MS,
    ({ owner }, [first]) => owner === first!.owner,
    ({ values, ...call }) => {
      // The most usual batch is one: its failure tells its reason.
      if (values.length === 1) return putAlone(values[0]!, call).then(() => [true]);
      return together(values.length, async () => {
        const items = values.map(({ id, announce, bytes }) => ({ id, announce, lengthBytes: bytes.length }));
        const body = Buffer.concat(values.map(({ bytes }) => bytes));
        const { tail } = await ask({ op: 'putMany', owner: values[0]!.owner, items }, body, call);
        if (tail.length !== items.length) throw malformed(peer);
        const done = [statusByte('ok'), statusByte('already')];
        return Array.from(tail, (status) => (done.includes(status) ? true : ALONE));
      });
    },
  );
  const gets = new Gatherer<SmallGet, GetPart | typeof ALONE>(
    clock,
    0,
    () => true,
    ({ values, ...call }) => {
      if (values.length === 1) {
        const { id, maxBytes } = values[0]!;
        return getAlone(id, { ...call, maxBytes }).then((bytes) => [bytes ?? 'absent']);
      }
      return together(values.length, async () => {
        const ids = values.map(({ id }) => id);
        const options = { maxBodyBytes: MAX_BATCH_BODY_BYTES };
        const { tail, body } = await ask({ op: 'getMany', ids }, NO_BYTES, call, options);
        const parts = decodeParts(tail, body, values.length);
        if (parts === undefined) throw malformed(peer);
        return parts;
      });
    },
  );

  return {
    id: peer,
    kind: 'peer',
    async put(id, bytes, owner, call) {
      const put = { id, bytes, owner, announce: call.announce ?? false };
      const isSmall = bytes.length <= MAX_GATHERED_BYTES && understands();
      if (!isSmall || (await puts.ask(put, call)) === ALONE) await putAlone(put, call);
    },
    async get(id, call) {
      // A shard whose length is known is large, or one of several of a stripe: it is read into its place.
      if (call.into !== undefined || !understands()) return await getAlone(id, call);
      const part = await gets.ask({ id, maxBytes: call.maxBytes }, call);
      if (part === 'alone' || part === ALONE) return await getAlone(id, call);
      return part === 'absent' ? undefined : part;
    },
    async has(ids, call) {
      const held: boolean[] = [];
      for (let at = 0; at < ids.length; at += MAX_HAS_IDS) {
        const batch = ids.slice(at, at + MAX_HAS_IDS) as ShardId[];
        const { tail } = await ask({ op: 'has', ids: batch }, NO_BYTES, call);
        if (tail.length !== batch.length) throw malformed(peer);
        for (const flag of tail) held.push(flag === 1);
      }
      return held;
    },
    async prove(ids, nonce, call) {
      checkQuestion(ids, nonce);
      const sumKey = call.seed && sumKeyOf(call.seed, net.self);
      const question = (seed: Uint8Array | undefined, timeoutMs: number) =>
        ask(
          { op: 'prove', nonce, seed, ids },
          NO_BYTES,
          { ...call, timeoutMs },
          { maxBodyBytes: MAX_ANSWER_BYTES },
        );
      const { tail, body, hasSums } = await proofs.ask(call, async (timeoutMs) => {
        const endMs = clock.monotonic() + timeoutMs;
        if (call.seed !== undefined && clock.monotonic() >= asksSumsFromMs) {
          try {
            return { ...(await question(call.seed, timeoutMs)), hasSums: true };
          } catch (error) {
            if (asDatameshError(error).details?.status !== 'malformed') throw error;
            asksSumsFromMs = clock.monotonic() + UNKNOWN_MS;
          }
        }
        return { ...(await question(undefined, endMs - clock.monotonic())), hasSums: false };
      });
      const signed = decodeSignature(tail);
      if (signed === undefined) throw malformed(peer);
      const answers = decodeAnswers(nonce, peer, ids, body, hasSums);
      return { holder: peer, signer: peer, ...signed, answers, sumKey: hasSums ? sumKey : undefined };
    },
    async announce(id, call) {
      await ask({ op: 'announce', id: manifestShardId(id) }, NO_BYTES, call);
    },
    async delete(id, owner, call) {
      const { status } = await ask({ op: 'delete', id, owner }, NO_BYTES, call);
      return status === 'ok';
    },
  };
}

function malformed(peer: PeerId): DatameshError {
  return new DatameshError('malformed-data', {
    what: `peer ${peer.slice(-8)} sent an answer that makes no sense`,
  });
}
