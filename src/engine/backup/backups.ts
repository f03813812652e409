/** The backup calls of the Engine interface, on a running node. */
import { DatameshError } from '../../errors.ts';
import type { Objects } from '../calls/objects.ts';
import { ownerOf } from '../calls/put-object.ts';
import type { Recovery } from '../calls/recovery.ts';
import { checkTags } from '../catalog/tags.ts';
import { blake3 } from '../codec/hash.ts';
import { needFolderPlace } from '../effects/file-errors.ts';
import { realTree } from '../effects/real-tree.ts';
import type { CallOptions, HealthReport } from '../engine.ts';
import { cautiousTimeMs } from '../mesh/clock-skew.ts';
import type { Node } from '../node.ts';
import { dataPaths } from '../options.ts';
import { bytesToHex } from '../types.ts';
import type {
  BackupCalls,
  BackupReport,
  ForgetReport,
  RestoreReport,
  SnapshotView,
  UnreadSnapshot,
} from '../views/backups.ts';
import { chooseForgotten, chooseSnapshot, chosen, refuseUnread } from './choose-snapshot.ts';
import { exclusion } from './exclude.ts';
import { BackupLocks } from './locks.ts';
import { lostPacks, suspected } from './lost-packs.ts';
import { NAMES } from './object-door.ts';
import { refuseCompany, refuseGone, refuseNew } from './other-devices.ts';
import { type LostSnapshot, Repository, type StoredSnapshot, unreadOf, viewOf } from './repository.ts';
import { keptBy } from './retention.ts';
import { runInThread } from './thread.ts';

const SHOW_ENTRIES = 1000;
const MAX_SHOW_ENTRIES = 100_000;
/** File states of one folder: a million files are some 150 MB. */
const MAX_STATE_BYTES = 2 ** 30;

