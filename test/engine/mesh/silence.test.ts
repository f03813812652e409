/** Peers that vanish without a word, addresses that swallow dials, and ends that must come all the same. */
import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { NO_BYTES } from '../../../src/engine/effects/net.ts';
import type { PeerState } from '../../../src/engine/engine.ts';
import { peerIdOf } from '../../../src/engine/keys/raw-keys.ts';
import { start } from './peers.ts';
import { startPeer, until } from './support.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** Listens on 127.0.0.1 and gives each connection to `each`. Resolves with the port. */
function listen(each: (socket: Socket) => void): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      each(socket);
    });
    servers.push(server);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

test('a silent partition is seen: suspect, then offline within 30 s, and healed when it ends', async () => {
  // By identify each learns where the other really listens: libp2p's own dials, as of the DHT, must not go around the cut.
  const b = await start('b', { advertise: () => [], reaches: () => false });
  const target = Number(/\/tcp\/(\d+)/.exec(b.address)![1]);
  let cut = false;
  const held: Socket[] = [];
  const port = await listen((inbound) => {
    if (cut) return void held.push(inbound);
    const outbound = connect({ port: target, host: '127.0.0.1' });
    sockets.add(outbound);
    outbound.on('error', () => {});
    // Nothing is closed while it is cut: packets just do not arrive.
    inbound.on('data', (bytes) => cut || outbound.write(bytes));
    outbound.on('data', (bytes) => cut || inbound.write(bytes));
    inbound.on('close', () => cut || outbound.destroy());
    outbound.on('close', () => cut || inbound.destroy());
  });
  const a = await start('a', {
    bootstrap: [`/ip4/127.0.0.1/tcp/${port}/p2p/${b.peerId}`],
    advertise: () => [],
    reaches: (address) => address.includes(`/tcp/${port}/`),
  });
  const stateOfB = () => a.membership.member(b.peerId)?.state;
  await until(() => stateOfB() === 'active', 5_000, 'b active');
  const seen: PeerState[] = [];
  a.membership.onChange((_peer, state) => seen.push(state));
  const before = Date.now();
  cut = true;
  await until(() => stateOfB() === 'offline', 30_000, 'b offline');
  expect(Date.now() - before).toBeLessThan(30_000);
  expect(seen.slice(0, 2)).toEqual(['suspect', 'offline']);
  cut = false;
  for (const socket of held) socket.destroy();
  await until(() => stateOfB() === 'active', 30_000, 'b back');
}, 70_000);

test('a node that sends many small shards over a capped line is not taken for dead', async () => {
  const a = await start('a', { upBytesPerSecond: 100 * 1024 });
  const b = await start('b', { bootstrap: [a.address] });
  await until(() => b.membership.member(a.peerId)?.greeted === true);
  const body = new Uint8Array(60 * 1024);
  const protocols = ['/t/1', '/t/2', '/t/3', '/t/4'];
  for (const protocol of protocols)
    await a.net.handle(protocol, async () => ({ header: NO_BYTES, body }), { maxBodyBytes: 0 });
  const seen: PeerState[] = [];
  b.membership.onChange((_peer, state) => seen.push(state));
  const asked = Array.from({ length: 24 }, (_, i) =>
    b.net.request(
      a.peerId,
      protocols[i % protocols.length]!,
      { header: NO_BYTES, body: NO_BYTES },
      { timeoutMs: 30_000 },
    ),
  );
  expect((await Promise.all(asked)).length).toBe(24);
  expect(seen).toEqual([]);
}, 40_000);

test('addresses that swallow dials do not keep a good one waiting', async () => {
  const hole = await listen(() => {});
  const good = await start('good', { advertise: () => [] });
  const a = await start('a', { advertise: () => [] });
  a.membership.hint(Array.from({ length: 60 }, () => `/ip4/127.0.0.1/tcp/${hole}/p2p/${nobody()}`));
  await until(() => sockets.size >= 8, 3_000, 'dials into the hole');
  const before = Date.now();
  await a.membership.join(good.address);
  expect(Date.now() - before).toBeLessThan(2_000);
});

test('stopping does not wait for what hangs', async () => {
  const hole = await listen(() => {});
  const a = await startPeer('a', { bootstrap: [`/ip4/127.0.0.1/tcp/${hole}`] });
  const b = await start('b', { bootstrap: [a.address] });
  await until(() => b.membership.member(a.peerId)?.greeted === true);
  const before = Date.now();
  await a.stop();
  expect(Date.now() - before).toBeLessThan(3_000);
});

/** A peer id that belongs to nobody. */
function nobody(): string {
  return peerIdOf(randomBytes(32));
}
