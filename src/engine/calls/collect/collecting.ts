/** `cleanup` on a running node: what is live by all that this node knows, one epoch of mark and sweep, and the copies too many. */
import { asDatameshError, DatameshError } from '../../../errors.ts';
import type { Timer } from '../../effects/clock.ts';
import type { CallOptions } from '../../engine.ts';
import { inTurn } from '../../in-turn.ts';
import { collectOrphans } from '../../maintenance/collect/collect.ts';
import { folderCollectTarget } from '../../maintenance/collect/collect-folder.ts';
import {
  askToVouch,
  type CollectTarget,
  ownCollectTarget,
  peerCollectTarget,
} from '../../maintenance/collect/collect-target.ts';
import type { Node } from '../../node.ts';
import { dataPaths } from '../../options.ts';
import type { Pools } from '../../pools/pools.ts';
import { GET_TIMEOUT_MS } from '../../transfer/limits.ts';
import type { OwnerId, ShardId } from '../../types.ts';
import type { CleanupQuery, CleanupReport, OrphanReport } from '../../views/cleanup.ts';
import type { Objects } from '../objects.ts';
import { nameOf, ownerOf } from '../put-object.ts';
import { collectDuplicates } from './duplicates.ts';
import { createLiveness, type Gathered } from './live.ts';

/** A day: by then whoever was away is back, and a put that lasts longer is seen by the next look all the same. */
const DEFAULT_DELAY_MS = 24 * 3_600_000;
/** What this node vouches for is gathered anew after that long. Until then it vouches for what was deleted meanwhile, too. */
const VOUCH_MS = 10 * 60_000;

/** A node that runs on collects orphans by itself so often, whoever forgets to. Of its uptime, so that no clock that is set has a say. */
const EVERY_MS = 12 * 3_600_000;

export interface Collecting {
  cleanup(query: CleanupQuery, call: CallOptions): Promise<CleanupReport>;
  /** Calls `collect` every twelve hours, until it is closed. */
  start(collect: () => Promise<unknown>): void;
  close(): void;
}

