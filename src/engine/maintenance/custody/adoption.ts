/**
 * What a holder does for custodians, who are no devices of the owner: takes shards that a manifest with the owner's signature names, and drops the
 * owner's claims when his signed release says so. Nothing else of what they say is believed.
 */
import { DatameshError } from '../../../errors.ts';
import { decodeManifest, type Manifest } from '../../codec/manifest.ts';
import type { ShardStore } from '../../shardstore/store.ts';
import { ManifestCache } from '../../transfer/manifest-cache.ts';
import {
  bytesToHex,
  manifestShardId,
  type ObjectId,
  type OwnerId,
  type PeerId,
  type ShardId,
} from '../../types.ts';
import type { CustodyManifests } from './custody-manifests.ts';
import { type OfferAnswer, type OfferItem, type Place, placeExists } from './custody-protocol.ts';
import { type CustodyStore, MANIFEST_GROUP } from './custody-store.ts';
import { readOrder } from './order.ts';

export interface AdoptionOptions {
  self: PeerId;
  network: string;
  store: Pick<ShardStore, 'put' | 'get' | 'has' | 'delete'>;
  custody: CustodyStore;
  manifests: CustodyManifests;
  hash(bytes: Uint8Array): Uint8Array;
  admitsOwner(owner: OwnerId, peer: PeerId): boolean;
  /** Asks a peer for a manifest. */
  manifestFrom(peer: PeerId, id: ObjectId): Promise<Uint8Array | undefined>;
  /** A release of something that this node kept as live: it is to be carried to the holders that this node knows. */
  released(id: ObjectId): void;
  /** Further places of this node that may hold shards (folders). */
  elsewhere?: { release(id: ShardId, owner: OwnerId): Promise<boolean> } | undefined;
}

export interface Adoption {
  /**
   * Durable when it resolves. Throws `denied` when the owner is not served here or has released the object, `bad-value` for a place the object does
   * not have, `hash-mismatch`, `not-authentic`, `quota-full`, `disk-full`.
   */
  adopt(from: PeerId, id: ObjectId, place: Place, bytes: Uint8Array): Promise<void>;
  /** `kept`: the release is verified, and no claim of the owner on a shard of the object is left here. Never throws. */
  drop(from: PeerId, item: OfferItem): Promise<OfferAnswer>;
}

/** Decoded manifests of some fifteen hundred objects: a custodian sends the shards of one object one after the other. */
const STRANGERS_BYTES = 4 * 1024 * 1024;

export function createAdoption(options: AdoptionOptions): Adoption {
  const { store, custody, manifests } = options;
  /** Of objects that this node is no custodian of. */
  const strangers = new ManifestCache(STRANGERS_BYTES);

  const manifestOf = async (from: PeerId, id: ObjectId, given?: Uint8Array): Promise<Manifest> => {
    const known = manifests.get(id) ?? strangers.get(id);
    if (known !== undefined) return known;
    const bytes =
      given ??
      (await store.get(manifestShardId(id))) ??
      (from === options.self ? undefined : await options.manifestFrom(from, id));
    if (bytes === undefined)
      throw new DatameshError('shards-missing', { what: 'the object’s manifest is not here' });
    if (bytesToHex(options.hash(bytes)) !== id)
      throw new DatameshError('hash-mismatch', { what: 'these bytes are not the object’s manifest' });
    const manifest = decodeManifest(Uint8Array.from(bytes));
    strangers.add(id, manifest);
    return manifest;
  };

  const take = async (from: PeerId, id: ObjectId, place: Place, bytes: Uint8Array): Promise<void> => {
    const whole = place.stripe === MANIFEST_GROUP;
    const mark = custody.mark(id);
    const released = mark?.state === 'released' ? denied('its owner has released the object') : undefined;
    const manifest = await manifestOf(from, id, whole ? bytes : undefined).catch((error: unknown) => {
      throw released ?? error;
    });
    // A release that came without the manifest may be anybody's.
    if (manifest.ownerId === mark?.owner && released !== undefined) throw released;
    if (!options.admitsOwner(manifest.ownerId, from)) throw denied('this node does not store for that owner');
    if (!placeExists(place, manifest.stripeCount, manifest.code))
      throw new DatameshError('bad-value', { what: 'the object has no such shard' });
    const shard = whole ? manifestShardId(id) : manifest.stripe(place.stripe).ids[place.index]!;
    await store.put({ id: shard, bytes, owner: manifest.ownerId });
  };

  /** Shards on their way to the disk, by object. */
  const taking = new Map<ObjectId, Set<Promise<void>>>();

  return {
    async adopt(from, id, place, bytes) {
      const under = taking.get(id) ?? new Set();
      taking.set(id, under);
      const task = take(from, id, place, bytes);
      under.add(task);
      try {
        await task;
      } finally {
        under.delete(task);
        if (under.size === 0) taking.delete(id);
      }
    },

    async drop(from, { order: bytes, manifest: given }) {
      try {
        const order = readOrder(bytes);
        const { objectId, owner } = order;
        if (order.network !== options.network || order.state !== 'released') return 'malformed';
        const manifest = await manifestOf(from, objectId, given);
        if (manifest.ownerId !== owner) return 'malformed';
        const mark = custody.mark(objectId);
        if (mark !== undefined && mark.owner !== owner) custody.forget([objectId]);
        if (mark?.state === 'live') {
          custody.keep([{ order, bytes }]);
          options.released(objectId);
        }
        // What is on its way to a slow disk would come to lie there after its release.
        await Promise.allSettled(taking.get(objectId) ?? []);
        const release = async (shard: ShardId) => {
          // A copy of a manifest may lie in the store and in each folder.
          if (store.has(shard)) await store.delete(shard, owner);
          await options.elsewhere?.release(shard, owner);
        };
        for (let stripe = 0; stripe < manifest.stripeCount; stripe++)
          for (const shard of manifest.stripe(stripe).ids) await release(shard);
        // The manifest goes last: with it a drop that was cut short can be told again.
        await release(manifestShardId(objectId));
        // Each of its custodians tells of the release with the manifest: dead ones would push out those that shards come for.
        strangers.delete(objectId);
        return 'kept';
      } catch (error) {
        return error instanceof DatameshError && error.code === 'shards-missing'
          ? 'wants-manifest'
          : 'malformed';
      }
    },
  };
}

function denied(why: string): DatameshError {
  return new DatameshError('denied', { what: why });
}
