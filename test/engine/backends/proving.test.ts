/** A mesh of shard services whose shards are proved: several askers at once, and disks that do not give a shard. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { peerBackend } from '../../../src/engine/backends/peer-backend.ts';
import { serveShards } from '../../../src/engine/backends/shard-service.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { takeCensus } from '../../../src/engine/maintenance/census.ts';
import type { CensusDepth, CensusObject } from '../../../src/engine/maintenance/census-ask.ts';
import { censusGroups } from '../../../src/engine/maintenance/groups.ts';
import { Look } from '../../../src/engine/maintenance/proof/look.ts';
import { ProofMemory } from '../../../src/engine/maintenance/proof/memory.ts';
import { heldBack, spokenBy } from '../../../src/engine/mesh/protocol-versions.ts';
import type { ShardStore } from '../../../src/engine/shardstore/store.ts';
import { fetchManifest } from '../../../src/engine/transfer/get.ts';
import { storeObject } from '../../../src/engine/transfer/put.ts';
import type { PeerId, ShardId } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { bytesOf, MemoryMesh } from '../../support/memory-mesh.ts';
import { MemoryNet } from '../../support/memory-net.ts';

const NEVER = new AbortController().signal;

async function world(objectCount: number, olderHolders = 0) {
  const mesh = new MemoryMesh(7);
  const net = new MemoryNet();
  const clock = realClock();
  const unreadable = new Set<string>();
  for (const [at, { peer, shards, attester }] of mesh.nodes.entries()) {
    const store: Partial<ShardStore> = {
      has: (id) => shards.has(id),
      get: async (id: ShardId) => {
        // Long enough that askers meet.
        await clock.sleep(2);
        if (unreadable.has(`${peer} ${id}`)) throw new DatameshError('failed', { what: 'EIO: i/o error' });
        return shards.get(id)?.bytes;
      },
    };
    await serveShards({
      net: at < olderHolders ? heldBack(net.node(peer), spokenBy(2)) : net.node(peer),
      store: store as ShardStore,
      ownersOf: () => new Set(),
      admitsOwner: () => true,
      attester,
      clock,
      announce: () => {},
    });
  }
  const asker = net.node('owner' as PeerId);
  const backends = new Map(mesh.nodes.map(({ peer }) => [peer, peerBackend(asker, peer, clock)]));
  const objects: CensusObject[] = [];
  for (let i = 0; i < objectCount; i++) {
    const name = `o${i}`;
    const stored = await storeObject(bytesOf(randomBytes(50_000)), { name }, mesh.putContext(), {});
    const { objectId, manifestHolders } = stored;
    const manifest = await fetchManifest(objectId, manifestHolders, name, mesh.getContext(), NEVER);
    objects.push({ name, objectId, groups: censusGroups(objectId, manifestHolders, manifest) });
  }
  const memory = new ProofMemory();
  const census = (depth: CensusDepth) =>
    takeCensus(
      (async function* () {
        yield* objects;
      })(),
      {
        clock,
        random: realRandom(),
        timeoutMs: 2_000,
        signal: NEVER,
        depth,
        memory,
        look:
          depth === 'asked'
            ? undefined
            : new Look({
                self: asker.self,
                random: realRandom(),
                memory,
                signal: NEVER,
                backend: (peer) => backends.get(peer),
              }),
        backend: (peer) => backends.get(peer),
        reachable: () => [...backends.values()],
      },
    );
  return { mesh, objects, census, unreadable };
}

test('several verifications at once of what is whole find it whole', async () => {
  const { census } = await world(1);
  const reports = await Promise.all([1, 2, 3, 4].map(() => census('proved')));
  for (const report of reports) {
    expect(report).toMatchObject({ ok: 1, shardsLive: report.shardsExpected, silentPeers: [] });
    expect(report.sums).toEqual({ whole: 2, unchecked: 0, open: 0 });
  }
});

test('with holders of the version before all is proved whole where enough others give sums, else by a chunk of each', async () => {
  const { census } = await world(3, 1);
  expect(await census('proved')).toMatchObject({ ok: 3, sums: { whole: 6, unchecked: 0, open: 0 } });
  const older = await world(3, 7);
  expect(await older.census('proved')).toMatchObject({ ok: 3, sums: { whole: 0, unchecked: 6, open: 0 } });
});

test('a shard that the disk of its holder does not give is missing, and no other is', async () => {
  const { census, unreadable, objects, mesh } = await world(40);
  // Three holders, of three objects one shard each.
  for (const [at, { peer }] of mesh.nodes.slice(0, 3).entries()) {
    const theirs = objects
      .slice(at * 10)
      .flatMap(({ groups }) => groups!.slice(1))
      .flatMap(({ shards }) => shards)
      .find(({ holder }) => holder === peer)!;
    unreadable.add(`${peer} ${theirs.id}`);
  }
  const proved = await census('proved');
  expect(proved).toMatchObject({ lost: 0, critical: 0, degraded: 3, silentPeers: [] });
  expect(proved.shardsLive).toBe(proved.shardsExpected - 3);
  // Its holder says that it has it, and has shown that it has not.
  expect((await census('asked')).shardsLive).toBe(proved.shardsLive);
});
