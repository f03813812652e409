import { randomBytes } from 'node:crypto';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { createAudit } from '../../src/engine/maintenance/audit.ts';
import { takeCensus } from '../../src/engine/maintenance/census.ts';
import { sampleLed } from '../../src/engine/maintenance/custody/custody-audit.ts';
import type { CustodyClient } from '../../src/engine/maintenance/custody/custody-client.ts';
import { CustodyManifests } from '../../src/engine/maintenance/custody/custody-manifests.ts';
import { type CustodyStore, MANIFEST_GROUP } from '../../src/engine/maintenance/custody/custody-store.ts';
import { Leases } from '../../src/engine/maintenance/custody/leases.ts';
import { memoryCustody } from '../../src/engine/maintenance/custody/memory-custody.ts';
import { readOrder, signOrder } from '../../src/engine/maintenance/custody/order.ts';
import { Silences } from '../../src/engine/maintenance/custody/silences.ts';
import { DamageList } from '../../src/engine/maintenance/damage-list.ts';
import { censusGroups } from '../../src/engine/maintenance/groups.ts';
import { mend } from '../../src/engine/maintenance/mender.ts';
import type { MenderContext } from '../../src/engine/maintenance/mender-context.ts';
import { provedBy, proveShards } from '../../src/engine/maintenance/proof/ask.ts';
import { Look } from '../../src/engine/maintenance/proof/look.ts';
import { ProofMemory } from '../../src/engine/maintenance/proof/memory.ts';
import { triage } from '../../src/engine/maintenance/triage.ts';
import { RateLimit } from '../../src/engine/mesh/rate-limit.ts';
import { Jobs } from '../../src/engine/observe/jobs.ts';
import { pointOf } from '../../src/engine/placement/xor.ts';
import { fetchManifest } from '../../src/engine/transfer/get.ts';
import { storeObject } from '../../src/engine/transfer/put.ts';
import { manifestShardId, type ObjectId, type ShardId } from '../../src/engine/types.ts';
import { orderOf } from '../engine/maintenance/custody/samples.ts';
import { bytesOf, MemoryMesh } from './memory-mesh.ts';

/** What two further custodians answer. */
export type Others = (store: CustodyStore, objectId: ObjectId) => Partial<CustodyClient>;

