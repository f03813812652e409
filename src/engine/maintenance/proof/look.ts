/**
 * A look: holders are asked for the sums of all their shards with one seed, and the sums of each stripe are held against one another. Where they do not fit, the shards themselves are read, which settles who
 * lied: a holder that does not give what it has signed for, and one that gives it and has signed another sum. Nobody is accused by a sum alone but who was caught so in the same look.
 */
import { asDatameshError } from '../../../errors.ts';
import type { Backend } from '../../backends/backend.ts';
import { MAX_GATHERED_BYTES } from '../../backends/shard-batch.ts';
import { shardIdOfBytes } from '../../codec/hash.ts';
import { MAX_MANIFEST_BYTES } from '../../codec/manifest-limits.ts';
import { freeNow } from '../../codec/memory.ts';
import type { Random } from '../../effects/random.ts';
import { ASK_TIMEOUT_MS, GET_TIMEOUT_MS } from '../../transfer/limits.ts';
import type { PeerId, ShardId } from '../../types.ts';
import type { SumFigures } from '../../views/health.ts';
import type { Attestation } from './attestation.ts';
import { sumIn } from './challenge.ts';
import { Codewords } from './codeword.ts';
import { Coefficients, SEED_BYTES, sumKeyOf } from './coefficients.ts';
import { isSilence } from './failure.ts';
import { bySuspicion, fitOf, type Sum, type SumGroup } from './fitting.ts';
import type { ProofMemory } from './memory.ts';
import { sumOf } from './sum.ts';

/** Stripes whose shards a look may read, and bytes of them. What is beyond counts as unproved, unless who was caught explains it. */
export interface LookLimits {
  stripes: number;
  bytes: number;
}

export const LOOK_LIMITS: LookLimits = { stripes: 16, bytes: 256 * 1024 * 1024 };

export interface LookContext {
  /** The node that asks: the coefficients follow from its id. */
  self: PeerId;
  random: Pick<Random, 'bytes'>;
  backend(holder: PeerId): Backend | undefined;
  memory?: ProofMemory | undefined;
  signal: AbortSignal;
  /** Told of each shard that a sum or a read has refuted. */
  onRefuted?: ((refuted: Refuted) => void) | undefined;
  /** LOOK_LIMITS when absent. */
  limits?: LookLimits | undefined;
}

export interface Refuted {
  holder: PeerId;
  id: ShardId;
  /** `absent`: it says that it has the shard, and does not give it. `wrong`: it gave other bytes, or signed a sum that is not that of the bytes. */
  verdict: 'absent' | 'wrong';
}

export interface Settled {
  /** `whole`: what of the group is left fits together, or was read. `unchecked`: of k shards or fewer there are sums. `open`: something of it was neither. */
  state: keyof SumFigures;
  whole: readonly Sum[];
  refuted: readonly Refuted[];
  /** Doubted and neither shown nor refuted: silent when its shard was to be read, gone since, or beyond what the look may read. */
  unproved: readonly Sum[];
}

type Reading = 'right' | 'wrong' | 'absent' | 'gone' | 'silent';

export class Look {
  readonly seed: Uint8Array;
  /** Counted by whoever settles groups, each once. */
  readonly figures: SumFigures = { whole: 0, unchecked: 0, open: 0 };
  private readonly context: LookContext;
  private readonly coefficients: Coefficients;
  private readonly codewords = new Codewords();
  private readonly sums = new Map<ShardId, Sum[]>();
  private readonly caught = new Set<PeerId>();
  private stripesRead = 0;
  private bytesRead = 0;

  constructor(context: LookContext) {
    this.context = context;
    this.seed = context.random.bytes(SEED_BYTES);
    this.coefficients = new Coefficients(sumKeyOf(this.seed, context.self));
  }

  /** The sums of an attestation whose verdicts are known: of what it proved. */
  add(
    { holder, sumKey, answers }: Attestation,
    ids: readonly ShardId[],
    isProved: (at: number) => boolean,
  ): void {
    if (sumKey === undefined || Buffer.compare(sumKey, this.coefficients.key) !== 0) return;
    for (const [at, id] of ids.entries()) {
      const answer = isProved(at) ? answers[at] : undefined;
      if (answer === undefined) continue;
      const { lengthBytes, sum } = sumIn(answer);
      // A copy: the answer is a view of all the others' slices.
      const one = { holder, id, lengthBytes, bytes: Uint8Array.from(sum) };
      const others = this.sums.get(id)?.filter((known) => known.holder !== holder) ?? [];
      this.sums.set(id, [...others, one]);
    }
  }

  /** What has been gathered is settled: its memory is given back. */
  clear(): void {
    this.sums.clear();
  }

