/** A dishonest holder: takes shards and keeps none, claims what it has not, gives wrong bytes. It cannot forge what is signed or hashed. */
import { encodeParts } from '../../src/engine/backends/shard-batch.ts';
import {
  decodeRequest,
  encodeSignature,
  encodeStatus,
  SHARD_PROTOCOL,
  statusByte,
} from '../../src/engine/backends/shard-protocol.ts';
import { NO_BYTES } from '../../src/engine/effects/net.ts';
import type { Device } from '../../src/engine/keys/device.ts';
import { signAnswers } from '../../src/engine/maintenance/proof/attestation.ts';
import { answerOf, encodeAnswers } from '../../src/engine/maintenance/proof/challenge.ts';
import { unknownOperation } from '../../src/engine/mesh/protocol-versions.ts';
import type { ShardId } from '../../src/engine/types.ts';
import type { Tamper } from './endpoint.ts';
import type { SimRandom } from './random.ts';

/** `bytesOf`: what a shard really is, for lies that come close: a bit of every chunk is wrong. */
export function lie(
  random: SimRandom,
  bytesOf: (id: ShardId) => Uint8Array | undefined,
  device: () => Pick<Device, 'peerId' | 'sign'>,
): Tamper {
  const garbage = random.bytes(512);
  const falseBytes = (id: ShardId) => {
    const bytes = Uint8Array.from(bytesOf(id) ?? garbage);
    for (let at = 0; at < bytes.length; at += 1024) bytes[at]! ^= 1 << random.between(0, 7);
    return bytes;
  };
  return (protocol, { header }) => {
    if (protocol !== SHARD_PROTOCOL) return undefined;
    const request = decodeRequest(header);
    switch (request.op) {
      case 'put':
        return { header: encodeStatus('ok'), body: NO_BYTES };
      case 'get':
        return { header: encodeStatus('ok'), body: falseBytes(request.id) };
      case 'putMany':
        return {
          header: encodeStatus('ok', new Uint8Array(request.items.length).fill(statusByte('ok'))),
          body: NO_BYTES,
        };
      case 'getMany': {
        const { tail, body } = encodeParts(request.ids.map(falseBytes));
        return { header: encodeStatus('ok', tail), body };
      }
      case 'has':
        return { header: encodeStatus('ok', new Uint8Array(request.ids.length).fill(1)), body: NO_BYTES };
      case 'prove': {
        // Whoever knows no sums cannot be caught by them.
        if (request.seed !== undefined) return unknownOperation();
        const { peerId, sign } = device();
        const forged = request.ids.map((id) => {
          const bytes = bytesOf(id);
          const answer = Uint8Array.from((bytes && answerOf(request.nonce, peerId, id, bytes)) ?? garbage);
          answer[random.between(0, answer.length - 1)]! ^= 1 << random.between(0, 7);
          return answer;
        });
        const attester = { peerId, sign, now: () => 0 };
        const attestation = signAnswers(attester, peerId, request.ids, request.nonce, forged);
        return {
          header: encodeStatus('ok', encodeSignature(attestation)),
          body: encodeAnswers(attestation.answers),
        };
      }
      case 'announce':
      case 'delete':
        return undefined;
    }
  };
}