export function createCollecting(
  node: Node,
  objects: Pick<Objects, 'manifestOf'>,
  pools: Pick<Pools, 'poolOrDefault'>,
): Collecting {
  const { net, clock, disk, membership } = node;
  const liveness = createLiveness(node, objects);
  const delayMs = node.options.cleanupDelayMs ?? DEFAULT_DELAY_MS;
  const path = dataPaths(node.options.dataDir).epoch;
  const log = (text: string) => node.events.add('info', 'cleanup', text);

  const targetsOf = (owner: OwnerId): CollectTarget[] => [
    ownCollectTarget(net.self, owner, node.collect.holder),
    ...node.folders
      .all()
      .map((folder) => folderCollectTarget({ folder, owner, self: net.self, ...node.collect.marks })),
    ...membership
      .members()
      .filter(({ greeted }) => greeted)
      .map(({ peerId }) => peerCollectTarget(net, peerId, owner)),
  ];

  /** The owner's other nodes, which may have objects of their own that no custodian has been told of yet. */
  const vouched = async (ids: readonly ShardId[], signal: AbortSignal) => {
    const { ownerId } = ownerOf(node);
    const live = ids.map(() => false);
    let doubt: string | undefined;
    for (const { peerId, actsFor, greeted } of membership.members()) {
      if (peerId === net.self || !actsFor.has(ownerId)) continue;
      try {
        if (!greeted) throw new DatameshError('peer-unreachable', { what: 'it is not connected' });
        const said = await askToVouch(net, peerId, ownerId, ids, { timeoutMs: GET_TIMEOUT_MS, signal });
        for (const [at, flag] of said.entries()) live[at] ||= flag;
      } catch (error) {
        signal.throwIfAborted();
        const who = nameOf(node, peerId) ?? peerId.slice(-8);
        doubt = `your node ${who} cannot say which of these it refers to: ${asDatameshError(error).message}`;
      }
    }
    return { live, doubt };
  };

  let vouching: { gathered: Promise<Gathered>; timer: Timer } | undefined;
  const endVouching = () => {
    vouching?.timer.cancel();
    vouching?.gathered.then((old) => old.close()).catch(() => {});
    vouching = undefined;
  };
  node.collect.vouchBy(async (owner, ids) => {
    if (node.owner?.ownerId !== owner)
      throw new DatameshError('denied', { what: 'this node is not one of that owner' });
    vouching ??= {
      gathered: liveness.own(new AbortController().signal),
      timer: clock.after(VOUCH_MS, endVouching),
    };
    const current = vouching;
    try {
      const { live, blocked } = await current.gathered;
      if (blocked.length > 0) throw new DatameshError('failed', { what: blocked[0]! });
      return ids.map((id) => live.has(id));
    } catch (error) {
      if (vouching === current) endVouching();
      throw error;
    }
  });

  const epochs = {
    async last(): Promise<number> {
      const bytes = await disk.readFile(path, 1024);
      if (bytes === undefined) return 0;
      try {
        const { epoch } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { epoch?: unknown };
        return Number.isSafeInteger(epoch) ? (epoch as number) : 0;
      } catch {
        return 0; // Holders take a lower epoch for a first mark: that only delays.
      }
    },
    keep: (epoch: number) => disk.writeFileAtomic(path, Buffer.from(`${JSON.stringify({ epoch })}\n`), 0o600),
  };

  const orphans = async (
    dryRun: boolean,
    signal: AbortSignal,
    onLine: CallOptions['onLine'],
  ): Promise<OrphanReport> => {
    const targets = targetsOf(ownerOf(node).ownerId);
    const epoch = (await epochs.last()) + 1;
    const { live, blocked, close } = await liveness.all(targets, signal);
    try {
      for (const reason of blocked) onLine?.(reason, 'warn');
      if (blocked.length > 0) {
        const none = { shardsListed: 0, marked: 0, waiting: 0, swept: 0, sweptBytes: 0 };
        return {
          epoch,
          delayMs,
          objectsLive: live.objects,
          shardsLive: live.shards,
          ...none,
          holders: [],
          blocked,
          waits: [],
        };
      }
      if (!dryRun) await epochs.keep(epoch);
      const report = await collectOrphans({
        epoch,
        delayMs,
        dryRun,
        live,
        targets,
        nameOf: (holder) => nameOf(node, holder),
        vouched: (ids) => vouched(ids, signal),
        clock,
        call: { timeoutMs: GET_TIMEOUT_MS, signal },
      });
      for (const { holder, name, listed, orphans: found, failed } of report.holders) {
        const who = name ?? holder.slice(-8);
        if (failed === undefined) onLine?.(`${who}: ${listed} shards listed, ${found} of no object`);
        else onLine?.(`${who} was not heard to the end: ${failed}`, 'warn');
      }
      if (!dryRun && report.swept + report.marked > 0)
        log(`epoch ${epoch}: ${report.marked} shards marked, ${report.swept} swept, ${report.waiting} wait`);
      return report;
    } finally {
      close();
    }
  };

  /** One epoch after another: a second mark is one that began when the first had ended. */
  const oneByOne = inTurn();
  const cleanup: Collecting['cleanup'] = (query, call) => {
    const signal = call.signal ?? new AbortController().signal;
    const run = async (): Promise<CleanupReport> => {
      signal.throwIfAborted();
      const startedMs = clock.monotonic();
      const report = {
        dryRun: query.dryRun,
        orphaned: query.orphaned ? await orphans(query.dryRun, signal, call.onLine) : undefined,
        duplicates: query.duplicates
          ? await collectDuplicates(node, pools, liveness, query.dryRun, signal)
          : undefined,
      };
      return { ...report, durationMs: clock.monotonic() - startedMs };
    };
    return oneByOne(run);
  };

  let timer: Timer | undefined;
  return {
    cleanup,
    start(collect) {
      timer = clock.after(EVERY_MS, () => {
        const failed = (error: unknown) =>
          log(`orphans were not collected: ${asDatameshError(error).message}`);
        void collect()
          .catch(failed)
          .finally(() => timer !== undefined && this.start(collect));
      });
    },
    close() {
      timer?.cancel();
      timer = undefined;
      endVouching();
    },
  };
}
