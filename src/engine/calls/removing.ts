/** One version of a name for good: its entry, and its shards unless another name has the object. */
import type { Entry } from '../catalog/catalog.ts';
import { censusGroups, manifestGroup } from '../maintenance/groups.ts';
import { releaseShards } from '../maintenance/release.ts';
import type { Node } from '../node.ts';
import type { ManifestCache } from '../transfer/manifest-cache.ts';
import { manifestShardId } from '../types.ts';
import { lostIsUndefined } from './object-refs.ts';
import type { Objects } from './objects.ts';

interface Parts extends Pick<Objects, 'manifestOf'> {
  manifests: ManifestCache;
  changed: () => void;
  /** Resolves when the catalog knows what other devices of the owner did until some seconds ago. */
  learnt: (signal: AbortSignal) => Promise<void>;
}

/** `removed` is false when the version is gone, has another number, or has become current, meanwhile. */
export function versionRemover(node: Node, { manifests, manifestOf, changed, learnt }: Parts) {
  return async (entry: Entry, signal: AbortSignal) => {
    const { objectId, manifestHolders, name, version } = entry;
    // Another device may have copied or renamed it: by a catalog of yesterday its object would go with it.
    await learnt(signal);
    const isShared = () => node.catalog.references(objectId) > 1;
    const manifest = isShared()
      ? undefined
      : await manifestOf(objectId, manifestHolders, name, signal).catch(lostIsUndefined);
    // An old or deleted version that has become current meanwhile (undelete) is not what was to go; nor is another that has its number now: a merge
    // with another device numbers anew, and a name that was renamed away begins at 1 again.
    const now = node.catalog.find(entry.owner, name, version);
    if (now?.objectId !== objectId || (now.state === 'current' && entry.state !== 'current'))
      return { removed: false, shardsReleased: 0, unreachable: [] };
    // Counted again: a copy that was made while the manifest came keeps the object.
    const shared = isShared();
    // The entry goes first: a crash after it leaves orphans, never a name that cannot be read.
    node.catalog.remove(entry.owner, name, version);
    if (!shared) {
      manifests.delete(objectId);
      node.shardCache.forget(manifestShardId(objectId));
      for (let index = 0; index < (manifest?.stripeCount ?? 0); index++) {
        for (const id of manifest!.stripe(index).ids) node.shardCache.forget(id);
      }
    }
    changed();
    if (shared) return { removed: true, shardsReleased: 0, unreachable: [] };
    const groups =
      manifest === undefined
        ? [manifestGroup(objectId, manifestHolders, entry.code.m)]
        : censusGroups(objectId, manifestHolders, manifest);
    const released = await releaseShards(groups, {
      owner: entry.owner,
      backend: node.backend,
      log: (text) => node.events.add('warn', 'delete', text),
    });
    return { removed: true, ...released };
  };
}
