import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { shardBytesOf } from '../../../src/engine/codec/aead.ts';
import { shardIdOfBytes } from '../../../src/engine/codec/hash.ts';
import { fetchManifest, openWithOwner, rangeOf, readRange } from '../../../src/engine/transfer/get.ts';
import { type StoredObject, storeObject } from '../../../src/engine/transfer/put.ts';
import type { CodeProfile } from '../../../src/engine/types.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { bytesOf, collect, MemoryMesh } from '../../support/memory-mesh.ts';

const NEVER = new AbortController().signal;

async function put(
  mesh: MemoryMesh,
  data: Uint8Array,
  options: { code?: CodeProfile; allowDegraded?: boolean; compress?: boolean } = {},
) {
  return await storeObject(
    bytesOf(data),
    { name: 'a', sizeBytes: data.length, ...options },
    mesh.putContext(),
    {},
  );
}

async function get(mesh: MemoryMesh, stored: StoredObject, range: { offset?: number; length?: number } = {}) {
  const context = mesh.getContext();
  const manifest = await fetchManifest(stored.objectId, stored.manifestHolders, 'a', context, NEVER);
  const opened = openWithOwner(manifest, mesh.owner);
  const wanted = rangeOf(range, opened.secret.sizeBytes);
  return await collect(readRange('a', manifest, opened, wanted, context, NEVER));
}

/** Nodes that hold a shard of the object's stripes. */
const holdersOf = (mesh: MemoryMesh, stored: StoredObject) =>
  [...stored.shardsByHolder.keys()].map((peer) => mesh.node(peer));

test.each([0, 1, 4095, 4096, 4097, 262_144, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 9_000_001])(
  '%i bytes come back as they were',
  async (size) => {
    const mesh = new MemoryMesh(7);
    const data = randomBytes(size);
    const stored = await put(mesh, data);
    expect(stored.sizeBytes).toBe(size);
    expect(stored.shardsDurable).toBe(stored.shardsWanted);
    expect(stored.spare).toBe(2);
    expect(stored.survives.node).toBe(2);
    expect(Buffer.compare(await get(mesh, stored), data)).toBe(0);
  },
);

test.each([{ givesPieces: true }, { givesPieces: false }, {}])(
  'pieces are freed when they are given away, and only then: %o',
  async (call) => {
    const mesh = new MemoryMesh(6);
    const data = randomBytes(9_000_001);
    // 700,000 does not divide a chunk: some pieces belong to two of them, and stay.
    for (const pieceBytes of [1 << 20, 700_000]) {
      const pieces: Uint8Array[] = [];
      const source = (async function* () {
        for await (const piece of bytesOf(data, pieceBytes)) {
          const own = new Uint8Array(piece);
          pieces.push(own);
          yield own;
        }
      })();
      const stored = await storeObject(
        source,
        { name: 'a', sizeBytes: data.length },
        mesh.putContext(),
        call,
      );
      expect(Buffer.compare(await get(mesh, stored), data)).toBe(0);
      const freed = pieces.filter(({ length }) => length === 0).length;
      if (call.givesPieces !== true) expect(freed).toBe(0);
      else expect(pieces.length - freed).toBe(pieceBytes === 1 << 20 ? 0 : 2);
    }
  },
);

test.each([1000, 4096, 8192, 16_384, 29_000])('pieces of %i bytes may be given away', async (pieceBytes) => {
  const mesh = new MemoryMesh(6);
  const data = randomBytes(5_000_001);
  const source = (async function* () {
    for await (const piece of bytesOf(data, pieceBytes)) yield new Uint8Array(piece);
  })();
  const options = { name: 'a', sizeBytes: data.length };
  const stored = await storeObject(source, options, mesh.putContext(), { givesPieces: true });
  expect(Buffer.compare(await get(mesh, stored), data)).toBe(0);
});

test('what no manifest could name is refused before any of it is read', async () => {
  const mesh = new MemoryMesh(6);
  let read = 0;
  const source = (async function* () {
    read++;
    yield new Uint8Array(5000);
  })();
  const put = storeObject(source, { name: 'a', sizeBytes: 2 ** 43 }, mesh.putContext(), {});
  await expect(put).rejects.toMatchObject({ code: 'input-too-large' });
  expect(read).toBe(0);
  expect(mesh.nodes.reduce((sum, { puts }) => sum + puts, 0)).toBe(0);
});

