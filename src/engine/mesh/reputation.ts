/**
 * What this node thinks of a peer, from its own observations alone: 0 (never believe it) to 100, 50 for a stranger.
 * Pure: a standing, an observation and a time give the next standing.
 *
 * - A good observation takes a share of the distance to 100, a bad one a share of the distance to its floor.
 * - Between observations everything fades towards neutral with `HALF_LIFE_MS`: old merit and old guilt alike.
 * - Failures that an honest peer can have (it died, it is full) stop at a floor above the quarantine threshold: only what an
 *   honest peer does not do (wrong bytes, accepting and never answering, flooding) leads into quarantine.
 */

export type ObservationKind =
  | 'ok'
  | 'slow'
  | 'timeout'
  | 'unreachable'
  | 'wrong-bytes'
  | 'refused'
  | 'flood'
  /** It could not prove a shard that it had acknowledged; a disk that was lost looks the same. */
  | 'failed-audit';

export interface Standing {
  /** 0–100. */
  score: number;
  /** Times it gave wrong bytes, each fading with the half-life. Good answers do not buy them back. */
  lies: number;
  /** Monotonic time of this standing. */
  atMs: number;
}

export const NEUTRAL_SCORE = 50;
/** Half of what separates a peer from a stranger is forgotten in this time. */
export const HALF_LIFE_MS = 60 * 60_000;
/** Below this a peer is quarantined, and it stays so until it is above `RELEASE_SCORE`. */
export const QUARANTINE_SCORE = 20;
export const RELEASE_SCORE = 30;
/** A stranger's second lie quarantines by the score, anybody's third by the count. One may be a bit flip. */
export const QUARANTINE_LIES = 2.5;
export const RELEASE_LIES = 1.25;

interface Effect {
  target: number;
  /** Share of the distance to `target` taken by one observation. */
  share: number;
}

/** Above `RELEASE_SCORE`: a peer that was merely down must not wait for the half-life when it is back. */
const HONEST_FLOOR = 35;

const EFFECTS: Readonly<Record<ObservationKind, Effect>> = {
  ok: { target: 100, share: 0.02 },
  slow: { target: HONEST_FLOOR, share: 0.02 },
  refused: { target: HONEST_FLOOR, share: 0.02 },
  unreachable: { target: HONEST_FLOOR, share: 0.1 },
  timeout: { target: 0, share: 0.12 },
  flood: { target: 0, share: 0.12 },
  'failed-audit': { target: HONEST_FLOOR, share: 0.2 },
  'wrong-bytes': { target: 0, share: 0.6 },
};

export function stranger(atMs: number): Standing {
  return { score: NEUTRAL_SCORE, lies: 0, atMs };
}

/** The standing as it has faded by `nowMs`; a clock that went back changes nothing. */
export function faded(standing: Standing, nowMs: number): Standing {
  const passedMs = nowMs - standing.atMs;
  if (passedMs <= 0) return standing;
  const kept = 0.5 ** (passedMs / HALF_LIFE_MS);
  return {
    score: NEUTRAL_SCORE + (standing.score - NEUTRAL_SCORE) * kept,
    lies: standing.lies * kept,
    atMs: nowMs,
  };
}

export function observed(standing: Standing, kind: ObservationKind, nowMs: number): Standing {
  const before = faded(standing, nowMs);
  const { target, share } = EFFECTS[kind];
  const moved = before.score + (target - before.score) * share;
  return {
    // A bad observation never lifts a score that is below its floor already.
    score: kind === 'ok' ? moved : Math.min(before.score, moved),
    lies: before.lies + (kind === 'wrong-bytes' ? 1 : 0),
    atMs: before.atMs,
  };
}

/** Whether the peer is quarantined, given whether it was: the way out is narrower than the way in, so it does not flicker. */
export function isQuarantined(standing: Standing, was: boolean): boolean {
  return was
    ? standing.score < RELEASE_SCORE || standing.lies > RELEASE_LIES
    : standing.score < QUARANTINE_SCORE || standing.lies > QUARANTINE_LIES;
}
