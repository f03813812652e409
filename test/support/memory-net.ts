/** The Net of effects/net.ts between nodes of one process: every message is delivered at once and copied, as a wire would. */
import type { Net, NetMessage, RequestHandler } from '../../src/engine/effects/net.ts';
import type { PeerId } from '../../src/engine/types.ts';
import { DatameshError } from '../../src/errors.ts';

export class MemoryNet {
  private readonly handlers = new Map<string, RequestHandler>();

  node(self: PeerId): Net {
    const unused = (): never => {
      throw new Error('not part of a memory net');
    };
    return {
      self,
      handle: async (protocol, handler) => {
        this.handlers.set(`${self} ${protocol}`, handler);
      },
      request: async (peer, protocol, message, { signal }) => {
        signal?.throwIfAborted();
        const handler = this.handlers.get(`${peer} ${protocol}`);
        if (handler === undefined) throw new DatameshError('peer-unreachable', { what: `no ${peer}` });
        const answer = await handler(self, copy(message));
        const received = copy(answer);
        answer.sent?.();
        return received;
      },
      dial: unused,
      hangUp: unused,
      connected: unused,
      connection: unused,
      addresses: unused,
      onPeer: unused,
    };
  }
}

function copy({ header, body }: NetMessage): NetMessage {
  return { header: Uint8Array.from(header), body: Uint8Array.from(body) };
}