/** One object of one stripe, and the mender of its only custodian, which holds shard 0: it waits for nothing before it mends. */
export async function menderMesh(count: number, others?: Others) {
  const mesh = new MemoryMesh(count);
  const clock = realClock();
  const random = realRandom();
  const { signal } = new AbortController();
  const stored = await storeObject(bytesOf(randomBytes(50_000)), { name: 'a' }, mesh.putContext(), {});
  const { objectId, manifestHolders } = stored;
  const manifest = await fetchManifest(objectId, manifestHolders, 'a', mesh.getContext(), signal);
  const { bytes: manifestBytes } = mesh.node(manifestHolders[0]!).shards.get(manifestShardId(objectId))!;
  const { ids, holders } = manifest.stripe(0);
  const self = holders[0]!;
  mesh.asker = self;
  const members = mesh.nodes.map(({ peer }) => ({
    peer,
    point: pointOf(Buffer.from(peer)),
    freeBytes: 1e9,
  }));
  /** Noted for nothing, and given nothing. */
  const stranger = mesh.nodes.find(
    ({ peer }) => !manifest.peers.includes(peer) && !manifestHolders.includes(peer),
  );
  if (stranger === undefined)
    throw new RangeError('4+2 and three copies of the manifest: ten nodes at least');
  const store = memoryCustody();
  let passedMs = 0;
  const custodians = [...members].sort((a, b) => Number(b.peer === self) - Number(a.peer === self));
  const order = signOrder(orderOf({ objectId, owner: mesh.owner.ownerId }), mesh.owner);
  const claims = manifestHolders.map((holder, index) => ({ stripe: MANIFEST_GROUP, index, holder }));
  store.keep([{ order: readOrder(order), bytes: order, manifest: manifestBytes, claims }]);
  const learnt: string[] = [];
  const memory = new ProofMemory((holder, verdict) => learnt.push(`${holder} ${verdict}`));
  const suspects = new DamageList();
  const reachable = () => mesh.nodes.flatMap(({ peer }) => mesh.backend(peer) ?? []);
  const context: MenderContext = {
    peers: { self, members: () => custodians.slice(0, others === undefined ? 1 : 3), refused: () => {} },
    store,
    manifests: new CustodyManifests(store),
    client: (others?.(store, objectId) ?? {}) as CustodyClient,
    leases: new Leases(clock),
    suspects,
    silences: new Silences(clock),
    jobs: new Jobs(clock),
    turnOf: () => 0,
    backend: (peer) => mesh.backend(peer),
    everybody: reachable,
    memory,
    random,
    prove: (holder, shards) => provedBy(mesh.backend(holder), shards, { random, signal, memory }),
    repairOf: () => ({
      self,
      codec: mesh.codec,
      backend: (peer) => mesh.backend(peer),
      candidates: () => members.filter(({ peer }) => peer !== stranger.peer),
      rule: { domain: 'node', members: [], siteOf: (peer) => ({ peer }), leaving: () => false },
      async adopt(holder, _id, { stripe, index }, bytes) {
        const id = stripe === MANIFEST_GROUP ? manifestShardId(objectId) : ids[index]!;
        await mesh.backend(holder)!.put(id, bytes, mesh.owner.ownerId, { timeoutMs: 500 });
      },
      manifest: () => manifestBytes,
      rate: new RateLimit(clock, undefined),
      proofs: memory,
      isLate: () => false,
      failed: () => {},
      signal,
    }),
    released: () => {},
    nowMs: () => clock.monotonic() + passedMs,
    awayMs: (peer) => (mesh.backend(peer) === undefined ? clock.monotonic() + passedMs : undefined),
    log: () => {},
    signal,
    atOnce: { count: 4, bytes: 1e9 },
    limits: {
      graceMs: 0,
      settleMs: 0,
      turnMs: 0,
      urgentTurnMs: 0,
      retryMs: 0,
      blockedMs: 60_000,
      silenceMs: 0,
      askTimeoutMs: 500,
      unseenMs: 90_000,
    },
  };
  return {
    mesh,
    objectId,
    ids,
    holders,
    self,
    store,
    stranger,
    suspects,
    pass(ms: number) {
      passedMs += ms;
    },
    /** Looks at the object and mends it; how many shards were made. */
    async round(): Promise<number> {
      suspects.suspect(objectId, clock.monotonic());
      return (await mend([objectId], context)).shards;
    },
    /** Whether it is looked at now; as many custodians as `turn` come before. */
    triage: (turn: number, limits: Partial<MenderContext['limits']>) =>
      triage(objectId, {
        ...context,
        turnOf: () => turn,
        limits: { ...context.limits, ...limits },
      }),
    /** What an audit of one shard does. */
    audit: (holder: (typeof members)[number]['peer'], id: ShardId) =>
      proveShards(mesh.backend(holder)!, [{ id }], { random, memory }),
    /** Whom proofs have shown to have failed, and how. */
    learnt,
    /** A round of the custodian's audit. */
    auditRound: () =>
      createAudit({
        clock,
        random,
        self,
        backend: (peer) => mesh.backend(peer),
        memory,
        sample: async () =>
          sampleLed({
            random,
            peers: context.peers,
            store,
            manifests: context.manifests,
            isHere: (peer) => mesh.backend(peer) !== undefined,
          }),
      }).round(),
    /** The owner's census, on this node. */
    health: (depth: 'asked' | 'proved' = 'asked') =>
      takeCensus(
        (async function* () {
          yield { name: 'a', objectId, groups: censusGroups(objectId, manifestHolders, manifest) };
        })(),
        {
          clock,
          random,
          memory,
          backend: (peer) => mesh.backend(peer),
          reachable,
          timeoutMs: 500,
          signal,
          depth,
          look:
            depth === 'asked'
              ? undefined
              : new Look({ self, random, memory, signal, backend: (peer) => mesh.backend(peer) }),
        },
      ),
  };
}
