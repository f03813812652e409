/** The owner's catalog and the mesh, on a running node: its mirror is written, other devices' changes are merged, and a blank machine gets it all back. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import { SEGMENT_MIME_TYPE } from '../catalog/mirror/segment.ts';
import { unlessAborted } from '../codec/unless-aborted.ts';
import { deadline } from '../effects/clock.ts';
import type { CallOptions } from '../engine.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import { peerCollectTarget } from '../maintenance/collect/collect-target.ts';
import { shownBy } from '../maintenance/collect/orders-beyond.ts';
import { censusGroups } from '../maintenance/groups.ts';
import { releaseShards } from '../maintenance/release.ts';
import { closestHolders, MAX_ASKED } from '../mirror/heads.ts';
import { Mirror, type SegmentStore } from '../mirror/mirror.ts';
import { scanObjects } from '../mirror/scan.ts';
import { greetedPeers, meshMet, peersMet } from '../node/mesh-met.ts';
import type { Node } from '../node.ts';
import type { Pools } from '../pools/pools.ts';
import { ASK_TIMEOUT_MS, GET_TIMEOUT_MS } from '../transfer/limits.ts';
import { storeObject } from '../transfer/put.ts';
import { manifestShardId, type ObjectId, type PeerId } from '../types.ts';
import type { RecoverQuery, RecoveryReport, ScanView } from '../views/recovery.ts';
import { believedTime } from './believed-time.ts';
import type { Objects } from './objects.ts';
import { ownerOf, placingOn } from './put-object.ts';

export interface Recovery {
  /** Undefined on a node without an owner. */
  mirror: Mirror | undefined;
  recover(query: RecoverQuery, call: CallOptions): Promise<RecoveryReport>;
  /** The catalog has changed. */
  changed(): void;
  /** For work that must not go by a catalog of yesterday: what other devices of the owner did is merged, as far as it can be learnt soon. */
  learn(signal: AbortSignal): Promise<void>;
  /** The same for work of many steps, each of which must not go by a catalog older than some seconds. */
  learnNow(signal: AbortSignal): Promise<void>;
  /** What was done here is in the mesh, for other devices to see, as far as that can be done soon. */
  tell(signal: AbortSignal): Promise<void>;
  start(): void;
  close(): Promise<void>;
}

/** Name of the objects under the seal of their manifests; no entry has it. */
const SEGMENT_NAME = 'datamesh catalog segment';
/** A mesh with too few nodes for the default pool's rule keeps the catalog as well as it can. */
const TOO_FEW: ReadonlySet<string> = new Set(['code-needs-more-nodes', 'too-few-nodes']);
const HAS_IDS = 256;
/** What `learn` and `tell` may take: a mesh that answers needs a second. */
const SOON_MS = 30_000;
/** How long `learnNow` goes by what was learnt: about what a change takes to come into the mesh, which nothing can see before. */
const FRESH_MS = 5_000;

export function createRecovery(node: Node, objects: Objects, pools: Pools): Recovery {
  const { owner } = node;
  const mirror = owner === undefined ? undefined : mirrorOf(node, owner, objects, pools);
  const writes = node.options.mirrorsCatalog === true;
  const greeted = () => greetedPeers(node);
  const unsubscribe = node.membership.onChange((_peer, state) => {
    if (writes && (state === 'active' || state === 'offline')) mirror?.meshChanged();
  });
  /** What the catalog has no entry for is looked for in the mesh itself. */
  const scan = async (signal: AbortSignal): Promise<ScanView> => {
    const keys = ownerOf(node);
    const { ownerId } = keys;
    const book = node.catalog.mirror;
    const mirrored = new Set<string>(book.objects(ownerId));
    const near = closestHolders(node.heads.peers, ownerId, MAX_ASKED).filter((it) => it !== node.net.self);
    const { records, ...view } = await scanObjects({
      heads: node.heads,
      owner: ownerId,
      peers: [...new Set([...near, ...greeted()])].slice(0, MAX_ASKED),
      known: (id) => mirrored.has(id) || node.catalog.references(id) > 0 || book.wasRemoved(ownerId, id),
      shown: (peer, ids) =>
        shownBy(peerCollectTarget(node.net, peer, ownerId), ids, {
          owner: ownerId,
          network: node.options.network.name,
          call: { timeoutMs: GET_TIMEOUT_MS, signal },
        }),
      holders: (ids) => holdersOf(node, ids, signal),
      open: (id, holders) => objects.open(id, holders, `the manifest of ${id}`, signal),
      signal,
    });
    for (let at = 0; at < records.length; at += HAS_IDS)
      view.added += book.apply(ownerId, 0, records.slice(at, at + HAS_IDS), keys.name).added;
    book.settle(ownerId);
    return view;
  };

  const changed = () => {
    if (writes) mirror?.changed();
  };
  /** Never fails but by its signal: who works alone, or out of reach, works by what is known here. */
  const soon = async (
    work: (mirror: Mirror, signal: AbortSignal) => Promise<unknown>,
    signal: AbortSignal,
  ) => {
    if (!writes || mirror === undefined) return;
    const late = AbortSignal.any([signal, deadline(node.clock, SOON_MS)]);
    const met = async () => {
      await peersMet(node, late);
      await work(mirror, late);
    };
    await unlessAborted(met(), late).catch((error: unknown) => {
      signal.throwIfAborted();
      node.events.add('warn', 'catalog', `other devices may know more: ${asDatameshError(error).message}`);
    });
    signal.throwIfAborted();
  };
  const learn = (signal: AbortSignal) => soon((it, late) => it.follow(late), signal);
  let learning: Promise<void> | undefined;
  let learntAtMs = Number.NEGATIVE_INFINITY;
  const learnNow = async (signal: AbortSignal) => {
    if (node.clock.monotonic() - learntAtMs < FRESH_MS) return;
    // For all that ask meanwhile, so not ended by the signal of one.
    learning ??= learn(new AbortController().signal).finally(() => {
      learning = undefined;
      // Also when nothing was learnt: each of many steps is not to wait for a mesh that does not answer.
      learntAtMs = node.clock.monotonic();
    });
    await learning;
    signal.throwIfAborted();
  };
  return {
    mirror,
    changed,
    learn,
    learnNow,
    tell: (signal) => soon((it, late) => it.flush(late), signal),
    async recover(query, call) {
      const keys = ownerOf(node);
      const signal = call.signal ?? new AbortController().signal;
      const startedMs = node.clock.monotonic();
      const before = node.catalog.totals(keys.ownerId).versions;
      await meshMet(node, signal);
      if (greeted().length === 0) {
        throw new DatameshError('no-peers', {
          what: 'no other node was met, so nobody could be asked',
          mend: 'name one that runs: --bootstrap /ip4/…/tcp/…/p2p/…',
        });
      }
      const { found, ...followed } = await mirror!.follow(signal);
      if (found === undefined && query.scan !== true) {
        throw new DatameshError('not-found', {
          what: `none of the ${greeted().length} nodes met has a catalog of this owner`,
          why: 'the words may be another owner’s, the network another one, or the nodes that hold it are off',
          mend: 'look for the objects themselves with --scan',
        });
      }
      const scanned = query.scan === true ? await scan(signal) : undefined;
      const totals = node.catalog.totals(keys.ownerId);
      changed();
      return {
        owner: keys.ownerId,
        head: found && {
          sequence: found.head.sequence,
          writtenAtMs: found.head.writtenAtMs,
          agreed: found.agreed,
          asked: found.asked,
          refused: found.refused,
        },
        segments: followed.segments,
        missingSegments: followed.missing,
        scan: scanned,
        objects: totals.objects,
        versions: totals.versions,
        logicalBytes: totals.logicalBytes,
        pools: node.catalog.pools(keys.ownerId).length,
        added: Math.max(0, totals.versions - before),
        conflicts: followed.conflicts,
        durationMs: node.clock.monotonic() - startedMs,
      };
    },
    start() {
      if (writes) mirror?.start();
    },
    async close() {
      unsubscribe();
      if (writes) await mirror?.close();
    },
  };
}

