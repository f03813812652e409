/** A put that may be gone on with: what an interrupted run noted, who still has those shards, and what is noted for the next one. */
import { asDatameshError, DatameshError, type ErrorCode } from '../../errors.ts';
import type { Backend } from '../backends/backend.ts';
import type { PutOptions } from '../engine.ts';
import type { Candidate, PlacementPolicy, Site } from '../placement/domains.ts';
import { keepsRule } from '../placement/load.ts';
import type { OwnerId, PeerId, ShardId } from '../types.ts';
import { ASK_TIMEOUT_MS, MAX_ASKED_TO_RESUME } from './limits.ts';
import type { NotedStripe } from './put-journal.ts';
import type { PutJournal, PutJournals } from './put-journals.ts';

export interface ResumeContext {
  owner: OwnerId;
  candidates(): Candidate[];
  backend(peer: PeerId): Backend | undefined;
  siteOf(holder: PeerId): Site | undefined;
  isOfPool?(holder: PeerId): boolean;
  log(text: string): void;
}

/** After these nothing is kept: the room is wanted back, or the journal is of no use. */
const GIVEN_UP: ReadonlySet<ErrorCode> = new Set([
  'quota-full',
  'disk-full',
  'denied',
  'source-changed',
  'input-too-large',
]);

export class ResumablePut {
  /** What the file key is made of: the same as in the interrupted run, so that the shards are the same. */
  readonly salt: Uint8Array;
  readonly chunkBytes: number;
  readonly journal: PutJournal;
  /** Stripes that needed nothing, every shard being where it was. */
  stripesFound = 0;
  /** Shards of the interrupted run that lie where the pool, as it is now, does not want them: stored anew, and released when that is done. */
  readonly displaced: { id: ShardId; holder: PeerId }[] = [];
  private readonly held: Held;
  private readonly policy: PlacementPolicy;
  private readonly context: ResumeContext;

  private constructor(journal: PutJournal, held: Held, policy: PlacementPolicy, context: ResumeContext) {
    this.journal = journal;
    this.salt = journal.salt;
    this.chunkBytes = journal.chunkBytes;
    this.held = held;
    this.policy = policy;
    this.context = context;
  }

  /** @param chunkBytes of a put that is new. Undefined for a put without a fingerprint of its source, and when the journals say so. */
  static async begin(
    journals: PutJournals | undefined,
    { source, sizeBytes, compress = false, pool = '' }: PutOptions,
    policy: PlacementPolicy,
    chunkBytes: number,
    context: ResumeContext,
  ): Promise<ResumablePut | undefined> {
    if (journals === undefined || source === undefined || sizeBytes === undefined) return undefined;
    const { owner } = context;
    const { code } = policy;
    const identity = { owner, source, sizeBytes, code, compress, pool };
    const journal = await journals.take(identity, chunkBytes);
    if (journal === undefined) return undefined;
    return new ResumablePut(journal, await stillHeld(journal.noted, context), policy, context);
  }

  /**
   * To be called with the ids of a stripe before its shards are sent. Gives the holders that have its shards already, by index.
   * Throws `source-changed` when the interrupted run had other ones.
   */
  async before(index: number, ids: readonly ShardId[]): Promise<(PeerId | undefined)[] | undefined> {
    const noted = this.journal.noted.get(index);
    if (noted === undefined) {
      await this.journal.sending(index, ids);
      return undefined;
    }
    if (ids.some((id, at) => id !== noted.ids[at])) {
      throw new DatameshError('source-changed', {
        what: 'the file is not the one whose put was interrupted, though its size, time and beginning are the same',
        mend: 'put it again: the next put begins from the start',
      });
    }
    const holders: (PeerId | undefined)[] = [];
    const copies = new Map<ShardId, number>();
    for (const id of ids) {
      const copy = copies.get(id) ?? 0;
      copies.set(id, copy + 1);
      const holder = this.held.get(id)?.[copy];
      const stays = holder !== undefined && this.mayKeep(holder, holders);
      holders.push(stays ? holder : undefined);
      if (holder !== undefined && !stays) this.displaced.push({ id, holder });
    }
    if (!holders.includes(undefined)) this.stripesFound++;
    return holders;
  }

  /** Beside the stripe's `others`, by the pool as it is now. */
  private mayKeep(holder: PeerId, others: readonly (PeerId | undefined)[]): boolean {
    const { siteOf, isOfPool } = this.context;
    if (isOfPool?.(holder) === false) return false;
    return this.policy.allowDegraded || keepsRule(this.policy, [...others, holder], siteOf);
  }

  /**
   * The put has failed. Undefined when what it and the interrupted run stored is kept for the next one; otherwise what that run stored and
   * this one found, to be taken back too.
   */
  async stopped(error: unknown): Promise<{ id: ShardId; holder: PeerId }[] | undefined> {
    if (!GIVEN_UP.has(asDatameshError(error).code)) {
      await this.journal.keep();
      return undefined;
    }
    await this.journal.remove();
    return [...this.held].flatMap(([id, holders]) => holders.map((holder) => ({ id, holder })));
  }
}

/** Who has a shard: one holder, or as many as there are copies where k is 1, whose shards are all alike. */
type Held = Map<ShardId, PeerId[]>;

/** Asks the holders of noted stripes for all their shards at once, and everybody for those of a stripe that was under way. */
async function stillHeld(
  noted: ReadonlyMap<number, NotedStripe>,
  { candidates, backend, log }: ResumeContext,
): Promise<Held> {
  const wanted = new Map<PeerId, Set<ShardId>>();
  const want = (holder: PeerId, id: ShardId) => {
    const ids = wanted.get(holder);
    if (ids === undefined) wanted.set(holder, new Set([id]));
    else ids.add(id);
  };
  const everybody = candidates().slice(0, MAX_ASKED_TO_RESUME);
  /** Of each shard its stripe: no two of one stripe are taken from the same holder. */
  const stripeOf = new Map<ShardId, number>();
  for (const [index, { ids, holders }] of noted) {
    for (const [at, id] of ids.entries()) {
      stripeOf.set(id, index);
      const holder = holders?.[at];
      if (holder !== undefined) want(holder, id);
      else if (holders === undefined) for (const { peer } of everybody) want(peer, id);
    }
  }
  const held: Held = new Map();
  const taken = new Set<string>();
  await Promise.all(
    [...wanted].map(async ([holder, asked]) => {
      const ids = [...asked];
      try {
        const answers = (await backend(holder)?.has(ids, { timeoutMs: ASK_TIMEOUT_MS })) ?? [];
        for (const [at, id] of ids.entries()) {
          const stripe = noted.get(stripeOf.get(id)!)!;
          const place = `${stripeOf.get(id)} ${holder}`;
          const underWay = stripe.holders === undefined;
          const have = held.get(id) ?? [];
          const copies = stripe.ids.filter((each) => each === id).length;
          if (!answers[at] || have.length === copies || (underWay && taken.has(place))) continue;
          held.set(id, [...have, holder]);
          taken.add(place);
        }
      } catch (error) {
        log(`put: ${holder.slice(-8)} did not say what it has: ${asDatameshError(error).message}`);
      }
    }),
  );
  return held;
}
