/** `openEngine`: the Engine interface on a node in this process. */
import { createBackups } from './backup/backups.ts';
import { bootstrapBy } from './calls/bootstrap.ts';
import { createCollecting } from './calls/collect/collecting.ts';
import { guardReserved } from './calls/guard-reserved.ts';
import { createNames } from './calls/names.ts';
import { createObjects } from './calls/objects.ts';
import { auditOwn } from './calls/own-audit.ts';
import { createProving } from './calls/proving.ts';
import { createRebalancing } from './calls/rebalance/rebalancing.ts';
import { createRecovery } from './calls/recovery.ts';
import { repairer } from './calls/repairing.ts';
import { createRetaining } from './calls/retaining.ts';
import { createSearching } from './calls/searching.ts';
import { speedOf } from './calls/speed.ts';
import { createTidying } from './calls/tidying.ts';
import { whatif } from './calls/whatif.ts';
import { refuseReserved } from './catalog/reserved-names.ts';
import type { CallOptions, Engine } from './engine.ts';
import { inTurn } from './in-turn.ts';
import { applyLive, withoutConfiguration } from './live-options.ts';
import { afterMeeting, meetPeers } from './node/after-meeting.ts';
import { bandwidthView, peersView, readsView, statusView, storeView } from './node/shown.ts';
import { type Node, startNode } from './node.ts';
import { createCollector } from './observe/collector.ts';
import { measuredObjects } from './observe/measured-objects.ts';
import { openTracer, withMetricsPort } from './observe/observing.ts';
import { Sampler } from './observe/sampler.ts';
import type { Tracer } from './observe/spans.ts';
import type { EngineOptions } from './options.ts';
import { createPools } from './pools/pools.ts';
import { createSharing } from './sharing/sharing.ts';
import type { OwnerId } from './types.ts';
import type { BackupCalls } from './views/backups.ts';

/**
 * Starts a node and gives its engine. Throws `lock-held` when another process uses the data folder, `port-in-use`,
 * `insecure-file-mode`, `wrong-passphrase`, `format-too-new`. `close` ends everything that was started.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const node = await startNode(options);
  const meeting = meetPeers(node);
  const engine = engineOn(node, await openTracer(node), meeting.ended);
  return await withMetricsPort(afterMeeting(engine, meeting), node);
}

/**
 * The engine of a running node, which `close` ends with it, and the tracer with both.
 * @param met when the first census may be taken; at once when absent
 */
