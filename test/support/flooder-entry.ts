/**
 * A peer without manners, as a process of its own, so that what it costs itself is not taken for the victim's trouble. argv: one JSON object.
 * It says what it has done, as a JSON line five times a second.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { encodeRequest, SHARD_PROTOCOL } from '../../src/engine/backends/shard-protocol.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { NO_BYTES } from '../../src/engine/effects/net.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { tolerateStrayRejections } from '../../src/engine/effects/stray-errors.ts';
import { certifyDevice } from '../../src/engine/keys/certificate.ts';
import { deviceOfSeed } from '../../src/engine/keys/device.ts';
import { deriveOwner } from '../../src/engine/keys/owner.ts';
import { newPhrase } from '../../src/engine/keys/phrase.ts';
import {
  CUSTODY_PROTOCOL,
  encodeCustodyRequest,
  MAX_CUSTODY_IDS,
} from '../../src/engine/maintenance/custody/custody-protocol.ts';
import { encodeFrameHead } from '../../src/engine/mesh/bulk/bulk-frame.ts';
import { openBulkPlane } from '../../src/engine/mesh/bulk/bulk-plane.ts';
import { decodeOffer, encodeOffer, OFFER_PROTOCOL } from '../../src/engine/mesh/bulk/offers.ts';
import { dialBulk } from '../../src/engine/mesh/bulk/tls-door.ts';
import { PREFIX_BYTES } from '../../src/engine/mesh/frame.ts';
import { HELLO_PROTOCOL } from '../../src/engine/mesh/hello.ts';
import { signNodeInfo } from '../../src/engine/mesh/node-info.ts';
import { RateLimit } from '../../src/engine/mesh/rate-limit.ts';
import type { ObjectId, ShardId } from '../../src/engine/types.ts';
import { startPeer, type TestPeer } from '../engine/mesh/support.ts';
import type { FloodRequest } from './flood.ts';

const request = JSON.parse(process.argv[2]!) as FloodRequest;
const done: Record<string, number> = {};
const count = (what: string, by = 1) => {
  done[what] = (done[what] ?? 0) + by;
};
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const turn = () => new Promise((resolve) => setImmediate(resolve));
const victimPort = Number(/\/tcp\/(\d+)/.exec(request.address)![1]);
/** What one process may well hold open. */
const MANY = 1_500;

tolerateStrayRejections(() => {});
const owner = deriveOwner(newPhrase(realRandom()), 'flood');
const seed = randomBytes(32);
const peer = await startPeer('flooder', {
  network: request.network,
  seed,
  certificates: [certifyDevice(owner, deviceOfSeed(seed).peerId, Date.now())],
});

async function joined(): Promise<TestPeer> {
  await peer.membership.join(request.address);
  // Being introduced takes the other's hello too.
  await sleep(300);
  return peer;
}

const connection = async () => await peer.host.dial(multiaddr(request.address));

/** A stream each time the last one was refused, and no more than there is memory for here. */
async function streams(protocol: string, each: (stream: Stream) => void): Promise<void> {
  for (;;) {
    try {
      const stream = await (await connection()).newStream(protocol, { maxOutboundStreams: 1e6 });
      count('streams');
      each(stream);
    } catch {
      count('refused');
      await sleep(5);
    }
  }
}

/** `MANY` sockets, opened anew as they are closed; each says `first` and then nothing, or a byte a second. */
async function sockets(open: () => Socket, first: Uint8Array, dripping: boolean): Promise<void> {
  const held = new Set<Socket>();
  setInterval(() => {
    if (dripping) for (const socket of held) socket.write(Uint8Array.of(1));
  }, 1_000);
  for (;;) {
    while (held.size < MANY) {
      const socket = open();
      held.add(socket);
      socket.on('connect', () => {
        count('connections');
        socket.write(first);
      });
      socket.on('error', () => {});
      socket.on('close', () => held.delete(socket));
      if (held.size % 50 === 0) await sleep(5);
    }
    await sleep(20);
  }
}

async function plane() {
  const clock = realClock();
  const caps = { up: new RateLimit(clock, 0), down: new RateLimit(clock, 0) };
  return await openBulkPlane({
    net: peer.net,
    clock,
    random: realRandom(),
    caps,
    host: '127.0.0.1',
    port: 0,
    count() {},
    log() {},
  });
}

