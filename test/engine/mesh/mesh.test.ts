import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { bootstrapBy } from '../../../src/engine/calls/bootstrap.ts';
import { NO_BYTES } from '../../../src/engine/effects/net.ts';
import { start } from './peers.ts';
import { startPeer, type TestPeer, until } from './support.ts';

const greetedBy = (peer: TestPeer) =>
  peer.membership
    .members()
    .filter((member) => member.greeted)
    .map((member) => member.info?.name)
    .sort();

test('five nodes that know one bootstrap address all come to know each other', async () => {
  const seed = await start('seed');
  const others = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) => start(name, { bootstrap: [seed.address] })),
  );
  for (const peer of [seed, ...others]) {
    await until(() => greetedBy(peer).length === 4, 10_000, 'a full mesh');
  }
  expect(greetedBy(others[0]!)).toEqual(['b', 'c', 'd', 'seed']);
});

test('a node that dies is noticed within five seconds, and found again when it returns under its address', async () => {
  const a = await start('a');
  const b = await start('b', { bootstrap: [a.address] });
  await until(() => greetedBy(a).length === 1);
  const changes: string[] = [];
  a.membership.onChange((_peer, state) => changes.push(state));
  expect(a.membership.member(b.peerId)?.rttMs).toBeGreaterThan(0);
  await b.stop();
  await until(() => changes.includes('offline'), 5_000, 'the death of b');
  expect(greetedBy(a)).toEqual([]);
  expect(a.membership.member(b.peerId)?.rttMs).toBeUndefined();
});

test('a quarantined peer is visible as such, stays connected, is not passed on, and comes back', async () => {
  let bad = false;
  const b = await start('b');
  const a = await start('a', { bootstrap: [b.address], quarantined: (peer) => bad && peer === b.peerId });
  const states: string[] = [];
  a.membership.onChange((peer, state) => peer === b.peerId && states.push(state));
  await until(() => a.membership.member(b.peerId)?.state === 'active');
  bad = true;
  await until(() => a.membership.member(b.peerId)?.state === 'quarantined', 1_500, 'quarantine');
  expect(a.net.connected()).toContain(b.peerId);
  const c = await start('c');
  await c.membership.join(a.address);
  expect(await c.membership.exchange(a.peerId)).not.toContain(b.peerId);
  bad = false;
  await until(() => a.membership.member(b.peerId)?.state === 'active', 1_500, 'release');
  expect(states).toEqual(['joining', 'active', 'quarantined', 'active']);
});

test('nodes of two networks do not mix', async () => {
  const a = await start('a', { network: 'one' });
  const b = await start('b', { network: 'two' });
  await expect(b.membership.join(a.address)).rejects.toMatchObject({ code: 'denied' });
  await until(() => a.net.connected().length === 0);
  expect(greetedBy(a)).toEqual([]);
});

test('nodes that have no protocol version in common part at the hello, and both know why', async () => {
  const old = await start('old', { protocols: [1, 2] });
  const later = await start('later', { protocols: [3, 4] });
  for (const [asker, asked] of [
    [later, old],
    [old, later],
  ] as const) {
    await expect(asker.membership.join(asked.address)).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringContaining('no common protocol version'),
    });
    await until(() => [asker, asked].every((peer) => peer.net.connected().length === 0));
  }
  expect(greetedBy(old)).toEqual([]);
  expect(greetedBy(later)).toEqual([]);
  const between = await start('between', { protocols: [2, 3] });
  await between.membership.join(old.address);
  await between.membership.join(later.address);
  expect(greetedBy(between).length).toBe(2);
});

test('bodies of all sizes arrive whole, many at once', async () => {
  const a = await start('a');
  const b = await start('b');
  await b.net.handle('/test/echo/1', async (_from, request) => request, { maxBodyBytes: 8 << 20 });
  await a.membership.join(b.address);
  const sizes = [0, 1, 65_535, 65_536, 1 << 20, (4 << 20) + 16];
  const bodies = [...sizes, ...sizes, ...sizes].map((size) => randomBytes(size));
  const answers = await Promise.all(
    bodies.map((body, i) =>
      a.net.request(b.peerId, '/test/echo/1', { header: Uint8Array.of(i), body }, { timeoutMs: 10_000 }),
    ),
  );
  answers.forEach((answer, i) => {
    expect(answer.header[0]).toBe(i);
    expect(Buffer.compare(answer.body, bodies[i]!)).toBe(0);
  });
});

test('an answer that does not come is a timeout, and the next request is not confused by it', async () => {
  const a = await start('a');
  const b = await start('b');
  let calls = 0;
  await b.net.handle(
    '/test/slow/1',
    async (_from, request) => {
      if (++calls <= 6) await new Promise((resolve) => setTimeout(resolve, 700));
      return request;
    },
    { maxBodyBytes: 1024 },
  );
  await a.membership.join(b.address);
  const ask = (n: number, timeoutMs: number) =>
    a.net.request(b.peerId, '/test/slow/1', { header: Uint8Array.of(n), body: NO_BYTES }, { timeoutMs });
  const slow = await Promise.allSettled([1, 2, 3, 4, 5, 6].map((n) => ask(n, 200)));
  expect(slow.every((result) => result.status === 'rejected' && result.reason.code === 'timeout')).toBe(true);
  expect((await ask(7, 3_000)).header[0]).toBe(7);
});

