/** A slot that a stripe's shards are received in, shard i at i·shardBytes, where it will be decoded. The rules of its use: `Landing` in codec.ts. */
import { DatameshError } from '../../errors.ts';
import type { CodeProfile } from '../types.ts';
import type { Landing, OpenedChunk } from './codec.ts';
import { checkCode } from './matrix.ts';
import type { Slot } from './stripe-slots.ts';
import { BLOCK_BYTES } from './wasm-emitter.ts';

/** Room for the k+m shards in a slot of `slots`; undefined when that would exceed their bounds, and for lengths that no shard has. */
export function landingIn(
  slots: { lend(roomBytes: number): Slot | undefined },
  code: CodeProfile,
  shardBytes: number,
): SlotLanding | undefined {
  checkCode(code);
  if (!Number.isSafeInteger(shardBytes) || shardBytes <= 0 || shardBytes % BLOCK_BYTES !== 0)
    return undefined;
  const slot = slots.lend((code.k + code.m) * shardBytes);
  return slot === undefined ? undefined : new SlotLanding(slot, code, shardBytes);
}

export class SlotLanding implements Landing {
  readonly #slot: Slot;
  readonly #code: CodeProfile;
  readonly #shardBytes: number;
  readonly #writing = new Set<number>();
  #state: 'open' | 'taken' | 'released' = 'open';

  /** `slot` has room for k+m shards. */
  constructor(slot: Slot, code: CodeProfile, shardBytes: number) {
    this.#slot = slot;
    this.#code = code;
    this.#shardBytes = shardBytes;
  }

  bufferFor(index: number): Uint8Array | undefined {
    const { k, m } = this.#code;
    if (this.#state !== 'open' || !Number.isInteger(index) || index < 0 || index >= k + m) return undefined;
    if (this.#writing.has(index)) return undefined;
    this.#writing.add(index);
    return this.#place(index);
  }

  ended(index: number): void {
    this.#writing.delete(index);
    this.#giveBack();
  }

  release(): void {
    if (this.#state === 'open') this.#end();
  }

  /**
   * The slot, for a decode that reads and writes `places` (shard indices) and gives it back itself; undefined when somebody still receives there, for
   * other shards than it was made for, and the second time.
   */
  take(job: { code: CodeProfile; shardBytes: number }, places: Iterable<number>): Slot | undefined {
    const { code, shardBytes } = job;
    const fits = code.k === this.#code.k && code.m === this.#code.m && shardBytes === this.#shardBytes;
    if (this.#state !== 'open' || !fits) return undefined;
    for (const index of places) if (this.#writing.has(index)) return undefined;
    this.#state = 'taken';
    const giveBack = () => {
      if (this.#state === 'taken') this.#end();
    };
    return { workspace: this.#slot.workspace, giveBack };
  }

  /** After a decode that left all shards as they were. */
  reopen(): void {
    if (this.#state === 'taken') this.#state = 'open';
  }

  /** Whether `shard` lies in the place of that index. */
  holds(index: number, shard: Uint8Array): boolean {
    return shard.length === this.#shardBytes && this.#slot.workspace.holds(index * this.#shardBytes, shard);
  }

  #place(index: number): Uint8Array {
    return this.#slot.workspace.view(index * this.#shardBytes, this.#shardBytes);
  }

  #end(): void {
    this.#state = 'released';
    this.#giveBack();
  }

  #giveBack(): void {
    if (this.#state === 'released' && this.#writing.size === 0) this.#slot.giveBack();
  }
}

/** The rule for every `decode`: its landing is given back unless the decode took it over, or shards were wrong and others may come. */
export async function releasingLanding(
  job: { landing?: Landing | undefined },
  decode: () => Promise<OpenedChunk>,
): Promise<OpenedChunk> {
  try {
    const opened = await decode();
    job.landing?.release();
    return opened;
  } catch (error) {
    if (!(error instanceof DatameshError && error.code === 'hash-mismatch')) job.landing?.release();
    throw error;
  }
}