/** A bulk socket that the victim believes in, without our own reader on it. */
async function rawBulk() {
  const answer = await peer.net.request(
    request.peerId,
    OFFER_PROTOCOL,
    { header: NO_BYTES, body: encodeOffer(undefined) },
    { timeoutMs: 3_000 },
  );
  const { socket } = await dialBulk('127.0.0.1', decodeOffer(answer.body)!);
  socket.on('error', () => {});
  return socket;
}

/** The same questions, 500 at a time, on both planes. */
async function ask(protocol: string, headers: readonly Uint8Array[]): Promise<void> {
  await joined();
  const nets = [await plane(), peer.net];
  const one = async (i: number) => {
    for (let turn = i >> 1; ; turn++) {
      const header = headers[turn % headers.length]!;
      try {
        await nets[i % 2]!.request(
          request.peerId,
          protocol,
          { header, body: NO_BYTES },
          { timeoutMs: 20_000 },
        );
        count('answers');
      } catch {
        count('refused');
        await sleep(1);
      }
    }
  };
  await Promise.all(Array.from({ length: 500 }, (_, i) => one(i)));
}

const MODES: Record<FloodRequest['mode'], () => Promise<void>> = {
  requests: () =>
    ask(SHARD_PROTOCOL, [encodeRequest({ op: 'has', ids: Array.from({ length: 200 }, () => anyId()) })]),
  custody() {
    const ids = Array.from({ length: MAX_CUSTODY_IDS }, () => anyId() as string as ObjectId);
    return ask(CUSTODY_PROTOCOL, [
      encodeCustodyRequest({ op: 'known', ids }),
      encodeCustodyRequest({ op: 'where', ids }),
      encodeCustodyRequest({ op: 'released', ids }),
      encodeCustodyRequest({ op: 'held', ids: ids.slice(0, 1) }),
    ]);
  },
  async puts() {
    await joined();
    const bulk = await plane();
    const body = randomBytes(8 << 20);
    const one = async () => {
      for (;;) {
        const id = anyId();
        const header = encodeRequest({ op: 'put', id, owner: owner.ownerId, announce: false });
        // The bytes of another shard: the victim has to take them in to see it.
        await bulk.request(request.peerId, SHARD_PROTOCOL, { header, body }, { timeoutMs: 20_000 }).then(
          () => count('answers'),
          () => count('refused'),
        );
        await turn();
      }
    };
    await Promise.all(Array.from({ length: 64 }, one));
  },
  async deaf() {
    await joined();
    const header = encodeRequest({ op: 'get', id: request.shard! });
    for (let i = 0; i < 40; i++) {
      const socket = await rawBulk().catch(() => undefined);
      if (socket === undefined) continue;
      count('sockets');
      socket.pause();
      for (let id = 0; id < 200; id++) {
        socket.write(encodeFrameHead({ kind: 'request', id, service: 0, bodyBytes: 0 }, header));
        count('asked');
      }
      await sleep(50);
    }
    const hold = (stream: Stream) => {
      stream.pause();
      stream.send(frame(header.length, 0, header));
      count('asked');
    };
    await streams(SHARD_PROTOCOL, hold);
  },
  async streams() {
    await joined();
    await Promise.all([
      streams(SHARD_PROTOCOL, () => {}),
      streams('/nothing/of/the/kind/1', () => {}),
      streams('/ipfs/id/1.0.0', () => {}),
      streams(`/datamesh/${request.network}/kad/1.0.0`, () => {}),
    ]);
  },
  connections: () => sockets(() => connect(victimPort, '127.0.0.1'), NO_BYTES, false),
  // The beginning of the multistream greeting, of a TLS hello, of an HTTP head.
  slowloris: () => sockets(() => connect(victimPort, '127.0.0.1'), Uint8Array.of(0x13, 0x2f, 0x6d), true),
  'slowloris-bulk': () =>
    sockets(() => connect(request.bulkPort!, '127.0.0.1'), Uint8Array.of(22, 3, 1, 2, 0, 1), true),
  'slowloris-control': () =>
    sockets(() => connect(request.controlSocket!), Buffer.from('GET /status HTTP/1.1\r\nHost: '), true),
  async 'giant-frames'() {
    await joined();
    void (async () => {
      for (;;) {
        const socket = await rawBulk().catch(() => undefined);
        count('sockets');
        const head = encodeFrameHead(
          { kind: 'request', id: 1, service: 0, bodyBytes: 0xffff_ffff },
          Buffer.alloc(65),
        );
        socket?.write(head);
        await sleep(20);
      }
    })();
    // The largest body that is allowed, announced again and again and never sent: a put as it should be, but for its bytes.
    void (async () => {
      for (;;) {
        const socket = await rawBulk().catch(() => undefined);
        const header = encodeRequest({ op: 'put', id: anyId(), owner: owner.ownerId, announce: false });
        socket?.write(encodeFrameHead({ kind: 'request', id: 1, service: 0, bodyBytes: 64 << 20 }, header));
        count('announced');
        await sleep(20);
      }
    })();
    const header = encodeRequest({ op: 'put', id: anyId(), owner: owner.ownerId, announce: false });
    void streams(SHARD_PROTOCOL, (stream) => stream.send(frame(header.length, 0xffff_ffff, header)));
    await streams(SHARD_PROTOCOL, (stream) => stream.send(frame(header.length, 64 << 20, header)));
  },
  async 'half-headers'() {
    await joined();
    void streams(SHARD_PROTOCOL, (stream) => stream.send(frame(16_384, 1 << 20, NO_BYTES).subarray(0, 7)));
    await streams(HELLO_PROTOCOL, (stream) => stream.send(frame(16_384, 1 << 17, NO_BYTES)));
  },
  async gossip() {
    await joined();
    await sleep(1_500);
    const topic = `/datamesh/${request.network}/node-info/1`;
    for (;;) {
      // Each a valid NodeInfo of a node that does not exist, with an address that nobody is at.
      const ghost = deviceOfSeed(randomBytes(32));
      const info = ghostInfo(ghost.peerId);
      await peer.host.services.gossip.publish(topic, signNodeInfo(info, ghost.sign)).then(
        () => count('published'),
        () => count('refused'),
      );
      if (done.published! % 20 === 0) await turn();
    }
  },
  async 'giant-messages'() {
    await joined();
    const giant = Buffer.concat([Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), Buffer.alloc(60_000, 1)]);
    const large = Buffer.concat([Uint8Array.of(0x80, 0x80, 0x80, 0x02), Buffer.alloc(60_000, 1)]);
    const pour = (bytes: Uint8Array) => (stream: Stream) => {
      void (async () => {
        for (let i = 0; i < 100 && stream.status === 'open'; i++) {
          stream.send(bytes);
          count('kilobytes', bytes.length >> 10);
          await sleep(1);
        }
      })().catch(() => {});
    };
    const kad = `/datamesh/${request.network}/kad/1.0.0`;
    const hello = frame(0, 256 << 10, NO_BYTES);
    const nonsense = Buffer.from(`{"info":"${'A'.repeat((256 << 10) - 60)}","certificates":[]}`);
    await Promise.all([
      streams(kad, pour(giant)),
      streams(kad, pour(large)),
      streams('/meshsub/1.2.0', pour(giant)),
      streams('/ipfs/id/push/1.0.0', pour(large)),
      streams(HELLO_PROTOCOL, (stream) => {
        stream.send(hello);
        stream.send(nonsense);
      }),
    ]);
  },
};

