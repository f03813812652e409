import { randomBytes } from 'node:crypto';
import { connect } from 'node:tls';
import { afterEach, expect, test, vi } from 'vitest';
import { type NetMessage, NO_BYTES } from '../../../../src/engine/effects/net.ts';
import { MAX_OFFERS } from '../../../../src/engine/mesh/bulk/limits.ts';
import { decodeOffer, encodeOffer, OFFER_PROTOCOL } from '../../../../src/engine/mesh/bulk/offers.ts';
import type { PeerId } from '../../../../src/engine/types.ts';
import { DirectNet, startPlane, type TestPlane } from './support.ts';

const SHARD = '/datamesh/shard/1';
const A = '12D3KooWAAAA' as PeerId;
const B = '12D3KooWBBBB' as PeerId;
const planes: TestPlane[] = [];

afterEach(() => {
  for (const { plane } of planes.splice(0)) plane.close();
});

async function pair(caps: { up?: number } = {}) {
  const direct = new DirectNet();
  const a = await startPlane(direct.add(A), caps);
  const b = await startPlane(direct.add(B));
  planes.push(a, b);
  return { direct, a, b };
}

const echo = async (_from: PeerId, request: NetMessage): Promise<NetMessage> => ({
  header: Buffer.from(request.header),
  // The body's buffer is used again once the handler has answered.
  body: Buffer.from(request.body),
});
const options = { timeoutMs: 5_000 };
const tick = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('bodies of all sizes go there and back over TLS, many at once, from both sides', async () => {
  const { direct, a, b } = await pair();
  for (const { plane } of [a, b]) await plane.handle(SHARD, echo, { maxBodyBytes: 8 << 20 });
  const sizes = [0, 1, 4095, 4096, 16_384, 16_385, 65_536, 1 << 20, (4 << 20) + 3];
  const ask = async (from: TestPlane, to: PeerId, size: number) => {
    const body = randomBytes(size);
    const header = randomBytes(40);
    const answer = await from.plane.request(to, SHARD, { header, body }, options);
    expect(Buffer.from(answer.header).equals(header)).toBe(true);
    expect(Buffer.from(answer.body).equals(body), `${size} bytes`).toBe(true);
  };
  for (let round = 0; round < 3; round++) {
    await Promise.all(sizes.flatMap((size) => [ask(a, B, size), ask(b, A, size)]));
  }
  expect([...a.log, ...b.log]).toEqual([]);
  expect(a.plane.hasLink(B)).toBe(true);
  expect(direct.calls.filter((protocol) => protocol === SHARD)).toEqual([]);
  const all = 3 * sizes.reduce((sum, size) => sum + size, 0);
  expect(a.counted.receivedBytes).toBeGreaterThan(2 * all);
  expect(a.counted.sentBytes).toBeGreaterThan(2 * all);
});

test('strangers who ask for the plane and go, one after another, take no invitation from others', async () => {
  const { direct, a } = await pair();
  const ask = async (self: PeerId) => {
    const call = { header: NO_BYTES, body: encodeOffer(undefined) };
    return decodeOffer((await direct.add(self).request(A, OFFER_PROTOCOL, call, options)).body);
  };
  for (let i = 0; i < MAX_OFFERS; i++) {
    const stranger = `12D3KooWStranger${i}` as PeerId;
    expect(await ask(stranger)).toBeDefined();
    direct.remove(stranger);
  }
  expect(await ask('12D3KooWCCCC' as PeerId)).toMatchObject({ port: a.plane.bulkPort });
});

test('an answer lands in the place its asker names', async () => {
  const { a, b } = await pair();
  const shard = randomBytes(1 << 20);
  await b.plane.handle(SHARD, async () => ({ header: NO_BYTES, body: shard }), { maxBodyBytes: 1 });
  const place = Buffer.from(new SharedArrayBuffer(shard.length));
  for (let round = 0; round < 3; round++) {
    place.fill(0);
    const answer = await a.plane.request(
      B,
      SHARD,
      { header: NO_BYTES, body: NO_BYTES },
      { ...options, into: (bytes) => place.subarray(0, bytes) },
    );
    expect(answer.body.buffer).toBe(place.buffer);
    expect(place.equals(shard)).toBe(true);
  }
});