export function engineOn(node: Node, tracer?: Tracer, met?: Promise<void>): Engine {
  const pools = createPools(node);
  const changed = () => {
    sampler.censusSoon();
    node.custody.keeper.ordersWaiting();
    recovery.changed();
    retaining.soon();
    searching.changed();
  };
  const { clock, measures } = node;
  const learnt = (signal: AbortSignal) => recovery.learnNow(signal);
  const objects = measuredObjects(createObjects(node, pools, changed, learnt), { clock, measures, tracer });
  const names = createNames(node, changed, () => searching.writeReads());
  const sharing = createSharing(node, objects, learnt);
  const searching = createSearching(node);
  const retaining = createRetaining(node, objects, pools);
  const recovery = createRecovery(node, objects, pools);
  const proving = createProving(node, objects);
  const repair = repairer(node, pools, objects, proving);
  const collecting = createCollecting(node, objects, pools);
  const rebalancing = createRebalancing(node, objects, pools);
  const sampler = new Sampler({
    clock: node.clock,
    traffic: node.traffic,
    peers: () => node.membership.members(),
    census: (signal) =>
      met === undefined ? objects.census({ signal }) : met.then(() => objects.census({ signal })),
    arrivals: () => node.catalog.arrivals,
    log: (text) => node.events.add('warn', 'census', text),
  });
  const unsubscribe = node.membership.onChange((_peer, state) => {
    if (state === 'active' || state === 'offline') sampler.censusSoon();
  });
  sampler.start();
  const audit = auditOwn(node, objects);
  audit.start();
  recovery.start();
  retaining.start();
  searching.start();

  /** Calls under way: a close cancels them and waits, so that a put takes back what it placed. */
  const running = new Set<Promise<unknown>>();
  const closing = new AbortController();
  const tracked = <T>(work: Promise<T>): Promise<T> => {
    const settled = work.catch(() => {});
    running.add(settled);
    void settled.then(() => running.delete(settled));
    return work;
  };
  const linked = (call: CallOptions | undefined): CallOptions => ({
    ...call,
    signal: call?.signal === undefined ? closing.signal : AbortSignal.any([call.signal, closing.signal]),
  });

  const guard = guardReserved((ref) => objects.find(ref).name);
  const made = createBackups(node, objects, recovery, () => sampler.health);
  const backups: BackupCalls = {
    // Each is a job of its own making, from when its turn has come.
    backup: (query, call) => tracked(made.backup(query, linked(call))),
    snapshots: (query) => tracked(made.snapshots(query)),
    show: (query) => tracked(made.show(query)),
    restore: (query, call) => tracked(made.restore(query, linked(call))),
    forget: (query) => tracked(made.forget(query)),
    prune: (query, call) => tracked(made.prune(query, linked(call))),
  };

  const tidying = createTidying(node, pools, collecting, rebalancing, linked);
  if (node.options.mode === 'service' && node.owner !== undefined) tidying.start();

  const metrics = createCollector(() => ({
    node,
    sampler,
    ownAudit: audit.figures,
    mirror: recovery.mirror?.view(),
  }));

  let closed: Promise<void> | undefined;
  // Of two that read at once, the one that read what is old must not be the last to apply it.
  const oneByOne = inTurn();
  const reload = () =>
    oneByOne(async () => {
      if (node.options.reload === undefined) throw withoutConfiguration();
      const { options, ...report } = await node.options.reload();
      applyLive(node, options);
      return report;
    });
  return {
    metrics,
    reload,
    status: async () => statusView(node),
    snapshot: async () => ({
      atMs: node.clock.now(),
      status: statusView(node),
      peers: peersView(node, sampler),
      health: sampler.health,
      censusRunning: sampler.censusRunning,
      bandwidth: bandwidthView(node, sampler),
      jobs: node.jobs.view(),
      events: node.events.view(),
      pools: pools.views(),
    }),
    peers: async () => peersView(node, sampler),
    health: (call) => sampler.taken(() => tracked(objects.census(linked(call), call?.depth))),
    async stats() {
      const none = { objects: 0, versions: 0, logicalBytes: 0, storedBytes: 0 };
      const totals = node.owner === undefined ? none : node.catalog.totals(node.owner.ownerId);
      return {
        ...totals,
        overhead: totals.logicalBytes === 0 ? undefined : totals.storedBytes / totals.logicalBytes,
        local: storeView(node),
        reads: readsView(node),
        mirror: recovery.mirror?.view(),
      };
    },
    verify: (query, call) =>
      tracked(
        node.jobs.run('verify', query.ref ?? query.pool ?? 'all objects', linked(call), (job) =>
          proving.verify(query, job),
        ),
      ),
    repair: (query, call) =>
      tracked(node.jobs.run('repair', query.ref ?? 'all objects', linked(call), (job) => repair(query, job))),
    prove: (ref, call) => proving.prove(ref, linked(call)),
    put: (source, putOptions, call) =>
      tracked(
        node.jobs.run('put', putOptions.name, linked(call), async (job) => {
          refuseReserved(putOptions.name);
          return await objects.put(source, putOptions, job);
        }),
      ),
    async get(ref, getOptions = {}, call) {
      const job = node.jobs.start('get', ref, { signal: linked(call).signal });
      try {
        const result = await objects.get(ref, getOptions, {
          ...call,
          signal: job.signal,
          onLine: (text, level) => node.jobs.line(job, text, level),
        });
        searching.noteRead(result.object.name, result.length);
        return { ...result, body: node.jobs.follow(job, result.body, result.length, call?.onProgress) };
      } catch (error) {
        node.jobs.fail(job, error);
        throw error;
      }
    },
    async list(query = {}) {
      return node.owner === undefined
        ? { objects: [], cursor: undefined }
        : node.catalog.list(node.owner.ownerId, query);
    },
    find: async (ref) => objects.find(ref),
    info: (ref, infoOptions = {}) => tracked(objects.info(ref, infoOptions)),
    delete: async (ref, deleteOptions) => {
      guard.reserved(ref);
      return await tracked(objects.delete(ref, deleteOptions));
    },
    names: guard.names(names),
    cleanup: (query, call) => tracked(tidying.cleanup(query, call)),
    rebalance: (query, call) => tracked(tidying.rebalance(query, call)),
    quotas: {
      list: async () => node.quotas.view(node.store),
      async set(owner, limitBytes) {
        await node.quotas.set(owner as OwnerId | 'all', limitBytes);
        return node.quotas.view(node.store);
      },
    },
    shares: {
      ...sharing,
      revoke: (id, options, call) => tracked(sharing.revoke(id, options, linked(call))),
      open: (link, call) => sharing.open(link, linked(call)),
    },
    search: searching.search,
    popular: searching.popular,
    drain: (query, call) => tracked(node.drain.run(query, linked(call))),
    pools,
    jobs: {
      list: async () => node.jobs.view(),
      show: async (id) => node.jobs.show(id),
      wait: (id, call) => tracked(node.jobs.wait(id, linked(call))),
      cancel: (id) => node.jobs.cancel(id),
    },
    backups,
    whatif: (query, call) => tracked(whatif(node, objects, query, linked(call))),
    events: async (query) => node.events.view(query),
    distribution: (query = {}, call) => tracked(objects.distribution(query, linked(call))),
    bootstrap: (address) => bootstrapBy(node, address),
    discover: (durationMs, call) => tracked(node.discovery.run(durationMs, linked(call).signal)),
    recover: (query = {}, call) =>
      tracked(node.jobs.run('recover', 'catalog', linked(call), (job) => recovery.recover(query, job))),
    speedTest: (peer, durationMs, call) => tracked(speedOf(node, peer, durationMs, linked(call))),
    close() {
      closed ??= (async () => {
        unsubscribe();
        sampler.stop();
        audit.stop();
        retaining.close();
        searching.close();
        closing.abort();
        await tidying.close();
        await Promise.all(running);
        await recovery.close();
        await node.close();
        await tracer?.close();
      })();
      return closed;
    },
  };
}
