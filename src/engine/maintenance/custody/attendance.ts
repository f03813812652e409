/** Since when holders are here or away, as this node has seen the mesh. */
import type { PeerId } from '../../types.ts';

/** Names cost a stranger nothing; who left longest ago is forgotten first, and counts as never met. */
const MAX_PEERS = 4_096;

export class Attendance {
  /** In the order in which it was told. */
  private readonly seen = new Map<PeerId, { isHere: boolean; sinceMs: number }>();
  private readonly metMs: number;

  /** @param metMs by then this node has met whoever is live: of the others nobody knows more than that they were away then */
  constructor(metMs: number) {
    this.metMs = metMs;
  }

  /** Whether that is news: one that only kept silent for a moment has not been away. */
  came(peer: PeerId, nowMs: number): boolean {
    if (this.seen.get(peer)?.isHere === true) return false;
    this.note(peer, true, nowMs);
    return true;
  }

  left(peer: PeerId, nowMs: number): void {
    this.note(peer, false, nowMs);
  }

  /** Of a peer that is known to be here. */
  hereMs(peer: PeerId, nowMs: number): number | undefined {
    const seen = this.seen.get(peer);
    return seen?.isHere ? nowMs - seen.sinceMs : undefined;
  }

  /** When a peer left that cannot be asked now. One that was not told to have left has only just become silent. */
  awaySinceMs(peer: PeerId, nowMs: number): number {
    const seen = this.seen.get(peer);
    if (seen === undefined) return Math.min(nowMs, this.metMs);
    return seen.isHere ? nowMs : seen.sinceMs;
  }

  private note(peer: PeerId, isHere: boolean, sinceMs: number): void {
    this.seen.delete(peer);
    this.seen.set(peer, { isHere, sinceMs });
    if (this.seen.size <= MAX_PEERS) return;
    for (const [other, seen] of this.seen) {
      if (seen.isHere) continue;
      this.seen.delete(other);
      return;
    }
    this.seen.delete(this.seen.keys().next().value!);
  }
}