test('a cancelled answer is not written to any more once the request has settled, and others go on', async () => {
  const { a, b } = await pair();
  const shard = randomBytes(8 << 20);
  await b.plane.handle(SHARD, async () => ({ header: NO_BYTES, body: shard }), { maxBodyBytes: 1 });
  const ask = (signal: AbortSignal | undefined, place: Buffer) =>
    a.plane.request(
      B,
      SHARD,
      { header: NO_BYTES, body: NO_BYTES },
      { ...options, signal, into: () => place },
    );
  await ask(undefined, Buffer.alloc(shard.length));
  for (let round = 0; round < 10; round++) {
    const place = Buffer.alloc(shard.length);
    const stop = new AbortController();
    const cancelled = ask(stop.signal, place);
    const other = Buffer.alloc(shard.length);
    const whole = ask(undefined, other);
    setTimeout(() => stop.abort(), round);
    await cancelled.then(
      () => expect(place.equals(shard)).toBe(true),
      (error) => {
        expect(error.code).toBe('cancelled');
        place.fill(0);
      },
    );
    await whole;
    expect(other.equals(shard)).toBe(true);
    expect(place.every((byte) => byte === 0) || place.equals(shard)).toBe(true);
  }
});

test('a request cancelled with its body on the way settles after the peer has dealt with it; one not yet sent is withdrawn', async () => {
  const { a, b } = await pair();
  const order: string[] = [];
  await b.plane.handle(
    SHARD,
    async (_from, { header, body }) => {
      if (body.length > 0) await tick(100);
      order.push(`${header[0]}: ${body.length}`);
      return { header: NO_BYTES, body: NO_BYTES };
    },
    { maxBodyBytes: 64 << 20 },
  );
  const ask = (mark: number, size: number, signal?: AbortSignal) =>
    a.plane.request(
      B,
      SHARD,
      { header: Uint8Array.of(mark), body: Buffer.alloc(size) },
      { ...options, signal },
    );
  await ask(0, 0);
  const stop = new AbortController();
  const sent = ask(1, 32 << 20, stop.signal).catch(() => {});
  const queued = ask(2, 1 << 20, stop.signal).catch((error) => order.push(`2: ${error.code}`));
  setTimeout(() => stop.abort(), 5);
  await Promise.all([sent, queued]);
  await ask(3, 0);
  expect(order).toEqual(['0: 0', '2: cancelled', `1: ${32 << 20}`, '3: 0']);
});

test('a peer without the plane is served over libp2p', async () => {
  const direct = new DirectNet();
  const a = await startPlane(direct.add(A));
  planes.push(a);
  const old = direct.add(B);
  await old.handle(SHARD, echo, { maxBodyBytes: 1 << 20 });
  const answer = await a.plane.request(B, SHARD, { header: NO_BYTES, body: Buffer.from('x') }, options);
  expect(Buffer.from(answer.body).toString()).toBe('x');
  expect(a.plane.hasLink(B)).toBe(false);
  expect(direct.calls).toContain(SHARD);
});

test('a peer that leaves libp2p loses the plane, and what was under way fails at once', async () => {
  const { direct, a, b } = await pair();
  await b.plane.handle(SHARD, () => new Promise(() => {}), { maxBodyBytes: 10 });
  const asked = a.plane.request(B, SHARD, { header: NO_BYTES, body: NO_BYTES }, options);
  const failed = expect(asked).rejects.toMatchObject({ code: 'peer-unreachable' });
  await tick(100);
  expect(a.plane.hasLink(B)).toBe(true);
  direct.remove(B);
  await failed;
  expect(a.plane.hasLink(B)).toBe(false);
});

