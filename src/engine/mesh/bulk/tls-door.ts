/** node:tls for the bulk plane: a server that knows its callers by a pre-shared key, and the dialler. TLS 1.3 alone, no certificates. */
import type { Socket } from 'node:net';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { DatameshError } from '../../../errors.ts';
import { MAX_PENDING_OF_HOST } from '../limits.ts';
import { hostOfIp, Pending } from '../pending.ts';
import { ReadDoor } from './bulk-socket.ts';
import { HANDSHAKE_TIMEOUT_MS } from './limits.ts';
import type { Offer } from './offers.ts';

/** AES-128-GCM is the fastest suite with hardware AES; what travels is sealed already, this hides ids and keeps order. */
const SUITE = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256',
} as const;

/** Sockets held at once, those in the handshake too: two a peer. Whoever finds no room uses libp2p. */
const MAX_SOCKETS = 2_000;

export interface BulkServer {
  port: number;
  close(): void;
}

export interface ServerEvents<Caller> {
  /** The key of an invitation, and whom it was given to; undefined refuses. */
  redeem(identity: string): { peer: Caller; key: Uint8Array } | undefined;
  connected(peer: Caller, socket: TLSSocket): void;
}

/** Listens on `port`, or on any free one when that is taken, 0 or beyond the last one. */
export async function listenBulk<Caller>(
  host: string,
  port: number,
  events: ServerEvents<Caller>,
): Promise<BulkServer> {
  const callers = new WeakMap<TLSSocket, Caller>();
  const server = createServer({
    ...SUITE,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    pskCallback(socket: TLSSocket, identity: string) {
      const found = events.redeem(identity);
      if (found === undefined) return null;
      callers.set(socket, found.peer);
      return Buffer.from(found.key);
    },
  });
  server.maxConnections = MAX_SOCKETS;
  const pending = new Pending<string>();
  const nameOf = ({ remoteAddress = '', remotePort = 0 }: Socket) =>
    [hostOfIp(remoteAddress), `${remoteAddress} ${remotePort}`] as const;
  server.on('connection', (socket: Socket) => {
    const [host, name] = nameOf(socket);
    if (pending.of(host) >= MAX_PENDING_OF_HOST) {
      socket.destroy();
      return;
    }
    pending.add(host, name);
    socket.once('close', () => pending.remove(host, name));
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('secureConnection', (socket: TLSSocket) => {
    const caller = callers.get(socket);
    pending.remove(...nameOf(socket));
    socket.on('error', () => {}); // BulkSocket looks at it
    if (caller === undefined) socket.destroy();
    else events.connected(caller, socket);
  });
  await listening(server, host, port).catch((error: NodeJS.ErrnoException) => {
    // Beside the last port there is none.
    if (port === 0 || !['EADDRINUSE', 'ERR_SOCKET_BAD_PORT'].includes(error.code ?? '')) throw error;
    return listening(server, host, 0);
  });
  server.unref();
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the bulk server has no port');
  return { port: address.port, close: () => server.close() };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Throws `peer-unreachable` when nothing answers there in time or the key is not the one agreed. */
export function dialBulk(host: string, offer: Offer): Promise<{ socket: TLSSocket; door: ReadDoor }> {
  return new Promise((resolve, reject) => {
    const door = new ReadDoor();
    // The types know `onread` only for plain sockets; node:tls hands it on when it makes the socket itself.
    const options = {
      ...SUITE,
      host,
      port: offer.port,
      timeout: HANDSHAKE_TIMEOUT_MS,
      pskCallback: () => ({ psk: Buffer.from(offer.key), identity: offer.identity }),
      // There is no certificate to check a name in: the key is the identity.
      checkServerIdentity: () => undefined,
      onread: { buffer: door.buffer, callback: door.callback },
    };
    const fail = (why: string, cause?: unknown) => {
      socket.destroy();
      reject(new DatameshError('peer-unreachable', { what: 'the bulk plane cannot be opened', why, cause }));
    };
    const socket = connect(options, () => {
      socket.off('error', onError);
      socket.off('timeout', onTimeout);
      socket.setTimeout(0);
      resolve({ socket, door });
    });
    const onError = (error: Error) => fail(error.message, error);
    const onTimeout = () => fail(`no answer within ${HANDSHAKE_TIMEOUT_MS} ms`);
    socket.on('error', onError);
    socket.on('timeout', onTimeout);
  });
}
