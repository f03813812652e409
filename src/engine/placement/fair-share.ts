/**
 * How much each holder of a pool should carry. Placement prefers holders in proportion to their free bytes, so what it tends to is that each is filled
 * to the same part of what it offers; less where the failure-domain rule forbids it more. Pure.
 */
import type { PeerId } from '../types.ts';
import { type Domain, domainCap, domainOf, locate, type Site, unitOf } from './domains.ts';

export interface Carrier {
  site: Site;
  /** What it could carry of the pool: the bytes of it that it has and those it still offers. */
  weightBytes: number;
}

/** All stripes and manifests of a pool, added up. */
export interface Bulk {
  totalBytes: number;
  /** By the code's m: the bytes of one shard of each stripe. */
  oneShardBytes: ReadonlyMap<number, number>;
}

/** A holder or what fails together: weight, and at most how many bytes the rule lets it have. */
interface Part {
  weight: number;
  capBytes: number;
  parts: readonly Part[];
  holder?: PeerId;
}

/** Halvings of an interval: beyond a double's precision. */
const STEPS = 60;

/** By holder, in bytes. Their sum is `totalBytes`, or less where the rule leaves no room for all. */
export function fairShares(
  domain: Domain,
  carriers: readonly Carrier[],
  { totalBytes, oneShardBytes }: Bulk,
): Map<PeerId, number> {
  const oneEach = [...oneShardBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  const capOf = (units: number) =>
    [...oneShardBytes].reduce((sum, [m, bytes]) => {
      const cap = domainCap({ code: { k: 1, m }, domain, allowDegraded: false });
      return sum + bytes * Math.min(units, cap);
    }, 0);
  const domains = Map.groupBy(carriers, ({ site }) => domainOf(domain, locate(site)));
  const parts = [...domains.values()].map((members): Part => {
    const units = [...Map.groupBy(members, ({ site }) => unitOf(domain, locate(site))).values()];
    const inner = units.map((unit) => together(unit.map(leafOf), domain === 'none' ? Infinity : oneEach));
    return together(inner, domain === 'none' ? Infinity : capOf(units.length));
  });
  const shares = new Map<PeerId, number>();
  share(together(parts, Infinity), totalBytes, shares);
  return shares;
}

function leafOf({ site, weightBytes }: Carrier): Part {
  return { weight: Math.max(0, weightBytes), capBytes: Infinity, parts: [], holder: site.peer };
}

function together(parts: readonly Part[], capBytes: number): Part {
  return { parts, capBytes, weight: parts.reduce((sum, { weight }) => sum + weight, 0) };
}

/** What the part takes when each unit of weight is worth `level` bytes. */
function filled({ weight, capBytes, parts }: Part, level: number): number {
  const inside = parts.length === 0 ? weight * level : parts.reduce((sum, it) => sum + filled(it, level), 0);
  return Math.min(capBytes, inside);
}

/** The level at which its parts take `bytes` in sum is found by halving: what they take only grows with it. */
function share(part: Part, bytes: number, shares: Map<PeerId, number>): void {
  if (part.holder !== undefined) {
    shares.set(part.holder, bytes);
    return;
  }
  const taken = (level: number) => part.parts.reduce((sum, it) => sum + filled(it, level), 0);
  let [low, high] = [0, 1];
  const most = taken(Number.MAX_VALUE);
  while (high < Number.MAX_VALUE / 2 && taken(high) < Math.min(bytes, most)) high *= 2;
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2;
    if (taken(middle) < bytes) low = middle;
    else high = middle;
  }
  for (const it of part.parts) share(it, filled(it, high), shares);
}
