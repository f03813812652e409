import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_GATHERED } from '../../../src/engine/backends/gather.ts';
import { peerBackend } from '../../../src/engine/backends/peer-backend.ts';
import {
  type BatchRequest,
  decodeBatch,
  decodeParts,
  encodeBatch,
  encodeParts,
  type GetPart,
  MAX_GATHERED_BYTES,
  partsOf,
} from '../../../src/engine/backends/shard-batch.ts';
import { encodeFailure, encodeStatus, SHARD_PROTOCOL } from '../../../src/engine/backends/shard-protocol.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { MAX_HEADER_BYTES, NO_BYTES } from '../../../src/engine/effects/net.ts';
import type { OwnerId, PeerId, ShardId } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { MemoryNet } from '../../support/memory-net.ts';

const hex = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const ids = hex.map((text) => text as ShardId);
const items = fc.array(
  fc.record({
    id: ids,
    announce: fc.boolean(),
    lengthBytes: fc.integer({ min: 0, max: MAX_GATHERED_BYTES }),
  }),
  { minLength: 1, maxLength: MAX_GATHERED },
);

test('what is encoded is what is decoded, within a header', () => {
  const requests: fc.Arbitrary<BatchRequest> = fc.oneof(
    fc.record({ op: fc.constant('putMany' as const), owner: hex.map((text) => text as OwnerId), items }),
    fc.record({
      op: fc.constant('getMany' as const),
      ids: fc.array(ids, { minLength: 1, maxLength: MAX_GATHERED }),
    }),
  );
  fc.assert(
    fc.property(requests, (request) => {
      const header = encodeBatch(request);
      expect(header.length).toBeLessThan(MAX_HEADER_BYTES);
      expect(decodeBatch(header)).toEqual(request);
    }),
  );
});

test('the layout does not change', () => {
  const id = '11'.repeat(32) as ShardId;
  const put: BatchRequest = {
    op: 'putMany',
    owner: '22'.repeat(32) as OwnerId,
    items: [{ id, announce: true, lengthBytes: 5 }],
  };
  expect(Buffer.from(encodeBatch(put)).toString('hex')).toBe(`08${'22'.repeat(32)}01${id}00000005`);
  expect(Buffer.from(encodeBatch({ op: 'getMany', ids: [id] })).toString('hex')).toBe(`09${id}`);
  const { tail, body } = encodeParts([Buffer.from('ab'), 'absent', 'alone']);
  expect(Buffer.from(tail).toString('hex')).toBe('00000002fffffffffffffffe');
  expect(Buffer.from(body).toString()).toBe('ab');
});

test('whatever a stranger sends is a batch, no batch, or malformed', () => {
  fc.assert(
    fc.property(fc.constantFrom(7, 8, 9), fc.uint8Array({ maxLength: 3000 }), (op, rest) => {
      try {
        const request = decodeBatch(Uint8Array.of(op, ...rest));
        if (op === 7) expect(request).toBeUndefined();
      } catch (error) {
        expect((error as DatameshError).code).toBe('malformed-data');
      }
    }),
    { numRuns: 300 },
  );
  const many = (count: number) => Uint8Array.of(9, ...new Uint8Array(32 * count));
  expect(() => decodeBatch(many(MAX_GATHERED + 1))).toThrow();
  expect(() => decodeBatch(many(0))).toThrow();
  const long = encodeBatch({
    op: 'putMany',
    owner: '22'.repeat(32) as OwnerId,
    items: [{ id: '11'.repeat(32) as ShardId, announce: false, lengthBytes: MAX_GATHERED_BYTES + 1 }],
  });
  expect(() => decodeBatch(long)).toThrow();
});

test('a body must have the length of its items; parts come out as they went in', () => {
  const two = [3, 2].map((lengthBytes) => ({ id: '11'.repeat(32) as ShardId, announce: false, lengthBytes }));
  expect(partsOf(two, Buffer.from('abcde')).map(String)).toEqual(['abc', 'de']);
  expect(() => partsOf(two, Buffer.from('abcd'))).toThrow();
  expect(() => partsOf(two, Buffer.from('abcdef'))).toThrow();
  const parts: GetPart[] = [Uint8Array.of(1, 2), 'absent', new Uint8Array(0), 'alone', Uint8Array.of(3)];
  const { tail, body } = encodeParts(parts);
  expect(decodeParts(tail, body, 5)).toEqual(parts);
  expect(decodeParts(tail, body, 4)).toBeUndefined();
  expect(decodeParts(tail, body.subarray(1), 5)).toBeUndefined();
  expect(decodeParts(tail, Buffer.concat([body, body]), 5)).toBeUndefined();
});

test('a node that does not know requests for several is asked one by one', async () => {
  const net = new MemoryNet();
  const holder = 'holder' as PeerId;
  const ops: number[] = [];
  await net.node(holder).handle(
    SHARD_PROTOCOL,
    async (_from, { header }) => {
      ops.push(header[0]!);
      if (header[0]! <= 6) return { header: encodeStatus(header[0] === 2 ? 'absent' : 'ok'), body: NO_BYTES };
      const error = new DatameshError('malformed-data', { what: 'a shard request is malformed' });
      return { header: encodeFailure(error), body: NO_BYTES };
    },
    { maxBodyBytes: 1e6 },
  );
  const backend = peerBackend(net.node('asker' as PeerId), holder, realClock());
  const some = Array.from({ length: 3 }, (_, i) => `${i}`.padStart(64, '0') as ShardId);
  const call = { timeoutMs: 1000 };
  await Promise.all(some.map((id) => backend.put(id, Uint8Array.of(1), '22'.repeat(32) as OwnerId, call)));
  expect(ops).toEqual([8, 1, 1, 1]);
  expect(await Promise.all(some.map((id) => backend.get(id, call)))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(ops.slice(4)).toEqual([2, 2, 2]);
});
