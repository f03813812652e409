/**
 * What proofs have shown. Shards that a holder could not prove when it was last asked to count as missing until it can, or has taken them anew, whatever it says. Those that were refuted as a whole (look.ts) count as
 * missing until it has taken them anew or their sum fits: a chunk that it can show is what it could show before.
 * Shards found where nobody noted them count because they were proved there once.
 */
import { LRUCache } from 'lru-cache';
import type { PeerId, ShardId } from '../../types.ts';
import type { Verdict } from './attestation.ts';

/**
 * Failures of all holders: some 10 MB, 37 bytes each as measured. What is forgotten counts again where holders are only asked, so one holder may fail as many as 128 GiB have in
 * shards of 1 MiB, and makes nobody forget all others. What it fails beyond that counts in a census by proof alone. Who failed longest ago is forgotten first: the
 * audit asks those that matter every minute.
 */
const MAX_FAILED = 262_144;
const MAX_FAILED_EACH = MAX_FAILED / 2;
/** The same of what was refuted as a whole, of which there is less: 2 MB. */
const MAX_REFUTED = 65_536;
const MAX_REFUTED_EACH = MAX_REFUTED / 2;
/** What a holder counts beside its failures, so that many with one each are bounded as well. */
const HOLDER_SIZE = 16;
/** 52 bits of an id stand for all of it. A holder of a million has one that agrees with one of its failures once in 30,000 times, and it counts as missing until it is proved. */
const DIGITS = 13;

/** Some 10 MB each; forgetting one of these costs a proof, or begins a count anew. */
const MAX_REMEMBERED = 32_768;
/** Bounded by a sum of ones: by `max` the cache would make room for all of them at once. */
const BOUND = { maxSize: MAX_REMEMBERED, sizeCalculation: () => 1 };

/** So often in a row a holder may leave a shard's proof unanswered while it answers other questions. */
const MAX_UNANSWERED = 3;

export class ProofMemory {
  private readonly failed = new LRUCache<PeerId, Set<number>>({ maxSize: MAX_FAILED });
  private readonly refutations = new LRUCache<PeerId, Set<number>>({ maxSize: MAX_REFUTED });
  private readonly open = new LRUCache<string, number>(BOUND);
  private readonly moved = new LRUCache<string, true>(BOUND);
  private readonly learn: ((holder: PeerId, verdict: 'absent' | 'wrong') => void) | undefined;

  /** @param learn is told once for each list of verdicts with a failure in it, of the worst one */
  constructor(learn?: (holder: PeerId, verdict: 'absent' | 'wrong') => void) {
    this.learn = learn;
  }

  /** What came of asking the holder to prove these. */
  note(holder: PeerId, ids: readonly ShardId[], verdicts: readonly Verdict[]): void {
    change(this.failed, holder, (failed) => {
      for (const [at, id] of ids.entries()) {
        this.open.delete(key(holder, id));
        if (verdicts[at] === 'proved') failed.delete(shortOf(id));
        else {
          add(failed, id, MAX_FAILED_EACH);
          this.moved.delete(key(holder, id));
        }
      }
    });
    if (verdicts.includes('wrong')) this.learn?.(holder, 'wrong');
    else if (verdicts.includes('absent')) this.learn?.(holder, 'absent');
  }

  /** The holder, asked to prove these, said something else. */
  failedAll(holder: PeerId, ids: readonly ShardId[]): void {
    this.note(
      holder,
      ids,
      ids.map(() => 'absent'),
    );
  }

  /** The holder, asked to prove these, said nothing, and answers other questions: with the third time in a row that is a failure. */
  unanswered(holder: PeerId, ids: readonly ShardId[]): void {
    const given: ShardId[] = [];
    for (const id of ids) {
      const times = (this.open.get(key(holder, id)) ?? 0) + 1;
      if (times < MAX_UNANSWERED) this.open.set(key(holder, id), times);
      else given.push(id);
    }
    this.failedAll(holder, given);
  }

  /** It has taken the shard and gave no answer when it was to prove it: no lie, but its word does not count before it has. */
  unshown(holder: PeerId, id: ShardId): void {
    change(this.failed, holder, (failed) => add(failed, id, MAX_FAILED_EACH));
  }

  /** The shard was proved at a holder where the owner has not noted it. */
  foundAt(holder: PeerId, id: ShardId): void {
    this.moved.set(key(holder, id), true);
  }

  /** The holder has just made the shard durable: that it had it not before is no longer held against it. What it cannot show then, the next proof notes again. */
  taken(holder: PeerId, id: ShardId): void {
    this.open.delete(key(holder, id));
    this.shownWhole(holder, id);
  }

  /** A sum, or reading, has shown that the holder has not what it proved a chunk of, or lies about it. */
  refuted(holder: PeerId, ids: readonly ShardId[], verdict: 'absent' | 'wrong'): void {
    change(this.refutations, holder, (refuted) => {
      for (const id of ids) {
        this.open.delete(unreadKey(holder, id));
        this.moved.delete(key(holder, id));
        add(refuted, id, MAX_REFUTED_EACH);
      }
    });
    this.learn?.(holder, verdict);
  }

  /** A shard in doubt was to be read, and the holder, which answers otherwise, gave no answer: with the third time in a row it is refuted. */
  unread(holder: PeerId, id: ShardId): void {
    const times = (this.open.get(unreadKey(holder, id)) ?? 0) + 1;
    if (times < MAX_UNANSWERED) this.open.set(unreadKey(holder, id), times);
    else this.refuted(holder, [id], 'absent');
  }

  /** All of the shard was shown: by a sum that fits, or by reading it. */
  shownWhole(holder: PeerId, id: ShardId): void {
    this.open.delete(unreadKey(holder, id));
    for (const known of [this.failed, this.refutations])
      if (known.peek(holder)?.has(shortOf(id)) === true)
        change(known, holder, (ids) => ids.delete(shortOf(id)));
  }

  wasFoundAt(holder: PeerId, id: ShardId): boolean {
    return this.moved.get(key(holder, id)) === true;
  }

  isMissing(holder: PeerId, id: ShardId): boolean {
    return this.failed.peek(holder)?.has(shortOf(id)) === true || this.isRefuted(holder, id);
  }

  isRefuted(holder: PeerId, id: ShardId): boolean {
    return this.refutations.peek(holder)?.has(shortOf(id)) ?? false;
  }
}

function change(
  known: LRUCache<PeerId, Set<number>>,
  holder: PeerId,
  work: (ids: Set<number>) => void,
): void {
  const ids = known.get(holder) ?? new Set<number>();
  work(ids);
  if (ids.size === 0) known.delete(holder);
  else known.set(holder, ids, { size: ids.size + HOLDER_SIZE });
}

function add(ids: Set<number>, id: ShardId, most: number): void {
  if (ids.size < most) ids.add(shortOf(id));
}

function shortOf(id: ShardId): number {
  return Number.parseInt(id.slice(-DIGITS), 16);
}

function unreadKey(holder: PeerId, id: ShardId): string {
  return `${key(holder, id)} unread`;
}

function key(holder: PeerId, id: ShardId): string {
  return `${holder} ${id}`;
}
