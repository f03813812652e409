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
  /** Told of every workspace that is let go. */
  dropped(workspace: Workspace): void;
}

export class StripeSlots {
  readonly #limits: SlotLimits;
  readonly #free: Workspace[] = [];
  #lent = 0;
  #lentBytes = 0;

  constructor(limits: Partial<SlotLimits> = {}) {
    this.#limits = {
      maxSlots: MAX_SLOTS,
      maxTotalBytes: MAX_TOTAL_BYTES,
      make: Workspace.own,
      dropped: () => {},
      ...limits,
    };
  }

  /** A slot with room for `stripeBytes`, or undefined when that would exceed the bounds. */
  lend(stripeBytes: number): Slot | undefined {
    if (this.#lent >= this.#limits.maxSlots) return undefined;
    const workspace = this.#take(stripeBytes);
    if (workspace === undefined) return undefined;
    const { roomBytes } = workspace;
    this.#lent++;
    this.#lentBytes += roomBytes;
    let given = false;
    return {
      workspace,
      giveBack: () => {
        if (given) return;
        given = true;
        this.#lent--;
        this.#lentBytes -= roomBytes;
        this.#free.push(workspace);
      },
    };
  }

  /** Bytes of all workspaces, lent and free. */
  get totalBytes(): number {
    return this.#lentBytes + this.#free.reduce((sum, workspace) => sum + workspace.roomBytes, 0);
  }

  #take(stripeBytes: number): Workspace | undefined {
    const fitting = this.#smallestFree(stripeBytes);
    if (fitting !== undefined) return this.#free.splice(this.#free.indexOf(fitting), 1)[0];
    // Free workspaces that are too small make room for one that fits: a memory cannot shrink, but it can be dropped.
    const { maxSlots, maxTotalBytes, make } = this.#limits;
    while (this.#free.length > 0 && this.totalBytes + stripeBytes > maxTotalBytes) this.#drop();
    if (this.totalBytes + stripeBytes > maxTotalBytes) return undefined;
    if (this.#free.length + this.#lent >= maxSlots) this.#drop();
    return make(stripeBytes);
  }

  /**
   * The one that fits best: a small stripe in a large workspace has the next large stripe make another, and a memory once made stays (docs/decisions/host-memory.md).
   * Of equals the one used last, which is still in the caches.
   */
  #smallestFree(leastBytes = 0): Workspace | undefined {
    let best: Workspace | undefined;
    for (const workspace of this.#free)
      if (
        workspace.roomBytes >= leastBytes &&
        workspace.roomBytes <= (best?.roomBytes ?? Number.POSITIVE_INFINITY)
      )
        best = workspace;
    return best;
  }

  #drop(): void {
    const workspace = this.#smallestFree();
    if (workspace === undefined) return;
    this.#free.splice(this.#free.indexOf(workspace), 1);
    this.#limits.dropped(workspace);
  }
}