function anyId(): ShardId {
  return randomBytes(32).toString('hex') as ShardId;
}

/** The prefix of a frame on a libp2p stream (FORMATS.md "Wire frame"), and what follows. */
function frame(headerBytes: number, bodyBytes: number, header: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(PREFIX_BYTES + header.length);
  bytes.writeUInt16BE(0x444d, 0);
  bytes[2] = 1;
  bytes.writeUInt32BE(headerBytes, 4);
  bytes.writeUInt32BE(bodyBytes, 8);
  bytes.set(header, PREFIX_BYTES);
  return bytes;
}

function ghostInfo(peerId: TestPeer['peerId']) {
  return {
    peerId,
    network: request.network,
    name: 'ghost',
    role: 'regular' as const,
    zone: 'z'.repeat(60),
    rack: '',
    protocols: [1, 2] as const,
    version: '0.0.0',
    addresses: Array.from({ length: 8 }, (_, i) => `/ip4/127.0.0.1/tcp/${9 + i}/p2p/${peerId}`),
    capacityBytes: 1e12,
    freeBytes: 1e12,
    shards: 0,
    state: 'active' as const,
    seq: Date.now(),
  };
}

process.stdin.on('end', () => process.exit(0)).resume();
setInterval(() => {
  if (Object.keys(done).length > 0) process.stdout.write(`${JSON.stringify(done)}\n`);
}, 200);
await MODES[request.mode]();
