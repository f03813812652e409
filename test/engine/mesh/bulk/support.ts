import { realClock } from '../../../../src/engine/effects/clock.ts';
import type { Net, RequestHandler } from '../../../../src/engine/effects/net.ts';
import { realRandom } from '../../../../src/engine/effects/random.ts';
import { type BulkPlane, openBulkPlane } from '../../../../src/engine/mesh/bulk/bulk-plane.ts';
import { RateLimit } from '../../../../src/engine/mesh/rate-limit.ts';
import type { PeerId } from '../../../../src/engine/types.ts';
import { DatameshError } from '../../../../src/errors.ts';

/** Stands for libp2p between planes of one process: authenticated calls, delivered at once, counted by protocol. */
export class DirectNet {
  readonly calls: string[] = [];
  private readonly nets = new Map<PeerId, Map<string, RequestHandler>>();
  private readonly listeners = new Map<
    PeerId,
    Set<(event: 'connect' | 'disconnect', peer: PeerId) => void>
  >();

  add(self: PeerId): Net {
    const handlers = new Map<string, RequestHandler>();
    const listeners = new Set<(event: 'connect' | 'disconnect', peer: PeerId) => void>();
    this.nets.set(self, handlers);
    this.listeners.set(self, listeners);
    return {
      self,
      handle: async (protocol, handler) => {
        handlers.set(protocol, handler);
      },
      request: async (peer, protocol, message) => {
        this.calls.push(protocol);
        const handler = this.nets.get(peer)?.get(protocol);
        if (handler === undefined) throw new DatameshError('peer-unreachable', { what: 'no such protocol' });
        return await handler(self, message);
      },
      dial: async () => self,
      hangUp: async () => {},
      connected: () => [...this.nets.keys()].filter((peer) => peer !== self),
      connection: (peer) =>
        this.nets.has(peer)
          ? { direction: 'outbound', address: '/ip4/127.0.0.1/tcp/1', transport: 'test', openedAtMs: 0 }
          : undefined,
      addresses: () => [],
      onPeer(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
  }

  remove(peer: PeerId): void {
    this.nets.delete(peer);
    for (const listeners of this.listeners.values()) for (const tell of listeners) tell('disconnect', peer);
  }
}

export interface TestPlane {
  plane: BulkPlane;
  counted: { sentBytes: number; receivedBytes: number };
  log: string[];
}

export async function startPlane(net: Net, caps: { up?: number; down?: number } = {}): Promise<TestPlane> {
  const clock = realClock();
  const counted = { sentBytes: 0, receivedBytes: 0 };
  const log: string[] = [];
  const plane = await openBulkPlane({
    net,
    clock,
    random: realRandom(),
    caps: { up: new RateLimit(clock, caps.up), down: new RateLimit(clock, caps.down) },
    host: '127.0.0.1',
    port: 0,
    count(_peer, direction, bytes) {
      counted[direction === 'sent' ? 'sentBytes' : 'receivedBytes'] += bytes;
    },
    log: (text) => log.push(text),
  });
  return { plane, counted, log };
}
