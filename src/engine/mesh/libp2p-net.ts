/** `Net` over libp2p: kept lanes for what this node asks, a bounded server for what others ask. */
import type { Connection, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { DatameshError } from '../../errors.ts';
import { type Clock, deadline, type Timer } from '../effects/clock.ts';
import type {
  ConnectionView,
  HandleOptions,
  Net,
  NetMessage,
  RequestHandler,
  RequestOptions,
} from '../effects/net.ts';
import type { PeerId } from '../types.ts';
import { parseAddress } from './address.ts';
import { MAX_SERVED_BYTES_PER_PEER, WRITE_TIMEOUT_MS } from './bulk/limits.ts';
import { encodeHead, FrameReceiver } from './frame.ts';
import { Lanes } from './lanes.ts';
import type { Host } from './libp2p-host.ts';
import { DIAL_TIMEOUT_MS, FRAME_TIMEOUT_MS, MAX_INBOUND_STREAMS, WRITE_HIGH_WATER_BYTES } from './limits.ts';
import { keeper } from './one-connection.ts';
import type { Caps } from './rate-limit.ts';
import { ServedBytes } from './served-bytes.ts';
import { writeAll } from './stream-write.ts';

export interface Libp2pNet extends Net {
  close(): void;
}

export function createLibp2pNet(host: Host, clock: Clock, caps: Caps): Libp2pNet {
  const lanes = new Map<string, Lanes>();
  const served = new ServedBytes(MAX_SERVED_BYTES_PER_PEER);
  const taken = new ServedBytes(MAX_SERVED_BYTES_PER_PEER);
  const listeners = new Set<(event: 'connect' | 'disconnect', peer: PeerId) => void>();

  const onConnect = (event: CustomEvent<{ toString(): string }>) =>
    announce('connect', event.detail.toString() as PeerId);
  const onDisconnect = (event: CustomEvent<{ toString(): string }>) => {
    const peer = event.detail.toString() as PeerId;
    const prefix = `${peer} `;
    for (const [key, entry] of lanes) {
      if (!key.startsWith(prefix)) continue;
      lanes.delete(key);
      entry.close(unreachable(peer, 'the connection closed'));
    }
    announce('disconnect', peer);
  };
  const announce = (event: 'connect' | 'disconnect', peer: PeerId) => {
    for (const listener of listeners) listener(event, peer);
  };
  host.addEventListener('peer:connect', onConnect);
  host.addEventListener('peer:disconnect', onDisconnect);

  const lanesTo = (peer: PeerId, protocol: string): Lanes => {
    const key = `${peer} ${protocol}`;
    let entry = lanes.get(key);
    if (entry === undefined) {
      entry = new Lanes(() => connectionTo(host, clock, peer), protocol, clock, caps);
      lanes.set(key, entry);
    }
    return entry;
  };

  return {
    self: host.peerId.toString() as PeerId,
    async handle(protocol, handler, options) {
      await host.handle(
        protocol,
        (stream, connection) => serve(stream, connection, handler, options, { clock, caps, served, taken }),
        {
          maxInboundStreams: MAX_INBOUND_STREAMS,
          maxOutboundStreams: MAX_INBOUND_STREAMS,
        },
      );
    },
    async request(peer: PeerId, protocol: string, message: NetMessage, options: RequestOptions) {
      if (host.status !== 'started') throw unreachable(peer, 'this node is stopping');
      return await lanesTo(peer, protocol).request(message, options);
    },
    dial: (addresses, timeoutMs) => dial(host, clock, addresses, timeoutMs),
    async hangUp(peer) {
      await host.hangUp(peerIdFromString(peer)).catch(() => {}); // a connection that is gone already is what was wanted
    },
    connection(peer) {
      const open = kept(host, peer);
      return open === undefined ? undefined : describe(open);
    },
    addresses: () => host.getMultiaddrs().map((address) => address.toString()),
    connected: () => host.getPeers().map((peer) => peer.toString() as PeerId),
    onPeer(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      host.removeEventListener('peer:connect', onConnect);
      host.removeEventListener('peer:disconnect', onDisconnect);
      for (const entry of lanes.values()) entry.close(unreachable('', 'this node is stopping'));
      lanes.clear();
    },
  };
}

async function dial(
  host: Host,
  clock: Clock,
  addresses: readonly string[],
  timeoutMs: number,
): Promise<PeerId> {
  const parsed = addresses.map(parseAddress);
  try {
    const connection = await host.dial(parsed, { signal: deadline(clock, timeoutMs) });
    return connection.remotePeer.toString() as PeerId;
  } catch (error) {
    const isRefusedHere = error instanceof Error && error.name === 'DialDeniedError';
    throw new DatameshError('peer-unreachable', {
      what: `cannot connect to ${addresses[0] ?? 'a peer without addresses'}`,
      why: isRefusedHere
        ? 'this node refuses that peer: it is on the deny list, or did what an honest one does not within the last minute'
        : dialFailure(error, timeoutMs),
      mend: isRefusedHere
        ? 'take it off the list with `datamesh peer unban`'
        : 'check that the node runs there and that its address and port are right (`datamesh status` on it shows them)',
      cause: error,
    });
  }
}

function dialFailure(error: unknown, timeoutMs: number): string {
  const text = error instanceof AggregateError ? error.errors.map(String).join('; ') : String(error);
  if (/ECONNREFUSED/.test(text)) return 'nothing listens there (connection refused)';
  if (/Timeout|aborted/i.test(text)) return `no answer within ${timeoutMs} ms`;
  return text.slice(0, 200);
}

function describe(connection: Connection): ConnectionView {
  const parts = [/\/tcp\//.test(connection.remoteAddr.toString()) ? 'tcp' : 'other'];
  if (connection.encryption !== undefined) parts.push(connection.encryption.replace(/^\//, ''));
  if (connection.multiplexer !== undefined) parts.push(connection.multiplexer.replace(/^\/(.*?)\/.*$/, '$1'));
  return {
    direction: connection.direction,
    address: connection.remoteAddr.toString(),
    transport: parts.join('/'),
    openedAtMs: connection.timeline.open,
  };
}

async function connectionTo(host: Host, clock: Clock, peer: PeerId): Promise<Connection> {
  return (
    kept(host, peer) ??
    (await host.dial(peerIdFromString(peer), { signal: deadline(clock, DIAL_TIMEOUT_MS) }))
  );
}

/** Of several connections to a peer the one that both sides keep. */
function kept(host: Host, peer: PeerId): Connection | undefined {
  return keeper(host.peerId.toString(), peer, host.getConnections(peerIdFromString(peer)));
}

interface Serving {
  clock: Clock;
  caps: Caps;
  /** Of answers. */
  served: ServedBytes;
  /** Of bodies of requests: from their header until they have been dealt with. */
  taken: ServedBytes;
}

/** Requests of one stream are answered one after another; what all of a peer's streams may have under way is bounded together. */
function serve(
  stream: Stream,
  connection: Connection,
  handler: RequestHandler,
  options: HandleOptions,
  { clock, caps, served, taken }: Serving,
): void {
  const from = connection.remotePeer.toString() as PeerId;
  let busy = false;
  const answer = async (request: NetMessage) => {
    if (busy) return stream.abort(new Error('a second request before the answer to the first'));
    busy = true;
    const owedBytes = options.answerBytes?.(request.header) ?? 0;
    await served.enter(from, owedBytes);
    let unread: Timer | undefined;
    try {
      if (stream.status !== 'open') return;
      await caps.down.pass(request.body.length, options);
      const response = await handler(from, request);
      try {
        await caps.up.pass(response.body.length, options);
        if (response.body.length > WRITE_HIGH_WATER_BYTES) {
          unread = clock.after(WRITE_TIMEOUT_MS, () => stream.abort(new Error('the peer does not read')));
        }
        await writeAll(stream, encodeHead(response), response.body);
      } finally {
        response.sent?.();
      }
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)));
    } finally {
      busy = false;
      unread?.cancel();
      served.leave(from, owedBytes);
    }
  };
  let deadline: Timer | undefined;
  /** Counted for the frame that is being received. */
  let takenBytes = 0;
  const receiver = new FrameReceiver(
    options.maxBodyBytes,
    (request) => {
      const bytes = takenBytes;
      takenBytes = 0;
      void answer(request).finally(() => taken.leave(from, bytes));
    },
    (header, bodyBytes) => {
      if (stream.status !== 'open' || options.admits?.(from, header, bodyBytes) === false) return 'skip';
      if (taken.tryEnter(from, bodyBytes)) {
        takenBytes = bodyBytes;
        return 'take';
      }
      void taken.enter(from, bodyBytes).then(() => {
        if (stream.status !== 'open') return taken.leave(from, bodyBytes);
        takenBytes = bodyBytes;
        read(resume);
      });
      return 'wait';
    },
  );
  let resuming = false;
  const resume = () => {
    receiver.goOn();
    resuming = true;
    try {
      stream.resume();
    } finally {
      resuming = false;
    }
  };
  const read = (some: () => void) => {
    try {
      some();
      // Not from within `resume`, which would make the peer send on all the same.
      if (receiver.waiting && !resuming) stream.pause();
    } catch (error) {
      return stream.abort(error as Error);
    }
    if (!receiver.midFrame) {
      deadline?.cancel();
      deadline = undefined;
    } else {
      // One deadline for the whole frame: a byte now and then must not hold its buffer for ever.
      deadline ??= clock.after(FRAME_TIMEOUT_MS, () =>
        stream.abort(new Error('the frame did not end in time')),
      );
    }
  };
  stream.addEventListener('message', (event) => read(() => receiver.feed(event.data)));
  stream.addEventListener('close', () => {
    deadline?.cancel();
    taken.leave(from, takenBytes);
    takenBytes = 0;
  });
  stream.addEventListener('remoteCloseWrite', () => {
    stream.close().catch(() => {}); // the asker has ended; nothing is lost when the close itself fails
  });
}

function unreachable(peer: string, why: string): DatameshError {
  return new DatameshError('peer-unreachable', { what: `peer ${peer.slice(-8)} cannot be reached`, why });
}
