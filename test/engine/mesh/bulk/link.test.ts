import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { realClock } from '../../../../src/engine/effects/clock.ts';
import { BodyPool } from '../../../../src/engine/mesh/bulk/body-pool.ts';
import { encodeFrameHead } from '../../../../src/engine/mesh/bulk/bulk-frame.ts';
import { ReadDoor } from '../../../../src/engine/mesh/bulk/bulk-socket.ts';
import { Link, type LinkShared } from '../../../../src/engine/mesh/bulk/link.ts';
import { RateLimit } from '../../../../src/engine/mesh/rate-limit.ts';
import type { PeerId } from '../../../../src/engine/types.ts';
import type { DatameshError } from '../../../../src/errors.ts';

/** One end of a connection, whose other end is the test's; `write` stands for the peer's reading. */
function socketOf(write: (chunk: Buffer, done: () => void) => void): Duplex {
  const socket = new Duplex({ read() {}, write: (chunk: Buffer, _encoding, done) => write(chunk, done) });
  return Object.assign(socket, { setNoDelay() {}, bytesRead: 0 });
}

function sharedOf(services: LinkShared['services'] = new Map()): LinkShared {
  const clock = realClock();
  return {
    clock,
    caps: { up: new RateLimit(clock, undefined), down: new RateLimit(clock, undefined) },
    pool: new BodyPool(),
    services,
    served: { bytes: 0, peers: 0, waiting: new Set() },
    count() {},
  };
}

function linkOf(shared = sharedOf()): Link {
  return new Link('peer' as PeerId, shared, () => {});
}

/** What the system does with bytes that arrive on a dialled socket: it puts them where the door says, and is told where the next ones are to go. */
function readThrough(door: ReadDoor, bytes: Uint8Array, socket: Duplex): void {
  let room = door.buffer();
  for (let at = 0; at < bytes.length && !socket.destroyed; ) {
    const count = Math.min(room.length, bytes.length - at);
    room.set(bytes.subarray(at, at + count));
    at += count;
    door.callback(count);
    room = door.buffer();
  }
}

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

test('an answer that comes before the body has left does not end the request while the body is still to be read', async () => {
  const written: Buffer[] = [];
  let goOn: (() => void) | undefined;
  // A peer that reads nothing for now: the first write does not end.
  const socket = socketOf((chunk, done) => {
    written.push(Buffer.from(chunk)); // what TLS would encrypt now
    if (goOn === undefined) goOn = done;
    else done();
  });
  const link = linkOf();
  link.addAccepted(socket as unknown as TLSSocket);
  const body = new Uint8Array(100_000).fill(1); // a shard in memory that is lent
  const asked = link.request(0, { header: Uint8Array.of(2), body }, { timeoutMs: 5_000 });
  await turns(3);
  // Ids count up from 1, so the peer need not have seen the request.
  socket.push(encodeFrameHead({ kind: 'response', id: 1, service: 0, bodyBytes: 0 }, Uint8Array.of(0)));
  let ended = false;
  void asked.then(
    () => (ended = true),
    () => (ended = true),
  );
  await turns(5);
  expect(ended).toBe(false);
  goOn?.();
  await turns(5);
  expect(ended).toBe(true);
  expect(Buffer.concat(written).subarray(-body.length)).toEqual(Buffer.from(body));
  socket.destroy();
});

test('a peer that answers one request on both sockets writes nothing more to the place of the answer once the request has settled', async () => {
  const accepted = socketOf((_, done) => done());
  const dialled = socketOf((_, done) => done());
  const door = new ReadDoor();
  const link = linkOf();
  link.addAccepted(accepted as unknown as TLSSocket);
  link.addDialled(dialled as unknown as TLSSocket, door);
  const place = new Uint8Array(100_000);
  const asked = link.request(
    0,
    { header: Uint8Array.of(2), body: new Uint8Array(0) },
    { timeoutMs: 5_000, into: () => place },
  );
  const settled = asked.then(
    () => 'answered',
    () => 'failed',
  );
  const head = encodeFrameHead(
    { kind: 'response', id: 1, service: 0, bodyBytes: place.length },
    Uint8Array.of(0),
  );
  accepted.push(Buffer.concat([head, Buffer.alloc(place.length / 2, 1)]));
  await turns(3);
  readThrough(door, Buffer.concat([head, Buffer.alloc(place.length, 2)]), dialled);
  expect(await settled).toBe('failed');
  // By now it may be another stripe's.
  place.fill(3);
  accepted.push(Buffer.alloc(place.length / 2, 1));
  await turns(5);
  expect(place.every((byte) => byte === 3)).toBe(true);
  expect(link.usable).toBe(false);
});

