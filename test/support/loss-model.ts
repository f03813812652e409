/**
 * Lifetimes of the holders of one stripe, drawn one by one, and repairs that begin when a shard is lost: the mean time until more than `parity` are missing. It knows
 * nothing of the chain whose formula it checks.
 */
export interface LossModel {
  shards: number;
  parity: number;
  /** Losses of one holder a year. */
  perYear: number;
  /** Mean time of a repair, which brings back all that is missing. */
  repairYears: number;
  /** Repairs that all take as long instead of times drawn at random. */
  fixedRepair?: boolean;
  runs: number;
  seed: number;
}

export function simulateLoss(model: LossModel): { meanYears: number; standardErrorYears: number } {
  const random = mulberry32(model.seed);
  const drawn = (mean: number) => -Math.log(1 - random()) * mean;
  let sum = 0;
  let squares = 0;
  for (let run = 0; run < model.runs; run++) {
    let now = 0;
    /** When each holder dies; Infinity once it has. */
    let dies = Array.from({ length: model.shards }, () => drawn(1 / model.perYear));
    let repairAt = Number.POSITIVE_INFINITY;
    for (let missing = 0; missing <= model.parity; ) {
      const next = Math.min(...dies);
      if (repairAt < next) {
        now = repairAt;
        dies = dies.map((at) => (at === Number.POSITIVE_INFINITY ? now + drawn(1 / model.perYear) : at));
        repairAt = Number.POSITIVE_INFINITY;
        missing = 0;
        continue;
      }
      now = next;
      dies[dies.indexOf(next)] = Number.POSITIVE_INFINITY;
      missing++;
      // A repair under way begins anew with what is missing now; where times are drawn, that changes nothing.
      if (model.fixedRepair !== true || repairAt === Number.POSITIVE_INFINITY)
        repairAt = now + (model.fixedRepair === true ? model.repairYears : drawn(model.repairYears));
    }
    sum += now;
    squares += now * now;
  }
  const meanYears = sum / model.runs;
  const variance = (squares / model.runs - meanYears ** 2) * (model.runs / (model.runs - 1));
  return { meanYears, standardErrorYears: Math.sqrt(variance / model.runs) };
}

export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
