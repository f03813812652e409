import { asDatameshError, type DatameshError } from '../../errors.ts';
import type { Backend, BackendCall } from '../backends/backend.ts';
import type { Clock } from '../effects/clock.ts';
import type { DataRequest } from '../mesh/latency-book.ts';
import type { PeerHealth } from '../mesh/peer-health.ts';
import type { ObservationKind } from '../mesh/reputation.ts';
import type { PeerId } from '../types.ts';

export interface Attempts {
  requests: number;
  failures: number;
}

/**
 * Counts what was asked of each peer and how often it failed, and tells the peer's health how it went: every request passes
 * `counted`. What only the caller can know (wrong bytes, overtaken by another) the caller observes.
 */
export class RequestCounter {
  private readonly byPeer = new Map<PeerId, Attempts>();
  private readonly clock: Clock;
  private readonly health: PeerHealth;

  constructor(clock: Clock, health: PeerHealth) {
    this.clock = clock;
    this.health = health;
  }

  of(peer: PeerId): Attempts {
    return this.byPeer.get(peer) ?? { requests: 0, failures: 0 };
  }

  forget(peer: PeerId): void {
    this.byPeer.delete(peer);
  }

  /** The same backend, with its requests counted. */
  counted(backend: Backend): Backend {
    const attempts: Attempts = { requests: 0, failures: 0 };
    this.byPeer.set(backend.id, attempts);
    const { clock, health } = this;
    const peer = backend.id;
    /** `data` tells how much a data request moved; of a question, and of a shard that was not there, nothing. */
    const count = async <T>(
      work: (waiting: BackendCall['waiting']) => Promise<T>,
      data?: {
        request: DataRequest;
        bytesOf(value: T): number | undefined;
        signal?: AbortSignal | undefined;
        waiting: BackendCall['waiting'];
      },
    ): Promise<T> => {
      attempts.requests++;
      health.asked(peer);
      let sinceMs = clock.monotonic();
      // Of what it takes, the wait for this node's own line says nothing of the peer.
      const waiting = (ms: number) => {
        sinceMs += ms;
        data?.waiting?.(ms);
      };
      try {
        const value = await work(waiting);
        // Late: whoever gave it up has said so, and this is no second answer.
        if (data?.signal?.aborted) return value;
        const bytes = data?.bytesOf(value);
        health.observe(peer, {
          kind: 'ok',
          latencyMs: bytes === undefined ? undefined : Math.max(0, clock.monotonic() - sinceMs),
          bytes,
          request: data?.request,
        });
        return value;
      } catch (error) {
        const kind = observationOf(asDatameshError(error));
        // A read that had enough, or a user who gave up: the peer did not fail.
        if (kind !== undefined) {
          attempts.failures++;
          health.observe(peer, { kind });
        }
        throw error;
      }
    };
    return {
      id: backend.id,
      kind: backend.kind,
      put: (id, bytes, owner, call) =>
        count((waiting) => backend.put(id, bytes, owner, { ...call, waiting }), {
          request: 'put',
          bytesOf: () => bytes.length,
          signal: call.signal,
          waiting: call.waiting,
        }),
      get: (id, call) =>
        count((waiting) => backend.get(id, { ...call, waiting }), {
          request: 'get',
          bytesOf: (bytes) => bytes?.length,
          waiting: call.waiting,
        }),
      prove: (ids, nonce, call) => count(() => backend.prove(ids, nonce, call)),
      has: (ids, call) => count(() => backend.has(ids, call)),
      announce: (id, call) => count(() => backend.announce(id, call)),
      delete: (id, owner, call) => count(() => backend.delete(id, owner, call)),
    };
  }
}

/** What a failed request says of the peer; nothing when it was our own doing. */
function observationOf(error: DatameshError): ObservationKind | undefined {
  switch (error.code) {
    case 'cancelled':
      return undefined;
    case 'timeout':
      return 'timeout';
    case 'denied':
    case 'quota-full':
    case 'disk-full':
      return 'refused';
    default:
      return 'unreachable';
  }
}
