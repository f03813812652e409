/** Where custodians say that the shards of one object are now: asked once, when a read first misses some. Hints like any other: what comes is verified. */
import type { PeerId } from '../types.ts';

export interface Located {
  /** From 0; undefined: the manifest. */
  stripe: number | undefined;
  index: number;
  holder: PeerId;
}

/** Custodians of whom no two agree could name a hundred holders of a shard: those named first are tried. */
const TRIED_PER_SHARD = 4;

export class Whereabouts {
  private asked: Promise<void> | undefined;
  private readonly byStripe = new Map<number | undefined, Located[]>();
  private readonly ask: (signal: AbortSignal) => Promise<readonly Located[]>;

  constructor(ask: (signal: AbortSignal) => Promise<readonly Located[]>) {
    this.ask = ask;
  }

  /** What was told already: none before anybody has missed a shard. */
  known(stripe: number | undefined): readonly Located[] {
    return this.byStripe.get(stripe) ?? [];
  }

  /** Asks unless it has been asked. Never throws but for the signal: then nobody knows. */
  async of(stripe: number | undefined, signal: AbortSignal): Promise<readonly Located[]> {
    this.asked ??= this.gather(signal);
    await this.asked;
    return this.known(stripe);
  }

  private async gather(signal: AbortSignal): Promise<void> {
    const told = await this.ask(signal).catch(() => {
      signal.throwIfAborted();
      return [];
    });
    for (const one of told) {
      const list = this.byStripe.get(one.stripe);
      if (list === undefined) this.byStripe.set(one.stripe, [one]);
      else if (list.filter(({ index }) => index === one.index).length < TRIED_PER_SHARD) list.push(one);
    }
  }
}
