/** `rebalance` on the owner's node: one run at a time, as a job that outlives its caller and a crash of the node. */
import { asDatameshError, DatameshError } from '../../../errors.ts';
import type { CallOptions } from '../../engine.ts';
import type { ShardMove } from '../../maintenance/moving.ts';
import { RateLimit } from '../../mesh/rate-limit.ts';
import type { Node } from '../../node.ts';
import { dataPaths } from '../../options.ts';
import type { Pools } from '../../pools/pools.ts';
import type { RebalanceQuery, RebalanceReport } from '../../views/rebalance.ts';
import { createLiveness } from '../collect/live.ts';
import type { Objects } from '../objects.ts';
import { ownerOf } from '../put-object.ts';
import { repairContextOf } from '../repairing.ts';
import { type NotedMove, rebalanceNotes } from './note.ts';
import { RebalanceRun } from './run.ts';
import { walkPool } from './walk.ts';

export interface Rebalancing {
  /**
   * Throws `not-found` for a pool that there is not, `no-owner-key`, `already-running`. With `apply` the work goes on when the call is given up, which throws
   * `cancelled`: its job is what ends it.
   */
  run(query: RebalanceQuery, call: CallOptions): Promise<RebalanceReport>;
  /** Whether shards are being moved now. */
  readonly isApplying: boolean;
  /** What a node that was killed or stopped has left undone. */
  unfinished(): Promise<RebalanceQuery | undefined>;
  /** Stops what runs, to go on when the node runs again. */
  close(): Promise<void>;
}

export const DEFAULT_TOLERANCE = 0.1;
/** A rebalance is in no hurry: a quarter of 1 Gbit/s. */
const DEFAULT_BYTES_PER_SECOND = 32 * 1024 * 1024;
/** Moves copied, proved, announced and released together: so many copies are there twice at most. */
const MOVES_AT_ONCE = 64;
/** Their bytes: what a job that is stopped has to copy again at most. */
const BYTES_AT_ONCE = 64 * 1024 * 1024;
/** Moves that did not come about and are noted for the next run; copies of more are found by `cleanup --duplicates`. */
const MAX_LEFT = 1024;

