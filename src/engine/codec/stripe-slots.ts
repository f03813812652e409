/**
 * Workspaces that stripes are made in and lent from, so that the bytes on the wire are the bytes the codec wrote. A lender that is out of
 * slots, or is asked for a stripe too large for one, says so and the codec copies instead: memory stays bounded whoever forgets to give back.
 */
import { Workspace } from './workspace.ts';

/** A put keeps at most 4–6 stripes in flight; two puts at once still fit. */
export const MAX_SLOTS = 8;
/** All slots together, lent or free. With 4 MiB chunks at 4+2 a slot is 6 MiB. */
export const MAX_TOTAL_BYTES = 256 * 1024 * 1024;

export interface Slot {
  workspace: Workspace;
  /** Idempotent. */
  giveBack(): void;
}

export interface SlotLimits {
  maxSlots: number;
  maxTotalBytes: number;
  make(roomBytes: number): Workspace;
  /** Of one that nobody uses. */
  grow(workspace: Workspace, roomBytes: number): void;
  /** Told of every workspace that is let go. */
  dropped(workspace: Workspace): void;
  /** Told when one comes back. */
  freed(): void;
  /** Told whenever another number of them is lent. */
  lent(count: number): void;
}

export class StripeSlots {
  readonly #limits: SlotLimits;
  readonly #free: Workspace[] = [];
  readonly #lent = new Set<Workspace>();

  constructor(limits: Partial<SlotLimits> = {}) {
    this.#limits = {
      maxSlots: MAX_SLOTS,
      maxTotalBytes: MAX_TOTAL_BYTES,
      make: Workspace.own,
      grow: (workspace, roomBytes) => workspace.ensureRoom(roomBytes),
      dropped: () => {},
      freed: () => {},
      lent: () => {},
      ...limits,
    };
  }

  /** A slot with room for `stripeBytes`, or undefined when that would exceed the bounds or the machine has not so much. */
  lend(stripeBytes: number): Slot | undefined {
    if (this.#lent.size >= this.#limits.maxSlots) return undefined;
    let workspace: Workspace | undefined;
    try {
      workspace = this.#take(stripeBytes);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    if (workspace === undefined) return undefined;
    const lent = workspace;
    this.#lent.add(lent);
    this.#limits.lent(this.#lent.size);
    let given = false;
    return {
      workspace: lent,
      giveBack: () => {
        if (given) return;
        given = true;
        this.#lent.delete(lent);
        this.#free.push(lent);
        this.#limits.lent(this.#lent.size);
        this.#limits.freed();
      },
    };
  }

  get lentCount(): number {
    return this.#lent.size;
  }

  /** Whether a stripe that waits needs no more memory: none that is free is large enough, one that is lent is. */
  isWorthWaiting(stripeBytes: number): boolean {
    const fits = ({ roomBytes }: Workspace) => roomBytes >= stripeBytes;
    return this.#lent.size < this.#limits.maxSlots && !this.#free.some(fits) && [...this.#lent].some(fits);
  }

  /** Bytes of all workspaces, lent and free. */
  get totalBytes(): number {
    return [...this.#lent, ...this.#free].reduce((sum, { roomBytes }) => sum + roomBytes, 0);
  }

  /** Lets free ones go, the largest first, until there are no more than so many, lent ones included. False when there was none to let go. */
  trimTo(count: number): boolean {
    const before = this.#free.length;
    this.#free.sort((a, b) => a.roomBytes - b.roomBytes);
    while (this.#free.length > 0 && this.#lent.size + this.#free.length > count)
      this.#limits.dropped(this.#free.pop()!);
    return this.#free.length < before;
  }

  #take(stripeBytes: number): Workspace | undefined {
    const best = this.#bestFree(stripeBytes);
    if (best !== undefined && best.roomBytes >= stripeBytes) return this.#taken(best);
    // Free ones make room for it: a memory cannot shrink, but it can be dropped.
    const { maxTotalBytes, make, grow } = this.#limits;
    const moreBytes = stripeBytes - (best?.roomBytes ?? 0);
    while (this.totalBytes + moreBytes > maxTotalBytes && this.#dropBeside(best));
    if (this.totalBytes + moreBytes > maxTotalBytes) return undefined;
    if (best === undefined) return make(stripeBytes);
    grow(best, stripeBytes);
    return this.#taken(best);
  }

  /**
   * The smallest that fits, else the largest: it is to grow. A memory once made stays for minutes (slot-upkeep.ts), so that there should be no more of them than
   * stripes at a time, whatever their sizes. Of equals the one used last, which is still in the caches.
   */
  #bestFree(leastBytes: number): Workspace | undefined {
    let best: Workspace | undefined;
    for (const workspace of this.#free) {
      const [has, had] = [workspace.roomBytes, best?.roomBytes ?? 0];
      if (had < leastBytes ? has >= had : has >= leastBytes && has <= had) best = workspace;
    }
    return best;
  }

  #taken(workspace: Workspace): Workspace {
    this.#free.splice(this.#free.indexOf(workspace), 1);
    return workspace;
  }

  /** Lets the smallest free one go, but not `kept`. False when there is none. */
  #dropBeside(kept: Workspace | undefined): boolean {
    const others = this.#free.filter((workspace) => workspace !== kept);
    if (others.length === 0) return false;
    const smallest = others.reduce((a, b) => (b.roomBytes < a.roomBytes ? b : a));
    this.#limits.dropped(this.#taken(smallest));
    return true;
  }
}
