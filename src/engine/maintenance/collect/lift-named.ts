/** Orders that come name shards: a live one takes them out of quarantine. */
import { manifestShardId } from '../../types.ts';
import type { CustodyManifests } from '../custody/custody-manifests.ts';
import type { Order } from '../custody/order.ts';
import type { Quarantine } from './quarantine.ts';

/** In effect at once; should the note of it be lost in a crash, the owner's next look still finds the shards live. */
export function liftNamed(
  quarantine: Pick<Quarantine, 'size' | 'lift'>,
  manifests: Pick<CustodyManifests, 'get'>,
  orders: readonly Order[],
): void {
  if (quarantine.size === 0) return;
  for (const { objectId, owner, state } of orders) {
    if (state !== 'live') continue;
    const ids = [manifestShardId(objectId)];
    const manifest = manifests.get(objectId);
    for (let stripe = 0; stripe < (manifest?.stripeCount ?? 0); stripe++)
      ids.push(...manifest!.stripe(stripe).ids);
    quarantine.lift(owner, ids).catch(() => {}); // told in the log
  }
}
