import { expect, test } from 'vitest';
import { peerBackend } from '../../../src/engine/backends/peer-backend.ts';
import { decodeRequest, encodeStatus } from '../../../src/engine/backends/shard-protocol.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import type { Net, RequestOptions } from '../../../src/engine/effects/net.ts';
import type { OwnerId, PeerId, ShardId } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { manualClock } from '../../support/manual-clock.ts';

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
  // A small one, or a manifest, has no place of its own yet.
  await backend.get('0'.repeat(64) as ShardId, { timeoutMs: 1_000, maxBytes: 2000 });
  expect(asked?.maxBodyBytes).toBe(2000);
});

test('an answer that has its say in the header may bring nothing with it', async () => {
  const bounds: (number | undefined)[] = [];
  const net = {
    request: async (_peer: PeerId, _protocol: string, _message: unknown, options: RequestOptions) => {
      bounds.push(options.maxBodyBytes);
      return { header: encodeStatus('ok', Uint8Array.of(1)), body: new Uint8Array(0) };
    },
  } as unknown as Net;
  const backend = peerBackend(net, 'holder' as PeerId, realClock());
  const [id, owner, call] = ['0'.repeat(64) as ShardId, 'a'.repeat(64) as OwnerId, { timeoutMs: 1_000 }];
  await backend.has([id], call);
  await backend.put(id, new Uint8Array(20), owner, call);
  await backend.delete(id, owner, call);
  expect(bounds).toEqual([0, 0, 0]);
});

test('an answer that goes beyond it is wrong bytes; a holder that does not understand the question is not', async () => {
  let header = encodeStatus('malformed');
  const net = {
    request: async () => {
      if (header.length > 0) return { header, body: new Uint8Array(0) };
      throw new DatameshError('malformed-data', { what: 'an answer announces 1001 bytes' });
    },
  } as unknown as Net;
  const backend = peerBackend(net, 'holder' as PeerId, realClock());
  const get = () => backend.get('0'.repeat(64) as ShardId, { timeoutMs: 1_000, into: new Uint8Array(1000) });
  await expect(get()).rejects.toMatchObject({ code: 'malformed-data' });
  header = new Uint8Array(0);
  await expect(get()).rejects.toMatchObject({ code: 'hash-mismatch' });
});

test('after one answer that makes no sense shards are asked for one by one, and later together again', async () => {
  const asked: string[] = [];
  const net = {
    request: async (_peer: PeerId, _protocol: string, { header }: { header: Uint8Array }) => {
      asked.push(decodeRequest(header).op);
      return { header: encodeStatus('ok'), body: new Uint8Array(1) };
    },
  } as unknown as Net;
  const clock = manualClock();
  const backend = peerBackend(net, 'holder' as PeerId, clock);
  const two = async () => {
    asked.length = 0;
    await Promise.all(
      ['0', '1'].map((it) => backend.get(it.repeat(64) as ShardId, { timeoutMs: 1_000, maxBytes: 9 })),
    );
    return asked;
  };
  expect(await two()).toEqual(['getMany', 'get', 'get']);
  expect(await two()).toEqual(['get', 'get']);
  clock.advance(10 * 60_000);
  expect(await two()).toEqual(['getMany', 'get', 'get']);
});