function mirrorOf(node: Node, owner: OwnerKeys, objects: Objects, pools: Pools): Mirror {
  const log = (text: string) => node.events.add('warn', 'catalog', text);
  const segments: SegmentStore = {
    async store(source, signal) {
      const pool = pools.pool(undefined);
      const running = node.runningPuts.begin();
      const context = { ...placingOn(node, pools, pool), owner, sending: running.sending, log };
      const options = { name: SEGMENT_NAME, mimeType: SEGMENT_MIME_TYPE };
      // Refused before a byte of the source was read, so that it can be given again.
      try {
        const storing = async (call: CallOptions) =>
          await storeObject(source, options, context, call).catch((error: unknown) => {
            if (!(error instanceof DatameshError) || !TOO_FEW.has(error.code)) throw error;
            return storeObject(source, { ...options, allowDegraded: true }, context, call);
          });
        const stored = await node.jobs.run('mirror', 'catalog', { signal }, storing, { unasked: true });
        const { objectId, manifestHolders: holders } = stored;
        const custody = { domain: pool.domain, members: [] };
        return { objectId, holders, custody, settled: running.end };
      } catch (error) {
        running.end();
        throw error;
      }
    },
    async *read({ objectId, holders }, signal) {
      const { manifest, read } = await objects.open(objectId, holders, 'a segment of the catalog', signal);
      if (manifest.ownerId !== owner.ownerId) {
        throw new DatameshError('not-authentic', { what: 'a segment of the catalog is another owner’s' });
      }
      yield* read();
    },
    async release(gone) {
      for (const { objectId, holders } of gone) {
        const signal = deadline(node.clock, 4 * ASK_TIMEOUT_MS);
        const opened = await objects.open(objectId, holders, 'an old segment', signal).catch(() => undefined);
        if (opened === undefined) continue;
        const groups = censusGroups(objectId, holders, opened.manifest);
        await releaseShards(groups, { owner: owner.ownerId, backend: node.backend, log });
      }
    },
  };
  return new Mirror({
    clock: node.clock,
    believedMs: believedTime(node),
    random: node.random,
    owner,
    book: node.catalog.mirror,
    heads: node.heads,
    segments,
    greeted: () => greetedPeers(node),
    ordersWaiting: () => node.custody.keeper.ordersWaiting(),
    log: (level, text) => node.events.add(level, 'catalog', text),
  });
}

/** Which nodes say that they have each manifest. */
async function holdersOf(
  node: Node,
  ids: readonly ObjectId[],
  signal: AbortSignal,
): Promise<Map<ObjectId, PeerId[]>> {
  const found = new Map<ObjectId, PeerId[]>();
  await Promise.all(
    node.reachable().map(async (backend) => {
      for (let at = 0; at < ids.length; at += HAS_IDS) {
        const page = ids.slice(at, at + HAS_IDS);
        try {
          const has = await backend.has(page.map(manifestShardId), { timeoutMs: ASK_TIMEOUT_MS, signal });
          for (const [index, id] of page.entries())
            if (has[index]) found.set(id, [...(found.get(id) ?? []), backend.id]);
        } catch {
          signal.throwIfAborted();
          return;
        }
      }
    }),
  );
  return found;
}
