import type { Backend } from '../backends/backend.ts';
import type { PeerId } from '../types.ts';

export interface Attempts {
  requests: number;
  failures: number;
}

/** Counts what was asked of each peer and how often it failed: every request passes `counted`. */
export class RequestCounter {
  private readonly byPeer = new Map<PeerId, Attempts>();

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
    const count = async <T>(work: Promise<T>): Promise<T> => {
      attempts.requests++;
      try {
        return await work;
      } catch (error) {
        attempts.failures++;
        throw error;
      }
    };
    return {
      id: backend.id,
      kind: backend.kind,
      put: (id, bytes, owner, call) => count(backend.put(id, bytes, owner, call)),
      get: (id, call) => count(backend.get(id, call)),
      has: (ids, call) => count(backend.has(ids, call)),
      announce: (id, call) => count(backend.announce(id, call)),
      delete: (id, owner, call) => count(backend.delete(id, owner, call)),
    };
  }
}
