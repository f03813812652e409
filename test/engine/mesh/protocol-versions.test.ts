import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBatch } from '../../../src/engine/backends/shard-batch.ts';
import { decodeStatus, encodeRequest } from '../../../src/engine/backends/shard-protocol.ts';
import type { Net, RequestHandler } from '../../../src/engine/effects/net.ts';
import {
  commonVersion,
  heldBack,
  noCommonVersion,
  PROTOCOL_VERSION,
  type Spoken,
  sinceVersion,
  spokenBy,
} from '../../../src/engine/mesh/protocol-versions.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { asDatameshError } from '../../../src/errors.ts';
import { idOf } from '../codec/manifest-samples.ts';

const spoken = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 9 }))
  .map(([oldest, more]): Spoken => [oldest, oldest + more]);

describe('the version in common', () => {
  it('is the newest that both speak, the same for both, and none exactly when their ranges do not meet', () => {
    fc.assert(
      fc.property(spoken, spoken, (a, b) => {
        const both = Array.from({ length: 20 }, (_, i) => i).filter(
          (it) => it >= a[0] && it <= a[1] && it >= b[0] && it <= b[1],
        );
        expect(commonVersion(a, b)).toBe(both.at(-1));
        expect(commonVersion(b, a)).toBe(commonVersion(a, b));
      }),
    );
  });

  it('is missing with a reason that says who is to be updated', () => {
    expect(noCommonVersion([3, 5], [1, 2])).toBe(
      'no common protocol version: you speak 1 to 2, this node 3 to 5; update yours',
    );
    expect(noCommonVersion([1, 1], [2, 3])).toMatch(/this node 1; update this one$/);
  });
});

const SHARD = '/datamesh/shard/1';
const batch = encodeBatch({ op: 'getMany', ids: [idOf(1)] });
const single = encodeRequest({ op: 'get', id: idOf(1) });

describe('a node that is held back', () => {
  const asked: string[] = [];
  const handlers = new Map<string, RequestHandler>();
  const wide = {
    handle: async (protocol: string, handler: RequestHandler) => void handlers.set(protocol, handler),
    request: async (_peer: PeerId, protocol: string) => {
      asked.push(protocol);
      return { header: Uint8Array.of(0), body: new Uint8Array(0) };
    },
  } as unknown as Net;
  const net = heldBack(wide, spokenBy(1));
  const ask = (protocol: string, header: Uint8Array) =>
    net.request('p' as PeerId, protocol, { header, body: new Uint8Array(0) }, { timeoutMs: 1 });

  it('neither asks nor serves what came later, and answers that it does not know it', async () => {
    expect(decodeStatus((await ask(SHARD, batch)).header).status).toBe('malformed');
    expect(
      asDatameshError(await ask('/datamesh/collect/1', single).catch((error: unknown) => error)).code,
    ).toBe('peer-unreachable');
    expect(asked).toEqual([]);
    await ask(SHARD, single);
    expect(asked).toEqual([SHARD]);

    let served = 0;
    const serve: RequestHandler = async () => {
      served++;
      return { header: Uint8Array.of(0), body: new Uint8Array(0) };
    };
    for (const protocol of [SHARD, '/datamesh/head/1'])
      await net.handle(protocol, serve, { maxBodyBytes: 1 });
    expect([...handlers.keys()]).toEqual([SHARD]);
    const body = new Uint8Array(0);
    const answer = await handlers.get(SHARD)!('p' as PeerId, { header: batch, body });
    expect(decodeStatus(answer.header).status).toBe('malformed');
    await handlers.get(SHARD)!('p' as PeerId, { header: single, body });
    expect(served).toBe(1);
  });

  it('is no wrapper at all at the newest version', () => {
    expect(heldBack(wide, spokenBy(undefined))).toBe(wide);
    expect(heldBack(wide, spokenBy(PROTOCOL_VERSION + 5))).toBe(wide);
    expect(sinceVersion('/datamesh/hello/1')).toBe(1);
  });
});
