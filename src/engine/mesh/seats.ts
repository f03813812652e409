/**
 * Who may be connected when all connections that this node keeps are taken: whoever stands higher than one who is there, and that one goes. Strangers with many
 * names would else keep out a member whose line was gone for a moment.
 */
import type { PeerId } from '../types.ts';

export interface SeatsOptions {
  max: number;
  connected(): readonly PeerId[];
  hangUp(peer: PeerId): void;
}

export class Seats {
  private readonly options: SeatsOptions;
  /** How long it was here; of whom this node trusts for another reason, infinite. */
  private standing: (peer: PeerId) => number = () => 0;
  /** Hung up on, and not gone yet. */
  private readonly leaving = new Set<PeerId>();

  constructor(options: SeatsOptions) {
    this.options = options;
  }

  by(standing: (peer: PeerId) => number): void {
    this.standing = standing;
  }

  /** Whether there is a seat for the peer, or one was made. */
  make(peer: PeerId): boolean {
    const there = this.options.connected();
    if (there.length < this.options.max || there.includes(peer)) return true;
    const here = new Set(there);
    for (const one of this.leaving) if (!here.has(one)) this.leaving.delete(one);
    let least: PeerId | undefined;
    let lowest = this.standing(peer);
    for (const one of there) {
      if (this.leaving.has(one)) continue;
      const standing = this.standing(one);
      if (standing < lowest) [least, lowest] = [one, standing];
    }
    if (least === undefined) return false;
    this.leaving.add(least);
    this.options.hangUp(least);
    return true;
  }
}