test('compress shrinks what shrinks, and any range of it comes back', async () => {
  const mesh = new MemoryMesh(6);
  const line = 'the quick brown fox jumps over the lazy dog\n';
  const text = Buffer.from(line.repeat(230_000));
  const plain = await put(mesh, text);
  const stored = await put(mesh, text, { compress: true });
  expect(stored.storedBytes).toBeLessThan(plain.storedBytes / 20);
  expect(stored.contentHash).toBe(plain.contentHash);
  expect(Buffer.compare(await get(mesh, stored), text)).toBe(0);
  for (const node of holdersOf(mesh, stored).slice(0, 2)) node.fault = 'dead';
  const [offset, length] = [(4 << 20) - 7, 2_000_000];
  const part = await get(mesh, stored, { offset, length });
  expect(Buffer.compare(part, text.subarray(offset, offset + length))).toBe(0);

  const noise = randomBytes(300_000);
  const kept = await put(new MemoryMesh(6), noise, { compress: true });
  expect(kept.storedBytes).toBe((await put(new MemoryMesh(6), noise)).storedBytes);
});

test('content that begins like text and goes on as noise is stored whole all the same', async () => {
  const mesh = new MemoryMesh(6);
  const mixed = Buffer.concat([Buffer.alloc(4 << 20, 'text '), randomBytes(5 << 20)]);
  const stored = await put(mesh, mixed, { compress: true });
  expect(Buffer.compare(await get(mesh, stored), mixed)).toBe(0);
});

test('ranges are cut exactly and touch only their stripes', async () => {
  const mesh = new MemoryMesh(6);
  const data = randomBytes(3 * (4 << 20) + 12_345);
  const stored = await put(mesh, data);
  for (const [offset, length] of [
    [0, 1],
    [(4 << 20) - 1, 2],
    [5_000_000, 4_000_000],
    [data.length - 1, 1],
    [data.length, 0],
  ] as const) {
    expect(
      Buffer.compare(await get(mesh, stored, { offset, length }), data.subarray(offset, offset + length)),
    ).toBe(0);
  }
  for (const node of mesh.nodes) node.gets = 0;
  await get(mesh, stored, { offset: 4 << 20, length: 10 });
  expect(mesh.nodes.reduce((sum, node) => sum + node.gets, 0)).toBe(4 + 1);
  await expect(get(mesh, stored, { offset: data.length + 1 })).rejects.toMatchObject({ code: 'bad-value' });
});

test.each(['dead', 'lies', 'silent', 'cuts'] as const)(
  'm holders that are %s do not stop a read',
  async (fault) => {
    const mesh = new MemoryMesh(6);
    const data = randomBytes(5_000_000);
    const stored = await put(mesh, data);
    for (const node of holdersOf(mesh, stored).slice(0, 2)) node.fault = fault;
    expect(Buffer.compare(await get(mesh, stored), data)).toBe(0);
  },
);

test('who sent wrong bytes is named, although it is the codec that verifies', async () => {
  const mesh = new MemoryMesh(6);
  const data = randomBytes(5_000_000);
  const stored = await put(mesh, data);
  mesh.log.length = 0;
  const liars = holdersOf(mesh, stored).slice(0, 2);
  for (const node of liars) node.fault = 'lies';
  expect(Buffer.compare(await get(mesh, stored), data)).toBe(0);
  const asked = liars.filter(({ peer }) => mesh.log.some((line) => line.startsWith(peer.slice(-8))));
  expect(asked.length).toBeGreaterThan(0);
  expect(mesh.log.every((line) => line.includes('wrong bytes'))).toBe(true);
});

test('with fewer than k shards the error names the stripe and what is missing', async () => {
  const mesh = new MemoryMesh(6);
  const stored = await put(mesh, randomBytes(300_000));
  const manifestHolder = stored.manifestHolders[0]!;
  for (const node of mesh.nodes.filter(({ peer }) => peer !== manifestHolder).slice(0, 3))
    node.fault = 'dead';
  await expect(get(mesh, stored)).rejects.toMatchObject({
    code: 'shards-missing',
    exit: 7,
    message: expect.stringContaining('stripe 1 of 1'),
    details: {
      have: 3,
      need: 4,
      missing: expect.arrayContaining([expect.objectContaining({ shardId: expect.any(String) })]),
    },
  });
});

