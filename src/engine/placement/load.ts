/** How many shards of one stripe each holder, node and domain has been given so far. */
import type { PeerId } from '../types.ts';
import {
  type Candidate,
  domainCap,
  domainOf,
  type Location,
  locate,
  type PlacementPolicy,
  type Site,
  unitOf,
} from './domains.ts';

export class StripeLoad {
  private readonly policy: PlacementPolicy;
  private readonly cap: number;
  private readonly locations = new Map<PeerId, Location>();
  private readonly holders = new Map<string, number>();
  private readonly units = new Map<string, number>();
  private readonly domains = new Map<string, number>();
  /** Shards on holders that nobody knows the place of: they may be in any domain, so they count in every one. */
  private astray = 0;

  constructor(policy: PlacementPolicy, candidates: readonly Candidate[]) {
    this.policy = policy;
    this.cap = domainCap(policy);
    for (const candidate of candidates) this.locations.set(candidate.peer, locationOf(candidate));
  }

  add(holder: PeerId): void {
    count(this.holders, holder);
    const location = this.locations.get(holder);
    if (location === undefined) {
      this.astray++;
      return;
    }
    count(this.units, unitOf(this.policy.domain, location));
    count(this.domains, domainOf(this.policy.domain, location));
  }

  /** Whether the policy lets the holder take one more. */
  allows({ peer }: Candidate): boolean {
    if (this.policy.domain === 'none') return false;
    const location = this.locations.get(peer);
    return location !== undefined && this.onUnit(location) === 0 && this.inDomain(location) < this.cap;
  }

  onHolder(peer: PeerId): number {
    return this.holders.get(peer) ?? 0;
  }

  /** What a placement beyond the rule makes small, most important first: losing a node takes all that is on it. */
  crowding({ peer }: Candidate): [unit: number, holder: number, domain: number] {
    const location = this.locations.get(peer)!;
    return [this.onUnit(location), this.onHolder(peer), this.inDomain(location)];
  }

  private onUnit(location: Location): number {
    return this.units.get(unitOf(this.policy.domain, location)) ?? 0;
  }

  private inDomain(location: Location): number {
    return this.astray + (this.domains.get(domainOf(this.policy.domain, location)) ?? 0);
  }
}

/** Candidates are gathered for many stripes at once, and their labels read once. */
const locations = new WeakMap<Candidate, Location>();

function locationOf(candidate: Candidate): Location {
  let location = locations.get(candidate);
  if (location === undefined) locations.set(candidate, (location = locate(candidate)));
  return location;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/**
 * Whether a stripe as it lies keeps the rule. Holders that `siteOf` does not know share the domain of those without a label; shards that
 * nobody has break no rule.
 */
export function keepsRule(
  policy: PlacementPolicy,
  holders: Iterable<PeerId | undefined>,
  siteOf: (peer: PeerId) => Site | undefined,
): boolean {
  if (policy.domain === 'none') return true;
  const cap = domainCap(policy);
  const units = new Set<string>();
  const domains = new Map<string, number>();
  for (const holder of holders) {
    if (holder === undefined) continue;
    const location = locate(siteOf(holder) ?? { peer: holder });
    const unit = unitOf(policy.domain, location);
    const domain = domainOf(policy.domain, location);
    if (units.has(unit) || (domains.get(domain) ?? 0) >= cap) return false;
    units.add(unit);
    count(domains, domain);
  }
  return true;
}
