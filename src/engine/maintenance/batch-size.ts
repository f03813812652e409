/** How many objects are looked at and mended together. Their questions share requests, so many are cheap; but what loses its last spare meanwhile waits until all of them are mended. */

const MOST = 256;
/** As many stripes as are rebuilt side by side: fewer would leave lanes empty while one waits for a slow holder. */
const LEAST = 32;
/** Of the work itself, questions to custodians aside: who answers those slowly must not make batches small. */
const LONG_MS = 2_000;
const SHORT_MS = 500;

export class BatchSize {
  objects = MOST;

  /** @param workMs what rebuilding and placing the last batch took */
  worked(workMs: number): void {
    if (workMs > LONG_MS) this.objects = Math.max(LEAST, this.objects / 2);
    else if (workMs < SHORT_MS) this.objects = Math.min(MOST, this.objects * 2);
  }
}
