import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';
import { beforeEach, describe, expect, test } from 'vitest';
import { NO_BYTES } from '../../../src/engine/effects/net.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { certifyDevice } from '../../../src/engine/keys/certificate.ts';
import { deviceOfSeed } from '../../../src/engine/keys/device.ts';
import { deriveOwner } from '../../../src/engine/keys/owner.ts';
import { newPhrase } from '../../../src/engine/keys/phrase.ts';
import { type Admission, createAdmission } from '../../../src/engine/mesh/admission.ts';
import { encodeHelloRequest, HELLO_PROTOCOL } from '../../../src/engine/mesh/hello.ts';
import {
  BAN_MS,
  GUARDED_STREAM_RATE,
  HELLO_RATE,
  INBOUND_RATE,
  MAX_PENDING_INBOUND,
  OFFENCE_RATE,
} from '../../../src/engine/mesh/limits.ts';
import { TokenBuckets } from '../../../src/engine/mesh/token-bucket.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { start } from './peers.ts';
import { until } from './support.ts';

describe('rates', () => {
  test('a bucket gives its burst at once and then its rate, each key for itself', () => {
    const clock = manualClock();
    const buckets = new TokenBuckets(clock, { perSecond: 10, burst: 5 }, 100);
    const taken = (key: string, tries: number) =>
      Array.from({ length: tries }, () => buckets.take(key)).filter(Boolean).length;
    expect(taken('a', 20)).toBe(5);
    expect(taken('b', 20)).toBe(5);
    clock.advance(300);
    expect(taken('a', 20)).toBe(3);
    clock.advance(3_600_000);
    expect(taken('a', 20)).toBe(5);
  });

  test('keys without end are forgotten, the least recent first', () => {
    const buckets = new TokenBuckets(manualClock(), { perSecond: 1, burst: 1 }, 2);
    expect(buckets.take('a')).toBe(true);
    expect(buckets.take('a')).toBe(false);
    buckets.take('b');
    buckets.take('c');
    expect(buckets.take('a')).toBe(true);
  });
});

describe('bans', () => {
  const peer = '12D3KooWOffender' as PeerId;
  let clock: ManualClock;
  let admission: Admission;
  let banned: string[];
  beforeEach(() => {
    clock = manualClock();
    banned = [];
    admission = createAdmission({
      clock,
      deny: [],
      onOffence: () => {},
      onBan: (_peer, what) => banned.push(what),
    });
  });

  test('some offences are forgiven, more are a ban that ends', () => {
    for (let i = 0; i < OFFENCE_RATE.burst; i++) admission.offence(peer, 'nonsense');
    expect(admission.refuses(peer)).toBe(false);
    admission.offence(peer, 'nonsense');
    expect(banned).toEqual(['nonsense']);
    expect(admission.refuses(peer)).toBe(true);
    clock.advance(BAN_MS);
    expect(admission.refuses(peer)).toBe(false);
  });
});

describe('the deny list', () => {
  test('a denied peer can neither connect nor be dialled', async () => {
    const b = await start('b');
    const a = await start('a', { deny: [b.peerId] });
    await expect(b.membership.join(a.address)).rejects.toMatchObject({ exit: 5 });
    await expect(a.membership.join(b.address)).rejects.toMatchObject({
      code: 'peer-unreachable',
      why: expect.stringContaining('deny list'),
      mend: expect.stringContaining('peer unban'),
    });
    expect(a.net.connected()).toEqual([]);
    expect(a.membership.member(b.peerId)?.greeted ?? false).toBe(false);
  });

  test('who acts for a denied owner is refused by the hello, hung up on, and never introduced', async () => {
    const owner = deriveOwner(newPhrase(realRandom()), 'main');
    const seed = randomBytes(32);
    const certificates = [certifyDevice(owner, deviceOfSeed(seed).peerId, Date.now())];
    const a = await start('a', { deny: [owner.ownerId] });
    const b = await start('b', { seed, certificates });
    await expect(b.membership.join(a.address)).rejects.toMatchObject({ code: 'denied' });
    expect(a.membership.member(b.peerId)?.introduced ?? false).toBe(false);
    await until(() => !a.net.connected().includes(b.peerId), 3_000, 'no connection');
    const c = await start('c');
    await c.membership.join(a.address);
    expect(a.membership.member(c.peerId)?.introduced).toBe(true);
  });

  test('what others say of a denied peer is not dialled', async () => {
    const denied = await start('denied');
    const hub = await start('hub', { bootstrap: [denied.address] });
    await until(() => hub.membership.member(denied.peerId)?.greeted === true);
    const a = await start('a', { deny: [denied.peerId], bootstrap: [hub.address] });
    await until(() => a.membership.member(hub.peerId)?.greeted === true);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(a.net.connected()).toEqual([hub.peerId]);
  });
});

