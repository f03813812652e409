/** What each holder of a pool carries, what would be its fair share, and what moves make of it. */
import type { Domain, Site } from '../../placement/domains.ts';
import { fairShares } from '../../placement/fair-share.ts';
import type { PeerId } from '../../types.ts';
import type { GroupState } from '../repair-plan.ts';

export interface Load {
  shards: number;
  bytes: number;
}

/** A holder that counts: what it carries is its own to keep or to give. */
export interface CarrierSite {
  site: Site;
  /** Bytes it still takes. */
  freeBytes: number;
}

export class Balance {
  /** As measured. */
  readonly before = new Map<PeerId, Load>();
  /** With the moves so far. */
  readonly loads = new Map<PeerId, Load>();
  private readonly oneShardBytes = new Map<number, number>();
  private fair = new Map<PeerId, number>();
  private largestBytes = 0;

  /** A group as it was found, with all copies of its shards. */
  count({ code, shardBytes, ids, live }: GroupState): void {
    // Shards of a stripe that are alike show the same holders each.
    const copies = new Set(ids.flatMap((id, at) => live[at]!.map((holder) => `${id} ${holder}`)));
    for (const copy of copies) {
      const holder = copy.slice(copy.indexOf(' ') + 1) as PeerId;
      for (const loads of [this.before, this.loads]) {
        const load = loads.get(holder) ?? { shards: 0, bytes: 0 };
        loads.set(holder, { shards: load.shards + 1, bytes: load.bytes + shardBytes });
      }
    }
    this.oneShardBytes.set(code.m, (this.oneShardBytes.get(code.m) ?? 0) + shardBytes);
    this.largestBytes = Math.max(this.largestBytes, shardBytes);
  }

  /** All is counted: who shall carry it? Holders that are not named keep what they have and get nothing. */
  settle(domain: Domain, carriers: readonly CarrierSite[]): void {
    const weighed = carriers.map(({ site, freeBytes }) => ({
      site,
      weightBytes: (this.before.get(site.peer)?.bytes ?? 0) + Math.max(0, freeBytes),
    }));
    const totalBytes = carriers.reduce((sum, { site }) => sum + (this.before.get(site.peer)?.bytes ?? 0), 0);
    this.fair = fairShares(domain, weighed, { totalBytes, oneShardBytes: this.oneShardBytes });
  }

  /** Those that have a fair share. */
  holders(): Iterable<PeerId> {
    return this.fair.keys();
  }

  fairBytes(holder: PeerId): number | undefined {
    return this.fair.get(holder);
  }

  /** Bytes above the fair share, below it when negative; undefined for a holder that does not count. */
  over(holder: PeerId): number | undefined {
    const fair = this.fair.get(holder);
    return fair === undefined ? undefined : (this.loads.get(holder)?.bytes ?? 0) - fair;
  }

  move(from: PeerId, to: PeerId, bytes: number): void {
    for (const [holder, sign] of [
      [from, -1],
      [to, 1],
    ] as const) {
      const load = this.loads.get(holder) ?? { shards: 0, bytes: 0 };
      this.loads.set(holder, { shards: load.shards + sign, bytes: load.bytes + sign * bytes });
    }
  }

  /** The largest distance from a fair share, as a part of it. What is less than one shard counts as none. */
  farthest(loads: ReadonlyMap<PeerId, Load> = this.loads): number {
    let farthest = 0;
    for (const [holder, fair] of this.fair) {
      const apart = Math.abs((loads.get(holder)?.bytes ?? 0) - fair);
      if (apart > this.largestBytes) farthest = Math.max(farthest, apart / Math.max(1, fair));
    }
    return farthest;
  }
}