test('a shard that was moved is found where it is now', async () => {
  const mesh = new MemoryMesh(7);
  const data = randomBytes(2_000_000);
  const stored = await put(mesh, data);
  const from = holdersOf(mesh, stored)[0]!;
  const others = mesh.nodes.filter((node) => node !== from);
  const to = others.find(({ shards }) => shards.size === 0) ?? others[5]!;
  for (const [id, shard] of from.shards) to.shards.set(id, shard);
  from.shards.clear();
  for (const node of holdersOf(mesh, stored)
    .filter((node) => node !== from && node !== to)
    .slice(0, 2))
    node.fault = 'dead';
  expect(Buffer.compare(await get(mesh, stored), data)).toBe(0);
});

test('a holder that fails during a put is replaced by a spare node', async () => {
  const mesh = new MemoryMesh(8);
  mesh.nodes[0]!.fault = 'full';
  mesh.nodes[1]!.fault = 'full';
  const data = randomBytes(9_000_000);
  const stored = await put(mesh, data);
  expect(stored.shardsDurable).toBe(stored.shardsWanted);
  expect(stored.shardsByHolder.has(mesh.nodes[0]!.peer)).toBe(false);
  expect(Buffer.compare(await get(mesh, stored), data)).toBe(0);
});

test('one node short: stored, and the receipt says with what spare; two short: refused and nothing left behind', async () => {
  const five = new MemoryMesh(5);
  const stored = await put(five, randomBytes(1_000_000));
  expect(stored.shardsDurable).toBe(stored.shardsWanted - 1);
  expect(stored.spare).toBe(1);
  expect(stored.survives.node).toBe(1);

  const four = new MemoryMesh(4);
  await expect(put(four, randomBytes(1_000_000))).rejects.toMatchObject({ code: 'too-few-nodes', exit: 5 });
  expect(four.shardCount()).toBe(0);

  const full = new MemoryMesh(6);
  full.nodes[0]!.fault = 'full';
  full.nodes[1]!.fault = 'full';
  await expect(put(full, randomBytes(1_000_000))).rejects.toMatchObject({ code: 'quota-full', exit: 10 });
  expect(full.shardCount()).toBe(0);
});

test('a degraded put on one node is allowed only when asked for, and says that it survives nothing', async () => {
  const mesh = new MemoryMesh(1);
  const data = randomBytes(1_000_000);
  await expect(put(mesh, data)).rejects.toMatchObject({ code: 'too-few-nodes' });
  const stored = await put(mesh, data, { allowDegraded: true });
  expect(stored.survives.node).toBe(0);
  expect(Buffer.compare(await get(mesh, stored), data)).toBe(0);
});

test('a source that fails, or a cancelled put, leaves no shard behind', async () => {
  const mesh = new MemoryMesh(6);
  const failing = (async function* () {
    yield randomBytes(9 << 20);
    throw new Error('the disk was pulled out');
  })();
  await expect(storeObject(failing, { name: 'a' }, mesh.putContext(), {})).rejects.toThrow('pulled out');
  expect(mesh.shardCount()).toBe(0);

  const stopper = new AbortController();
  const endless = (async function* () {
    for (let i = 0; ; i++) {
      if (i === 12) stopper.abort();
      yield randomBytes(1 << 20);
    }
  })();
  await expect(
    storeObject(endless, { name: 'a' }, mesh.putContext(), { signal: stopper.signal }),
  ).rejects.toMatchObject({ code: 'cancelled' });
  expect(mesh.shardCount()).toBe(0);
});

test('no node learns anything: neither name nor plaintext is in what the nodes hold', async () => {
  const mesh = new MemoryMesh(6);
  const data = Buffer.from('a very recognisable sentence. '.repeat(20_000));
  await storeObject(bytesOf(data), { name: 'secret-name.txt', tags: ['private-tag'] }, mesh.putContext(), {});
  const small = Buffer.from('a very recognisable sentence. ');
  await storeObject(
    bytesOf(small),
    { name: 'secret-name.txt', tags: ['private-tag'] },
    mesh.putContext(),
    {},
  );
  for (const node of mesh.nodes) {
    for (const { bytes } of node.shards.values()) {
      const held = Buffer.from(bytes);
      for (const text of ['recognisable', 'secret-name', 'private-tag'])
        expect(held.includes(text)).toBe(false);
    }
  }
});

