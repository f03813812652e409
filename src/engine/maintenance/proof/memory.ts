/**
 * What proofs have shown. Shards that a holder could not prove when it was last asked to count as missing until it can, or has taken them anew, whatever it says.
 * Shards found where nobody noted them count because they were proved there once.
 */
import { LRUCache } from 'lru-cache';
import type { PeerId, ShardId } from '../../types.ts';
import type { Verdict } from './attestation.ts';

/** Some 10 MB. A holder that fails more than that is not asked in vain: the next proof finds the same again. */
const MAX_REMEMBERED = 32_768;
/** Bounded by a sum of ones: by `max` the cache would make room for all of them at once. */
const BOUND = { maxSize: MAX_REMEMBERED, sizeCalculation: () => 1 };

export class ProofMemory {
  private readonly failed = new LRUCache<string, true>(BOUND);
  private readonly moved = new LRUCache<string, true>(BOUND);
  private readonly learn: ((holder: PeerId, verdict: 'absent' | 'wrong') => void) | undefined;

  /** @param learn is told once for each list of verdicts with a failure in it, of the worst one */
  constructor(learn?: (holder: PeerId, verdict: 'absent' | 'wrong') => void) {
    this.learn = learn;
  }

  /** What came of asking the holder to prove these. */
  note(holder: PeerId, ids: readonly ShardId[], verdicts: readonly Verdict[]): void {
    for (const [at, id] of ids.entries()) {
      if (verdicts[at] === 'proved') this.failed.delete(key(holder, id));
      else {
        this.failed.set(key(holder, id), true);
        this.moved.delete(key(holder, id));
      }
    }
    if (verdicts.includes('wrong')) this.learn?.(holder, 'wrong');
    else if (verdicts.includes('absent')) this.learn?.(holder, 'absent');
  }

  /** It has taken the shard and gave no answer when it was to prove it: no lie, but its word does not count before it has. */
  unshown(holder: PeerId, id: ShardId): void {
    this.failed.set(key(holder, id), true);
  }

  /** The shard was proved at a holder where the owner has not noted it. */
  foundAt(holder: PeerId, id: ShardId): void {
    this.moved.set(key(holder, id), true);
  }

  /** The holder has just made the shard durable: that it had it not before is no longer held against it. What it cannot show then, the next proof notes again. */
  taken(holder: PeerId, id: ShardId): void {
    this.failed.delete(key(holder, id));
  }

  wasFoundAt(holder: PeerId, id: ShardId): boolean {
    return this.moved.get(key(holder, id)) === true;
  }

  isMissing(holder: PeerId, id: ShardId): boolean {
    return this.failed.has(key(holder, id));
  }
}

function key(holder: PeerId, id: ShardId): string {
  return `${holder} ${id}`;
}
