/** What proofs may cost the node that gives them: one question at a time, and so many bytes a second for each asker and for all. */
import { DatameshError } from '../../../errors.ts';
import type { Clock } from '../../effects/clock.ts';
import { inTurn } from '../../in-turn.ts';
import { TokenBuckets } from '../../mesh/token-bucket.ts';
import type { PeerId } from '../../types.ts';

const MIB = 1024 * 1024;
/** Reading and hashing 64 MiB takes some 0.1 s: an asker that never stops has a tenth of a core. A GiB at once when it was quiet. */
const ASKER_RATE = { perSecond: 64 * MIB, burst: 1024 * MIB };
/** All askers together have less than half of one. */
const TOTAL_RATE = { perSecond: 256 * MIB, burst: 1024 * MIB };
/** A shard costs at least this much: what finding it and making its slice takes. */
const LEAST_BYTES = 16 * 1024;
/** One question: more than the largest shard, and answered before the asker gives up. */
const MAX_QUESTION_BYTES = 256 * MIB;
/** Questions that wait or are being answered, of all askers and of one. */
const MAX_WAITING = 64;
export const MAX_WAITING_EACH = 2;
const MAX_ASKERS = 1024;

/**
 * A holder that has too much to prove says so in these words behind the status `denied`, as it always did. An older asker halves its question for any refusal, and takes a
 * status that it does not know for nonsense: so there is no status of its own. docs/FORMATS.md "Proofs".
 */
const BUSY = 'too many proofs are asked for at once; ask again later';

/** Whether the holder answered that it is to be asked again later. */
export function isBusy(error: DatameshError): boolean {
  return error.code === 'denied' && error.details?.said === BUSY;
}

/** Passes a shard on and counts its bytes. Throws `denied` when the question asks for too much. */
export type Metered = <T extends Uint8Array | undefined>(reading: Promise<T>) => Promise<T>;

export class ProofGate {
  private readonly byAsker: TokenBuckets;
  private readonly all: TokenBuckets;
  private readonly waiting = new Map<PeerId, number>();
  private total = 0;
  private readonly oneByOne = inTurn();

  constructor(clock: Clock) {
    this.byAsker = new TokenBuckets(clock, ASKER_RATE, MAX_ASKERS);
    this.all = new TokenBuckets(clock, TOTAL_RATE, 1);
  }

  /** Runs the task when those before it have ended, and holds its result back until the asker's share covers it. Throws `denied` when too many wait. */
  async run<T>(asker: PeerId, task: (metered: Metered) => Promise<T>): Promise<T> {
    const mine = this.waiting.get(asker) ?? 0;
    if (this.total >= MAX_WAITING || mine >= MAX_WAITING_EACH) {
      throw new DatameshError('denied', { what: BUSY });
    }
    this.total++;
    this.waiting.set(asker, mine + 1);
    try {
      let spentBytes = 0;
      const metered: Metered = async (reading) => {
        const bytes = await reading;
        const cost = Math.max(LEAST_BYTES, bytes?.length ?? 0);
        spentBytes += cost;
        if (spentBytes > MAX_QUESTION_BYTES) {
          throw new DatameshError('denied', {
            what: `proofs of more than ${MAX_QUESTION_BYTES} bytes of shards at once are not given; ask for fewer`,
          });
        }
        await this.all.paid('all', cost);
        return bytes;
      };
      const turn = this.oneByOne(() => task(metered));
      // Waiting for its share outside of the turn, an asker that wants much delays nobody but itself.
      return await turn.finally(() => this.byAsker.paid(asker, Math.min(spentBytes, MAX_QUESTION_BYTES)));
    } finally {
      this.total--;
      const left = this.waiting.get(asker)! - 1;
      if (left === 0) this.waiting.delete(asker);
      else this.waiting.set(asker, left);
    }
  }
}
