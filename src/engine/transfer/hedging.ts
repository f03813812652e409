/** When a read asks a further holder beside a late one, within a budget, counted. One for all reads of a node. */
import type { PeerHealth } from '../mesh/peer-health.ts';
import type { PeerId } from '../types.ts';
import { HedgeBudget } from './hedge-budget.ts';
import { HEDGE_BURST, HEDGE_SHARE } from './limits.ts';

/** Since the node started. */
export interface HedgeCounts {
  /** Requests for shards that reads needed, replacements of failed ones among them. */
  asked: number;
  /** Extra requests beside late ones. */
  hedges: number;
  /** Hedges whose shard was used while the late holder had still not answered. */
  won: number;
}

export interface Hedging {
  readonly counts: Readonly<HedgeCounts>;
  /** From then on a request to this holder counts as late. */
  lateAfterMs(holder: PeerId, shardBytes: number): number;
  /** An ordinary request is being made. */
  asked(): void;
  /** Whether a further holder may be asked beside a late one; counted when it may. */
  take(): boolean;
  /** A request is late; the function that comes back is called when it has ended. */
  late(holder: PeerId): () => void;
  won(): void;
}

export function createHedging(health: Pick<PeerHealth, 'lateAfterMs' | 'late'>): Hedging {
  const budget = new HedgeBudget(HEDGE_SHARE, HEDGE_BURST);
  const counts: HedgeCounts = { asked: 0, hedges: 0, won: 0 };
  return {
    counts,
    lateAfterMs: health.lateAfterMs,
    late: health.late,
    asked() {
      counts.asked++;
      budget.asked();
    },
    take() {
      const may = budget.take();
      if (may) counts.hedges++;
      return may;
    },
    won: () => void counts.won++,
  };
}