  /** Holds the sums of each group against one another, and reads where they do not fit. The memory learns what was found. Throws only what the signal does. */
  async settle(groups: readonly SumGroup[]): Promise<Settled[]> {
    const { memory, onRefuted } = this.context;
    const settled: Settled[] = [];
    for (const group of groups) settled.push(await this.settleOne(group));
    for (const { holder, id } of settled.flatMap(({ whole }) => whole)) memory?.shownWhole(holder, id);
    const refuted = settled.flatMap((one) => one.refuted);
    for (const holder of new Set(refuted.map((one) => one.holder)))
      for (const verdict of ['absent', 'wrong'] as const) {
        const theirs = refuted.filter((one) => one.holder === holder && one.verdict === verdict);
        if (theirs.length > 0)
          memory?.refuted(
            holder,
            theirs.map(({ id }) => id),
            verdict,
          );
      }
    for (const one of refuted) onRefuted?.(one);
    return settled;
  }

  private async settleOne(group: SumGroup): Promise<Settled> {
    const sums = [...new Set(group.ids)].flatMap((id) => this.sums.get(id) ?? []);
    const fits = this.fit(group, sums);
    if (fits === undefined) return { state: 'unchecked', whole: [], refuted: [], unproved: [] };
    if (fits) return { state: 'whole', whole: sums, refuted: [], unproved: [] };
    const others = sums.filter(({ holder }) => !this.caught.has(holder));
    if (others.length === sums.length || this.fit(group, others) !== true)
      return await this.read(group, sums);
    const refuted = sums
      .filter((sum) => !others.includes(sum))
      .map(({ holder, id }): Refuted => ({ holder, id, verdict: 'wrong' }));
    return { state: 'whole', whole: others, refuted, unproved: [] };
  }

  /** Reads until what is left fits, else everything. */
  private async read(group: SumGroup, sums: readonly Sum[]): Promise<Settled> {
    const { stripes, bytes } = this.context.limits ?? LOOK_LIMITS;
    if (this.stripesRead === stripes) return { state: 'open', whole: [], refuted: [], unproved: sums };
    this.stripesRead++;
    const refuted: Refuted[] = [];
    const unproved: Sum[] = [];
    const right = new Set<Sum>();
    let left = sums;
    for (const sum of bySuspicion(group, sums, (holder) => this.caught.has(holder), this.codewords)) {
      if (left.length < sums.length && this.fit(group, left) === true) break;
      if (this.bytesRead + sum.lengthBytes > bytes) {
        const open = left.filter((one) => !right.has(one));
        return { state: 'open', whole: [...right], refuted, unproved: [...unproved, ...open] };
      }
      this.bytesRead += sum.lengthBytes;
      const reading = await this.readOne(sum);
      if (reading === 'right') {
        right.add(sum);
        continue;
      }
      left = left.filter((one) => one !== sum);
      if (reading === 'silent' || reading === 'gone') unproved.push(sum);
      else {
        this.caught.add(sum.holder);
        refuted.push({ holder: sum.holder, id: sum.id, verdict: reading });
      }
    }
    return { state: unproved.length > 0 ? 'open' : 'whole', whole: left, refuted, unproved };
  }

  private async readOne({ holder, id, lengthBytes, bytes: said }: Sum): Promise<Reading> {
    const { signal, memory } = this.context;
    const backend = this.context.backend(holder);
    if (backend === undefined) return 'silent';
    const into = lengthBytes > MAX_GATHERED_BYTES ? Buffer.allocUnsafeSlow(lengthBytes) : undefined;
    let isSilent = false;
    try {
      const bytes = await backend.get(id, {
        timeoutMs: GET_TIMEOUT_MS,
        signal,
        into,
        maxBytes: MAX_MANIFEST_BYTES,
      });
      if (bytes !== undefined) {
        const isRight =
          shardIdOfBytes(bytes) === id && Buffer.compare(sumOf(bytes, this.coefficients), said) === 0;
        if (into !== undefined) freeNow(into);
        return isRight ? 'right' : 'wrong';
      }
    } catch (error) {
      signal.throwIfAborted();
      isSilent = isSilence(asDatameshError(error));
    }
    // It may have been moved meanwhile, and then it says so.
    const held = await backend.has([id], { timeoutMs: ASK_TIMEOUT_MS, signal }).catch(() => undefined);
    signal.throwIfAborted();
    if (held === undefined) return 'silent';
    if (held[0] !== true) return 'gone';
    if (!isSilent) return 'absent';
    memory?.unread(holder, id);
    return 'silent';
  }

  private fit(group: SumGroup, sums: readonly Sum[]): boolean | undefined {
    return fitOf(group, sums, this.codewords);
  }
}
