/**
 * Six hosts in network namespaces, 4+2, and a network that fails between them: one node cut off, the mesh cut in half, one direction of one pair lost, and long
 * ways that lose segments. Needs root and says when it is skipped. Every run takes the first two; PARTITIONS=long all of them, and leaves each cut for 45 s,
 * when redials have become rare.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PeerState } from '../../src/engine/engine.ts';
import { getBytes, putBytes } from '../support/engine-mesh.ts';
import { spacesMissing } from '../support/net-spaces.ts';
import { type SpaceCluster, startSpaceCluster, untilWhole } from '../support/space-cluster.ts';

const HOSTS = 6;
const LONG = process.env.PARTITIONS === 'long';
const CUT_MS = LONG ? 45_000 : 0;
const NOTICED_MS = 30_000;
const HEALED_MS = 30_000;
const TEST_MS = 180_000;
const OBJECT_BYTES = 300_000;
const missing = spacesMissing();
if (missing !== undefined) process.stdout.write(`partitions: skipped, ${missing}\n`);

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const log = (text: string) => process.stdout.write(`partitions: ${text}\n`);

describe.skipIf(missing !== undefined)('six hosts, 4+2', () => {
  let cluster: SpaceCluster;
  beforeAll(async () => {
    cluster = await startSpaceCluster(HOSTS, { k: 4, m: 2 });
  }, TEST_MS);
  afterAll(() => cluster?.close(), TEST_MS);

  const stateSeen = async (from: number, of: number): Promise<PeerState | undefined> => {
    const { nodes } = cluster;
    return (await nodes[from]!.engine.peers()).find(({ peerId }) => peerId === nodes[of]!.peerId)?.state;
  };

  /** Puts without pause at a node; what was acknowledged must be read back later. */
  function writer(at: number) {
    const acknowledged = new Map<string, Buffer>();
    /** Of each acknowledged put: when it began and ended. */
    const times: { beganMs: number; endedMs: number }[] = [];
    let refused = 0;
    let stopped = false;
    const run = (async () => {
      for (let i = 0; !stopped; i++) {
        const name = `${at}-${i}-${randomBytes(4).toString('hex')}`;
        const bytes = randomBytes(OBJECT_BYTES);
        const beganMs = performance.now();
        try {
          await putBytes(cluster.nodes[at]!.engine, name, bytes);
          acknowledged.set(name, bytes);
          times.push({ beganMs, endedMs: performance.now() });
        } catch {
          refused++;
        }
        await sleep(100);
      }
    })();
    return {
      async end() {
        stopped = true;
        await run;
        return { acknowledged, refused, times };
      },
    };
  }

  async function cutAndHeal(
    what: string,
    cut: () => void,
    /** Pairs of which the first must notice that the second is gone. */
    notices: [number, number][],
    writers: number[],
  ) {
    const writing = writers.map((at) => ({ at, it: writer(at) }));
    await sleep(1_000);
    const cutMs = performance.now();
    cut();
    const cutOffMs = performance.now();
    let noticedMs = 0;
    for (const [from, of] of notices) {
      while ((await stateSeen(from, of)) === 'active') {
        expect(performance.now() - cutMs, `host ${from} notices that ${of} is gone`).toBeLessThan(NOTICED_MS);
        await sleep(100);
      }
      noticedMs = Math.max(noticedMs, performance.now() - cutMs);
    }
    await sleep(Math.max(1_000, CUT_MS - (performance.now() - cutMs)));
    const mendedMs = performance.now();
    cluster.spaces.healAll();
    const healedMs = await untilWhole(cluster.nodes, HEALED_MS);
    let count = 0;
    let refusals = 0;
    let within = 0;
    for (const { at, it } of writing) {
      const { acknowledged, refused, times } = await it.end();
      refusals += refused;
      within += times.filter(({ beganMs, endedMs }) => beganMs > cutOffMs && endedMs < mendedMs).length;
      for (const [name, bytes] of acknowledged) {
        expect((await getBytes(cluster.nodes[at]!.engine, name)).equals(bytes), name).toBe(true);
        count++;
      }
    }
    log(
      `${what}: noticed after ${(noticedMs / 1000).toFixed(1)} s, whole again ${(healedMs / 1000).toFixed(1)} s after it was mended; ` +
        `${count} acknowledged writes read back, ${refusals} puts refused meanwhile`,
    );
    expect(count).toBeGreaterThan(0);
    return { refusals, within };
  }

  const between = (some: number[], others: number[]) => {
    for (const a of some) {
      for (const b of others) {
        cluster.spaces.cut(a, b);
        cluster.spaces.cut(b, a);
      }
    }
  };

  test(
    'one node is cut off in silence',
    async () => {
      await cutAndHeal(
        'one node',
        () => between([5], [0, 1, 2, 3, 4]),
        [
          [0, 5],
          [4, 5],
          [5, 0],
        ],
        [0],
      );
    },
    TEST_MS,
  );

  test(
    'the mesh is cut in half: neither side can keep its promise, and neither claims to',
    async () => {
      const { within } = await cutAndHeal(
        'half',
        () => between([0, 1, 2], [3, 4, 5]),
        [
          [0, 3],
          [5, 2],
        ],
        [0, 5],
      );
      // 4+2 needs five of six: what was begun after the cut must not be acknowledged before it was mended.
      expect(within).toBe(0);
    },
    TEST_MS,
  );

  test(
    'one direction of one pair is lost',
    async () => {
      await cutAndHeal(
        'one way',
        () => cluster.spaces.cut(5, 0),
        [
          [0, 5],
          [5, 0],
        ],
        [0],
      );
    },
    TEST_MS,
  );
});

describe.skipIf(missing !== undefined || !LONG)('a long way with losses', () => {
  test(
    '40 ms each way and a segment in a hundred lost: writes and reads go on',
    async () => {
      const cluster = await startSpaceCluster(HOSTS, { k: 4, m: 2 }, { ms: 40, loss: 0.01 });
      try {
        const { engine } = cluster.nodes[0]!;
        const contents = new Map<string, Buffer>();
        const putMs: number[] = [];
        const getMs: number[] = [];
        for (let i = 0; i < 10; i++) {
          const bytes = randomBytes(i < 8 ? OBJECT_BYTES : 9_000_000);
          contents.set(`far-${i}`, bytes);
          putMs.push((await putBytes(engine, `far-${i}`, bytes)).durationMs);
        }
        for (const [name, bytes] of contents) {
          const before = performance.now();
          expect((await getBytes(engine, name)).equals(bytes)).toBe(true);
          getMs.push(performance.now() - before);
        }
        const rtts = (await engine.peers()).map(({ rttMs }) => rttMs ?? 0);
        expect(Math.min(...rtts)).toBeGreaterThan(75);
        const worst = (values: number[]) => `worst ${Math.max(...values).toFixed(0)} ms`;
        log(
          `80 ms round trip (measured ${Math.min(...rtts).toFixed(0)}–${Math.max(...rtts).toFixed(0)}), 1 % loss: puts ${worst(putMs)}, gets ${worst(getMs)}`,
        );
      } finally {
        await cluster.close();
      }
    },
    TEST_MS,
  );
});