/** @param health what the last census has found */
export function createBackups(
  node: Node,
  objects: Objects,
  devices: Pick<Recovery, 'learn' | 'tell'>,
  health: () => HealthReport | undefined,
): BackupCalls {
  const { clock, disk } = node;
  const locks = new BackupLocks();
  const signalOf = (call: CallOptions) => call.signal ?? new AbortController().signal;
  const runId = () => bytesToHex(node.random.bytes(16));
  const statePath = (source: string) =>
    `${dataPaths(node.options.dataDir).backup}/states/${bytesToHex(blake3(Buffer.from(source))).slice(0, 32)}`;
  const repositoryFor = (call: CallOptions) => {
    ownerOf(node);
    return new Repository(node, objects, signalOf(call));
  };
  /** By a catalog of yesterday a backup would count on packs that another device has pruned since, a restore look for them, and a prune not know of its snapshots. */
  const upToDate = async (call: CallOptions) => {
    await devices.learn(signalOf(call));
    return repositoryFor(call);
  };
  const secret = () => ownerOf(node).dedupSecret;

  const backup: BackupCalls['backup'] = (query, given = {}) =>
    locks.backup(async (): Promise<BackupReport> => {
      const { source, dryRun = false } = query;
      // Said before anything is read.
      exclusion(query.exclude ?? []);
      checkTags(query.tags ?? []);
      return await node.jobs.run('backup', source, given, async (call) => {
        const repository = await upToDate(call);
        const path = statePath(source);
        const state = query.full
          ? undefined
          : await disk.readFile(path, MAX_STATE_BYTES).catch(() => undefined);
        const all = repository.packs();
        const names = all.map(({ name }) => name);
        const asked = query.full === true ? names : suspected(names, health());
        const lost = await lostPacks(asked, node, objects, signalOf(call));
        const packs = all.filter(({ name }) => !lost.has(name));
        const stillThere = async () => {
          await devices.learn(signalOf(call));
          refuseGone([...packs.map(({ name }) => name), ...repository.stored], repository.packs());
        };
        const outcome = await runInThread(
          'backup',
          {
            source: Buffer.from(source),
            skip: [Buffer.from(node.options.dataDir)],
            patterns: query.exclude ?? [],
            oneFileSystem: query.oneFileSystem ?? false,
            compress: query.compress ?? false,
            tags: query.tags ?? [],
            node: node.options.name,
            device: node.net.self,
            takenAtMs: clock.now(),
            runId: runId(),
            secret: secret(),
            state,
            indexFiles: await repository.indexFiles(),
            packs,
            dryRun,
          },
          repository.door(query.pool, query.allowDegraded, stillThere),
          clock,
          call,
        );
        if (!dryRun) await keepState(path, outcome.state);
        if (!dryRun) await devices.tell(signalOf(call));
        const { snapshotId, snapshot, filesRead, bytesRead, chunksNew, chunksKnown } = outcome;
        const { packsAdopted, skipped } = outcome;
        call.onLine?.(`${filesRead} files read; ${chunksNew} chunks are new, ${chunksKnown} were known`);
        return {
          dryRun,
          snapshot: viewOf({
            id: snapshotId,
            snapshot: { ...snapshot, source: Buffer.from(snapshot.source) },
          }),
          ...{ filesRead, bytesRead, chunksNew, chunksKnown, packsAdopted, packsLost: lost.size, skipped },
          degraded: repository.degraded,
        };
      });
    });

  /** A cache: without it the next run reads every file. */
  const keepState = async (path: string, state: Uint8Array) => {
    try {
      await disk.makeDir(path.slice(0, path.lastIndexOf('/')));
      await disk.writeFileAtomic(path, state, 0o600);
    } catch (error) {
      node.events.add('warn', 'backup', `file states are not kept: ${String(error)}`);
    }
  };

  return {
    backup,

    async snapshots(query = {}) {
      const { found, lost } = await repositoryFor({}).snapshots();
      return { snapshots: chosen(found, query).map(viewOf), unread: lost.map(unreadOf) };
    },

    async show(query) {
      const repository = await upToDate({});
      const { found, unread } = await chooseSnapshot(repository, query.id);
      const listed = await runInThread(
        'list',
        {
          tree: found.snapshot.tree,
          source: found.snapshot.source,
          paths: query.path === undefined ? [] : [query.path],
          skip: query.skip ?? 0,
          limit: Math.min(query.limit ?? SHOW_ENTRIES, MAX_SHOW_ENTRIES),
          secret: secret(),
          indexFiles: await repository.indexFiles(),
          packs: repository.packs(),
        },
        repository.door(),
        clock,
        {},
      );
      return { snapshot: viewOf(found), unread, ...listed };
    },

    restore: (query, given = {}) =>
      locks.restore(async (): Promise<RestoreReport> => {
        const startedMs = clock.monotonic();
        const { destination, dryRun = false, overwrite = false } = query;
        return await node.jobs.run('restore', destination, given, async (call) => {
          const repository = await upToDate(call);
          const { found, unread } = await chooseSnapshot(repository, query.id);
          if (!dryRun) needDestination(destination, overwrite);
          const outcome = await runInThread(
            'restore',
            {
              tree: found.snapshot.tree,
              source: found.snapshot.source,
              destination: Buffer.from(destination),
              skip: [Buffer.from(node.options.dataDir)],
              paths: query.paths ?? [],
              overwrite,
              dryRun,
              secret: secret(),
              indexFiles: await repository.indexFiles(),
              packs: repository.packs(),
            },
            repository.door(),
            clock,
            call,
          );
          return {
            dryRun,
            snapshot: viewOf(found),
            unread,
            ...outcome,
            durationMs: clock.monotonic() - startedMs,
          };
        });
      }),

    async forget(query): Promise<ForgetReport> {
      const repository = repositoryFor({});
      const { dryRun = false, ids } = query;
      let forgotten: StoredSnapshot[];
      const forgottenLost: LostSnapshot[] = [];
      let unread: UnreadSnapshot[] = [];
      const kept: ForgetReport['kept'] = [];
      if (ids !== undefined && ids.length > 0) {
        if (Object.keys(query.keep ?? {}).length > 0) {
          throw new DatameshError('bad-value', {
            what: 'snapshots to forget are named, and a rule of what to keep is given as well',
            mend: 'name them without --keep-…, or give the rule alone',
          });
        }
        const named = new Map<string, StoredSnapshot | LostSnapshot>();
        for (const id of ids) {
          const one = await chooseForgotten(repository, id, query);
          named.set(one.id, one);
        }
        forgotten = [];
        for (const one of named.values()) {
          if ('error' in one) forgottenLost.push(one);
          else forgotten.push(one);
        }
      } else {
        const { found, lost } = await repository.snapshots();
        unread = lost.map(unreadOf);
        const candidates = chosen(found, query);
        const reasons = keptBy(
          query.keep ?? {},
          candidates.map((it) => ({ ...viewOf(it), device: it.snapshot.device })),
        );
        if (reasons.size === 0 && candidates.length > 0) {
          throw new DatameshError('bad-value', {
            what: 'this rule keeps no snapshot at all',
            mend: 'say how many to keep, e.g. --keep-last 3, or name the snapshots to forget',
          });
        }
        for (const it of candidates) {
          const why = reasons.get(it.id);
          if (why !== undefined) kept.push({ ...viewOf(it), reasons: why });
        }
        forgotten = candidates.filter(({ id }) => !reasons.has(id));
      }
      const views: SnapshotView[] = forgotten.map(viewOf);
      const gone = dryRun ? [] : [...forgotten, ...forgottenLost];
      for (const { object } of gone) await objects.delete(object.name);
      return { dryRun, kept, forgotten: views, forgottenUnread: forgottenLost.map(unreadOf), unread };
    },

    prune: (query, given = {}) =>
      locks.prune(async () => {
        const startedMs = clock.monotonic();
        return await node.jobs.run('prune', 'backups', given, async (call) => {
          const repository = await upToDate(call);
          const { dryRun = false, alone = false } = query;
          const { found: all, lost } = await repository.snapshots();
          refuseUnread(lost);
          if (!dryRun && !alone) refuseCompany(all, node.net.self, cautiousTimeMs(clock, node.membership));
          const packs = repository.packs();
          const old = repository.named(NAMES.index).map(({ name }) => name);
          const { deletable, ...outcome } = await runInThread(
            'prune',
            {
              snapshots: all.map(({ id, snapshot }) => ({ id, tree: snapshot.tree })),
              dryRun,
              runId: runId(),
              secret: secret(),
              indexFiles: await repository.indexFiles(),
              packs,
            },
            repository.door(),
            clock,
            call,
          );
          if (deletable.length > 0) {
            await devices.learn(signalOf(call));
            refuseNew(all, repository.named(NAMES.snapshot));
            // The new index names all that stays; the old ones go before the packs, of which none is needed any more.
            for (const name of [...old, ...deletable]) await objects.delete(name);
            await devices.tell(signalOf(call));
          }
          return {
            ...{ dryRun, snapshots: all.length, packs: packs.length },
            ...outcome,
            durationMs: clock.monotonic() - startedMs,
          };
        });
      }),
  };
}

/** An empty folder, or one that may be written into, or a place for one: it is made when there is something to write (run-restore.ts). */
function needDestination(path: string, overwrite: boolean): void {
  const tree = realTree();
  const at = Buffer.from(path);
  const found = tree.statThrough(at);
  if (found === undefined) {
    needFolderPlace(path);
    return;
  }
  if (found.kind !== 'directory')
    throw new DatameshError('already-exists', { what: `${path} is there and no folder` });
  if (overwrite || tree.list(at).length === 0) return;
  throw new DatameshError('already-exists', {
    what: `${path} is not empty`,
    mend: 'give an empty or a new folder, or add --overwrite to replace what differs and keep the rest',
  });
}
