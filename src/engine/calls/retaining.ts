/**
 * Lets old versions go as their pools say: soon after puts and deletes, and every hour. A clock alone deletes nothing: an age counts only on a node that runs, with a clock that
 * agrees with its own running, with the time it knew last, and with most of its peers.
 */
import { asDatameshError } from '../../errors.ts';
import type { Timer } from '../effects/clock.ts';
import type { Node } from '../node.ts';
import type { Pools } from '../pools/pools.ts';
import { believedTime } from './believed-time.ts';
import type { Objects } from './objects.ts';

export interface Retaining {
  start(): void;
  /** Versions have become old, or a pool keeps fewer. */
  soon(): void;
  close(): void;
}

const SOON_MS = 5_000;
/** What the questions to a large catalog take holds the node's loop: that is to be no more than one part in so many of its time. */
const REST = 50;
const TURN_MS = 60 * 60_000;
/** Purged in one turn, each with a message to every holder; the next turn goes on. */
const MAX_PURGED = 1_000;
const PAGE = 50;

export function createRetaining(
  node: Node,
  objects: Pick<Objects, 'purge'>,
  pools: Pick<Pools, 'retentions'>,
): Retaining {
  const { clock, catalog, owner } = node;
  const stopper = new AbortController();
  const believedMs = believedTime(node);
  let timer: Timer | undefined;
  let running = false;
  let again = false;
  let dueMs = Number.POSITIVE_INFINITY;
  let soonMs = SOON_MS;

  /** The earlier of two holds: puts that go on and on must not put it off. */
  const arm = (delayMs: number) => {
    const atMs = clock.monotonic() + delayMs;
    if (stopper.signal.aborted || atMs >= dueMs) return;
    timer?.cancel();
    dueMs = atMs;
    timer = clock.after(delayMs, () => {
      dueMs = Number.POSITIVE_INFINITY;
      void turn();
    });
  };

  const asked = <T>(question: () => T): T => {
    const startedMs = clock.monotonic();
    const answer = question();
    soonMs = Math.max(SOON_MS, soonMs / 2, REST * (clock.monotonic() - startedMs));
    return answer;
  };

  const purgeSome = async (): Promise<number> => {
    const nowMs = believedMs();
    let purged = 0;
    for (const { name, keep } of pools.retentions()) {
      for (;;) {
        const page = asked(() => catalog.expired(owner!.ownerId, name, keep, nowMs, PAGE));
        for (const entry of page) {
          stopper.signal.throwIfAborted();
          await objects.purge(entry, stopper.signal);
          purged++;
        }
        if (page.length === 0) break;
        if (purged >= MAX_PURGED) return purged;
      }
    }
    return purged;
  };

  const turn = async () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      const purged = await purgeSome();
      if (purged > 0) node.events.add('info', 'catalog', `${purged} old versions went, as their pools say`);
      again ||= purged >= MAX_PURGED;
    } catch (error) {
      if (!stopper.signal.aborted)
        node.events.add('warn', 'catalog', `old versions stay for now: ${asDatameshError(error).message}`);
    } finally {
      running = false;
      arm(again ? soonMs : TURN_MS);
      again = false;
    }
  };

  return {
    start() {
      if (owner !== undefined) arm(SOON_MS);
    },
    soon() {
      if (owner !== undefined && !running) arm(soonMs);
      else again = true;
    },
    close() {
      stopper.abort();
      timer?.cancel();
    },
  };
}
