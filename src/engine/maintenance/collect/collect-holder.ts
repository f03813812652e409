/** What a holder does when an owner's node collects: lists what it has of him, keeps marks, sweeps what was marked twice. */
import { type ShardStore, withOther } from '../../shardstore/store.ts';
import type { ObjectId, OwnerId, PeerId, ShardId } from '../../types.ts';
import type { CustodyStore } from '../custody/custody-store.ts';
import { type ListedShard, MAX_COLLECT_IDS, MAX_COLLECT_ORDERS, type Page } from './collect-protocol.ts';
import type { MarkOutcome, Quarantine } from './quarantine.ts';

export interface CollectHolderOptions {
  store: Pick<ShardStore, 'list' | 'stat' | 'delete'>;
  custody: Pick<CustodyStore, 'list' | 'mark' | 'get'>;
  quarantine: Quarantine;
}

export class CollectHolder {
  private readonly options: CollectHolderOptions;

  constructor(options: CollectHolderOptions) {
    this.options = options;
  }

  /** What the owner has put here; `by`: his node that asks, for the state by its marks. */
  list(owner: OwnerId, by: PeerId, delayMs: number, cursor: ShardId | undefined): Page<ListedShard, ShardId> {
    const { store, quarantine } = this.options;
    const ids = store.list(cursor, MAX_COLLECT_IDS);
    const items: ListedShard[] = [];
    for (const id of ids) {
      const stat = store.stat(id);
      if (stat?.owners.includes(owner) !== true) continue;
      items.push({ id, lengthBytes: stat.lengthBytes, state: quarantine.look(owner, by, delayMs, id) });
    }
    return { items, cursor: ids.length < MAX_COLLECT_IDS ? undefined : ids.at(-1) };
  }

  async mark(
    owner: OwnerId,
    by: PeerId,
    epoch: number,
    delayMs: number,
    ids: readonly ShardId[],
  ): Promise<MarkOutcome[]> {
    const { store, custody, quarantine } = this.options;
    const outcomes = new Map<ShardId, MarkOutcome>();
    for (const id of ids) {
      if (store.stat(id)?.owners.includes(owner) !== true) outcomes.set(id, 'absent');
      // A manifest's shard id is its object's id.
      else if (custody.mark(id as string as ObjectId)?.state === 'live') outcomes.set(id, 'named');
    }
    const held = ids.filter((id) => !outcomes.has(id));
    const marked = await quarantine.mark(owner, by, epoch, delayMs, held);
    for (const [at, id] of held.entries()) outcomes.set(id, marked[at]!);
    return ids.map((id) => outcomes.get(id)!);
  }

  sweep(
    owner: OwnerId,
    by: PeerId,
    epoch: number,
    delayMs: number,
    ids: readonly ShardId[],
  ): Promise<boolean[]> {
    const { store, quarantine } = this.options;
    return quarantine.sweep(owner, by, epoch, delayMs, ids, (id) => store.delete(id, owner));
  }

  /** As signed: live orders of the owner that are kept here. */
  orders(owner: OwnerId, cursor: ObjectId | undefined): Page<Uint8Array, ObjectId> {
    const { custody } = this.options;
    const page = custody.list(cursor, MAX_COLLECT_ORDERS);
    const live = page.filter((mark) => mark.owner === owner && mark.state === 'live');
    return {
      items: live.map(({ objectId }) => custody.get(objectId)?.bytes ?? NO_ORDER),
      cursor: page.length < MAX_COLLECT_ORDERS ? undefined : page.at(-1)!.objectId,
    };
  }

  /** As signed, live or released; empty where none is kept. */
  order(owner: OwnerId, ids: readonly ObjectId[]): Uint8Array[] {
    return ids.map((id) => {
      const kept = this.options.custody.get(id);
      return kept?.owner === owner ? kept.bytes : NO_ORDER;
    });
  }
}

const NO_ORDER = new Uint8Array(0);

/** The store as everybody on this node who stores sees it: what is put leaves quarantine first. */
export function liftingPuts(store: ShardStore, quarantine: Pick<Quarantine, 'lift' | 'size'>): ShardStore {
  return withOther(store, {
    async put(record) {
      if (quarantine.size > 0) await quarantine.lift(record.owner, [record.id]);
      return await store.put(record);
    },
  });
}
