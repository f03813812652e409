/** What is live by all that a node of the owner knows: its puts and journals, every version in its catalog, and what custodians keep for his other nodes. */
import { asDatameshError } from '../../../errors.ts';
import type { Entry, PendingOrder } from '../../catalog/catalog.ts';
import { decodeOwnManifest, type Manifest } from '../../codec/manifest.ts';
import type { Live } from '../../maintenance/collect/collect.ts';
import type { CollectTarget } from '../../maintenance/collect/collect-target.ts';
import { LiveSet } from '../../maintenance/collect/live-set.ts';
import { ordersBeyond } from '../../maintenance/collect/orders-beyond.ts';
import { CUSTODIANS } from '../../maintenance/custody/custodians.ts';
import { custodyClient } from '../../maintenance/custody/custody-client.ts';
import type { Node } from '../../node.ts';
import { dataPaths } from '../../options.ts';
import { ASK_TIMEOUT_MS, GET_TIMEOUT_MS } from '../../transfer/limits.ts';
import { journaledShards } from '../../transfer/put-journals.ts';
import type { PutWatch } from '../../transfer/running-puts.ts';
import { orderedWindow } from '../../transfer/window.ts';
import { manifestShardId, type ObjectId, type OwnerId } from '../../types.ts';
import type { Objects } from '../objects.ts';
import { ownerOf } from '../put-object.ts';

export const VERSIONS_PAGE = 256;
/** Manifests fetched side by side. */
const FETCHES = 16;
const NAMED = 3;

export interface Gathered {
  live: Live;
  /** Why it is not all that is live. */
  blocked: string[];
  close(): void;
}

export interface Version {
  entry: Entry;
  /** Undefined where it has no stripes, or no holder gives it. */
  manifest: Manifest | undefined;
}

export interface Liveness {
  versions(signal: AbortSignal): AsyncGenerator<Version>;
  /** All that this node itself refers to. */
  own(signal: AbortSignal): Promise<Gathered>;
  /** And what custodians keep for other nodes of the owner. */
  all(targets: readonly CollectTarget[], signal: AbortSignal): Promise<Gathered>;
}