export function createRebalancing(
  node: Node,
  objects: Pick<Objects, 'manifestOf'>,
  pools: Pick<Pools, 'pool' | 'poolOrDefault' | 'candidates' | 'siteOf'>,
): Rebalancing {
  const liveness = createLiveness(node, objects);
  const log = (text: string) => node.events.add('info', 'rebalance', text);
  const notes = rebalanceNotes(node.disk, dataPaths(node.options.dataDir).rebalance, log);
  const closing = new AbortController();
  let applying: Promise<unknown> | undefined;

  const once = async (query: RebalanceQuery, { signal: given, onProgress, onLine }: CallOptions) => {
    const startedMs = node.clock.monotonic();
    const signal = given ?? new AbortController().signal;
    const apply = query.apply === true;
    const pool = pools.pool(query.pool);
    const rate = new RateLimit(node.clock, query.bytesPerSecond ?? DEFAULT_BYTES_PER_SECOND);
    const noted = (apply ? await notes.read() : undefined)?.underway ?? [];
    /** Copies that are there twice, or may be: those of earlier runs stay noted until this one has ended. */
    let left = noted;
    const run = new RebalanceRun({
      node,
      pools,
      pool,
      repair: repairContextOf({ pool: pool.name }, { node, pools, signal, rate }),
      apply,
      tolerance: query.tolerance ?? DEFAULT_TOLERANCE,
      noted,
      signal,
      log,
    });
    const note = { query: { ...query, pool: pool.name }, resume: true };
    // From here on a node that is killed goes on when it runs again.
    if (apply) await notes.keep({ ...note, underway: left });
    const walk = () => walkPool({ node, pools, liveness, pool, known: run.known, signal });
    for await (const batch of walk()) run.measure(batch);
    run.settle();
    if (run.wanted) {
      for await (const batch of walk()) {
        const moves = run.plan(batch);
        if (!apply) continue;
        for (const part of parts(moves)) {
          await notes.keep({ ...note, underway: [...part.map(notedMove), ...left] });
          onLine?.(
            `moving ${part.length} shards of ${new Set(part.map(({ group }) => group.objectId)).size} objects`,
          );
          const stays = await run.carryOut(part, (progress) => onProgress?.(progress));
          left = [...stays.map(notedMove), ...left].slice(0, MAX_LEFT);
        }
      }
    }
    const report = { ...run.report(), durationMs: node.clock.monotonic() - startedMs };
    // What was noted before has been looked at with its stripe; that of other pools waits for a run of theirs.
    const isOpen = ({ objectId }: NotedMove) =>
      !run.hasMet(objectId) && node.catalog.references(objectId) > 0;
    const stays = left.filter((move) => !noted.includes(move) || isOpen(move));
    if (apply && stays.length > 0) await notes.keep({ ...note, resume: false, underway: stays });
    else if (apply) await notes.clear();
    return report;
  };
  /** It does not go on by itself; copies in hand stay noted for the next one. */
  const dismiss = async () => {
    const note = await notes.read();
    if (note !== undefined) await notes.keep({ ...note, resume: false });
  };

  const apply = (query: RebalanceQuery, call: CallOptions): Promise<RebalanceReport> => {
    const job = node.jobs.run(
      'rebalance',
      query.pool ?? 'default',
      { signal: closing.signal },
      async (own) => {
        try {
          return await once(query, {
            signal: own.signal,
            onLine: own.onLine,
            onProgress(progress) {
              own.onProgress?.(progress);
              call.onProgress?.(progress);
            },
          });
        } catch (error) {
          if (!closing.signal.aborted) await dismiss();
          throw error;
        }
      },
    );
    const ended = job.catch(() => undefined);
    applying = ended;
    void ended.finally(() => {
      applying = undefined;
    });
    return job;
  };

  return {
    async run(query, call) {
      ownerOf(node);
      pools.pool(query.pool);
      if (query.apply !== true) return await once(query, call);
      if (applying !== undefined) {
        throw new DatameshError('already-running', {
          what: 'a rebalance is running on this node',
          mend: 'wait for it with `datamesh jobs wait`, or stop it with `datamesh jobs cancel`',
        });
      }
      return await unlessLeft(apply(query, call), call.signal);
    },
    get isApplying() {
      return applying !== undefined;
    },
    async unfinished() {
      const note = await notes.read();
      return note?.resume === true ? note.query : undefined;
    },
    async close() {
      closing.abort(new DatameshError('cancelled', { what: 'the node stops' }));
      await applying;
    },
  };
}

/** The job's end, or the caller's: whichever comes first. */
async function unlessLeft<T>(job: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await job;
  let leave = () => {};
  const left = new Promise<never>((_, reject) => {
    leave = () =>
      reject(
        new DatameshError('cancelled', {
          what: 'the rebalance goes on by itself',
          mend: 'stop it with `datamesh jobs cancel`, and its id from `datamesh jobs list`',
        }),
      );
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
  });
  job.catch((error: unknown) => asDatameshError(error));
  try {
    return await Promise.race([job, left]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** Moves of one stripe stay together. */
function* parts(moves: readonly ShardMove[]): Generator<ShardMove[]> {
  let part: ShardMove[] = [];
  let bytes = 0;
  for (const group of Map.groupBy(moves, (move) => move.group).values()) {
    part.push(...group);
    bytes += group.reduce((sum, it) => sum + it.group.shardBytes, 0);
    if (part.length < MOVES_AT_ONCE && bytes < BYTES_AT_ONCE) continue;
    yield part;
    part = [];
    bytes = 0;
  }
  if (part.length > 0) yield part;
}

function notedMove({ group: { objectId, stripe }, index, from, to }: ShardMove) {
  return { objectId, stripe, index, from, to };
}
