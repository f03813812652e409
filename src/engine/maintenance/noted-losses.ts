/**
 * What an object has lost by its notes alone: shards of which everybody who was told to have them is away. Nobody is asked, so it says what to look at first and what may wait, and not how an object
 * is. Pure.
 */
import type { PeerId } from '../types.ts';
import { groupsFrom, type ObjectInCustody, withNoted } from './custody/custody-census.ts';
import type { GroupState } from './repair-plan.ts';

export interface NotedLosses {
  /** Shards of the weakest stripe, or copies of the manifest; there are as many to spare of both. No more than may be lost: what has lost more is not to be mended before what can still be saved. */
  losses: number;
  /** How many may be lost. */
  m: number;
  /** Since when the first of them is away; undefined where nothing is, or nobody was ever told to have it. */
  sinceMs: number | undefined;
}

/** Of a larger object the first ones: where all have holders from the same few nodes they fare alike, and a look asks for all of them. */
const MOST_STRIPES = 256;

/** @param awayMs since when a holder cannot be asked; undefined: it can be asked */
export function lossesByNotes(
  object: ObjectInCustody,
  awayMs: (holder: PeerId) => number | undefined,
): NotedLosses {
  let losses = 0;
  let sinceMs: number | undefined;
  for (const { group, noted } of withNoted(object, groupsFrom(object, 0, MOST_STRIPES))) {
    const away = awayIn(group, noted, awayMs);
    losses = Math.max(losses, away.length);
    for (const ms of away) if (ms !== undefined) sinceMs = Math.min(ms, sinceMs ?? ms);
  }
  const { m } = object.manifest.code;
  return { losses: Math.min(losses, m), m, sinceMs };
}

/** Of each shard that is lost: since when. */
function awayIn(
  { code }: Pick<GroupState, 'code'>,
  noted: readonly (readonly PeerId[])[],
  awayMs: (holder: PeerId) => number | undefined,
): (number | undefined)[] {
  if (code.k > 1) {
    const lost = noted.map((holders) => holders.map(awayMs)).filter((times) => !times.includes(undefined));
    return lost.map((times) => (times.length === 0 ? undefined : Math.max(...(times as number[]))));
  }
  // Replicas are alike: each holder counts for one of them, wherever it was noted.
  const times = [...new Set(noted.flat())].map(awayMs);
  const here = times.filter((ms) => ms === undefined).length;
  const gone = times.filter((ms) => ms !== undefined).sort((a, b) => b - a);
  return noted.slice(here).map((_, at) => gone[at]);
}
