/**
 * Failure domains: what fails together. disk < node < rack < zone, each within the next, so that the domains of a mesh form a
 * tree. Labels come from the nodes themselves (NodeInfo), so a missing one is met with suspicion: see `locate`.
 */
import type { CodeProfile, PeerId } from '../types.ts';
import type { Placed } from './xor.ts';

/** `none` makes no promise: it survives nothing. */
export const DOMAINS = ['none', 'disk', 'node', 'rack', 'zone'] as const;
export type Domain = (typeof DOMAINS)[number];
/** Levels for which losses are counted. */
export const LEVELS = ['disk', 'node', 'rack', 'zone'] as const;
export type Level = (typeof LEVELS)[number];

/** Where a holder of shards stands. */
export interface Site {
  peer: PeerId;
  /** The machine that the holder is part of; absent when the holder is a node itself. */
  node?: PeerId | undefined;
  /** Disk within the machine; absent when it is not known, and then all of the machine is one disk. */
  disk?: string | undefined;
  rack?: string | undefined;
  zone?: string | undefined;
}

/** A holder that may take shards. */
export interface Candidate extends Site, Placed {
  /** Bytes it still offers; 0 = takes nothing. */
  freeBytes: number;
}

/** Nobody is compared with who takes nothing. */
const NOWHERE = new Uint8Array(32);

/** A holder that has something and takes no more, as `site` tells where it stands. */
export function standingAt(site: Site): Candidate {
  return { ...site, point: NOWHERE, freeBytes: 0 };
}

/** The same of all of them whose place is known: placement counts the others in every domain. */
export function standing(
  holders: readonly PeerId[],
  siteOf: (holder: PeerId) => Site | undefined,
): Candidate[] {
  return [...new Set(holders)].flatMap((peer) => {
    const site = siteOf(peer);
    return site === undefined ? [] : [standingAt({ ...site, peer })];
  });
}

export interface PlacementPolicy {
  code: CodeProfile;
  domain: Domain;
  /** Place what the rule leaves over all the same, as evenly as the mesh permits. */
  allowDegraded: boolean;
}

/** One key per level: equal keys, same domain. */
export type Location = Record<Level, string> & { holder: PeerId };

/**
 * A rack is told by zone and rack together: two zones may both have a rack "1". Holders without a label share ONE domain: nothing says
 * that they stand apart, and to count each as a domain of its own would promise what nobody checked. Labels that differ
 * only in case or surrounding blanks are equal, for the same reason.
 */
export function locate(site: Site): Location {
  const node = site.node ?? site.peer;
  const zone = label(site.zone);
  return {
    holder: site.peer,
    disk: within(node, site.disk ?? ''),
    node,
    rack: within(zone, label(site.rack)),
    zone,
  };
}

/** No two pairs give one key, whatever a stranger writes into a label. */
function within(outer: string, inner: string): string {
  return `${outer.length} ${outer} ${inner}`;
}

/** Equal for labels that are the same place. */
export function label(text: string | undefined): string {
  return (text ?? '').trim().toLowerCase();
}

/**
 * What may take one shard of a stripe at most: a node, whatever the domain above it; where disks are the domains, one holder (a
 * directory), so that a machine with several disks can be a pool.
 */
export function unitOf(domain: Domain, location: Location): string {
  return domain === 'disk' ? location.holder : location.node;
}

/** Shards of a stripe that one domain of the policy may hold: no more than may be lost. */
export function domainCap({ code, domain }: PlacementPolicy): number {
  // Nodes hold one each by the rule of units, also for codes without parity.
  if (domain === 'none' || domain === 'node') return Number.POSITIVE_INFINITY;
  return code.m;
}

export function domainOf(domain: Domain, location: Location): string {
  return domain === 'none' ? '' : location[domain];
}
