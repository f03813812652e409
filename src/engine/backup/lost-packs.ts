/** Packs that cannot be read any more: a backup that counted on what lies in them would be one of nothing. */
import { censusOptions, type Objects } from '../calls/objects.ts';
import type { HealthReport } from '../engine.ts';
import { censusBatches, stateOf } from '../maintenance/census.ts';
import { askHolders } from '../maintenance/census-ask.ts';
import type { Node } from '../node.ts';
import type { PeerId } from '../types.ts';

/** Those of the packs of which holders have too few shards now. */
export async function lostPacks(
  names: readonly string[],
  node: Node,
  objects: Pick<Objects, 'censusObjects'>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const { ownerId } = node.owner!;
  const entries = names.flatMap((name) => node.catalog.find(ownerId, name) ?? []);
  const lost = new Set<string>();
  const silent = new Set<PeerId>();
  for await (const batch of censusBatches(objects.censusObjects(signal, entries))) {
    const live = await askHolders(batch, censusOptions(node, signal), silent);
    for (const { name, objectId, groups } of batch)
      if (stateOf(groups, live, live.isKept(objectId)).state === 'lost') lost.add(name);
  }
  return lost;
}

/** Which of them to ask for: a repository has thousands of packs and an hour's backup a few files, so those that the last census has found lost; all where it has found more than it names. */
export function suspected(names: readonly string[], health: HealthReport | undefined): readonly string[] {
  if (health === undefined || health.lost === 0) return [];
  const told = new Set(health.worst.filter(({ state }) => state === 'lost').map(({ name }) => name));
  return told.size < health.lost ? names : names.filter((name) => told.has(name));
}
