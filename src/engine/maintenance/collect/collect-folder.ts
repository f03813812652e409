/** A folder of this node as one that is collected: what it holds of the owner is marked and swept as everywhere, by the marks of its node. */
import type { DirectoryBackend } from '../../backends/directory-backend.ts';
import type { ObjectId, OwnerId, PeerId, ShardId } from '../../types.ts';
import type { CustodyStore } from '../custody/custody-store.ts';
import { type ListedShard, MAX_COLLECT_IDS } from './collect-protocol.ts';
import type { CollectTarget } from './collect-target.ts';
import type { MarkOutcome, Quarantine } from './quarantine.ts';

export interface FolderCollectParts {
  folder: Pick<DirectoryBackend, 'id' | 'list' | 'has' | 'delete'>;
  owner: OwnerId;
  /** The node, whose epochs they are. */
  self: PeerId;
  quarantine: Quarantine;
  custody: Pick<CustodyStore, 'mark'>;
}

export function folderCollectTarget(parts: FolderCollectParts): CollectTarget {
  const { folder, owner, self, quarantine, custody } = parts;
  return {
    id: folder.id,
    async list(cursor, delayMs) {
      const page = await folder.list(owner, cursor, MAX_COLLECT_IDS);
      const items = page.items.map(
        ({ id, lengthBytes }): ListedShard => ({
          id,
          lengthBytes,
          state: quarantine.look(owner, self, delayMs, id),
        }),
      );
      return { items, cursor: page.cursor };
    },
    async mark(epoch, delayMs, ids, call) {
      const held = await folder.has(ids, call);
      const outcomes = new Map<ShardId, MarkOutcome>();
      for (const [at, id] of ids.entries()) {
        if (!held[at]) outcomes.set(id, 'absent');
        // A manifest's shard id is its object's id.
        else if (custody.mark(id as string as ObjectId)?.state === 'live') outcomes.set(id, 'named');
      }
      const dead = ids.filter((id) => !outcomes.has(id));
      const marked = await quarantine.mark(owner, self, epoch, delayMs, dead);
      for (const [at, id] of dead.entries()) outcomes.set(id, marked[at]!);
      return ids.map((id) => outcomes.get(id)!);
    },
    sweep: (epoch, delayMs, ids, call) =>
      quarantine.sweep(owner, self, epoch, delayMs, ids, (id) => folder.delete(id, owner, call)),
    // What custodians keep is asked of nodes.
    orders: async () => ({ items: [], cursor: undefined }),
    order: async () => [],
  };
}
