/**
 * A node that lies, for tests alone: it joins the mesh like any other (real libp2p, hello, gossip, and the bulk plane if wanted), takes shards,
 * and then answers what its lie says. Made of the product's own pieces, so that what it sends is well-formed up to the lie itself.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Stream } from '@libp2p/interface';
import { encodeParts, partsOf } from '../../src/engine/backends/shard-batch.ts';
import {
  decodeRequest,
  encodeFailure,
  encodeStatus,
  SHARD_PROTOCOL,
  type ShardRequest,
} from '../../src/engine/backends/shard-protocol.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { MAX_BODY_BYTES, type Net, type NetMessage, NO_BYTES } from '../../src/engine/effects/net.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { type BulkPlane, openBulkPlane } from '../../src/engine/mesh/bulk/bulk-plane.ts';
import { decodeOffer, encodeOffer, OFFER_PROTOCOL } from '../../src/engine/mesh/bulk/offers.ts';
import { encodeHead, FrameReceiver } from '../../src/engine/mesh/frame.ts';
import { RateLimit } from '../../src/engine/mesh/rate-limit.ts';
import type { PeerId, ShardId } from '../../src/engine/types.ts';
import { DatameshError } from '../../src/errors.ts';
import { startPeer } from '../engine/mesh/support.ts';
import { TEST_NETWORK } from './engine-mesh.ts';

/**
 * wrong-bytes: one bit is flipped. foreign: another shard of the same length. truncated: half of it. longer: with bytes after it. stale: what it
 * took first, whatever is asked. drops: says "stored" and has nothing. drips: some bytes a second. stalls: half a body, then nothing.
 * deaf: it stops reading what is sent. silent: no answer at all. errors: fails every request. nonsense: an answer of no known kind.
 */
export type Lie =
  | 'none'
  | 'wrong-bytes'
  | 'foreign'
  | 'truncated'
  | 'longer'
  | 'stale'
  | 'drops'
  | 'drips'
  | 'stalls'
  | 'silent'
  | 'deaf'
  | 'errors'
  | 'nonsense';

export interface Liar {
  peerId: PeerId;
  address: string;
  lie: Lie;
  /** Whether it claims to hold what it dropped. */
  claims: boolean;
  /** Shards it really holds. */
  held: Map<ShardId, Uint8Array>;
  /** Shards it said it had stored. */
  dropped: Set<ShardId>;
  /** Requests it was asked while it lied. */
  asked: Record<ShardRequest['op'], number>;
  stop(): Promise<void>;
}

/** A dripping peer sends one such piece each time. */
const DRIP_BYTES = 64;
const DRIP_EVERY_MS = 100;

export async function startLiar(
  name: string,
  options: { bootstrap: string; plane: 'libp2p' | 'bulk' },
): Promise<Liar> {
  const peer = await startPeer(name, { bootstrap: [options.bootstrap], network: TEST_NETWORK });
  const liar: Liar = {
    peerId: peer.peerId,
    address: peer.address,
    lie: 'none',
    claims: true,
    held: new Map(),
    dropped: new Set(),
    asked: { put: 0, get: 0, has: 0, delete: 0, announce: 0, prove: 0, putMany: 0, getMany: 0 },
    async stop() {
      await plane?.stop();
      await peer.stop();
    },
  };
  let plane: { stop(): Promise<void> } | undefined;
  if (options.plane === 'bulk') plane = await serveOnBulk(peer.net, liar);
  else {
    await peer.host.handle(SHARD_PROTOCOL, (stream) => serveOnStream(stream, liar), {
      maxInboundStreams: 32,
    });
  }
  return liar;
}

/** What it answers; undefined: nothing. */
async function answer(liar: Liar, message: NetMessage): Promise<NetMessage | undefined> {
  const request = decodeRequest(message.header);
  const { lie, held } = liar;
  if (lie !== 'none') liar.asked[request.op]++;
  if (lie === 'silent' || lie === 'deaf') return undefined;
  if (lie === 'nonsense') return { header: Uint8Array.of(250, 1, 2, 3), body: Buffer.alloc(1000, 7) };
  if (lie === 'errors')
    return {
      header: encodeFailure(new DatameshError('failed', { what: 'I would rather not' })),
      body: NO_BYTES,
    };
  const ok = (body: Uint8Array = NO_BYTES) => ({ header: encodeStatus('ok'), body });
  switch (request.op) {
    case 'put':
      if (lie === 'drops') liar.dropped.add(request.id);
      else held.set(request.id, Uint8Array.from(message.body));
      return ok();
    case 'has':
      return {
        header: encodeStatus(
          'ok',
          Uint8Array.from(request.ids, (id) => Number(liar.claims || held.has(id))),
        ),
        body: NO_BYTES,
      };
    case 'delete':
      return { header: encodeStatus(held.delete(request.id) ? 'ok' : 'absent'), body: NO_BYTES };
    case 'announce':
      return ok();
    case 'prove':
      return {
        header: encodeFailure(new DatameshError('failed', { what: 'I prove nothing' })),
        body: NO_BYTES,
      };
    case 'putMany': {
      const parts = partsOf(request.items, message.body);
      for (const [at, { id }] of request.items.entries())
        if (lie === 'drops') liar.dropped.add(id);
        else held.set(id, Uint8Array.from(parts[at]!));
      return { header: encodeStatus('ok', new Uint8Array(parts.length)), body: NO_BYTES };
    }
    case 'getMany': {
      const { tail, body } = encodeParts(
        request.ids.map((id) => {
          const bytes = held.get(id);
          return bytes === undefined ? 'absent' : distorted(liar, id, bytes);
        }),
      );
      return { header: encodeStatus('ok', tail), body };
    }
    case 'get': {
      const bytes = held.get(request.id);
      if (bytes === undefined) return { header: encodeStatus('absent'), body: NO_BYTES };
      return ok(distorted(liar, request.id, bytes));
    }
  }
}

