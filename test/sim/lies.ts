/** A dishonest holder: takes shards and keeps none, claims what it has not, gives wrong bytes. It cannot forge what is signed or hashed. */
import { decodeRequest, encodeStatus, SHARD_PROTOCOL } from '../../src/engine/backends/shard-protocol.ts';
import { NO_BYTES } from '../../src/engine/effects/net.ts';
import type { ShardId } from '../../src/engine/types.ts';
import type { Tamper } from './endpoint.ts';
import type { SimRandom } from './random.ts';

/** Time and signature behind the status of a proof. */
const SIGNED_BYTES = 72;

/** `bytesOf`: what a shard really is, for lies that come close. */
export function lie(random: SimRandom, bytesOf: (id: ShardId) => Uint8Array | undefined): Tamper {
  const garbage = random.bytes(512);
  return (protocol, { header }) => {
    if (protocol !== SHARD_PROTOCOL) return undefined;
    const request = decodeRequest(header);
    switch (request.op) {
      case 'put':
        return { header: encodeStatus('ok'), body: NO_BYTES };
      case 'get': {
        const bytes = Uint8Array.from(bytesOf(request.id) ?? garbage);
        if (bytes.length > 0) bytes[random.between(0, bytes.length - 1)]! ^= 1 << random.between(0, 7);
        return { header: encodeStatus('ok'), body: bytes };
      }
      case 'has':
        return { header: encodeStatus('ok', new Uint8Array(request.ids.length).fill(1)), body: NO_BYTES };
      case 'prove':
        return { header: encodeStatus('ok', garbage.subarray(0, SIGNED_BYTES)), body: garbage };
      case 'announce':
      case 'delete':
        return undefined;
    }
  };
}