test('every hint stale: only the search finds the object, and the plaintext hash is the one in the manifest', async () => {
  const mesh = new MemoryMesh(6);
  const data = randomBytes(100_000);
  const stored = await put(mesh, data);
  expect(Buffer.compare(await get(mesh, { ...stored, manifestHolders: [] }), data)).toBe(0);
});

test('a holder that was overtaken is asked last from then on, and asked again when the others are gone', async () => {
  const mesh = new MemoryMesh(6);
  const data = randomBytes(4 << 20);
  const stored = await put(mesh, data);
  const holders = holdersOf(mesh, stored);
  for (const node of holders.slice(0, 2)) node.fault = 'silent';
  const hesitated = performance.now();
  expect(Buffer.compare(await get(mesh, stored), data)).toBe(0);
  expect(performance.now() - hesitated).toBeGreaterThan(100);
  const slow = [...mesh.standings.keys()];
  expect(slow.length).toBeGreaterThan(0);
  expect(holders.slice(0, 2).map(({ peer }) => peer)).toEqual(expect.arrayContaining(slow));
  for (const { peer } of holders.slice(0, 2)) mesh.standings.set(peer, { mayAsk: true, expectedMs: 5000 });
  const before = performance.now();
  expect(Buffer.compare(await get(mesh, stored), data)).toBe(0);
  expect(performance.now() - before).toBeLessThan(150);
  for (const node of holders.slice(0, 2)) node.fault = undefined;
  for (const { peer } of holders.slice(2, 4)) mesh.node(peer).fault = 'dead';
  expect(Buffer.compare(await get(mesh, stored), data)).toBe(0);
});

test('a put keeps no more of stripes that ended without a holder than it may, and goes on when their requests end', async () => {
  const mesh = new MemoryMesh(7);
  const clock = manualClock();
  const plain = new Uint8Array(4 << 20);
  const stripes = 40;
  let alive = 0;
  let most = 0;
  let ended = 0;
  const late: (() => void)[] = [];
  const context = mesh.putContext();
  const codec = {
    ...context.codec,
    async encode({ chunkIndex }: { chunkIndex: number }) {
      most = Math.max(most, ++alive);
      const shards = Array.from({ length: 6 }, (_, index) => Buffer.of(chunkIndex, index));
      const ids = shards.map((bytes) => shardIdOfBytes(bytes));
      return { shardBytes: shardBytesOf(plain.length, 4), shards, ids, release: () => alive-- };
    },
  };
  const [slow] = mesh.nodes;
  const putting = storeObject(
    (async function* () {
      for (let i = 0; i < stripes; i++) yield plain;
    })(),
    { name: 'a', sizeBytes: stripes * plain.length },
    {
      ...context,
      clock,
      codec,
      backend: (peer) => {
        const backend = mesh.backend(peer)!;
        if (peer !== slow!.peer) return backend;
        return { ...backend, put: () => new Promise<void>((resolve) => late.push(resolve)) };
      },
    },
    { onProgress: () => ended++ },
  );
  const pass = async (times: number) => {
    for (let i = 0; i < times; i++) {
      clock.advance(1_100);
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    }
  };
  await pass(30);
  // Four in the window, and 96 MiB of 6 MiB each beside them.
  expect({ alive, most }).toEqual({ alive: 20, most: 20 });
  expect(ended).toBeLessThan(stripes);
  for (let i = 0; i < 20; i++) {
    for (const end of late.splice(0)) end();
    await pass(2);
  }
  expect((await putting).stripes).toBe(stripes);
  expect({ alive, most }).toEqual({ alive: 0, most: 20 });
});

test('no shard is in two objects, however little of a chunk there is: what one gives back is not the other’s', async () => {
  const mesh = new MemoryMesh(6);
  const ids = new Set<string>();
  const sizes = [4097, (4 << 20) + 1, (4 << 20) + 100];
  for (const size of sizes) {
    for (let round = 0; round < 2; round++) {
      const stored = await put(mesh, new Uint8Array(size));
      const manifest = await fetchManifest(
        stored.objectId,
        stored.manifestHolders,
        'a',
        mesh.getContext(),
        NEVER,
      );
      for (let stripe = 0; stripe < manifest.stripeCount; stripe++)
        for (const shard of manifest.stripe(stripe).ids) ids.add(shard);
    }
  }
  expect(ids.size).toBe(2 * 6 * (1 + 2 + 2));
});
