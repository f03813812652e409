/** Where shards are that do not lie where the manifest says: kept as claims, and told to the other custodians. */
import type { PeerId } from '../types.ts';
import type { ObjectInCustody } from './custody/custody-census.ts';
import { dutyFor } from './custody/custody-peers.ts';
import { type Claim, type ClaimsOf, type Found, MANIFEST_GROUP } from './custody/custody-store.ts';
import { askEach, heard } from './custody/silences.ts';
import type { Case, MenderContext } from './mender-context.ts';
import type { GroupState } from './repair-plan.ts';

/** Claims for all that is not where the manifest says, as it was just seen; those of whom nothing was heard stay, and what others have told since the look began. */
export function noteWhereabouts(
  cases: readonly Case[],
  { store, backend, suspects, nowMs }: Pick<MenderContext, 'store' | 'backend' | 'suspects' | 'nowMs'>,
): ClaimsOf[] {
  const moves: Found[] = [];
  const fresh: ClaimsOf[] = [];
  for (const { object, record, groups, silent } of cases) {
    const { objectId, manifest } = object;
    const isAway = (holder: PeerId) => backend(holder) === undefined || silent.has(holder);
    const known = Map.groupBy(record.claims, ({ stripe }) => stripe);
    const seen = groups.flatMap((group) => claimsOf(object, group, known.get(group.stripe) ?? [], isAway));
    if (sameClaims(seen, record.claims)) continue;
    const claims = [...seen, ...without(store.claims(objectId), [...record.claims, ...seen])];
    moves.push({ objectId, claims, noted: manifest.peers });
    fresh.push({ objectId, claims: without(seen, record.claims) });
  }
  store.reclaim(moves);
  // Who went before that was noted was not known to have these shards.
  for (const { objectId, claims } of fresh)
    if (claims.some(({ holder }) => backend(holder) === undefined)) suspects.suspect(objectId, nowMs(), true);
  return moves;
}

function claimsOf(
  { manifest }: ObjectInCustody,
  { stripe, live }: GroupState,
  known: readonly Claim[],
  isAway: (holder: PeerId) => boolean,
): Claim[] {
  const noted = stripe === MANIFEST_GROUP ? [] : manifest.stripe(stripe).holders;
  return live.flatMap((holders, index) => {
    const told = known.filter((claim) => claim.index === index);
    // Nobody seems to have it now: what was known stays, as its holder may come back.
    if (holders.length === 0) return told;
    // Who is away still has its copy when it comes back: a release has to find it.
    const away = told.filter(({ holder }) => isAway(holder));
    const seen = holders.filter(
      (holder) => holder !== noted[index] && !away.some((it) => it.holder === holder),
    );
    return [...away, ...seen.map((holder) => ({ stripe, index, holder }))];
  });
}

function keyOf({ stripe, index, holder }: Claim): string {
  return `${stripe} ${index} ${holder}`;
}

function without(claims: readonly Claim[], others: readonly Claim[]): Claim[] {
  const keys = new Set(others.map(keyOf));
  return claims.filter((claim) => !keys.has(keyOf(claim)));
}

export function sameClaims(a: readonly Claim[], b: readonly Claim[]): boolean {
  const keys = (claims: readonly Claim[]) => claims.map(keyOf).sort().join();
  return a.length === b.length && keys(a) === keys(b);
}

export async function tellOthers(moves: readonly ClaimsOf[], context: MenderContext): Promise<void> {
  const { peers, client, limits, signal, store } = context;
  const byPeer = new Map<PeerId, ClaimsOf[]>();
  for (const move of moves) {
    const mark = store.mark(move.objectId);
    if (mark === undefined) continue;
    for (const peer of dutyFor(peers, move.objectId, mark.owner).others)
      byPeer.set(peer, [...(byPeer.get(peer) ?? []), move]);
  }
  await askEach(
    heard(byPeer, context),
    context,
    (peer) => `moves: ${peer} was not told`,
    async (peer, theirs) => {
      await client.moved(peer, theirs, { timeoutMs: limits.askTimeoutMs, signal });
    },
  );
}
