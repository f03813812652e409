import type { Clock, Timer } from '../effects/clock.ts';
import { CUT_OFF_FACTOR, CUT_OFF_MIN_MS } from './limits.ts';

interface Owed {
  sinceMs: number;
  late(): void;
}

/**
 * Tells which holders of a stripe keep it waiting: those that have not answered when k others did and several times that time has
 * passed. One timer for all of them, and none while everybody answers in time.
 */
export class CutOff {
  private readonly owed = new Map<number, Owed>();
  private readonly startedMs: number;
  private durable = 0;
  private limitMs: number | undefined;
  private timer: Timer | undefined;
  private readonly clock: Clock;
  private readonly k: number;

  constructor(clock: Clock, k: number) {
    this.clock = clock;
    this.k = k;
    this.startedMs = clock.monotonic();
  }

  /** A holder is being asked for shard `index`; `late` is called at most once, and not after `answered`. */
  asked(index: number, late: () => void): void {
    this.owed.set(index, { sinceMs: this.clock.monotonic(), late });
    this.arm();
  }

  /** Its shard waits for this node's own bandwidth first. */
  waits(index: number, ms: number): void {
    const owed = this.owed.get(index);
    if (owed !== undefined) owed.sinceMs += ms;
  }

  answered(index: number, durable: boolean): void {
    this.owed.delete(index);
    if (durable && ++this.durable === this.k) {
      this.limitMs = Math.max(CUT_OFF_MIN_MS, CUT_OFF_FACTOR * (this.clock.monotonic() - this.startedMs));
      this.arm();
    }
  }

  end(): void {
    this.owed.clear();
    this.timer?.cancel();
    this.timer = undefined;
  }

  private arm(): void {
    if (this.limitMs === undefined || this.timer !== undefined || this.owed.size === 0) return;
    const first = Math.min(...[...this.owed.values()].map(({ sinceMs }) => sinceMs));
    const waitMs = Math.max(0, first + this.limitMs - this.clock.monotonic());
    this.timer = this.clock.after(waitMs, () => {
      this.timer = undefined;
      for (const [index, { sinceMs, late }] of this.owed) {
        if (this.clock.monotonic() - sinceMs < this.limitMs!) continue;
        this.owed.delete(index);
        late();
      }
      this.arm();
    });
  }
}