describe('a peer that floods', () => {
  test('with hellos is refused, loses reputation, is banned, and others are served', async () => {
    const a = await start('a');
    const flooder = await start('flooder');
    const other = await start('other');
    await flooder.membership.join(a.address);
    flooder.membership.stop();
    const hello = () =>
      flooder.net
        .request(a.peerId, HELLO_PROTOCOL, { header: NO_BYTES, body: NO_BYTES }, { timeoutMs: 2_000 })
        .catch((error: Error) => error);
    for (let i = 0; i < HELLO_RATE.burst + OFFENCE_RATE.burst + 10; i++) await hello();
    await until(() => a.admission.refuses(flooder.peerId), 5_000, 'a ban');
    await until(() => !a.net.connected().includes(flooder.peerId), 5_000, 'the flooder gone');
    expect(a.health.score(flooder.peerId)).toBeLessThan(50);
    await other.membership.join(a.address);
    await until(() => a.membership.member(other.peerId)?.greeted === true, 5_000, 'the other greeted');
  });

  test('with bad certificates, others in each hello, is banned before they fill the log', async () => {
    const a = await start('a');
    const flooder = await start('flooder');
    await flooder.membership.join(a.address);
    flooder.membership.stop();
    await until(() => a.membership.member(flooder.peerId)?.info !== undefined);
    const { signed: info } = a.membership.member(flooder.peerId) as unknown as { signed: Uint8Array };
    const hello = () => {
      const certificates = Array.from({ length: 16 }, () => randomBytes(40));
      const body = encodeHelloRequest({ info, certificates, wantPeers: false });
      return flooder.net
        .request(a.peerId, HELLO_PROTOCOL, { header: NO_BYTES, body }, { timeoutMs: 2_000 })
        .catch((error: Error) => error);
    };
    // Within the rate of hellos.
    for (let i = 0; i <= OFFENCE_RATE.burst; i++) await hello();
    await until(() => a.admission.refuses(flooder.peerId), 5_000, 'a ban');
    expect(a.log.filter((line) => line.includes('bad certificate')).length).toBeLessThanOrEqual(
      OFFENCE_RATE.burst + 1,
    );
  });

  test('with invalid gossip is banned, and a valid NodeInfo still arrives from others', async () => {
    const a = await start('a');
    const flooder = await start('flooder', { bootstrap: [a.address] });
    const honest = await start('honest', { bootstrap: [a.address] });
    await until(() => a.membership.member(flooder.peerId)?.heard !== undefined, 10_000, 'gossip');
    await until(() => a.membership.member(honest.peerId)?.heard !== undefined, 10_000, 'gossip');
    const topic = '/datamesh/test/node-info/1';
    for (let i = 0; i < 40; i++) {
      await flooder.host.services.gossip.publish(topic, Buffer.from(`nonsense ${i}`)).catch(() => {});
    }
    await until(() => a.admission.refuses(flooder.peerId), 5_000, 'a ban');
    const heard = () => a.membership.member(honest.peerId)?.heard?.seq ?? 0;
    const before = heard();
    await until(() => heard() > before, 8_000, 'news of the honest one');
    expect(a.membership.member(honest.peerId)?.state).toBe('active');
  });

  test.each(['/meshsub/1.2.0', '/datamesh/test/kad/1.0.0'])(
    'with bytes on %s loses the stream before they queue up',
    async (protocol) => {
      const a = await start('a');
      const flooder = await start('flooder');
      await flooder.membership.join(a.address);
      const connection = await flooder.host.dial(multiaddr(a.address));
      const raw = await connection.newStream(protocol);
      // Small messages of nonsense, each of an honest length: nothing but their number is wrong.
      const frames = new Uint8Array(64 * 1024);
      for (let at = 0; at < frames.length; at += 64) frames[at] = 63;
      let sent = 0;
      while (raw.status === 'open' && sent < 64 << 20) {
        raw.send(frames);
        sent += frames.length;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      expect(sent).toBeLessThan(GUARDED_STREAM_RATE.burst + (8 << 20));
      expect(a.host.status).toBe('started');
    },
  );

  test('with connections is let in at the rate of one host, and the node goes on', async () => {
    const a = await start('a');
    const port = Number(/\/tcp\/(\d+)/.exec(a.address)![1]);
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    let open = 0;
    let refused = 0;
    const sockets = Array.from({ length: INBOUND_RATE.burst + 100 }, (_, i) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.on('error', () => {});
      socket.on('connect', () => {
        open++;
        if (i % 3 === 0) socket.write('GET / HTTP/1.1\r\n\r\n');
        if (i % 3 === 1) socket.write(Uint8Array.of(0x13, 0x2f));
        if (i % 7 === 0) socket.resetAndDestroy();
      });
      socket.on('close', () => refused++);
      return socket;
    });
    await until(() => open === sockets.length, 10_000, 'all connections');
    await until(() => refused > 100, 10_000, 'refusals');
    for (const socket of sockets) socket.destroy();
    // One of 20 a second: time for a token.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const b = await start('b');
    await b.membership.join(a.address);
    await until(() => a.membership.member(b.peerId)?.greeted === true, 5_000, 'the other greeted');
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});

test('a host whose connections say nothing keeps nobody of another host out', async () => {
  const hub = await start('hub');
  const port = Number(hub.address.split('/')[4]);
  const silent = Array.from({ length: MAX_PENDING_INBOUND + 50 }, () =>
    connect({ host: '127.0.0.1', port, localAddress: '127.0.0.9' }).on('error', () => {}),
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  const member = await start('member');
  await expect(member.net.dial([hub.address], 5_000)).resolves.toBe(hub.peerId);
  for (const socket of silent) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 500));
  // Those are gone: they count no more.
  let heard = 0;
  const next = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.9' });
  next.on('data', () => heard++).on('error', () => {});
  next.write('\x13/multistream/1.0.0\n');
  await until(() => heard > 0, 5_000, 'an answer');
  next.destroy();
});
