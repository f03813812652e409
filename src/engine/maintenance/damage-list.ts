/**
 * Objects that may be damaged: when each was first found so, when it is to be looked at next, and how many losses it is known to have had, for those with the
 * least to spare come first. Bounded; what does not fit the next census finds again.
 */
import type { ObjectId } from '../types.ts';
import type { NotedLosses } from './noted-losses.ts';

interface Suspect {
  /** Since when it is damaged, as the first look found it to be; undefined before that. */
  sinceMs: number | undefined;
  /** When it was last told that a holder is gone: a look may come much later. */
  toldMs: number | undefined;
  nextMs: number;
  /** Since when its lease has been refused; undefined once it was worked on. */
  refusedSinceMs: number | undefined;
  /** Looks in a row after which nothing could be done. */
  futile: number;
  /** How many it may lose, as its code says. */
  m: number;
  /** Shards of its weakest stripe that are gone, as far as is known. */
  losses: number;
  /** Of them, what was told since the last look began, which may not have seen it. */
  unseen: number;
  /** What the last look found beyond what the notes say, as holders are here that have lost theirs; negative where shards lie with holders that nobody noted. */
  unnoted: number;
  /** When a look at it last began; before the first, since when it is suspected. */
  lookedMs: number;
}

/** 100 bytes each. */
const MAX_SUSPECTS = 200_000;
/** Of those without a known loss, looked through for one that may give way to one with a loss. */
const MAX_SEARCHED = 64;
/** Wait after the first futile look, doubled with each further one. */
const FIRST_WAIT_MS = 5_000;
const LAST_WAIT_MS = 300_000;
/** Some rounds of the census: else what only a look can find, a holder that is here and has lost its shards, would not be found before all else is mended. */
const LEFT_LYING_MS = 300_000;
/** What an object may lose is taken for that of the usual code until its notes have told. */
const USUAL_M = 2;
/** With as much to spare and more it is one list. */
const MOST_SPARE = 16;
/** The list of those without a known loss, behind all others. */
const NO_LOSS = MOST_SPARE + 1;

/** In milliseconds of the clock that the list is told. */
export interface KnownDamage {
  losses: number;
  ageMs: number;
  /** Since the last loss was told. */
  toldAgoMs: number;
  /** Since somebody looked at it here, or it was first suspected. */
  unlookedMs: number;
}

export class DamageList {
  private readonly suspects = new Map<ObjectId, Suspect>();
  /** The same by what is to spare, each in the order of what is due. */
  private readonly bySpare = Array.from({ length: NO_LOSS + 1 }, () => new Map<ObjectId, Suspect>());

  private readonly most: number;

  constructor(most = MAX_SUSPECTS) {
    this.most = most;
  }

  get size(): number {
    return this.suspects.size;
  }

  /** To be looked at soon, whatever was found before. `lost`: one of its holders is gone. `weak`: it has lost shards, now or before, and takes the place of what is not known to. */
  suspect(id: ObjectId, nowMs: number, lost = false, weak = lost): void {
    const known = this.suspects.get(id);
    if (known !== undefined) {
      known.nextMs = Math.min(known.nextMs, nowMs);
      // A census suspects everything each minute: where nothing could be done, that is look enough until the mesh changes.
      if (!lost) return;
      known.futile = 0;
      known.toldMs = nowMs;
      known.unseen++;
      this.list(id, known, known.losses + 1);
    } else if (this.suspects.size < this.most || (weak && this.madeRoom())) {
      const suspect: Suspect = {
        sinceMs: undefined,
        toldMs: lost ? nowMs : undefined,
        nextMs: nowMs,
        refusedSinceMs: undefined,
        futile: 0,
        m: USUAL_M,
        losses: 0,
        unseen: lost ? 1 : 0,
        unnoted: 0,
        lookedMs: nowMs,
      };
      this.suspects.set(id, suspect);
      this.list(id, suspect, lost ? 1 : 0);
    }
  }

  /** One of its holders is back. `noted`: what the notes say is still away; a node that comes and goes counts as no loss. */
  returned(id: ObjectId, nowMs: number, noted: NotedLosses): void {
    this.suspect(id, nowMs);
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return;
    // Another one that is away may have gone since the look began.
    if (noted.losses === 0) suspect.unseen = 0;
    // What was lost for good may be saved now, and is as weak as can be.
    suspect.unnoted = Math.max(0, suspect.unnoted);
    this.assess(id, noted);
  }

  /** A look at it begins. What is told to be lost from now on outlasts the look and the repair after it: their end does not call it whole, nor does it wait. */
  look(id: ObjectId, nowMs: number): void {
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return;
    suspect.unseen = 0;
    suspect.lookedMs = nowMs;
  }

  /** What a look has found: shards of its weakest stripe that are gone. `noted`: as many of them as the notes alone would tell. */
  found(id: ObjectId, losses: number, noted: number): void {
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return;
    suspect.unnoted = losses - noted;
    this.list(id, suspect, losses + suspect.unseen);
  }

  /** What the notes say now, which takes the place of losses that were counted as they were told. True where more is to spare by that: then others are weaker. */
  assess(id: ObjectId, { losses, m, sinceMs }: NotedLosses): boolean {
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return false;
    if (losses > 0) suspect.toldMs ??= sinceMs;
    const before = placeOf(suspect);
    const now = Math.max(0, losses + suspect.unnoted);
    if (now !== suspect.losses || m !== suspect.m) this.list(id, suspect, now, m);
    return placeOf(suspect) > before;
  }