test('a request whose answer is being read into its place fails when the connection does', async () => {
  const dialled = socketOf((_, done) => done());
  const door = new ReadDoor();
  const link = linkOf();
  link.addDialled(dialled as unknown as TLSSocket, door);
  const place = new Uint8Array(400_000);
  let outcome = 'pending';
  const message = { header: Uint8Array.of(2), body: new Uint8Array(0) };
  link.request(0, message, { timeoutMs: 5_000, into: () => place }).catch((error: DatameshError) => {
    outcome = error.code;
  });
  const head = { kind: 'response', id: 1, service: 0, bodyBytes: place.length } as const;
  readThrough(door, Buffer.concat([encodeFrameHead(head, Uint8Array.of(0)), Buffer.alloc(200_000)]), dialled);
  dialled.destroy();
  await turns(5);
  expect(outcome).toBe('peer-unreachable');
});

test('peers whose bodies do not go on hold what they have, and others are served side by side all the same', async () => {
  let running = 0;
  const ends: (() => void)[] = [];
  const handler = async () => {
    running++;
    await new Promise<void>((resolve) => ends.push(resolve));
    return { header: Uint8Array.of(0), body: new Uint8Array(0) };
  };
  const shared = sharedOf(new Map([[0, { handler, maxBodyBytes: 64 << 20 }]]));
  const open = () => {
    const socket = socketOf((_, done) => done());
    const link = linkOf(shared);
    link.addAccepted(socket as unknown as TLSSocket);
    return { socket, link };
  };
  const frame = (id: number, bodyBytes: number) =>
    encodeFrameHead({ kind: 'request', id, service: 0, bodyBytes }, Uint8Array.of(1));
  const stalled = Array.from({ length: 5 }, open);
  for (const { socket } of stalled) socket.push(frame(1, 16 << 20));
  await turns(5);
  expect(shared.served).toMatchObject({ bytes: 80 << 20, peers: 5 });
  const { socket, link } = open();
  const small = 1 << 20;
  for (let id = 1; id <= 20; id++) {
    socket.push(frame(id, small));
    // As the system gives them.
    for (let at = 0; at < small; at += 65_536) socket.push(Buffer.alloc(65_536));
  }
  await turns(50);
  // A sixth of 64 MiB.
  expect(running).toBe(11);
  while (running < 20 || ends.length > 0) {
    ends.shift()?.();
    await turns(3);
  }
  link.close(new Error('done'));
  stalled.pop()!.socket.destroy();
  for (const one of stalled) one.link.addAccepted(open().socket as unknown as TLSSocket);
  await turns(5);
  expect(shared.served).toMatchObject({ bytes: 0, peers: 0 });
});

test('a request that comes with the handshake of a dialled socket is answered', async () => {
  const written: Buffer[] = [];
  const socket = socketOf((chunk, done) => {
    written.push(Buffer.from(chunk));
    done();
  });
  const handler = async () => ({ header: Uint8Array.of(7), body: new Uint8Array(0) });
  const link = linkOf(sharedOf(new Map([[0, { handler, maxBodyBytes: 1000 }]])));
  const door = new ReadDoor();
  const head = { kind: 'request', id: 1, service: 0, bodyBytes: 3 } as const;
  readThrough(door, Buffer.concat([encodeFrameHead(head, Uint8Array.of(1)), Buffer.alloc(3)]), socket);
  link.addDialled(socket as unknown as TLSSocket, door);
  await turns(5);
  expect(link.usable).toBe(true);
  expect(Buffer.concat(written).at(-1)).toBe(7);
  socket.destroy();
});
