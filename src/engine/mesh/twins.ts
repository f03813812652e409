/**
 * Two processes with one identity: a copied data folder, or a machine restored beside the one that it was made of. Each tells the mesh where it is, and its peers see the node in two places in turn; who only moves
 * is not back where it was, and again away, within minutes. The two cannot know it themselves: gossip gives nobody its own news, and what others dial is one of them.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../effects/clock.ts';
import type { PeerId } from '../types.ts';
import { MAX_KNOWN_PEERS } from './limits.ts';

/** There, back, there and back again. */
const MIN_TURNS = 3;
const SOON_MS = 600_000;
const TOLD_AGAIN_MS = 3_600_000;

interface Seen {
  /** Where it was before it was where it is. */
  left: readonly string[];
  atMs: number;
  turns: number;
  toldMs: number;
}

export class Twins {
  readonly #seen = new LRUCache<PeerId, Seen>({ max: MAX_KNOWN_PEERS });
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A peer has other addresses than it had. True when that is one turn too many; once an hour. */
  noted(peer: PeerId, before: readonly string[], now: readonly string[]): boolean {
    if (before.length === 0 || now.length === 0 || meet(before, now)) return false;
    const nowMs = this.#clock.monotonic();
    const seen = this.#seen.get(peer);
    const isBack = seen !== undefined && nowMs - seen.atMs < SOON_MS && meet(seen.left, now);
    const turns = isBack ? seen.turns + 1 : 0;
    const toldMs = seen?.toldMs ?? Number.NEGATIVE_INFINITY;
    const tells = turns >= MIN_TURNS && nowMs - toldMs >= TOLD_AGAIN_MS;
    this.#seen.set(peer, { left: before, atMs: nowMs, turns, toldMs: tells ? nowMs : toldMs });
    return tells;
  }
}

function meet(some: readonly string[], others: readonly string[]): boolean {
  return some.some((address) => others.includes(address));
}
