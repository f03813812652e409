/**
 * A node that has just started knows nobody: what it would say of its objects then (nothing can be read, everything is lost) is of its own ignorance. Calls that ask or
 * need holders wait until those who are there have answered.
 */
import { DatameshError } from '../../errors.ts';
import type { CallOptions, Engine } from '../engine.ts';
import type { Node } from '../node.ts';
import { peersMet } from './mesh-met.ts';

export interface Meeting {
  readonly over: boolean;
  /** Before its end: the engine is closing. */
  readonly stopped: boolean;
  /** Never rejects. */
  readonly ended: Promise<void>;
  stop(): void;
}

export function meetPeers(node: Node): Meeting {
  const stopper = new AbortController();
  const meeting = {
    over: false,
    stopped: false,
    ended: peersMet(node, stopper.signal)
      .catch(() => {})
      .then(() => {
        meeting.over = true;
      }),
    stop() {
      meeting.stopped = !meeting.over;
      stopper.abort();
    },
  };
  return meeting;
}

/** The same engine, whose calls of the mesh begin when the meeting has ended. */
export function afterMeeting(engine: Engine, meeting: Meeting): Engine {
  const later = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (!meeting.over) {
        await endOr(meeting, args.at(-1) as CallOptions | undefined);
        if (meeting.stopped) throw new DatameshError('cancelled', { what: 'cancelled' });
      }
      return await call(...args);
    };
  };
  const { shares, backups } = engine;
  return {
    ...engine,
    peers: later(engine.peers),
    health: later(engine.health),
    verify: later(engine.verify),
    prove: later(engine.prove),
    repair: later(engine.repair),
    put: later(engine.put),
    get: later(engine.get),
    info: later(engine.info),
    delete: later(engine.delete),
    cleanup: later(engine.cleanup),
    rebalance: later(engine.rebalance),
    drain: later(engine.drain),
    distribution: later(engine.distribution),
    whatif: later(engine.whatif),
    speedTest: later(engine.speedTest),
    shares: { ...shares, share: later(shares.share), revoke: later(shares.revoke), open: later(shares.open) },
    backups: {
      backup: later(backups.backup),
      snapshots: later(backups.snapshots),
      show: later(backups.show),
      restore: later(backups.restore),
      forget: later(backups.forget),
      prune: later(backups.prune),
    },
    async close() {
      meeting.stop();
      await engine.close();
    },
  };
}

/** Rejects with the reason of the call's own signal. */
async function endOr(meeting: Meeting, call: CallOptions | undefined): Promise<void> {
  const signal = call?.signal;
  if (signal === undefined) return meeting.ended;
  signal.throwIfAborted();
  let aborted = () => {};
  const given = new Promise<never>((_resolve, reject) => {
    aborted = () => reject(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
  });
  try {
    await Promise.race([meeting.ended, given]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
