/** Put: from the caller's bytes to a receipt, on a running node. */
import { DatameshError } from '../../errors.ts';
import type { NewEntry, PoolRecord } from '../catalog/catalog.ts';
import { commitQueue } from '../catalog/commit-queue.ts';
import type { CallOptions, PutOptions, Receipt } from '../engine.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import { mostAgree, peerSkewsMs } from '../mesh/clock-skew.ts';
import { namesOf } from '../mesh/nicknames.ts';
import type { Node } from '../node.ts';
import { dataPaths } from '../options.ts';
import type { Pools } from '../pools/pools.ts';
import { LineRates } from '../transfer/line-rate.ts';
import { type PutContext, storeObject, takeBack } from '../transfer/put.ts';
import { putJournals } from '../transfer/put-journals.ts';
import type { ObjectId, PeerId } from '../types.ts';
import { checkNameAndTags, publicView, refuseExisting } from './object-refs.ts';

export type Put = (
  source: AsyncIterable<Uint8Array>,
  options: PutOptions,
  call: CallOptions,
) => Promise<Receipt>;

/** @param changed called after each object that became visible */
export function putter(node: Node, pools: Pools, changed: () => void): Put {
  const commitSoon = commitQueue(node.catalog);
  const logPut = (text: string) => node.events.add('warn', 'put', text);
  const journals = putJournals({
    disk: node.disk,
    clock: node.clock,
    random: node.random,
    dir: dataPaths(node.options.dataDir).journal,
    believedMs: () => (mostAgree(peerSkewsMs(node.clock, node.membership)) ? node.clock.now() : undefined),
    committed: (objectId) => node.catalog.references(objectId) > 0,
    release: (ownerId, shards) =>
      void takeBack(shards, { owner: { ownerId }, backend: node.backend, log: logPut }),
    log: logPut,
  });

  const rates = new LineRates();
  const lineTo = (pool: PoolRecord) => ({
    bandwidthBytesPerSecond: rates.best(pool.name, node.clock.monotonic()),
    rttMs: middle(pools.candidates(pool).map(({ peer }) => node.membership.member(peer)?.leastRttMs)),
  });

  const putContext = (pool: PoolRecord, sending: PutContext['sending'], onLine: CallOptions['onLine']) => ({
    ...placingOn(node, pools, pool),
    line: () => lineTo(pool),
    sending,
    custody: custodyRule(pool),
    owner: ownerOf(node),
    journals,
    log(text: string) {
      logPut(text);
      onLine?.(text, 'warn');
    },
  });

  return async (source, options, call) => {
    checkNameAndTags(options);
    const startedMs = node.clock.monotonic();
    const pool = pools.pool(options.pool);
    const withPool = { ...options, pool: pool.name, compress: options.compress ?? pool.compress };
    refuseExisting(node.catalog, ownerOf(node), options);
    const running = node.runningPuts.begin();
    const { stored, entry, replacedVersion } = await (async () => {
      const context = putContext(pool, running.sending, call?.onLine);
      const whole = await storeObject(source, withPool, context, call);
      const nowMs = node.clock.monotonic();
      if (whole.stripesFound === 0) rates.note(pool.name, whole.sizeBytes, nowMs - startedMs, nowMs);
      return { stored: whole, ...(await commit(commitSoon, context, withPool, whole)) };
    })().finally(running.end);
    changed();
    if (stored.stripesFound > 0)
      call?.onLine?.(
        `stored by a put before it, and not sent again: ${stored.stripesFound} of ${stored.stripes} stripes`,
      );
    call?.onLine?.(
      `${stored.shardsDurable} of ${stored.shardsWanted} shards durable, at ${stored.shardsByHolder.size} holders`,
      stored.shardsDurable < stored.shardsWanted ? 'warn' : 'info',
    );
    return {
      object: publicView(entry),
      domain: pool.domain,
      shardsDurable: stored.shardsDurable,
      shardsWanted: stored.shardsWanted,
      spare: stored.spare,
      survives: stored.survives,
      degraded: stored.shardsDurable < stored.shardsWanted || !stored.keepsRule,
      holders: [...stored.shardsByHolder]
        .map(([peerId, shards]) => ({ peerId, name: nameOf(node, peerId), shards }))
        .sort((a, b) => b.shards - a.shards),
      nodes: new Set([...stored.shardsByHolder.keys()].map((at) => pools.siteOf(pool, at)?.node ?? at)).size,
      replacedVersion,
      stripesResumed: stored.stripesFound,
      durationMs: node.clock.monotonic() - startedMs,
    };
  };
}

