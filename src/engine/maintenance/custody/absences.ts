/** Since when holders are away, as this node has seen the mesh. */
import type { PeerId } from '../../types.ts';

/** Names cost a stranger nothing; who left longest ago is forgotten first, and counts as never met. */
const MAX_PEERS = 4_096;

export class Absences {
  /** Undefined: it is live. In the order in which that was told. */
  private readonly leftMs = new Map<PeerId, number | undefined>();
  private readonly metMs: number;

  /** @param metMs by then this node has met whoever is live: of the others nobody knows more than that they were away then */
  constructor(metMs: number) {
    this.metMs = metMs;
  }

  /** Whether that is news: one that only kept silent for a moment has not been away. */
  came(peer: PeerId): boolean {
    const isHere = this.leftMs.has(peer) && this.leftMs.get(peer) === undefined;
    if (!isHere) this.note(peer, undefined);
    return !isHere;
  }

  left(peer: PeerId, nowMs: number): void {
    this.note(peer, nowMs);
  }

  /** Of a peer that cannot be asked now. One that was not told to have left has only just become silent. */
  sinceMs(peer: PeerId, nowMs: number): number {
    if (!this.leftMs.has(peer)) return Math.min(nowMs, this.metMs);
    return this.leftMs.get(peer) ?? nowMs;
  }

  private note(peer: PeerId, leftMs: number | undefined): void {
    this.leftMs.delete(peer);
    this.leftMs.set(peer, leftMs);
    if (this.leftMs.size <= MAX_PEERS) return;
    for (const [other, ms] of this.leftMs) {
      if (ms === undefined) continue;
      this.leftMs.delete(other);
      return;
    }
    this.leftMs.delete(this.leftMs.keys().next().value!);
  }
}
