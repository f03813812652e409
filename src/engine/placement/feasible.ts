/** Whether a policy can keep its promise with the holders at hand, and the arithmetic when it cannot. Pure. */
import { DatameshError } from '../../errors.ts';
import type { CodeProfile } from '../types.ts';
import { type Candidate, domainCap, type PlacementPolicy } from './domains.ts';
import { type Losses, promisedLosses, roomByDomain } from './survival.ts';

export interface Feasibility {
  /** Shards of a stripe: k + m. */
  wanted: number;
  /** How many of them the rule lets the holders at hand take. */
  placeable: number;
  /** Domains of the policy at hand, and how many it needs at least. */
  domains: number;
  domainsNeeded: number;
  /** Every shard finds a place. */
  whole: boolean;
  /** A put would go ahead without --allow-degraded; when not `whole`, with fewer shards and exit 3. */
  accepted: boolean;
  /** Why it is not whole; undefined when it is. */
  arithmetic: string | undefined;
  /** What every stripe put now would survive. */
  survives: Losses;
}

/** Domains listed in a message. */
const LISTED = 8;

/** Shards that must be durable before a put may succeed: k + ceil(m/2), all of them for m = 0. */
export function writeQuorum(code: CodeProfile): number {
  return code.k + Math.ceil(code.m / 2);
}

/** @param candidates with room for a shard */
export function feasibilityOf(policy: PlacementPolicy, candidates: readonly Candidate[]): Feasibility {
  return { ...placeableNow(policy, candidates), survives: promisedLosses(candidates, policy) };
}

/** What a put has to know; `survives` takes longer than all of it. */
function placeableNow(
  policy: PlacementPolicy,
  candidates: readonly Candidate[],
): Omit<Feasibility, 'survives'> {
  const { code, domain } = policy;
  const wanted = code.k + code.m;
  const room = roomByDomain(candidates, policy);
  const placeable =
    domain === 'none'
      ? candidates.length > 0
        ? wanted
        : 0
      : Math.min(
          wanted,
          [...room.values()].reduce((sum, count) => sum + count, 0),
        );
  const domainsNeeded =
    domain === 'none' ? 1 : domain === 'node' ? wanted : Math.ceil(wanted / Math.max(1, code.m));
  // Nodes come and go one by one, so a put goes on with fewer as long as the quorum stands. Too few racks or zones is how the mesh is built.
  const built = domain === 'node' || (room.size >= domainsNeeded && (domain === 'none' || code.m > 0));
  const whole = placeable === wanted && built;
  return {
    wanted,
    placeable,
    domains: room.size,
    domainsNeeded,
    whole,
    accepted: built && placeable >= writeQuorum(code),
    arithmetic: whole ? undefined : arithmetic(policy, room, placeable),
  };
}

function arithmetic(policy: PlacementPolicy, room: ReadonlyMap<string, number>, placeable: number): string {
  const { code, domain } = policy;
  const profile = `${code.k}+${code.m}`;
  const wanted = code.k + code.m;
  if (domain === 'none') return 'no node that can take a shard is at hand';
  if (domain === 'node') {
    return `${profile} needs ${wanted} nodes and this mesh has ${room.size} that can take a shard`;
  }
  if (code.m === 0) {
    return `${profile} has no parity, so it survives the loss of no ${domain}; only domain none promises as little`;
  }
  const cap = domainCap(policy);
  const needed = Math.ceil(wanted / cap);
  if (room.size < needed) {
    return (
      `${profile} over ${domain}s needs ≥ ${needed} ${domain}s with ${cap} ${cap === 1 ? 'shard' : 'shards'} at most in each: ` +
      `${wanted}/${cap}; this mesh has ${count(room.size, domain)}`
    );
  }
  const rooms = [...room.values()].sort((a, b) => b - a);
  const sum = rooms.slice(0, LISTED).join(' + ') + (rooms.length > LISTED ? ' + …' : '');
  const unit = domain === 'disk' ? 'folder' : 'node';
  return (
    `${profile} over ${domain}s has ${wanted} shards to place, one to a ${unit} and ${cap} at most in a ${domain}; ` +
    `the ${count(room.size, domain)} of this mesh take ${sum} = ${placeable}`
  );
}

function count(number: number, noun: string): string {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}

/**
 * Refuses before a byte is sent when the mesh cannot keep the promise of the policy, with the arithmetic. Throws `no-peers`,
 * `too-few-nodes`.
 * @param candidates with room for a shard
 */
export function requirePlaceable(policy: PlacementPolicy, candidates: readonly Candidate[]): void {
  if (candidates.length === 0) throw noPeers();
  const found = placeableNow(policy, candidates);
  if (found.accepted || policy.allowDegraded) return;
  const byNode = policy.domain === 'node';
  throw tooFew(
    policy,
    found,
    byNode
      ? `at least ${writeQuorum(policy.code)} (k + half of m) must each hold one shard, or losing a single node could lose the file`
      : undefined,
    candidates,
  );
}

/** Refuses a policy that the candidates cannot keep in full, unless `allowDegraded`. Throws `too-few-nodes`. */
export function requireWhole(policy: PlacementPolicy, candidates: readonly Candidate[]): void {
  const found = placeableNow(policy, candidates);
  if (found.whole || policy.allowDegraded) return;
  throw tooFew(policy, found, undefined, candidates);
}

const ADD_NODES = 'connect more nodes (`datamesh peers`, `datamesh bootstrap MULTIADDR`)';

/** What helps whoever asked; what a caller's own options can change is for the caller to say. */
function mendOf({ domain }: PlacementPolicy, domains: number, candidates: readonly Candidate[]): string {
  const foldersAlone = candidates.length > 0 && candidates.every(({ node }) => node !== undefined);
  if (!foldersAlone)
    return domain === 'node'
      ? ADD_NODES
      : `${ADD_NODES}, or choose a code with more parity or a smaller domain (\`datamesh pool\`)`;
  if (domain !== 'disk')
    return 'choose the domain disk, or add nodes (`datamesh pool` with --domain or --node): the pool has folders of one machine alone';
  return domains < candidates.length
    ? 'put the folders on different disks, or count them so with --separate-disks (`datamesh pool`)'
    : 'add folders on further disks (`datamesh pool` with --dir)';
}

function tooFew(
  policy: PlacementPolicy,
  { arithmetic: what, wanted, placeable, domains, domainsNeeded }: Omit<Feasibility, 'survives'>,
  why: string | undefined,
  candidates: readonly Candidate[],
): DatameshError {
  const { code, domain } = policy;
  return new DatameshError('too-few-nodes', {
    what: what ?? 'the policy cannot be kept',
    why:
      why ??
      (domain === 'none' || code.m === 0
        ? undefined
        : `with more than ${domain === 'node' ? 'one shard on a node' : `m = ${code.m} shards of a stripe in one ${domain}`}, losing it could lose the file`),
    mend: mendOf(policy, domains, candidates),
    details: { wanted, quorum: writeQuorum(code), placeable, domain, domains, domainsNeeded },
  });
}

function noPeers(): DatameshError {
  return new DatameshError('no-peers', {
    what: 'no node of this mesh can take a shard',
    why: 'this node offers no storage (or is full), and no connected peer admits your owner key',
    mend: 'check `datamesh peers`; connect one with `datamesh bootstrap MULTIADDR`, or start nodes with the same owner or open access',
  });
}
