import { type Attester, attest } from '../maintenance/proof/attestation.ts';
import { sumKeyOf } from '../maintenance/proof/coefficients.ts';
import type { ShardStore } from '../shardstore/store.ts';
import type { ObjectId, PeerId, ShardId } from '../types.ts';
import type { Backend } from './backend.ts';

/** This node's own shard store. */
export function localBackend(
  self: PeerId,
  store: ShardStore,
  announce: (id: ObjectId) => void,
  attester: Attester,
): Backend {
  return {
    id: self,
    kind: 'local',
    async put(id, bytes, owner, call) {
      call.signal?.throwIfAborted();
      await store.put({ id, bytes, owner });
      if (call.announce) announce(id as string as ObjectId);
    },
    async get(id, call) {
      call.signal?.throwIfAborted();
      return await store.get(id, (lengthBytes) =>
        call.into?.length === lengthBytes ? call.into : undefined,
      );
    },
    has: async (ids) => ids.map((id) => store.has(id)),
    prove: async (ids, nonce, call) => {
      const read = (id: ShardId, into: (lengthBytes: number) => Uint8Array) => {
        call.signal?.throwIfAborted();
        return store.get(id, into);
      };
      return await attest(attester, self, ids, nonce, read, {
        sumKey: call.seed && sumKeyOf(call.seed, self),
      });
    },
    announce: async (id) => announce(id),
    delete: (id, owner) => store.delete(id, owner),
  };
}
