import { expect, test } from 'vitest';
import { peerBackend } from '../../../src/engine/backends/peer-backend.ts';
import { encodeStatus } from '../../../src/engine/backends/shard-protocol.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import type { Net, RequestOptions } from '../../../src/engine/effects/net.ts';
import type { PeerId, ShardId } from '../../../src/engine/types.ts';

test('a shard whose length is known is asked for with that length as the bound', async () => {
  let asked: RequestOptions | undefined;
  const net = {
    request: async (_peer: PeerId, _protocol: string, _message: unknown, options: RequestOptions) => {
      asked = options;
      return { header: encodeStatus('ok'), body: new Uint8Array(1000) };
    },
  } as unknown as Net;
  const backend = peerBackend(net, 'holder' as PeerId, realClock());
  await backend.get('0'.repeat(64) as ShardId, { timeoutMs: 1_000, into: new Uint8Array(1000) });
  expect(asked?.maxBodyBytes).toBe(1000);
});
