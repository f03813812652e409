/** What a node does for its owner: the object calls of the Engine interface, on a running node. */
import { asDatameshError } from '../../errors.ts';
import type { Entry } from '../catalog/catalog.ts';
import { blake3 } from '../codec/hash.ts';
import { decodeManifest, decodeOwnManifest, type Manifest, openManifestWithKey } from '../codec/manifest.ts';
import type {
  CallOptions,
  DeleteResult,
  GetOptions,
  GetResult,
  HealthReport,
  ObjectDetail,
  ObjectView,
} from '../engine.ts';
import { stateOf, takeCensus } from '../maintenance/census.ts';
import { askHolders, type CensusDepth, type CensusObject } from '../maintenance/census-ask.ts';
import { MANIFEST_GROUP } from '../maintenance/custody/custody-store.ts';
import { censusGroups, manifestGroup } from '../maintenance/groups.ts';
import { Look, type Refuted } from '../maintenance/proof/look.ts';
import { comesBack } from '../node/holders.ts';
import type { Node } from '../node.ts';
import { type PlacedObject, placedObject, takeDistribution } from '../pools/distribution.ts';
import type { Pools } from '../pools/pools.ts';
import { fetchManifest, type GetContext, openWithOwner, rangeOf, readRange } from '../transfer/get.ts';
import { ASK_TIMEOUT_MS } from '../transfer/limits.ts';
import { ManifestCache } from '../transfer/manifest-cache.ts';
import { Whereabouts } from '../transfer/whereabouts.ts';
import { isHexId, type ObjectId, type PeerId } from '../types.ts';
import type { DistributionQuery, DistributionReport } from '../views/pools.ts';
import { stripesOf, survivesOf } from './object-detail.ts';
import {
  findEntry,
  lostIsUndefined,
  notFound,
  publicView,
  versionsOf,
  viewOfManifest,
  viewOfSecret,
} from './object-refs.ts';
import { nameOf, ownerOf, type Put, putter } from './put-object.ts';
import { versionRemover } from './removing.ts';

export interface Objects {
  put: Put;
  get(ref: string, options: GetOptions, call: CallOptions): Promise<GetResult>;
  find(ref: string): ObjectView;
  info(ref: string, options: { version?: number; stripeLimit?: number }): Promise<ObjectDetail>;
  delete(ref: string, options?: { version?: number | undefined }): Promise<DeleteResult>;
  /** One version for good. */
  purge(entry: Entry, signal: AbortSignal): Promise<Pick<DeleteResult, 'shardsReleased' | 'unreachable'>>;
  /** @param depth `asked` when absent */
  census(call: CallOptions, depth?: CensusDepth): Promise<HealthReport>;
  /** What a census asks for, one by one: of these entries, or of the owner's current objects, each once however many names it has; none without an owner. */
  censusObjects(signal: AbortSignal, entries?: Iterable<Entry>): AsyncGenerator<CensusObject>;
  /** An object by its id, whoever named it, from its holders and no cache; `bytes` of its manifest. Throws `shards-missing`, `denied` when this owner cannot open it. */
  open(
    objectId: ObjectId,
    holders: readonly PeerId[],
    label: string,
    signal: AbortSignal,
  ): Promise<OpenObject>;
  /** The same with the file key, as a link carries it. Throws `shards-missing`, `not-authentic` when it is not this object's. */
  openWithKey(
    objectId: ObjectId,
    fileKey: Uint8Array,
    signal: AbortSignal,
  ): Promise<Pick<OpenObject, 'view' | 'read'>>;
  /** What opens this object and no other. */
  fileKeyOf(entry: Entry, signal: AbortSignal): Promise<Uint8Array>;
  /** Current objects of the owner, one by one as they are wanted, each once: all, of a pool, or one. Throws `not-found`. */
  current(query: DistributionQuery, signal: AbortSignal): AsyncGenerator<CurrentObject>;
  distribution(query: DistributionQuery, call: CallOptions): Promise<DistributionReport>;
  /** Of an object of the owner, from `hints` or whoever has it. Throws `shards-missing`. */
  manifestOf(id: ObjectId, hints: readonly PeerId[], name: string, signal: AbortSignal): Promise<Manifest>;
}

