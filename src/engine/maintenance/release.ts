/** Releases the shards of an object that no name refers to any more. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Backend } from '../backends/backend.ts';
import { ASK_TIMEOUT_MS } from '../transfer/limits.ts';
import type { OwnerId, PeerId } from '../types.ts';
import type { CensusGroup } from './census-ask.ts';

export interface ReleaseContext {
  owner: OwnerId;
  backend(peer: PeerId): Backend | undefined;
  log(text: string): void;
}

/**
 * Asks each holder to drop the owner's claim, by `groups` of one object, its manifest's first. A holder that fails once is not asked again: custodians carry the
 * release to it. They learn from the manifest what to ask for, so its copies go last, and stay where anything else stays.
 */
export async function releaseShards(
  groups: readonly CensusGroup[],
  context: ReleaseContext,
): Promise<{ shardsReleased: number; unreachable: PeerId[] }> {
  const [manifest, ...stripes] = groups;
  const first = await releaseGroups(stripes, context);
  if (manifest === undefined || first.unreachable.length > 0) return first;
  const last = await releaseGroups([manifest], context);
  return { ...last, shardsReleased: first.shardsReleased + last.shardsReleased };
}

async function releaseGroups(
  groups: readonly CensusGroup[],
  context: ReleaseContext,
): ReturnType<typeof releaseShards> {
  const shards = groups.flatMap((group) => [...group.shards]);
  const unreachable = new Set<PeerId>();
  let shardsReleased = 0;
  // One holder after another would take the sum of their times; all shards at once would flood the slowest.
  const byHolder = Map.groupBy(shards, ({ holder }) => holder);
  await Promise.all(
    [...byHolder].map(async ([holder, held]) => {
      for (const { id } of held) {
        const backend = context.backend(holder);
        try {
          if (backend === undefined) throw new DatameshError('peer-unreachable', { what: 'not connected' });
          if (await backend.delete(id, context.owner, { timeoutMs: ASK_TIMEOUT_MS })) shardsReleased++;
        } catch (error) {
          unreachable.add(holder);
          context.log(`${holder.slice(-8)} keeps a shard: ${asDatameshError(error).message}`);
          return;
        }
      }
    }),
  );
  return { shardsReleased, unreachable: [...unreachable] };
}
