/** Hands on the heads that this node holds when nodes come or go, so that an owner who is away does not lose his: to each of the closest nodes not yet heard to have it. */
import { asDatameshError } from '../../errors.ts';
import type { Clock, Timer } from '../effects/clock.ts';
import { nextTurn } from '../effects/turn.ts';
import { pointOf } from '../placement/xor.ts';
import type { OwnerId, PeerId } from '../types.ts';
import { readHead } from './head.ts';
import { closestHolders, HEAD_HOLDERS, type HeadsContext, leaveHead } from './heads.ts';

/** After a change of the mesh: others change with it. */
const SETTLE_MS = 4_000;
/** In between everybody is told again: who lost its disk says nothing. */
const AGAIN_MS = 10 * 60_000;

export class HeadKeeper {
  private readonly context: HeadsContext & { clock: Clock };
  /** Not all nodes hand on in one moment. */
  private readonly ownDelayMs: number;
  /** Who was heard to have the head that is held now, by owner. */
  private readonly confirmed = new Map<OwnerId, Set<PeerId>>();
  private readonly stopper = new AbortController();
  private timer: Timer | undefined;
  private running: Promise<void> | undefined;
  private again = false;

  constructor(context: HeadsContext & { clock: Clock }) {
    this.context = context;
    this.ownDelayMs = (SETTLE_MS * pointOf(Buffer.from(context.peers.self))[0]!) / 256;
  }

  start(): void {
    this.arm(AGAIN_MS);
  }

  /** A newer head is held. */
  kept(owner: OwnerId): void {
    this.confirmed.delete(owner);
  }

  /** A node came or went. */
  changed(peer: PeerId): void {
    for (const peers of this.confirmed.values()) peers.delete(peer);
    this.arm(SETTLE_MS + this.ownDelayMs);
  }

  async stop(): Promise<void> {
    this.stopper.abort();
    this.timer?.cancel();
    await this.running;
  }

  private arm(delayMs: number): void {
    if (this.stopper.signal.aborted) return;
    this.timer?.cancel();
    this.timer = this.context.clock.after(delayMs, () => {
      if (this.running !== undefined) {
        this.again = true;
        return;
      }
      this.running = this.pass()
        .catch((error: unknown) => this.context.log(`heads: ${asDatameshError(error).message}`))
        .finally(() => {
          this.running = undefined;
          if (delayMs >= AGAIN_MS) this.confirmed.clear();
          this.arm(this.again ? SETTLE_MS : AGAIN_MS);
          this.again = false;
        });
    });
  }

  private async pass(): Promise<void> {
    const { peers, store } = this.context;
    const { signal } = this.stopper;
    for (const owner of store.owners()) {
      if (signal.aborted) return;
      await nextTurn();
      const confirmed = this.confirmed.get(owner);
      const wanting = closestHolders(peers, owner, HEAD_HOLDERS).filter(
        (peer) => peer !== peers.self && !confirmed?.has(peer),
      );
      if (wanting.length === 0) continue;
      const bytes = await store.get(owner);
      if (bytes === undefined) continue;
      const left = await leaveHead(this.context, readHead(bytes), bytes, signal, wanting);
      this.confirmed.set(owner, new Set([...(confirmed ?? []), ...left.peers]));
    }
  }
}
