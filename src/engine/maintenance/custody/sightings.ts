/** What holders say in one look of a custodian, and whose word counts for what: questions are gathered by holder and asked at once. */
import type { Backend } from '../../backends/backend.ts';
import type { Random } from '../../effects/random.ts';
import type { PeerId, ShardId } from '../../types.ts';
import type { WantedShard } from '../proof/ask.ts';
import { MAX_PROOF_IDS } from '../proof/challenge.ts';
import { showElsewhere } from '../proof/elsewhere.ts';
import type { ProofMemory } from '../proof/memory.ts';
import type { Silences } from './silences.ts';

export interface SightingsContext {
  /** Its own word needs no proof: its store has hashed what it took. */
  self: PeerId;
  /** Undefined when the holder cannot be asked now. */
  backend(holder: PeerId): Backend | undefined;
  /** What holders could not prove, and what was proved where the manifest does not say that it is. */
  memory: ProofMemory;
  /** For nonces. */
  random: Pick<Random, 'bytes'>;
  /** Holders that answer nothing for long, which are not asked for a while. */
  mute?: Silences | undefined;
  timeoutMs: number;
  signal: AbortSignal;
}

/** Who says that the shard is there besides its holder: the owner, another custodian or this one once, or nobody. */
export type NotedBy = 'owner' | 'custodians' | 'nobody';

interface Question extends WantedShard {
  notedBy: NotedBy;
}

/** A holder reads 64 MiB for a question in a second or two. All of the look waits for whoever takes longer, so less than for other proofs. */
const SHOW_TIMEOUT_MS = 10_000;
/**
 * Claims not yet proved of which one holder is asked for proofs in one look, and no more than a question: a node that has just started has proofs of none, and must
 * not read all that ever moved before it mends anything.
 */
const CLAIMED_BYTES = 32 * 1024 * 1024;

export class Sightings {
  /** Holders that were asked without an answer, or did not prove what they claim. */
  readonly silent = new Set<PeerId>();
  private readonly wanted = new Map<PeerId, Map<ShardId, Question>>();
  private readonly seen = new Map<ShardId, Set<PeerId>>();
  private readonly asked = new Set<string>();
  private readonly context: SightingsContext;

  constructor(context: SightingsContext) {
    this.context = context;
  }

  want(holder: PeerId, shard: WantedShard, notedBy: NotedBy): void {
    const key = `${holder} ${shard.id}`;
    let questions = this.wanted.get(holder);
    if (this.asked.has(key) && !(notedBy === 'owner' && questions?.has(shard.id))) return;
    this.asked.add(key);
    if (questions === undefined) this.wanted.set(holder, (questions = new Map()));
    questions.set(shard.id, { ...shard, notedBy });
  }

  async ask(): Promise<void> {
    const round = [...this.wanted];
    this.wanted.clear();
    const { signal, backend, mute } = this.context;
    await Promise.all(
      round.map(async ([holder, wanted]) => {
        const found = backend(holder);
        if (found === undefined) return;
        if (mute?.has(holder) === true) {
          this.silent.add(holder);
          return;
        }
        const questions = [...wanted.values()];
        try {
          const ids = questions.map(({ id }) => id);
          const held = await this.heldBy(found, ids);
          await this.weigh(
            found,
            questions.filter((_, at) => held[at]),
          );
        } catch {
          signal.throwIfAborted();
          this.silent.add(holder);
        }
      }),
    );
  }

  private async heldBy(holder: Backend, ids: readonly ShardId[]): Promise<boolean[]> {
    const { timeoutMs, signal, mute } = this.context;
    try {
      const held = await holder.has(ids, { timeoutMs, signal });
      mute?.answered(holder.id);
      return held;
    } catch (error) {
      mute?.failed(holder.id, error);
      throw error;
    }
  }

  holdersOf(id: ShardId): PeerId[] {
    return [...(this.seen.get(id) ?? [])];
  }

  /** Notes what counts of what the holder says it has. Throws when it does not prove what it must. */
  private async weigh(backend: Backend, said: readonly Question[]): Promise<void> {
    const { self, memory, random, signal } = this.context;
    const note = (id: ShardId) => this.note(backend.id, id);
    const doubted: Question[] = [];
    for (const question of said) {
      const { id, notedBy } = question;
      const counts = notedBy === 'owner' || backend.id === self;
      if ((counts && !memory.isMissing(backend.id, id)) || memory.wasFoundAt(backend.id, id)) note(id);
      // Where its word counts it says that it has what it could not prove: somebody may have put it there anew.
      else doubted.push(counts ? { ...question, notedBy: 'custodians' } : question);
    }
    const { due, later } = dueNow(doubted);
    let shown = 0;
    await showElsewhere(backend, due, { random, signal, memory, timeoutMs: SHOW_TIMEOUT_MS }, (id) => {
      shown++;
      note(id);
    });
    if (later.length === 0) return;
    // A custodian that lies names a holder that lies: whoever fails one claim is believed in none.
    if (shown < due.length) this.silent.add(backend.id);
    else for (const { id } of later) if (!memory.isMissing(backend.id, id)) note(id);
  }

  private note(holder: PeerId, id: ShardId): void {
    const holders = this.seen.get(id);
    if (holders === undefined) this.seen.set(id, new Set([holder]));
    else holders.add(holder);
  }
}

/** What is to be proved in this look, and claims that may wait for the next. */
function dueNow(doubted: readonly Question[]): { due: Question[]; later: Question[] } {
  const due: Question[] = [];
  const later: Question[] = [];
  let claims = 0;
  let bytes = 0;
  for (const question of doubted) {
    const { notedBy, lengthBytes = 0 } = question;
    const isFull = claims === MAX_PROOF_IDS || (claims > 0 && bytes + lengthBytes > CLAIMED_BYTES);
    if (notedBy === 'custodians' && isFull) later.push(question);
    else {
      due.push(question);
      if (notedBy !== 'custodians') continue;
      claims++;
      bytes += lengthBytes;
    }
  }
  return { due, later };
}
