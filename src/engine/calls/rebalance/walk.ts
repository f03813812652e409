/** Every object of a pool, who holds what of it now, batch by batch: memory does not grow with the catalog. */
import type { Entry, PoolRecord } from '../../catalog/catalog.ts';
import { batches } from '../../maintenance/batches.ts';
import { lookThrough, type ObjectInCustody } from '../../maintenance/custody/custody-census.ts';
import { type Claim, MANIFEST_GROUP } from '../../maintenance/custody/custody-store.ts';
import type { GroupState } from '../../maintenance/repair-plan.ts';
import type { Node } from '../../node.ts';
import { placedObject } from '../../pools/distribution.ts';
import type { Pools } from '../../pools/pools.ts';
import type { ObjectId } from '../../types.ts';
import type { Liveness, Version } from '../collect/live.ts';
import { censusOf } from '../repairing.ts';

/** Objects whose holders are asked together. */
const OBJECTS_AT_ONCE = 64;

export interface WalkOptions {
  node: Node;
  pools: Pick<Pools, 'poolOrDefault'>;
  liveness: Pick<Liveness, 'versions'>;
  pool: PoolRecord;
  /** Copies that this node knows of beside what the manifests and custodians say. */
  known(id: ObjectId): readonly Claim[];
  signal: AbortSignal;
}

export interface Found {
  entry: Entry;
  groups: GroupState[];
  /** With the last groups of its object. */
  ends: boolean;
}

/** Objects without a readable manifest are left out: nobody knows their shards now. */
export async function* walkPool(options: WalkOptions): AsyncGenerator<Found[]> {
  const versions = versionsIn(options);
  for await (const batch of batches(versions, OBJECTS_AT_ONCE, ({ entry }) => entry.stripes))
    yield* lookAtBatch(batch, options);
}

async function* versionsIn({ pools, liveness, pool, signal }: WalkOptions): AsyncGenerator<Version> {
  const seen = new Set<ObjectId>();
  for await (const version of liveness.versions(signal)) {
    signal.throwIfAborted();
    const { entry } = version;
    if (pools.poolOrDefault(entry.pool).name !== pool.name || seen.has(entry.objectId)) continue;
    seen.add(entry.objectId);
    yield version;
  }
}

async function* lookAtBatch(batch: readonly Version[], options: WalkOptions): AsyncGenerator<Found[]> {
  const { node, known, signal } = options;
  const readable = batch.filter(({ entry, manifest }) => manifest !== undefined || entry.stripes === 0);
  const told = await node.custody.where(
    readable[0]?.entry.owner ?? batch[0]!.entry.owner,
    readable.map(({ entry }) => entry.objectId),
    signal,
  );
  const cases = readable.map(({ entry, manifest }) => {
    const { objectId, manifestHolders, code } = entry;
    const claims = [
      ...known(objectId),
      ...(told.get(objectId) ?? []),
      ...manifestHolders.map((holder, index) => ({ stripe: MANIFEST_GROUP, index, holder })),
    ];
    const object: ObjectInCustody = {
      objectId,
      manifest: manifest ?? { code, stripeCount: 0, stripe: noStripe, peers: [] },
      manifestBytes: Math.max(1, manifestBytesOf({ entry, manifest })),
      claims,
    };
    return { entry, object };
  });
  for await (const part of lookThrough(cases, censusOf(node, signal)))
    yield part.map(({ one, state, ends }) => ({ entry: one.entry, groups: state.groups, ends }));
}

/** Only its holders know how long a manifest is; what the catalog says was stored tells it, but for what a put left out. */
function manifestBytesOf({ entry, manifest }: Version): number {
  if (manifest !== undefined) return placedObject(entry, manifest).shardBytes(0);
  return Math.round(entry.storedBytes / Math.max(1, entry.manifestHolders.length));
}

function noStripe(): never {
  throw new RangeError('the object has no stripes');
}
