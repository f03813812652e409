/** What the receipt of a put may claim: only shards whose holders acknowledged them as fsynced, and where those stand. */
import type { StripeLayout } from '../codec/manifest.ts';
import type { PlacementPolicy, Site } from '../placement/domains.ts';
import { keepsRule } from '../placement/load.ts';
import { fewerLosses, lossesOf } from '../placement/survival.ts';
import type { PeerId } from '../types.ts';

export function account(
  stripes: readonly StripeLayout[],
  manifest: { holders: readonly PeerId[]; bytes: number },
  policy: PlacementPolicy,
  siteOf: (peer: PeerId) => Site | undefined,
) {
  const { code } = policy;
  const replicas = { k: 1, m: code.m };
  const shardsByHolder = new Map<PeerId, number>();
  let shardsDurable = 0;
  let storedBytes = 0;
  const count = (holders: readonly (PeerId | undefined)[], shardBytes: number): number => {
    let live = 0;
    for (const holder of holders) {
      if (holder === undefined) continue;
      live++;
      shardsByHolder.set(holder, (shardsByHolder.get(holder) ?? 0) + 1);
    }
    shardsDurable += live;
    storedBytes += live * shardBytes;
    return live;
  };
  let spare = count(manifest.holders, manifest.bytes) - replicas.k;
  let survives = lossesOf(replicas, manifest.holders, siteOf);
  let lawful = keepsRule({ ...policy, code: replicas }, manifest.holders, siteOf);
  for (const { holders, shardBytes } of stripes) {
    spare = Math.min(spare, count(holders, shardBytes) - code.k);
    survives = fewerLosses(survives, lossesOf(code, holders, siteOf));
    lawful &&= keepsRule(policy, holders, siteOf);
  }
  return {
    shardsDurable,
    // A pool that promises nothing wants no more copies of the manifest than it has holders for.
    shardsWanted:
      stripes.length * (code.k + code.m) +
      (policy.domain === 'none' ? manifest.holders.length : replicas.k + replicas.m),
    spare,
    survives,
    keepsRule: lawful,
    storedBytes,
    shardsByHolder,
  };
}
