/**
 * How likely a stripe is to be lost within a year, by a formula from stated assumptions. Pure. docs/DURABILITY.md derives it, says what it leaves out, and how it
 * was checked. Nothing of it is measured.
 *
 * An absorbing Markov chain over the number i of missing shards (0 … m+1), the usual model of redundant storage (Patterson, Gibson, Katz, "A Case for Redundant
 * Arrays of Inexpensive Disks", SIGMOD 1988; Ford et al., "Availability in Globally Distributed Storage Systems", OSDI 2010, §7): failures i → i+1 at the rate
 * (n − i)λ, repairs at μ_i. A repair here rebuilds all that a stripe lacks from one read, so it leads to 0 and not to i − 1.
 */
import type { CodeProfile } from '../types.ts';
import { type Grace, graceWith } from './repair-plan.ts';

export interface DurabilityInput extends Grace {
  code: CodeProfile;
  /** Share of nodes that lose their data for good within a year, 0 < rate < 1. */
  failureRate: number;
  /** From a node's end until others act on it. */
  detectionMs: number;
  /** Nodes that share the repair of a lost one. */
  nodes: number;
  /** Bytes of shards on a node. */
  nodeBytes: number;
  /** What each node reads for repairs. */
  repairBytesPerSecond: number;
}

export interface Durability {
  /** Mean time until a stripe that begins whole is lost. */
  mttdlYears: number;
  stripeLossPerYear: number;
  /** Until all that one lost node held is rebuilt elsewhere, detection and grace aside. */
  rebuildMs: number;
  /** By missing shards, from 1 to m: how long until the stripe is whole again. */
  repairMs: number[];
}

export const YEAR_MS = 365.25 * 86_400_000;

/** Throws a RangeError for input beyond its bounds. */
export function durabilityOf(input: DurabilityInput): Durability {
  const { code, failureRate, detectionMs, nodes, nodeBytes, repairBytesPerSecond } = input;
  const { k, m } = code;
  if (!(failureRate > 0 && failureRate < 1) || nodes < 2 || repairBytesPerSecond <= 0)
    throw new RangeError('a failure rate between 0 and 1, two nodes or more, and some bandwidth are needed');
  // Each lost shard costs a read of k, shared by all the nodes that are left.
  const rebuildMs = (1000 * k * nodeBytes) / ((nodes - 1) * repairBytesPerSecond);
  const repairMs = Array.from(
    { length: m },
    (_, at) => detectionMs + graceWith(m - (at + 1), m, input) + rebuildMs,
  );
  const perYear = -Math.log1p(-failureRate);
  const mttdlYears = meanTimeToLoss(
    Array.from({ length: m + 1 }, (_, missing) => (k + m - missing) * perYear),
    [0, ...repairMs.map((ms) => YEAR_MS / Math.max(ms, 1))],
  );
  return { mttdlYears, stripeLossPerYear: -Math.expm1(-1 / mttdlYears), rebuildMs, repairMs };
}

/**
 * Mean time from state 0 to absorption in state f.length: f[i] from i to i+1, r[i] from i back to 0, r[0] = 0. First-step analysis gives
 * T_i = (1 + f_i T_{i+1} + r_i T_0) / (f_i + r_i); with T_i = a_i + (1 − c_i) T_0 this is a recursion without differences of near numbers, and T_0 = a_0 / c_0.
 */
export function meanTimeToLoss(failures: readonly number[], repairs: readonly number[]): number {
  let a = 0;
  let c = 1;
  for (let state = failures.length - 1; state >= 0; state--) {
    const out = failures[state]! + repairs[state]!;
    a = (1 + failures[state]! * a) / out;
    c = (failures[state]! * c) / out;
  }
  return a / c;
}

/** Of at least one of so many stripes, taken as independent: they are not, as they share nodes, and that makes it an upper bound. */
export function anyLossPerYear(stripeLossPerYear: number, stripes: number): number {
  return -Math.expm1(stripes * Math.log1p(-stripeLossPerYear));
}
