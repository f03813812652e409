/** Which shards a holder could not prove when it was last asked to: they count as missing until it can, whatever it says. */
import { LRUCache } from 'lru-cache';
import type { PeerId, ShardId } from '../../types.ts';
import type { Verdict } from './attestation.ts';

/** Some 10 MB. A holder that fails more than that is not asked in vain: the next proof finds the same again. */
const MAX_REMEMBERED = 32_768;

export class ProofMemory {
  private readonly failed = new LRUCache<string, true>({ max: MAX_REMEMBERED });
  private readonly learn: ((holder: PeerId, verdict: 'absent' | 'wrong') => void) | undefined;

  /** @param learn is told once for each list of verdicts with a failure in it, of the worst one */
  constructor(learn?: (holder: PeerId, verdict: 'absent' | 'wrong') => void) {
    this.learn = learn;
  }

  /** What came of asking the holder to prove these. */
  note(holder: PeerId, ids: readonly ShardId[], verdicts: readonly Verdict[]): void {
    for (const [at, id] of ids.entries()) {
      if (verdicts[at] === 'proved') this.failed.delete(key(holder, id));
      else this.failed.set(key(holder, id), true);
    }
    if (verdicts.includes('wrong')) this.learn?.(holder, 'wrong');
    else if (verdicts.includes('absent')) this.learn?.(holder, 'absent');
  }

  isMissing(holder: PeerId, id: ShardId): boolean {
    return this.failed.has(key(holder, id));
  }
}

function key(holder: PeerId, id: ShardId): string {
  return `${holder} ${id}`;
}
