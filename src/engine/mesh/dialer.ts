/** Dials that are repeated until they succeed: with exponential back-off and jitter, and never all slots for what does not answer. */
import { asDatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { Net } from '../effects/net.ts';
import type { Random } from '../effects/random.ts';
import type { PeerId } from '../types.ts';
import { DIAL_TIMEOUT_MS, MAX_PARALLEL_DIALS, REDIAL_FIRST_MS, REDIAL_MAX_MS } from './limits.ts';

export interface Redial {
  nextMs: number;
  waitMs: number;
  /** Failed dials since the peer last answered a hello. */
  failures: number;
  busy: boolean;
}

export function freshRedial(nextMs = 0): Redial {
  return { nextMs, waitMs: REDIAL_FIRST_MS, failures: 0, busy: false };
}

export interface DialTarget {
  redial: Redial;
  addresses: readonly string[];
  reached?(peer: PeerId): void;
}

export interface Dialer {
  /** Starts what is due and has a slot: what never failed first. */
  work(targets: Iterable<DialTarget>): void;
}

/** A dead address holds a slot for the whole time-out: those that failed before share half of the slots. */
const SLOTS_FOR_FAILED = MAX_PARALLEL_DIALS / 2;

export function createDialer(options: {
  net: Net;
  clock: Clock;
  random: Random;
  /** A dial ended: there may be more to do. */
  freed(): void;
  log(text: string): void;
}): Dialer {
  const { net, clock, random } = options;
  let running = 0;
  let runningFailed = 0;

  function start({ redial, addresses, reached }: DialTarget): void {
    const failedBefore = redial.failures > 0;
    redial.busy = true;
    running++;
    if (failedBefore) runningFailed++;
    net
      .dial(addresses, DIAL_TIMEOUT_MS)
      .then(
        (peer) => {
          // Only a peer that also answers a hello is worth an early dial again; whoever greets it resets this.
          reached?.(peer);
        },
        (error: unknown) => {
          const { message, why } = asDatameshError(error);
          options.log(`${message}: ${why ?? ''}`);
          redial.failures++;
        },
      )
      .finally(() => {
        running--;
        if (failedBefore) runningFailed--;
        redial.busy = false;
        redial.nextMs = clock.monotonic() + redial.waitMs * (0.5 + random.fraction());
        redial.waitMs = Math.min(redial.waitMs * 2, REDIAL_MAX_MS);
        options.freed();
      });
  }

  return {
    work(targets) {
      if (running >= MAX_PARALLEL_DIALS) return;
      const nowMs = clock.monotonic();
      const due = [...targets].filter(({ redial }) => !redial.busy && nowMs >= redial.nextMs);
      due.sort((a, b) => a.redial.failures - b.redial.failures);
      for (const target of due) {
        if (running >= MAX_PARALLEL_DIALS) return;
        if (target.redial.failures > 0 && runningFailed >= SLOTS_FOR_FAILED) return;
        start(target);
      }
    },
  };
}
