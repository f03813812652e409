/** Live orders of the owner for objects that this node's catalog does not have: another of his nodes stored them. Only what is signed counts. */
import { DatameshError } from '../../../errors.ts';
import type { Clock } from '../../effects/clock.ts';
import type { ObjectId, OwnerId, PeerId } from '../../types.ts';
import { type Order, parseOrder, readOrder } from '../custody/order.ts';
import { MAX_COLLECT_ORDERS } from './collect-protocol.ts';
import { type CollectCall, type CollectTarget, pagesOf } from './collect-target.ts';

export interface OrdersOptions {
  owner: OwnerId;
  network: string;
  targets: readonly CollectTarget[];
  /** Whether the catalog has the object. */
  known(id: ObjectId): boolean;
  clock: Pick<Clock, 'monotonic'>;
  call: CollectCall;
}

/** `keepers`: who showed the order, and so has the manifest. `silent`: nodes that did not answer to the end. */
export async function ordersBeyond(
  options: OrdersOptions,
): Promise<{ live: { objectId: ObjectId; keepers: PeerId[] }[]; silent: number }> {
  const { owner, network, targets, known, clock, call } = options;
  const found = new Map<ObjectId, { order: Order; keepers: PeerId[] }>();
  const silent = new Set<PeerId>();
  const verified = (bytes: Uint8Array) => verifiedOrder(bytes, owner, network);
  const asked = async (target: CollectTarget, work: () => Promise<void>) => {
    try {
      await work();
    } catch {
      call.signal.throwIfAborted();
      silent.add(target.id);
    }
  };
  await Promise.all(
    targets.map((target) =>
      asked(target, async () => {
        let last: ObjectId | undefined;
        for await (const items of pagesOf<Uint8Array, ObjectId>(
          (cursor) => target.orders(cursor, call),
          clock,
        )) {
          for (const bytes of items) {
            const id = parsedId(bytes);
            if (last !== undefined && id <= last)
              throw new DatameshError('malformed-data', { what: 'a list of orders goes back' });
            last = id;
            if (known(id)) continue;
            const order = verified(bytes);
            if (order?.state !== 'live') continue;
            const before = found.get(order.objectId);
            if (before === undefined) found.set(order.objectId, { order, keepers: [target.id] });
            else before.keepers.push(target.id);
          }
        }
      }),
    ),
  );
  // Somebody may show an old order of an object that the owner has released since: a release that anybody has is final.
  const released = new Set<ObjectId>();
  const ids = [...found.keys()];
  for (let at = 0; at < ids.length; at += MAX_COLLECT_ORDERS) {
    const some = ids.slice(at, at + MAX_COLLECT_ORDERS);
    await Promise.all(
      targets.map((target) =>
        asked(target, async () => {
          for (const bytes of await target.order(some, call)) {
            const order = verified(bytes);
            if (order?.state === 'released') released.add(order.objectId);
          }
        }),
      ),
    );
  }
  const live = [...found].filter(([id]) => !released.has(id));
  return { live: live.map(([objectId, { keepers }]) => ({ objectId, keepers })), silent: silent.size };
}

/** Those for which the target shows a live order. */
export async function shownBy(
  target: Pick<CollectTarget, 'order'>,
  ids: readonly ObjectId[],
  { owner, network, call }: Pick<OrdersOptions, 'owner' | 'network' | 'call'>,
): Promise<ObjectId[]> {
  const orders = await target.order(ids.slice(0, MAX_COLLECT_ORDERS), call);
  const live = orders
    .map((bytes) => verifiedOrder(bytes, owner, network))
    .filter((order) => order?.state === 'live')
    .map((order) => order!.objectId);
  return ids.filter((id) => live.includes(id));
}

/** Undefined for a forgery, which says nothing. */
function verifiedOrder(bytes: Uint8Array, owner: OwnerId, network: string): Order | undefined {
  try {
    const order = readOrder(bytes);
    return order.owner === owner && order.network === network ? order : undefined;
  } catch {
    return undefined;
  }
}

function parsedId(bytes: Uint8Array): ObjectId {
  return parseOrder(bytes).order.objectId;
}
