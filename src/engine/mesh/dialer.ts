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
  /** seed: from the configuration. known: its peer signed it. hint: anybody's word. */
  kind: 'seed' | 'known' | 'hint';
  addresses: readonly string[];
  reached?(peer: PeerId): void;
}

export interface Dialer {
  /** Starts what is due and has a slot: what never failed first, and there in the order given. */
  work(targets: Iterable<DialTarget>): void;
}

/**
 * A dead address holds a slot for the whole time-out. Those that failed before and mere hints share half of the slots, and a
 * quarter is left to the configured ones: many dead names must not keep a node from its mesh.
 */
const SLOTS_FOR_DOUBTFUL = MAX_PARALLEL_DIALS / 2;
const SLOTS_FOR_KNOWN = (MAX_PARALLEL_DIALS * 3) / 4;

const isDoubtful = ({ redial, kind }: DialTarget) => redial.failures > 0 || kind === 'hint';

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
  let runningDoubtful = 0;

  function start(target: DialTarget): void {
    const { redial, addresses, reached } = target;
    const doubtful = isDoubtful(target);
    redial.busy = true;
    running++;
    if (doubtful) runningDoubtful++;
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
        if (doubtful) runningDoubtful--;
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
        if (isDoubtful(target) && runningDoubtful >= SLOTS_FOR_DOUBTFUL) continue;
        if (running < (target.kind === 'seed' ? MAX_PARALLEL_DIALS : SLOTS_FOR_KNOWN)) start(target);
      }
    },
  };
}
