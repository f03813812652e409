import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { dialBulk, listenBulk } from '../../../../src/engine/mesh/bulk/tls-door.ts';
import { MAX_PENDING_OF_HOST } from '../../../../src/engine/mesh/limits.ts';
import { until } from '../../../support/until.ts';

test('a port that is taken, or beyond the last one, gives way to a free one', async () => {
  const events = { redeem: () => undefined, connected: () => {} };
  const first = await listenBulk('127.0.0.1', 0, events);
  // The plane's port is the one beside libp2p's, which may be the last there is.
  const others = [
    await listenBulk('127.0.0.1', first.port, events),
    await listenBulk('127.0.0.1', 65_536, events),
  ];
  for (const { port } of others) expect(port).not.toBe(first.port);
  for (const server of [first, ...others]) server.close();
});

test('a host that opens connections and says nothing has a bounded number of them, and others are served', async () => {
  const key = new Uint8Array(32).fill(7);
  let served = 0;
  const server = await listenBulk('127.0.0.1', 0, {
    redeem: () => ({ peer: 'a', key }),
    connected() {
      served += 1;
    },
  });
  const open = new Set<Socket>();
  const from = (localAddress: string) => {
    const socket = connect({ host: '127.0.0.1', port: server.port, localAddress });
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  };
  const held: Socket[] = [];
  const offer = { port: server.port, identity: '00', key };
  try {
    for (let at = 0; at < MAX_PENDING_OF_HOST + 20; at++) from('127.0.0.2');
    await until('what is beyond the bound was closed', () => open.size === MAX_PENDING_OF_HOST);
    // What has shown who it is counts no more.
    for (let at = 0; at < MAX_PENDING_OF_HOST + 5; at++) {
      const { socket } = await dialBulk('127.0.0.1', offer);
      socket.on('error', () => {});
      held.push(socket);
    }
    await until('all of them were served', () => served === MAX_PENDING_OF_HOST + 5);
    expect(open.size).toBe(MAX_PENDING_OF_HOST);
  } finally {
    for (const socket of [...open, ...held]) socket.destroy();
    server.close();
  }
});