const DEFAULT_STRIPE_LIMIT = 64;

/** @param learnt resolves when the catalog knows what other devices of the owner did until some seconds ago */
export function createObjects(
  node: Node,
  pools: Pools,
  changed: () => void,
  learnt: (signal: AbortSignal) => Promise<void>,
): Objects {
  const manifests = new ManifestCache();
  const put = putter(node, pools, changed);

  const owner = () => ownerOf(node);
  const getContext = (objectId: ObjectId, ofOwner = owner().ownerId): GetContext => ({
    codec: node.codec,
    owner: owner(),
    routing: node.routing,
    manifestInCustody: (id, signal) => node.custody.manifest(ofOwner, id, signal),
    whereabouts: new Whereabouts(async (signal) => {
      const claims = (await node.custody.where(ofOwner, [objectId], signal)).get(objectId) ?? [];
      return claims.map((it) => ({ ...it, stripe: it.stripe === MANIFEST_GROUP ? undefined : it.stripe }));
    }),
    read: {
      clock: node.clock,
      hash: blake3,
      backend: node.backend,
      reachable: node.reachable,
      comesBack: (holder) => comesBack(node, holder),
      hedging: node.hedging,
      cache: node.shardCache,
      standing: (holder, shardBytes) => ({
        mayAsk: node.health.mayAsk(holder),
        expectedMs: node.health.expectedMs(holder, shardBytes),
      }),
      overtaken: (holder, latencyMs, sizeBytes) =>
        node.health.observe(holder, { kind: 'slow', latencyMs, sizeBytes }),
      failed(holder, error) {
        node.events.add('warn', 'get', `${holder.slice(-8)}: ${error.message}`);
        if (error.code === 'hash-mismatch') node.health.observe(holder, { kind: 'wrong-bytes' });
      },
    },
  });
  const manifestOf = async (
    objectId: ObjectId,
    hints: readonly PeerId[],
    name: string,
    signal: AbortSignal,
    named: 'in the catalog' | 'by a caller' = 'in the catalog',
  ) => {
    const known = manifests.get(objectId);
    if (known !== undefined) return known;
    const label = `the manifest of ${JSON.stringify(name)}`;
    const context = getContext(objectId);
    const { deletions } = manifests;
    const decode =
      named === 'in the catalog'
        ? (bytes: Uint8Array) => decodeOwnManifest(bytes, context.owner)
        : decodeManifest;
    const manifest = await fetchManifest(objectId, hints, label, context, signal, decode);
    manifests.add(objectId, manifest, deletions);
    return manifest;
  };

  const removeVersion = versionRemover(node, { manifests, manifestOf, changed, learnt });

  /** The catalog's entry, or for a full ObjectId that is not in it, what the mesh itself tells. */
  const resolve = async (ref: string, version: number | undefined, signal: AbortSignal): Promise<Found> => {
    const entry = findEntry(node.catalog, owner(), ref, version);
    if (entry !== undefined) return { view: entry, manifestHolders: entry.manifestHolders };
    if (!isHexId(ref)) throw notFound(node.catalog, owner(), ref, version);
    const objectId = ref as ObjectId;
    try {
      const manifest = await manifestOf(objectId, [], ref, signal, 'by a caller');
      return { view: viewOfManifest(objectId, manifest, owner()), manifestHolders: [] };
    } catch (error) {
      if (asDatameshError(error).code === 'shards-missing')
        throw notFound(node.catalog, owner(), ref, version);
      throw error;
    }
  };

  const groupsOf = async (entry: Entry, signal: AbortSignal) => {
    const { objectId, manifestHolders, name, code, stripes } = entry;
    // An object within its manifest has no other shards: the catalog tells all there is to ask for.
    if (stripes === 0) return [manifestGroup(objectId, manifestHolders, code.m)];
    return censusGroups(objectId, manifestHolders, await manifestOf(objectId, manifestHolders, name, signal));
  };

  async function* current(
    { pool, ref }: DistributionQuery,
    signal: AbortSignal,
  ): AsyncGenerator<CurrentObject> {
    if (pool !== undefined) pools.pool(pool);
    const { ownerId } = owner();
    const chosen = ref === undefined ? undefined : findEntry(node.catalog, owner(), ref, undefined);
    if (ref !== undefined && chosen === undefined) throw notFound(node.catalog, owner(), ref, undefined);
    for (const entry of chosen === undefined ? node.catalog.current(ownerId, pool) : [chosen]) {
      signal.throwIfAborted();
      if (pool !== undefined && entry.pool !== pool) continue;
      const { objectId, manifestHolders, name } = entry;
      yield {
        entry,
        manifest: await manifestOf(objectId, manifestHolders, name, signal).catch(lostIsUndefined),
      };
    }
  }

  async function* censusObjects(
    signal: AbortSignal,
    entries: Iterable<Entry> = node.owner === undefined ? [] : node.catalog.current(node.owner.ownerId),
  ): AsyncGenerator<CensusObject> {
    for (const entry of entries) {
      signal.throwIfAborted();
      const groups = await groupsOf(entry, signal).catch(lostIsUndefined);
      yield { name: entry.name, objectId: entry.objectId, groups, known: entry };
    }
  }

  return {
    put,

    async get(ref, options, call) {
      const signal = call.signal ?? new AbortController().signal;
      const { view, manifestHolders } = await resolve(ref, options.version, signal);
      const range = rangeOf(options, view.sizeBytes);
      const manifest = await manifestOf(view.objectId, manifestHolders, view.name, signal);
      const opened = openWithOwner(manifest, owner());
      const { read, ...own } = getContext(view.objectId, manifest.ownerId);
      const context = { ...own, span: call.span, read: tellingFailures(read, call.onLine) };
      const body = readRange(view.name, manifest, opened, range, context, signal);
      return {
        object: publicView(view),
        offset: range.offset,
        length: range.length,
        body,
      };
    },

    find(ref) {
      const entry = findEntry(node.catalog, owner(), ref, undefined);
      if (entry === undefined) throw notFound(node.catalog, owner(), ref, undefined);
      return publicView(entry);
    },

    async info(ref, options) {
      const signal = new AbortController().signal;
      const { view, manifestHolders } = await resolve(ref, options.version, signal);
      const manifest = await manifestOf(view.objectId, manifestHolders, view.name, signal).catch(
        lostIsUndefined,
      );
      const holders = manifestHolders.length > 0 || manifest === undefined ? manifestHolders : [];
      const groups = manifest === undefined ? undefined : censusGroups(view.objectId, holders, manifest);
      const object: CensusObject = { name: view.name, objectId: view.objectId, groups };
      const silent = new Set<PeerId>();
      const live = await askHolders([object], censusOptions(node, signal), silent);
      const { state, spare } = stateOf(groups, live, live.isKept(view.objectId));
      const known = groups ?? [manifestGroup(view.objectId, manifestHolders, view.code.m)];
      return {
        ...publicView(view),
        state,
        spare,
        survives: survivesOf(known, live, node.siteOf),
        ...stripesOf(known, manifest, options.stripeLimit ?? DEFAULT_STRIPE_LIMIT, live, silent),
      };
    },

    async delete(ref, { version } = {}) {
      const signal = new AbortController().signal;
      await learnt(signal);
      const entry =
        (version === undefined ? node.catalog.findDeleted(owner().ownerId, ref) : undefined) ??
        findEntry(node.catalog, owner(), ref, version);
      if (entry === undefined) throw notFound(node.catalog, owner(), ref, version);
      const result: DeleteResult = {
        object: publicView(entry),
        versions: 0,
        shardsReleased: 0,
        unreachable: [],
      };
      // The current version goes last: a crash on the way leaves the name as it was, not an old version under it.
      const all = entry.name === ref && version === undefined;
      for (const one of all ? versionsOf(node.catalog, entry) : [entry]) {
        const { removed, shardsReleased, unreachable } = await removeVersion(one, signal);
        if (removed) result.versions++;
        result.shardsReleased += shardsReleased;
        result.unreachable = [...new Set([...result.unreachable, ...unreachable])];
      }
      // Renamed, brought back or purged by another call meanwhile.
      if (result.versions === 0) throw notFound(node.catalog, owner(), ref, version);
      return result;
    },

    purge: removeVersion,

    censusObjects,

    census(call, depth) {
      const signal = call.signal ?? new AbortController().signal;
      const look = depth === 'proved' ? lookOf(node, signal) : undefined;
      return takeCensus(censusObjects(signal), { ...censusOptions(node, signal), depth, look });
    },

    async open(objectId, holders, label, signal) {
      let bytes = 0;
      const manifest = await fetchManifest(
        objectId,
        holders,
        label,
        getContext(objectId),
        signal,
        (stored) => {
          bytes = stored.length;
          return decodeManifest(stored);
        },
      );
      const opened = openWithOwner(manifest, owner());
      const { name, sizeBytes } = opened.secret;
      return {
        manifest,
        bytes,
        view: viewOfManifest(objectId, manifest, owner()),
        read: () => {
          const { read, ...own } = getContext(objectId, manifest.ownerId);
          const context = { ...own, read: { ...read, cache: undefined } };
          return readRange(name, manifest, opened, rangeOf({}, sizeBytes), context, signal);
        },
      };
    },

    async openWithKey(objectId, fileKey, signal) {
      const first = getContext(objectId);
      const manifest = await fetchManifest(objectId, [], 'a shared object', first, signal, decodeManifest);
      const context = getContext(objectId, manifest.ownerId);
      const opened = openManifestWithKey(manifest, fileKey);
      const { secret } = opened;
      return {
        view: viewOfSecret(objectId, manifest, secret, ''),
        read: () => readRange(secret.name, manifest, opened, rangeOf({}, secret.sizeBytes), context, signal),
      };
    },

    async fileKeyOf({ objectId, manifestHolders, name }, signal) {
      return openWithOwner(await manifestOf(objectId, manifestHolders, name, signal), owner()).fileKey;
    },

    current,
    manifestOf,

    distribution(query, call) {
      const signal = call.signal ?? new AbortController().signal;
      const objects = (async function* (): AsyncGenerator<PlacedObject> {
        for await (const { entry, manifest } of current(query, signal)) yield placedObject(entry, manifest);
      })();
      return takeDistribution(objects, {
        ...censusOptions(node, signal),
        poolOf: pools.poolOrDefault,
        siteOf: pools.siteOf,
        nameOf: (holder) => nameOf(node, holder),
      });
    },
  };
}