export function createLiveness(node: Node, objects: Pick<Objects, 'manifestOf'>): Liveness {
  const { net, disk } = node;

  async function* entries(owner: OwnerId): AsyncGenerator<Entry> {
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page: { entries: Entry[]; after: number | undefined } = node.catalog.versions(
        owner,
        after,
        VERSIONS_PAGE,
      );
      yield* page.entries;
      after = page.after;
    }
  }

  function* pendingOrders(): Generator<PendingOrder> {
    const { ownerId } = ownerOf(node);
    for (let after: ObjectId | undefined; ; ) {
      const page = node.catalog.pendingOrders(ownerId, after, VERSIONS_PAGE);
      yield* page;
      after = page.at(-1)?.objectId;
      if (after === undefined) return;
    }
  }

  /** All that this node itself refers to: puts, journals, every version in its catalog. The order matters: see `RunningPuts`. */
  const gatherOwn = async (
    signal: AbortSignal,
  ): Promise<Gathered & { set: LiveSet; known(id: ObjectId): boolean }> => {
    const watch: PutWatch = node.runningPuts.watch();
    try {
      const set = new LiveSet();
      const ids = new Set<ObjectId>();
      const lost: string[] = [];
      for (const id of await journaledShards(disk, dataPaths(node.options.dataDir).journal)) set.add(id);
      for await (const { entry, manifest } of versionsOf(signal)) {
        set.add(manifestShardId(entry.objectId));
        ids.add(entry.objectId);
        if (manifest === undefined && entry.stripes > 0) lost.push(entry.name);
        if (manifest !== undefined) addAll(set, manifest);
      }
      // No name stands for the catalog's mirror either, and custodians may deny that they keep it.
      for (const { objectId, holders } of node.catalog.mirror.segments(ownerOf(node).ownerId)) {
        set.add(manifestShardId(objectId));
        const segment = { objectId, manifestHolders: holders, name: objectId, stripes: 1 };
        const manifest = await layoutOf(segment, signal);
        if (manifest === undefined) lost.push(objectId);
        else addAll(set, manifest);
      }
      // Other objects of the owner without a name, until their custodians keep them.
      for (const order of pendingOrders()) {
        if (order.state !== 'live' || ids.has(order.objectId)) continue;
        set.add(manifestShardId(order.objectId));
        const name = order.objectId;
        const manifest = await layoutOf({ ...order, name, stripes: 1 }, signal);
        if (manifest === undefined) lost.push(name);
        else addAll(set, manifest);
      }
      const blocked =
        lost.length === 0
          ? []
          : [
              `the manifests of ${lost.length} objects cannot be read now, so nobody knows which shards are theirs: ${lost
                .slice(0, NAMED)
                .map((name) => JSON.stringify(name))
                .join(', ')}${lost.length > NAMED ? ' …' : ''}`,
            ];
      return {
        set,
        known: (id) => ids.has(id),
        blocked,
        live: {
          has: (id) => set.has(id) || watch.has(id),
          get objects() {
            return ids.size;
          },
          get shards() {
            return set.size;
          },
        },
        close: () => watch.close(),
      };
    } catch (error) {
      watch.close();
      throw error;
    }
  };

  /** Undefined where no holder gives it. */
  const layoutOf = async (
    {
      objectId,
      manifestHolders,
      name,
      stripes,
    }: Pick<Entry, 'objectId' | 'manifestHolders' | 'name' | 'stripes'>,
    signal: AbortSignal,
  ): Promise<Manifest | undefined> => {
    if (stripes === 0) return undefined;
    try {
      return await objects.manifestOf(objectId, manifestHolders, name, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (asDatameshError(error).code === 'shards-missing') return undefined;
      throw error;
    }
  };

  const versionsOf = (signal: AbortSignal): AsyncGenerator<Version> => {
    const read = async (entry: Entry) => ({ entry, manifest: await layoutOf(entry, signal) });
    return orderedWindow(entries(ownerOf(node).ownerId), FETCHES, read, () => {});
  };

  /** And what custodians keep for other nodes of the owner. */
  const gather = async (targets: readonly CollectTarget[], signal: AbortSignal): Promise<Gathered> => {
    const owner = ownerOf(node);
    const own = await gatherOwn(signal);
    try {
      const call = { timeoutMs: ASK_TIMEOUT_MS, signal };
      const beyond = await ordersBeyond({
        owner: owner.ownerId,
        network: node.options.network.name,
        targets,
        known: own.known,
        clock: node.clock,
        call,
      });
      const client = custodyClient(net);
      for (const { objectId, keepers } of beyond.live) {
        own.set.add(manifestShardId(objectId));
        const entry = { objectId, manifestHolders: [], name: objectId, stripes: 1 };
        let manifest = await layoutOf(entry, signal);
        for (const peer of keepers) {
          if (manifest !== undefined) break;
          const bytes =
            peer === net.self
              ? node.custody.store.manifest(objectId)
              : await client
                  .manifest(peer, objectId, { timeoutMs: GET_TIMEOUT_MS, signal })
                  .catch(() => undefined);
          if (bytes !== undefined) manifest = decodeOwnManifest(Uint8Array.from(bytes), owner);
        }
        if (manifest !== undefined) addAll(own.set, manifest);
        else
          own.blocked.push(
            `an order keeps object ${objectId.slice(0, 12)}…, whose manifest cannot be read now`,
          );
      }
      if (own.live.objects === 0) {
        own.blocked.push(
          'this node’s catalog has no objects; if it was set up anew with your words, bring the catalog back first',
        );
      }
      // As many as keep one object: with one of them less nothing is overlooked.
      if (beyond.silent >= CUSTODIANS)
        own.blocked.push(`${beyond.silent} nodes did not say what they keep for you`);
      return own;
    } catch (error) {
      own.close();
      throw error;
    }
  };

  return { versions: versionsOf, own: gatherOwn, all: gather };
}

function addAll(set: LiveSet, manifest: Manifest): void {
  for (let stripe = 0; stripe < manifest.stripeCount; stripe++)
    for (const id of manifest.stripe(stripe).ids) set.add(id);
}