  /** A custodian is gone: what waited for it may be this node's to mend now. */
  wake(nowMs: number): void {
    for (const of of this.bySpare.slice(0, NO_LOSS))
      for (const suspect of of.values())
        if (suspect.futile === 0) suspect.nextMs = Math.min(suspect.nextMs, nowMs);
  }

  /** The mesh has changed: what was futile may now help. What only waits for its time goes on waiting: with each node that comes all of it would be looked at in vain. */
  retryFutile(nowMs: number): void {
    for (const suspect of this.suspects.values()) {
      if (suspect.futile === 0) continue;
      suspect.nextMs = Math.min(suspect.nextMs, nowMs);
      suspect.futile = 0;
    }
  }

  /** The weakest first, without those that somebody has in hand. */
  due(nowMs: number, limit: number, inHand?: ReadonlySet<ObjectId>, lossesOnly = false): ObjectId[] {
    const due: ObjectId[] = [];
    for (const suspects of lossesOnly ? this.bySpare.slice(0, NO_LOSS) : this.bySpare) {
      for (const [id, { nextMs }] of suspects) {
        if (nextMs > nowMs || inHand?.has(id)) continue;
        due.push(id);
        if (due.length === limit) return due;
      }
    }
    return due;
  }

  /** Without a known loss, and not reached since it fell due so long ago: while there is more with one than can be mended, it is behind all of that. */
  leftLying(nowMs: number, limit: number, inHand: ReadonlySet<ObjectId>): ObjectId[] {
    const left: ObjectId[] = [];
    for (const [id, { nextMs }] of this.bySpare[NO_LOSS]!) {
      if (left.length === limit) break;
      if (nowMs - nextMs >= LEFT_LYING_MS && !inHand.has(id)) left.push(id);
    }
    return left;
  }

  /** What was told or found of it; undefined where nobody knows of a loss. */
  known(id: ObjectId, nowMs: number): KnownDamage | undefined {
    const suspect = this.suspects.get(id);
    const fromMs = suspect?.sinceMs ?? suspect?.toldMs;
    if (suspect === undefined || suspect.losses === 0 || fromMs === undefined) return undefined;
    const { losses, toldMs = fromMs, lookedMs } = suspect;
    return { losses, ageMs: nowMs - fromMs, toldAgoMs: nowMs - toldMs, unlookedMs: nowMs - lookedMs };
  }

  /** By all that is known its time has not come: it needs no look before this, unless more is told of it. */
  leaveUntil(id: ObjectId, atMs: number): void {
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return;
    suspect.nextMs = atMs;
    // Behind those that are due.
    this.list(id, suspect, suspect.losses);
  }

  /** How long it has been damaged: since its loss was told, or else since it is first noted now. */
  ageMs(id: ObjectId, nowMs: number): number {
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return 0;
    suspect.sinceMs ??= suspect.toldMs ?? nowMs;
    return nowMs - suspect.sinceMs;
  }

  /** Its lease was refused: for how long now, without a break. */
  refusedMs(id: ObjectId, nowMs: number): number {
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return 0;
    suspect.refusedSinceMs ??= nowMs;
    return nowMs - suspect.refusedSinceMs;
  }

  /** Damaged, but by the last look its time has not come. */
  waitUntil(id: ObjectId, atMs: number): void {
    if (this.suspects.get(id)?.unseen === 0) this.leaveUntil(id, atMs);
  }

  /** Damaged, and nothing could be done now. */
  futile(id: ObjectId, nowMs: number): void {
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return;
    suspect.refusedSinceMs = undefined;
    this.waitUntil(id, nowMs + Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** suspect.futile));
    suspect.futile++;
  }

  /** As the last look saw it, or a repair has made it. */
  whole(id: ObjectId): void {
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return;
    if (suspect.unseen === 0) {
      this.drop(id);
      return;
    }
    suspect.sinceMs = undefined;
    suspect.unnoted = 0;
    suspect.refusedSinceMs = undefined;
    suspect.futile = 0;
    this.list(id, suspect, suspect.unseen);
  }

  /** Not this node's any more, whatever was told of it. */
  drop(id: ObjectId): void {
    const suspect = this.suspects.get(id);
    if (suspect === undefined) return;
    this.suspects.delete(id);
    this.listOf(suspect).delete(id);
  }

  /** Objects that a look has found to be damaged. */
  damaged(): ObjectId[] {
    return [...this.suspects].filter(([, { sinceMs }]) => sinceMs !== undefined).map(([id]) => id);
  }

  /** A census of a large custody fills the list with what is whole, which the next one finds again. */
  private madeRoom(): boolean {
    let searched = 0;
    for (const [id, suspect] of this.bySpare[NO_LOSS]!) {
      if (searched++ === MAX_SEARCHED) return false;
      if (suspect.sinceMs === undefined) {
        this.drop(id);
        return true;
      }
      // Else what cannot be mended would stand there each time.
      this.list(id, suspect, 0);
    }
    return false;
  }

  /** To the end of the list where it belongs with so many losses. */
  private list(id: ObjectId, suspect: Suspect, losses: number, m = suspect.m): void {
    this.listOf(suspect).delete(id);
    suspect.losses = Math.max(0, losses);
    suspect.m = m;
    this.listOf(suspect).set(id, suspect);
  }

  private listOf(suspect: Suspect): Map<ObjectId, Suspect> {
    return this.bySpare[placeOf(suspect)]!;
  }
}

function placeOf({ losses, m }: Suspect): number {
  return losses === 0 ? NO_LOSS : Math.min(MOST_SPARE, Math.max(0, m - losses));
}
