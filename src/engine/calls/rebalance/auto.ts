/**
 * Rebalances that nobody asks for: what a killed service left undone goes on, and an owner's service looks at its pools when the mesh has changed for
 * good, and once a day, as holders fill.
 */
import { asDatameshError } from '../../../errors.ts';
import type { Timer } from '../../effects/clock.ts';
import type { Engine } from '../../engine.ts';
import { meshMet } from '../../node/mesh-met.ts';
import type { Node } from '../../node.ts';
import type { Rebalancing } from './rebalancing.ts';

/** The mesh is looked at so often; one that is the same twice is one that stays: a machine that restarts moves nothing. */
const LOOK_MS = 10 * 60_000;
/** Of uptime, so that no clock that is set has a say. */
const EVERY_MS = 24 * 3_600_000;
/** Beside everything else a home's link has to carry. */
const BYTES_PER_SECOND = 8 * 1024 * 1024;

export interface AutoRebalance {
  start(): void;
  close(): void;
}

export function createAutoRebalance(
  node: Node,
  rebalance: Engine['rebalance'],
  pools: Engine['pools'],
  rebalancing: Pick<Rebalancing, 'isApplying' | 'unfinished'>,
): AutoRebalance {
  const { clock } = node;
  const stopper = new AbortController();
  let timer: Timer | undefined;
  let seen: string | undefined;
  /** The mesh for which the pools were looked at, and when. */
  let settled: { mesh: string; atMs: number } | undefined;
  const log = (text: string) => node.events.add('info', 'rebalance', text);
  const guarded = (what: string, work: Promise<unknown>) =>
    void work.catch((error: unknown) => {
      if (!stopper.signal.aborted) log(`${what}: ${asDatameshError(error).message}`);
    });

  const goOn = async () => {
    const query = await rebalancing.unfinished();
    if (query === undefined) return;
    await meshMet(node, stopper.signal);
    log('goes on where it was stopped');
    await rebalance({ ...query, apply: true }, { signal: stopper.signal });
  };

  const mesh = (): string =>
    node.owner === undefined
      ? ''
      : node
          .candidates(node.owner.ownerId)
          .map(({ peer }) => peer)
          .sort()
          .join();

  const all = async () => {
    for (const { name } of await pools.list()) {
      if (rebalancing.isApplying) return;
      const query = { pool: name, apply: true, bytesPerSecond: BYTES_PER_SECOND };
      const { moved, movedBytes, failed } = await rebalance(query, { signal: stopper.signal });
      if (moved + failed > 0) log(`pool ${name}: ${moved} shards moved, ${movedBytes} bytes; ${failed} stay`);
    }
  };

  const look = () => {
    const now = mesh();
    const stays = now === seen;
    seen = now;
    const due = settled === undefined || settled.mesh !== now || clock.monotonic() - settled.atMs >= EVERY_MS;
    if (stays && due && !rebalancing.isApplying) {
      settled = { mesh: now, atMs: clock.monotonic() };
      guarded('pools were not looked at', all());
    }
    timer = clock.after(LOOK_MS, look);
  };

  return {
    start() {
      guarded('it does not go on', goOn());
      timer = clock.after(LOOK_MS, look);
    },
    close() {
      stopper.abort();
      timer?.cancel();
    },
  };
}