/** Of those that are known. */
function middle(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known[known.length >> 1];
}

/** What the shards of a pool are made with and sent to on this node, whatever the put is for. */
export function placingOn(node: Node, pools: Pools, pool: PoolRecord) {
  return {
    codec: node.codec,
    clock: node.clock,
    random: node.random,
    code: pool.code,
    domain: pool.domain,
    candidates: () => pools.candidates(pool),
    siteOf: (holder: PeerId) => pools.siteOf(pool, holder),
    isOfPool: (holder: PeerId) =>
      node.folders.backend(holder) === undefined
        ? pool.nodes === 'all' || pool.nodes.includes(holder)
        : pool.folders.some((folder) => folder.holder === holder),
    backend: node.backend,
    mayAsk: (holder: PeerId) => node.health.mayAsk(holder),
    manifestStored: (id: ObjectId, bytes: Uint8Array) => node.freshManifests.add(id, bytes),
    overtaken: (holder: PeerId, latencyMs: number) =>
      node.health.observe(holder, { kind: 'slow', latencyMs, request: 'put' }),
  };
}

/** The owner whose objects this node stores and reads. Throws `no-owner-key`. */
export function ownerOf(node: Pick<Node, 'owner'>): OwnerKeys {
  if (node.owner !== undefined) return node.owner;
  throw new DatameshError('no-owner-key', {
    what: 'this node has no owner key, so it can store nothing of yours',
    mend: 'make one with `datamesh keys new main`, or bring yours with `datamesh keys import`, then start the node again',
  });
}

/** Folders stand for themselves among the members: custodians on other nodes cannot fill them, and leave such objects to the owner. */
function custodyRule({ domain, nodes, folders }: PoolRecord): NewEntry['custody'] {
  const members = [...folders.map(({ holder }) => holder), ...(nodes === 'all' ? [] : nodes)];
  return { domain, members };
}

/** The moment the object becomes visible. When the catalog refuses, the shards are taken back. */
async function commit(
  commitSoon: ReturnType<typeof commitQueue>,
  context: PutContext & { custody: NewEntry['custody'] },
  options: PutOptions & { pool: string },
  stored: Awaited<ReturnType<typeof storeObject>>,
) {
  const { owner } = context;
  try {
    return await commitSoon(
      {
        owner: owner.ownerId,
        name: options.name,
        objectId: stored.objectId,
        sizeBytes: stored.sizeBytes,
        contentHash: stored.contentHash,
        mimeType: stored.mimeType,
        tags: stored.tags,
        k: stored.code.k,
        m: stored.code.m,
        chunkBytes: stored.chunkBytes,
        stripes: stored.stripes,
        storedBytes: stored.storedBytes,
        createdAtMs: stored.createdAtMs,
        ownerKey: owner.name,
        pool: options.pool,
        manifestHolders: stored.manifestHolders,
        custody: context.custody,
      },
      { ifAbsent: options.ifAbsent ?? false },
    );
  } catch (error) {
    await takeBack(stored.placed, context);
    throw error;
  } finally {
    await stored.journal?.remove();
  }
}

export function nameOf(node: Node, peer: PeerId): string | undefined {
  if (peer === node.net.self) return node.options.name;
  const folder = node.folders.backend(peer)?.path;
  return folder ?? namesOf(node.options, peer, node.membership.member(peer)?.info?.name).name;
}
