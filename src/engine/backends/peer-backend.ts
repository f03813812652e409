import { DatameshError } from '../../errors.ts';
import { type Net, NO_BYTES, type RequestOptions } from '../effects/net.ts';
import { checkQuestion } from '../maintenance/proof/attestation.ts';
import { decodeAnswers, MAX_ANSWER_BYTES } from '../maintenance/proof/challenge.ts';
import { manifestShardId, type PeerId, type ShardId } from '../types.ts';
import type { Backend, BackendCall } from './backend.ts';
import {
  decodeSignature,
  decodeStatus,
  encodeRequest,
  failureOf,
  MAX_HAS_IDS,
  SHARD_PROTOCOL,
  type ShardRequest,
} from './shard-protocol.ts';

/** Another node, over the shard protocol. */
export function peerBackend(net: Net, peer: PeerId): Backend {
  const ask = async (
    request: ShardRequest,
    body: Uint8Array,
    { timeoutMs, signal }: BackendCall,
    options: Pick<RequestOptions, 'into' | 'maxBodyBytes'> = {},
  ) => {
    const message = { header: encodeRequest(request), body };
    const answer = await net.request(peer, SHARD_PROTOCOL, message, { timeoutMs, signal, ...options });
    const { status, tail } = decodeStatus(answer.header);
    if (status !== 'ok' && status !== 'already' && status !== 'absent') throw failureOf(status, tail);
    return { status, tail, body: answer.body };
  };
  return {
    id: peer,
    kind: 'peer',
    async put(id, bytes, owner, call) {
      const { announce = false } = call;
      const { status } = await ask({ op: 'put', id, owner, announce }, bytes, call);
      if (status === 'absent') throw malformed(peer);
    },
    async get(id, call) {
      const { into } = call;
      const place = (bodyBytes: number) => (bodyBytes === into?.length ? into : undefined);
      const { status, body } = await ask({ op: 'get', id }, NO_BYTES, call, into && { into: place });
      return status === 'absent' ? undefined : body;
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
      const { tail, body } = await ask({ op: 'prove', nonce, ids }, NO_BYTES, call, {
        maxBodyBytes: MAX_ANSWER_BYTES,
      });
      const signed = decodeSignature(tail);
      if (signed === undefined) throw malformed(peer);
      return { holder: peer, signer: peer, ...signed, answers: decodeAnswers(nonce, peer, ids, body) };
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
