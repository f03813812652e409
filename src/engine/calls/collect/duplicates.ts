/** `cleanup --duplicates` on a running node: who has what, which copies are too many, and their release. */
import type { Entry } from '../../catalog/catalog.ts';
import type { Manifest } from '../../codec/manifest.ts';
import { releaseSurplus, surplusOf } from '../../maintenance/collect/duplicates.ts';
import { MANIFEST_GROUP } from '../../maintenance/custody/custody-store.ts';
import { provedBy } from '../../maintenance/proof/ask.ts';
import type { GroupState } from '../../maintenance/repair-plan.ts';
import type { Node } from '../../node.ts';
import type { Pools } from '../../pools/pools.ts';
import { ASK_TIMEOUT_MS } from '../../transfer/limits.ts';
import { manifestShardId, type ObjectId, type PeerId, type ShardId } from '../../types.ts';
import type { DuplicateReport } from '../../views/cleanup.ts';
import { ownerOf } from '../put-object.ts';
import { type Liveness, VERSIONS_PAGE, type Version } from './live.ts';

export async function collectDuplicates(
  node: Node,
  pools: Pick<Pools, 'poolOrDefault'>,
  liveness: Pick<Liveness, 'versions'>,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<DuplicateReport> {
  const owner = ownerOf(node);
  const report: DuplicateReport = { shards: 0, released: 0, releasedBytes: 0, unproved: 0, failed: 0 };
  const call = { timeoutMs: ASK_TIMEOUT_MS, signal };
  const seen = new Set<ObjectId>();
  const settle = async (batch: readonly Version[]) => {
    const groups = batch.flatMap(({ entry, manifest }) => groupsOf(entry, manifest));
    const ids = [...new Set(groups.flatMap(({ group }) => group.ids))];
    const holders = new Map<ShardId, PeerId[]>();
    await Promise.all(
      node.reachable().map(async (backend) => {
        const held = await backend.has(ids, call).catch(() => []);
        for (const [at, id] of ids.entries())
          if (held[at]) holders.set(id, [...(holders.get(id) ?? []), backend.id]);
      }),
    );
    const candidates = node.candidates(owner.ownerId);
    const surplus = groups.flatMap(({ group, noted, pool }) => {
      const { domain, nodes, folders } = pools.poolOrDefault(pool);
      const members = nodes === 'all' ? [] : [...nodes, ...folders.map(({ holder }) => holder)];
      const copies = group.ids.length;
      const found = holders.get(group.ids[0]!) ?? [];
      const live =
        group.code.k > 1
          ? group.ids.map((id) => holders.get(id) ?? [])
          : group.ids.map((_, at) =>
              (at === 0 ? [found[0], ...found.slice(copies)] : [found[at]]).filter((it) => it !== undefined),
            );
      return surplusOf({ ...group, live }, noted, {
        domain,
        members,
        siteOf: node.siteOf,
        leaving: (holder) => node.membership.member(holder)?.state === 'draining',
        placed: candidates,
      });
    });
    await releaseSurplus(
      surplus,
      {
        dryRun,
        proved: (holder, shards) =>
          provedBy(node.backend(holder), shards, { random: node.random, signal, memory: node.proofs }).catch(
            () => new Set<ShardId>(),
          ),
        has: async (holder, id) => (await node.backend(holder)?.has([id], call))?.[0] === true,
        release: async (holder, id) => (await node.backend(holder)?.delete(id, owner.ownerId, call)) ?? false,
      },
      report,
    );
  };
  let batch: Version[] = [];
  for await (const one of liveness.versions(signal)) {
    signal.throwIfAborted();
    if (seen.has(one.entry.objectId)) continue;
    seen.add(one.entry.objectId);
    batch.push(one);
    if (batch.length < VERSIONS_PAGE) continue;
    await settle(batch);
    batch = [];
  }
  if (batch.length > 0) await settle(batch);
  return report;
}

/** The groups of an object without their holders, and who was noted for each shard when it was written. */
function groupsOf(
  { objectId, code, manifestHolders, pool }: Entry,
  manifest: Manifest | undefined,
): { group: Omit<GroupState, 'live'>; noted: readonly (PeerId | undefined)[]; pool: string | undefined }[] {
  const copies = Array.from({ length: 1 + code.m }, () => manifestShardId(objectId));
  const groups: ReturnType<typeof groupsOf> = [
    {
      group: { objectId, stripe: MANIFEST_GROUP, code: { k: 1, m: code.m }, shardBytes: 0, ids: copies },
      noted: manifestHolders,
      pool,
    },
  ];
  for (let stripe = 0; stripe < (manifest?.stripeCount ?? 0); stripe++) {
    const { ids, shardBytes, holders } = manifest!.stripe(stripe);
    groups.push({ group: { objectId, stripe, code, shardBytes, ids }, noted: holders, pool });
  }
  return groups;
}
