/**
 * Shards of puts under way, which no catalog knows yet. Whoever collects what nothing refers to watches them: what any put sent while it
 * watched, or had sent when it began to, is no orphan.
 */
import type { ShardId } from '../types.ts';

export interface RunningPut {
  /** To be called before the shard is sent to anybody. */
  sending(id: ShardId): void;
  /** Only once the catalog names the object, or what was sent has been taken back. */
  end(): void;
}

export interface PutWatch {
  has(id: ShardId): boolean;
  close(): void;
}

export class RunningPuts {
  private readonly running = new Set<Set<ShardId>>();
  private readonly watches = new Set<Set<Set<ShardId>>>();

  begin(): RunningPut {
    const ids = new Set<ShardId>();
    this.running.add(ids);
    for (const watch of this.watches) watch.add(ids);
    return {
      sending: (id) => void ids.add(id),
      end: () => void this.running.delete(ids),
    };
  }

  watch(): PutWatch {
    const seen = new Set(this.running);
    this.watches.add(seen);
    return {
      has(id) {
        for (const ids of seen) if (ids.has(id)) return true;
        return false;
      },
      close: () => void this.watches.delete(seen),
    };
  }
}
