/** How quickly work moves now: amounts of the last seconds, not of a start that was slow or a pause long past. */

/** Samples are so far apart at least, and as many are kept: a window of ten seconds. */
const SAMPLE_MS = 500;
const SAMPLES = 20;

export class JobRate {
  private readonly samples: { atMs: number; done: number }[];

  /** @param done what was done before: nobody moved that since `startMs` */
  constructor(startMs: number, done = 0) {
    this.samples = [{ atMs: startMs, done }];
  }

  note(atMs: number, done: number): void {
    const last = this.samples.at(-1)!;
    if (atMs - last.atMs < SAMPLE_MS) return;
    this.samples.push({ atMs, done });
    if (this.samples.length > SAMPLES) this.samples.shift();
  }

  /** Per second, from the oldest sample of the window to now: what stands still slows down to 0. */
  perSecond(nowMs: number, done: number): number {
    const oldest =
      this.samples.find(({ atMs }) => nowMs - atMs <= SAMPLE_MS * SAMPLES) ?? this.samples.at(-1)!;
    const elapsedMs = nowMs - oldest.atMs;
    return elapsedMs <= 0 ? 0 : Math.max(0, ((done - oldest.done) * 1000) / elapsedMs);
  }
}
