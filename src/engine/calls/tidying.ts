/** `cleanup` and `rebalance` as jobs of a running engine. Where both drop copies they exclude each other: each may count on the copy that the other drops. */
import { DatameshError } from '../../errors.ts';
import type { CallOptions, Engine } from '../engine.ts';
import type { Node } from '../node.ts';
import type { Pools } from '../pools/pools.ts';
import type { Collecting } from './collect/collecting.ts';
import { createAutoRebalance } from './rebalance/auto.ts';
import type { Rebalancing } from './rebalance/rebalancing.ts';

export interface Tidying extends Pick<Engine, 'cleanup' | 'rebalance'> {
  /** Begins what an owner's service does by itself. */
  start(): void;
  close(): Promise<void>;
}

export function createTidying(
  node: Node,
  pools: Pools,
  collecting: Collecting,
  rebalancing: Rebalancing,
  linked: (call: CallOptions | undefined) => CallOptions,
): Tidying {
  /** Cleanups that are giving copies back now. */
  let givingBack = 0;
  const cleanup: Engine['cleanup'] = async (query, call) => {
    const gives = query.duplicates && !query.dryRun;
    if (gives && rebalancing.isApplying) throw busy('a rebalance is running', 'rebalance');
    if (gives) givingBack++;
    try {
      return await node.jobs.run('cleanup', query.dryRun ? 'plan' : 'shards', linked(call), (job) =>
        collecting.cleanup(query, job),
      );
    } finally {
      if (gives) givingBack--;
    }
  };
  const rebalance: Engine['rebalance'] = async (query, call) => {
    if (query.apply && givingBack > 0) throw busy('copies too many are being given back', 'cleanup');
    return await rebalancing.run(query, linked(call));
  };
  const auto = createAutoRebalance(node, rebalance, pools, rebalancing);
  return {
    cleanup,
    rebalance,
    start() {
      collecting.start(() => cleanup({ orphaned: true, duplicates: false, dryRun: false }));
      auto.start();
    },
    async close() {
      collecting.close();
      auto.close();
      await rebalancing.close();
    },
  };
}

function busy(what: string, verb: string): DatameshError {
  return new DatameshError('already-running', {
    what: `${what}, which drops copies as well`,
    mend: `wait for it, or stop it: its job is a ${verb} in \`datamesh jobs list\``,
  });
}