/** An object of the catalog with its manifest, undefined when no holder gave it. */
export interface CurrentObject {
  entry: Entry;
  manifest: Manifest | undefined;
}

export interface OpenObject {
  manifest: Manifest;
  bytes: number;
  view: ObjectView;
  /** The content; a piece is valid until the next one is asked for. */
  read(): AsyncIterable<Uint8Array>;
}

interface Found {
  view: ObjectView;
  manifestHolders: PeerId[];
}

export function censusOptions(node: Node, signal: AbortSignal) {
  const { clock, random, backend, reachable, proofs, owner, custody } = node;
  const inCustody = async (id: ObjectId, isGone: (holder: PeerId) => boolean) =>
    (await custody.manifest(owner?.ownerId, id, signal, isGone)) !== undefined;
  return { clock, random, backend, reachable, memory: proofs, timeoutMs: ASK_TIMEOUT_MS, signal, inCustody };
}

/** For one verification: its sums are this node's to compare. */
export function lookOf(node: Node, signal: AbortSignal, onRefuted?: (refuted: Refuted) => void): Look {
  const { net, random, backend, proofs: memory } = node;
  return new Look({ self: net.self, random, backend, memory, signal, onRefuted });
}

/** Also the job that reads hears which holders failed it. */
function tellingFailures(read: GetContext['read'], onLine: CallOptions['onLine']): GetContext['read'] {
  if (onLine === undefined) return read;
  return {
    ...read,
    failed(holder, error) {
      read.failed(holder, error);
      onLine(`${holder.slice(-8)}: ${error.message}`, 'warn');
    },
  };
}