test('a frame longer than the protocol allows is refused, and the asker told', async () => {
  const a = await start('a');
  const b = await start('b');
  await b.net.handle('/test/small/1', async (_from, request) => request, { maxBodyBytes: 1000 });
  await a.membership.join(b.address);
  const request = a.net.request(
    b.peerId,
    '/test/small/1',
    { header: NO_BYTES, body: new Uint8Array(1001) },
    { timeoutMs: 3_000 },
  );
  await expect(request).rejects.toMatchObject({ code: 'peer-unreachable' });
});

test('a body that is not admitted is given no memory over libp2p either, and what one peer has under way is bounded', async () => {
  const a = await start('a');
  const b = await start('b');
  const MiB = 1 << 20;
  let inHand = 0;
  let most = 0;
  await b.net.handle(
    '/test/large/1',
    async (_from, { header, body }) => {
      inHand += body.length;
      most = Math.max(most, inHand);
      await new Promise((resolve) => setTimeout(resolve, 50));
      inHand -= body.length;
      return { header: Uint8Array.of(header[0]!, body.length / MiB), body: NO_BYTES };
    },
    { maxBodyBytes: 64 * MiB, admits: (_from, header) => header[0] !== 0 },
  );
  await a.membership.join(b.address);
  const ask = async (n: number) => {
    const message = { header: Uint8Array.of(n), body: new Uint8Array(6 * MiB) };
    return [...(await a.net.request(b.peerId, '/test/large/1', message, { timeoutMs: 20_000 })).header];
  };
  expect(await ask(0)).toEqual([0, 0]);
  const many = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  expect(await Promise.all(many.map(ask))).toEqual(many.map((n) => [n, 6]));
  expect(most).toBeLessThanOrEqual(16 * MiB);
});

test('requests to a peer that disappears fail at once instead of waiting for their timeout', async () => {
  const a = await start('a');
  const b = await start('b');
  await b.net.handle('/test/never/1', () => new Promise(() => {}), { maxBodyBytes: 1000 });
  await a.membership.join(b.address);
  const request = a.net.request(
    b.peerId,
    '/test/never/1',
    { header: NO_BYTES, body: NO_BYTES },
    { timeoutMs: 60_000 },
  );
  setTimeout(() => void b.stop(), 100);
  await expect(request).rejects.toMatchObject({ code: 'peer-unreachable' });
});

test('bytes are counted per peer and per protocol', async () => {
  const a = await start('a');
  const b = await start('b');
  const c = await start('c');
  await b.net.handle('/test/echo/1', async () => ({ header: NO_BYTES, body: NO_BYTES }), {
    maxBodyBytes: 2 << 20,
  });
  await a.membership.join(b.address);
  await c.membership.join(b.address);
  const send = (from: TestPeer, bytes: number) =>
    from.net.request(
      b.peerId,
      '/test/echo/1',
      { header: NO_BYTES, body: new Uint8Array(bytes) },
      { timeoutMs: 5_000 },
    );
  await send(a, 1_000_000);
  await send(c, 200_000);
  const fromA = b.traffic.peer(a.peerId).receivedBytes;
  const fromC = b.traffic.peer(c.peerId).receivedBytes;
  expect(fromA).toBeGreaterThan(1_000_000);
  expect(fromA).toBeLessThan(1_100_000);
  expect(fromC).toBeGreaterThan(200_000);
  expect(fromC).toBeLessThan(260_000);
  const echo = b.traffic.byProtocol().find(({ protocol }) => protocol === '/test/echo/1');
  expect(echo!.receivedBytes).toBe(1_200_000 + 2 * 12);
});

test.each(['up', 'down'] as const)(
  'a cap on what goes %s holds within 10 % over five seconds',
  async (way) => {
    const cap = 2_000_000;
    const a = await start('a', way === 'up' ? { upBytesPerSecond: cap } : { downBytesPerSecond: cap });
    const b = await start('b');
    const piece = { header: NO_BYTES, body: new Uint8Array(50_000) };
    const empty = { header: NO_BYTES, body: NO_BYTES };
    await b.net.handle('/test/sink/1', async () => (way === 'up' ? empty : piece), { maxBodyBytes: 1 << 20 });
    await a.membership.join(b.address);
    let moved = 0;
    const end = Date.now() + 5_000;
    const worker = async () => {
      while (Date.now() < end) {
        await a.net.request(b.peerId, '/test/sink/1', way === 'up' ? piece : empty, { timeoutMs: 5_000 });
        if (Date.now() < end) moved += piece.body.length;
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(moved).toBeGreaterThan(5 * cap * 0.9);
    expect(moved).toBeLessThan(5 * cap * 1.1);
  },
);

test('an address that cannot be one is told as such, and whom it names is not looked up', async () => {
  const a = await start('a');
  const whole = (await start('b')).address;
  for (const wrong of [whole.slice(0, -1), `${whole}Example`, whole.replace('127', '300')]) {
    await expect(bootstrapBy(a, wrong), wrong).rejects.toMatchObject({ code: 'bad-value' });
  }
});

test('a taken port is one clear error', async () => {
  const a = await start('a');
  const port = Number(/\/tcp\/(\d+)/.exec(a.address)![1]);
  await expect(startPeer('b', { port })).rejects.toMatchObject({ code: 'port-in-use', exit: 5 });
});