test('a flooding peer is read no further than its share', async () => {
  const { a, b } = await pair();
  let running = 0;
  let held = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  await b.plane.handle(
    SHARD,
    async (_from, { body }) => {
      running++;
      held += body.length;
      most = Math.max(most, held);
      await new Promise<void>((resolve) => waiting.push(resolve));
      held -= body.length;
      return { header: NO_BYTES, body: NO_BYTES };
    },
    { maxBodyBytes: 1 << 20 },
  );
  const body = randomBytes(1 << 20);
  const flood = Array.from({ length: 100 }, () =>
    a.plane.request(B, SHARD, { header: NO_BYTES, body }, { timeoutMs: 20_000 }),
  );
  await vi.waitFor(() => expect(running).toBe(16), 10_000);
  await tick(500);
  expect(running).toBe(16);
  expect(most).toBe(16 << 20);
  const drain = setInterval(() => waiting.shift()?.(), 1);
  await Promise.all(flood);
  clearInterval(drain);
  expect(running).toBe(100);
  expect(most).toBeLessThanOrEqual(16 << 20);
});

test('a body that is not admitted is dropped unread, the handler sees an empty one', async () => {
  const { a, b } = await pair();
  const seen: number[] = [];
  await b.plane.handle(
    SHARD,
    async (_from, request) => {
      seen.push(request.body.length);
      return { header: Buffer.from('no'), body: NO_BYTES };
    },
    { maxBodyBytes: 1 << 20, admits: (_from, header) => header[0] === 1 },
  );
  const body = randomBytes(1 << 20);
  for (const flag of [0, 1, 0]) {
    await a.plane.request(B, SHARD, { header: Uint8Array.of(flag), body }, options);
  }
  expect(seen).toEqual([0, body.length, 0]);
});

test('a body longer than the protocol allows, and an answer longer than asked for, end the link', async () => {
  const { a, b } = await pair();
  await b.plane.handle(SHARD, async () => ({ header: NO_BYTES, body: randomBytes(5000) }), {
    maxBodyBytes: 1000,
  });
  const tooLong = { ...options, maxBodyBytes: 100 };
  const ask = (body: Uint8Array, call: { timeoutMs: number; maxBodyBytes?: number }) =>
    a.plane.request(B, SHARD, { header: NO_BYTES, body }, call);
  await ask(NO_BYTES, options);
  // Not asked for once more over libp2p: the link is well, it is the answer that is not.
  await expect(ask(NO_BYTES, tooLong)).rejects.toMatchObject({ code: 'malformed-data' });
  expect(a.log.join()).toMatch(/announces 5000 bytes/);
});

test('without the key of an offer nobody gets in', async () => {
  const { a } = await pair();
  const outcome = await new Promise<string>((resolve) => {
    const socket = connect(
      {
        host: '127.0.0.1',
        port: a.plane.bulkPort,
        minVersion: 'TLSv1.3',
        ciphers: 'TLS_AES_128_GCM_SHA256',
        pskCallback: () => ({ psk: randomBytes(32), identity: '00'.repeat(16) }),
        checkServerIdentity: () => undefined,
      },
      () => resolve('in'),
    );
    socket.on('error', () => resolve('refused'));
  });
  expect(outcome).toBe('refused');
});

test('offers survive the wire, and malformed ones are refused', () => {
  const offer = { port: 4002, identity: 'ab'.repeat(16), key: randomBytes(32) };
  expect(decodeOffer(encodeOffer(offer))).toEqual({ ...offer, key: new Uint8Array(offer.key) });
  expect(decodeOffer(encodeOffer(undefined))).toBeUndefined();
  for (const text of [
    '',
    '7',
    'null',
    '{"port":0}',
    '{"port":1,"identity":"zz","key":"00"}',
    'x'.repeat(2000),
  ]) {
    expect(() => decodeOffer(Buffer.from(text)), text.slice(0, 30)).toThrow(/malformed/);
  }
});

test('a cap on sending holds for large bodies', async () => {
  const { a, b } = await pair({ up: 4 << 20 });
  await b.plane.handle(SHARD, async () => ({ header: NO_BYTES, body: NO_BYTES }), { maxBodyBytes: 1 << 20 });
  const body = randomBytes(1 << 20);
  const before = performance.now();
  await Promise.all(
    Array.from({ length: 9 }, () => a.plane.request(B, SHARD, { header: NO_BYTES, body }, options)),
  );
  // The first goes at once, eight more at 4 MiB/s.
  expect(performance.now() - before).toBeGreaterThan(1_900);
});