function distorted({ lie, held }: Liar, id: ShardId, bytes: Uint8Array): Uint8Array {
  switch (lie) {
    case 'wrong-bytes': {
      const wrong = Uint8Array.from(bytes);
      wrong[wrong.length >> 1]! ^= 1;
      return wrong;
    }
    case 'foreign': {
      const others = [...held].filter(([other]) => other !== id).map(([, other]) => other);
      return others.find(({ length }) => length === bytes.length) ?? others[0] ?? NO_BYTES;
    }
    case 'truncated':
      return bytes.subarray(0, bytes.length >> 1);
    case 'longer':
      return Buffer.concat([bytes, Buffer.alloc(4096, 1)]);
    case 'stale':
      return held.values().next().value!;
    default:
      return bytes;
  }
}

/** The shard protocol on libp2p streams, one request after another on each. */
function serveOnStream(stream: Stream, liar: Liar): void {
  const receiver = new FrameReceiver(MAX_BODY_BYTES, (request) => {
    void (async () => {
      const response = await answer(liar, request);
      if (response === undefined) return;
      stream.send(encodeHead(response));
      await sendBody(response.body);
    })().catch((error: Error) => stream.abort(error));
  });
  async function sendBody(body: Uint8Array): Promise<void> {
    if (body.length === 0) return;
    if (liar.lie === 'stalls') return void stream.send(body.subarray(0, body.length >> 1));
    if (liar.lie !== 'drips') return void stream.send(body);
    for (let at = 0; at < body.length && stream.status === 'open'; at += DRIP_BYTES) {
      stream.send(body.subarray(at, at + DRIP_BYTES));
      await new Promise((resolve) => setTimeout(resolve, DRIP_EVERY_MS));
    }
  }
  stream.addEventListener('message', ({ data }) => {
    // Within the listener it would be undone.
    if (liar.lie === 'deaf') queueMicrotask(() => stream.pause());
    else receiver.feed(data);
  });
  stream.addEventListener('remoteCloseWrite', () => void stream.close().catch(() => {}));
}

/** The same on the bulk plane, which others dial through a tap that lets little or nothing through while the lie says so. */
async function serveOnBulk(net: Net, liar: Liar): Promise<{ stop(): Promise<void> }> {
  const clock = realClock();
  const tap = await openTap(liar);
  let plane: BulkPlane | undefined;
  const caps = { up: new RateLimit(clock, 0), down: new RateLimit(clock, 0) };
  const tapped: Net = {
    ...net,
    handle(protocol, handler, handleOptions) {
      if (protocol !== OFFER_PROTOCOL) return Promise.resolve();
      // It dials nobody, so that all it says goes through the tap.
      return net.handle(
        protocol,
        async (from) => {
          const offered = await handler(from, { header: NO_BYTES, body: encodeOffer(undefined) });
          const offer = decodeOffer(offered.body);
          return { ...offered, body: encodeOffer(offer && { ...offer, port: tap.port }) };
        },
        handleOptions,
      );
    },
  };
  plane = await openBulkPlane({
    net: tapped,
    clock,
    random: realRandom(),
    caps,
    host: '127.0.0.1',
    port: 0,
    count() {},
    log() {},
  });
  tap.to(plane.bulkPort);
  await plane.handle(
    SHARD_PROTOCOL,
    async (_from, request) => (await answer(liar, request)) ?? (await new Promise<never>(() => {})),
    { maxBodyBytes: MAX_BODY_BYTES },
  );
  return {
    async stop() {
      plane.close();
      await tap.close();
    },
  };
}

/** Half a shard of these tests may pass a stalling tap. */
const STALL_AFTER_BYTES = 100_000;

/** A TCP relay whose way back to the asker can be narrowed to drops. */
async function openTap(liar: Liar) {
  const sockets = new Set<Socket>();
  let target = 0;
  const server: Server = createServer((inbound) => {
    const outbound = connect(target, '127.0.0.1');
    let passed = 0;
    for (const socket of [inbound, outbound]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        inbound.destroy();
        outbound.destroy();
      });
    }
    inbound.on('data', (bytes) => {
      outbound.write(bytes);
      if (liar.lie === 'deaf') inbound.pause();
    });
    outbound.on('data', async (bytes) => {
      if (liar.lie === 'stalls') {
        if (passed < STALL_AFTER_BYTES) inbound.write(bytes.subarray(0, STALL_AFTER_BYTES - passed));
        passed += bytes.length;
        return;
      }
      if (liar.lie !== 'drips') return void inbound.write(bytes);
      outbound.pause();
      for (let at = 0; at < bytes.length && !inbound.destroyed; at += DRIP_BYTES) {
        inbound.write(bytes.subarray(at, at + DRIP_BYTES));
        await new Promise((resolve) => setTimeout(resolve, DRIP_EVERY_MS));
      }
      outbound.resume();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    to(port: number) {
      target = port;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
