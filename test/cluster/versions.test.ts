/** A mesh while it is updated node by node: one of its five nodes speaks the protocol version before the present one, another the oldest. And two networks on one machine, which never meet. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setInFile } from '../../src/config/store.ts';
import { PROTOCOL_VERSION } from '../../src/engine/mesh/protocol-versions.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';

const SLOW_MS = 180_000;
/** In the manifest, in a batch with others, of several stripes. */
const SIZES = [900, 40_000, 40_001, 9_000_000];

describe('a mesh of two versions', () => {
  let cluster: Cluster;
  const older = [3, 4];
  beforeAll(async () => {
    cluster = await startCluster(5, { k: 2, m: 1 });
    for (const [at, index] of older.entries()) {
      const node = cluster.nodes[index]!;
      await cluster.kill(node);
      await setInFile(node.configPath, 'network.protocol', at === 0 ? PROTOCOL_VERSION - 1 : 1);
      await cluster.restart(node);
    }
    await cluster.met();
  }, SLOW_MS);
  afterAll(() => cluster?.close());

  test.each([
    ['a node of the present version', 0],
    ['one of the version before', 3],
    ['one of the oldest', 4],
  ])(
    '%s stores, reads and deletes, with holders of both',
    async (_name, index) => {
      const node = cluster.nodes[index]!;
      const contents = SIZES.map((bytes) => randomBytes(bytes));
      await Promise.all(
        contents.map((content, i) => cluster.ok(index, ['put', '-', '--name', `f${i}`], { input: content })),
      );
      const health = await node.engine.health({ depth: 'proved' });
      expect(health).toMatchObject({ objects: SIZES.length, ok: SIZES.length, sums: { open: 0 } });
      const holders = new Set<string>();
      for (const [i, content] of contents.entries()) {
        const pieces: Uint8Array[] = [];
        for await (const piece of (await node.engine.get(`f${i}`)).body) pieces.push(Buffer.from(piece));
        expect(Buffer.concat(pieces).equals(content), `f${i}`).toBe(true);
        const { manifest, stripesDetail } = await node.engine.info(`f${i}`, { stripeLimit: 10 });
        for (const { shards } of [manifest, ...stripesDetail])
          for (const { holder } of shards) holders.add(holder);
      }
      expect(older.some((it) => holders.has(cluster.nodes[it]!.peerId))).toBe(true);
      expect(holders.size).toBeGreaterThan(2);
      for (const i of contents.keys()) expect((await node.engine.delete(`f${i}`)).unreachable).toEqual([]);
      // Nobody has lost his standing by not knowing what came later.
      const peers = await node.engine.peers();
      expect(peers.map(({ state, breaker }) => ({ state, breaker }))).toEqual(
        peers.map(() => ({ state: 'active', breaker: 'closed' })),
      );
    },
    SLOW_MS,
  );

  test(
    'a holder of the version before dies, and the others make its shards anew',
    async () => {
      await cluster.ok(0, ['put', '-', '--name', 'healed'], { input: randomBytes(9_000_000) });
      const victim = cluster.nodes[4]!;
      await cluster.kill(victim);
      const end = performance.now() + 120_000;
      for (;;) {
        const { ok, objects } = await cluster.nodes[0]!.engine.health();
        if (ok === objects) break;
        if (performance.now() > end) throw new Error('not whole within two minutes');
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
      await cluster.restart(victim);
      await cluster.met();
    },
    SLOW_MS,
  );
});

test(
  'nodes of two networks that are given each other’s addresses never meet',
  async () => {
    const cluster = await startCluster(4, { k: 1, m: 1 });
    try {
      const [, , c, d] = cluster.nodes;
      // The last two become a network of their own, and go on being told where the others are.
      for (const node of [c!, d!]) {
        await cluster.kill(node);
        await setInFile(node.configPath, 'network.name', 'elsewhere');
        await setInFile(
          node.configPath,
          'network.bootstrap',
          cluster.nodes.map(({ address }) => address).filter((it) => it !== node.address),
        );
        await cluster.restart(node);
      }
      await new Promise((resolve) => setTimeout(resolve, 8_000));
      const usable = await Promise.all(
        cluster.nodes.map(async ({ engine }) =>
          (await engine.peers())
            .filter(({ eligible, state }) => eligible && state === 'active')
            .map(({ name }) => name)
            .sort(),
        ),
      );
      expect(usable).toEqual([['node-2'], ['node-1'], ['node-4'], ['node-3']]);
      // And are told so by those whom they ask.
      const events = (await c!.engine.snapshot()).events.map(({ text }) => text).join('\n');
      expect(events).toContain('this node belongs to the network "demo"');
      await cluster.ok(0, ['put', '-', '--name', 'ours'], { input: randomBytes(50_000) });
      for (const node of [c!, d!]) expect((await node.engine.status()).store.shards).toBe(0);
    } finally {
      await cluster.close();
    }
  },
  SLOW_MS,
);
