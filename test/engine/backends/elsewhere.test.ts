/** What a node holds in folders is served to other nodes like what its store holds. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { peerBackend } from '../../../src/engine/backends/peer-backend.ts';
import { encodeRequest } from '../../../src/engine/backends/shard-protocol.ts';
import { serveShards } from '../../../src/engine/backends/shard-service.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import type { RequestHandler } from '../../../src/engine/effects/net.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { openFolders } from '../../../src/engine/pools/folders.ts';
import { openShardStore } from '../../../src/engine/shardstore/segment-store.ts';
import { type ObjectId, type PeerId, type ShardId, shardIdOf } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { attesterOf } from '../../support/attester.ts';
import { MemoryNet } from '../../support/memory-net.ts';
import { until } from '../../support/until.ts';
import { OWNER_A, OWNER_B, shard } from '../shardstore/shards.ts';

const CALL = { timeoutMs: 5000 };

describe('large shards of a folder that a peer asks for at once', () => {
  const length = 4 << 20;
  const ids = Array.from({ length: 64 }, (_, i) => shard(i, 10).id);
  /** A holder whose folder has them all, and its handler; counts what is read. */
  async function holder() {
    let handler!: RequestHandler;
    const read = { count: 0 };
    const net = { handle: async (_protocol: string, by: RequestHandler) => (handler = by) };
    await serveShards({
      net: net as never,
      store: { get: async () => undefined, stat: () => undefined } as never,
      elsewhere: {
        lengthBytes: async () => length,
        async get() {
          read.count++;
          return new Uint8Array(length);
        },
        has: async () => [],
        release: async () => false,
      },
      ownersOf: () => new Set([OWNER_A]),
      admitsOwner: () => true,
      announce: () => {},
      attester: attesterOf('holder'),
      clock: realClock(),
    });
    const ask = (header: Uint8Array) => handler('asker' as PeerId, { header, body: new Uint8Array(0) });
    return { ask, read };
  }

  test('are read one after another as they leave, 16 MiB of them at a time', async () => {
    const { ask, read } = await holder();
    let answered = 0;
    for (const id of ids)
      void ask(encodeRequest({ op: 'get', id })).then(async ({ sent }) => {
        answered++;
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(read.count - answered).toBeLessThanOrEqual(4);
        sent?.();
      });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(read.count).toBe(4);
    await until('all are answered', () => answered === ids.length);
  });

  test('are not read for a request for several', async () => {
    const { ask, read } = await holder();
    await ask(encodeRequest({ op: 'getMany', ids }));
    expect(read.count).toBe(0);
  });
});

test('a shard that the disk does not give takes none of those with it that are asked for at once', async () => {
  const [good, bad, other] = [shard(1, 100), shard(2, 100), shard(3, 100)];
  const net = new MemoryNet();
  await serveShards({
    net: net.node('holder' as PeerId),
    store: {
      stat: () => undefined,
      async get(id: ShardId) {
        if (id === bad.id) throw new DatameshError('failed', { what: 'the device reports an error' });
        return id === good.id ? good.bytes : other.bytes;
      },
    } as never,
    ownersOf: () => new Set([OWNER_A]),
    admitsOwner: () => true,
    announce: () => {},
    attester: attesterOf('holder'),
    clock: realClock(),
  });
  const peer = peerBackend(net.node('asker' as PeerId), 'holder' as PeerId, realClock());
  const [first, second, third] = await Promise.allSettled(
    [good, bad, other].map(({ id }) => peer.get(id, { ...CALL, maxBytes: 100 })),
  );
  expect(first).toMatchObject({ value: good.bytes });
  expect(second).toMatchObject({ reason: { message: expect.stringContaining('reports an error') } });
  expect(third).toMatchObject({ value: other.bytes });
});

test('get, has, announce and delete reach the folders, and absence stays absence', async () => {
  const base = await mkdtemp(join(tmpdir(), 'datamesh-elsewhere-'));
  const disk = realDisk();
  const clock = realClock();
  const store = await openShardStore({
    dir: join(base, 'store'),
    disk,
    clock,
    idOf: (bytes) => shardIdOf(blake3(bytes)),
    quotaBytes: 1e9,
    reserveFraction: 0,
  });
  const attester = attesterOf('holder');
  const node = attester.peerId;
  const lines: string[] = [];
  const folders = await openFolders(
    {
      disk,
      clock,
      random: realRandom(),
      hash: blake3,
      node,
      reserveFraction: 0,
      announce: () => {},
      attester,
      log: (_level, text) => lines.push(text),
    },
    [{ path: join(base, 'away'), holder: 'Dir' as PeerId }],
  );
  try {
    expect(lines.join()).toMatch(/a folder of a pool cannot be used/);
    const folder = await folders.open({ path: join(base, 'disk') }, { create: true, adopt: false });
    const net = new MemoryNet();
    const announced: string[] = [];
    await serveShards({
      net: net.node(node),
      store,
      elsewhere: folders,
      ownersOf: () => new Set([OWNER_A]),
      admitsOwner: () => true,
      announce: (id) => announced.push(id),
      attester,
      clock,
    });
    const peer = peerBackend(net.node('asker' as PeerId), node, realClock());
    const [inStore, inFolder, nowhere] = [shard(1, 100), shard(2, 200), shard(3, 300)];
    await peer.put(inStore.id, inStore.bytes, OWNER_A, CALL);
    await folder.put(inFolder.id, inFolder.bytes, OWNER_A, CALL);
    expect(await peer.has([nowhere.id, inFolder.id, inStore.id], CALL)).toEqual([false, true, true]);
    expect(await peer.get(inFolder.id, CALL)).toEqual(inFolder.bytes);
    expect(await peer.get(nowhere.id, CALL)).toBeUndefined();
    await peer.announce(inFolder.id as string as ObjectId, CALL);
    await peer.announce(nowhere.id as string as ObjectId, CALL);
    expect(announced).toEqual([inFolder.id]);
    await expect(peer.delete(inFolder.id, OWNER_B, CALL)).rejects.toMatchObject({ code: 'denied' });
    expect(await peer.delete(inFolder.id, OWNER_A, CALL)).toBe(true);
    expect(await peer.has([inFolder.id], CALL)).toEqual([false]);
    expect(await peer.delete(inFolder.id, OWNER_A, CALL)).toBe(false);
  } finally {
    folders.close();
    await store.close();
    await rm(base, { recursive: true, force: true });
  }
});
