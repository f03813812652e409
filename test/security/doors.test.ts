/**
 * Every socket on which a running service listens, as the kernel tells it, and what each says to somebody who proves nothing: nothing. New doors are named here or the test fails.
 */

import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_HEADER, API_VERSION } from '../../src/engine/control/wire.ts';
import { type Home, isAlive, jsonLines, makeHome } from '../support/bin.ts';

const OPEN_MS = 60_000;
/** What a door may take to answer before it is said to be silent. */
const PROBE_MS = 1_500;

let home: Home;
let pid: number;
let port: number;

beforeAll(async () => {
  home = makeHome();
  expect((await home.run('keys', 'new', 'main')).status).toBe(0);
  const { status, stdout, stderr } = await home.run('service', 'start', '--json');
  expect(status, stderr).toBe(0);
  const [state] = jsonLines(stdout);
  pid = state!.pid as number;
  port = Number(/\/tcp\/(\d+)\//.exec((state!.addresses as string[])[0]!)![1]);
}, OPEN_MS);
afterAll(() => {
  if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL');
  home.remove();
});

interface Door {
  kind: 'tcp' | 'udp' | 'unix';
  host: string;
  port: number;
  path: string;
}

/** From /proc: sockets of the process that wait for others. */
function doorsOf(process: number): Door[] {
  const inodes = new Set(
    readdirSync(`/proc/${process}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${process}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    }),
  );
  const rows = (name: string) =>
    readFileSync(`/proc/${process}/net/${name}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/));
  const internet = (name: string, kind: 'tcp' | 'udp') =>
    rows(name)
      // 0A: listening. A UDP socket that is bound hears everybody.
      .filter((it) => inodes.has(it[9]!) && (kind === 'udp' || it[3] === '0A'))
      .map((it): Door => {
        const [host, hex] = it[1]!.split(':') as [string, string];
        const bytes = Buffer.from(host, 'hex').reverse();
        return {
          kind,
          host: name.endsWith('6') ? host : [...bytes].join('.'),
          port: parseInt(hex, 16),
          path: '',
        };
      });
  const unix = rows('unix')
    // Flag 00010000: listening.
    .filter((it) => inodes.has(it[6]!) && it[3] === '00010000')
    .map((it): Door => ({ kind: 'unix', host: '', port: 0, path: it[7] ?? '' }));
  return [
    ...internet('tcp', 'tcp'),
    ...internet('tcp6', 'tcp'),
    ...internet('udp', 'udp'),
    ...internet('udp6', 'udp'),
    ...unix,
  ];
}

/** What comes back for these bytes until the other side closes or the time is over. */
async function answerTo(door: { port: number }, sent: Uint8Array): Promise<Buffer> {
  const socket = connectTcp({ host: '127.0.0.1', port: door.port });
  const parts: Buffer[] = [];
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.on('data', (part) => parts.push(part));
  // Being hung up on is an answer as good as any.
  socket.on('error', () => undefined);
  socket.write(sent);
  const timer = setTimeout(() => socket.destroy(), PROBE_MS);
  await closed;
  clearTimeout(timer);
  return Buffer.concat(parts);
}

/** One message of multistream-select. */
const select = (text: string) => Buffer.concat([Buffer.from([text.length + 1]), Buffer.from(`${text}\n`)]);
const MULTISTREAM = select('/multistream/1.0.0');

const PROBES: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array(0)],
  ['zeros', new Uint8Array(4096)],
  ['noise', Buffer.alloc(4096, 0xa5)],
  ['HTTP', Buffer.from('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')],
  ['a bulk frame', Buffer.from('44420101000000010000000000210000', 'hex')],
  [
    'a frame of the shard protocol',
    Buffer.concat([Buffer.from([0, 0, 0, 33, 0, 0, 0, 0]), Buffer.alloc(33, 2)]),
  ],
  [
    'multistream and our protocols, without noise',
    Buffer.concat([
      MULTISTREAM,
      ...['/datamesh/shard/1', '/datamesh/hello/1', '/datamesh/custody/1', '/ipfs/id/1.0.0'].map(select),
    ]),
  ],
];

describe.skipIf(process.platform !== 'linux')('the doors of a service', () => {
  it('are these three, on loopback with the preset local', () => {
    const doors = doorsOf(pid);
    expect(doors.filter(({ kind }) => kind === 'unix').map(({ path }) => path)).toEqual([
      `${home.dataDir}/control.sock`,
    ]);
    expect(doors.filter(({ kind }) => kind === 'udp')).toEqual([]);
    const tcp = doors.filter(({ kind }) => kind === 'tcp');
    expect(tcp.map(({ host }) => host)).toEqual(['127.0.0.1', '127.0.0.1']);
    expect(tcp.map((door) => door.port)).toContain(port);
  });

  it(
    'say nothing about the node to whoever proves nothing',
    async () => {
      for (const door of doorsOf(pid).filter(({ kind }) => kind === 'tcp')) {
        // At once: most of them are met with silence until their time is over.
        const answers = await Promise.all(PROBES.map(([, bytes]) => answerTo(door, bytes)));
        for (const [i, answer] of answers.entries()) {
          const name = PROBES[i]![0];
          const text = answer.toString('latin1');
          const where = `${name} to port ${door.port === port ? 'of libp2p' : 'of the bulk plane'}`;
          // libp2p names its negotiation, and refuses what is not encryption; TLS sends an alert of seven bytes.
          const said = text
            .replaceAll(MULTISTREAM.toString('latin1'), '')
            .replaceAll(select('na').toString('latin1'), '');
          expect(door.port === port ? said : answer.length <= 7, where).toEqual(
            door.port === port ? '' : true,
          );
          expect(text, where).not.toMatch(/alder|datamesh\/|12D3|main/);
        }
      }
    },
    OPEN_MS,
  );

  it('open no TLS without a key that was offered over libp2p', async () => {
    const bulk = doorsOf(pid).find((door) => door.kind === 'tcp' && door.port !== port)!;
    for (const psk of [undefined, Buffer.alloc(32, 1)]) {
      const socket = connectTls({
        host: '127.0.0.1',
        port: bulk.port,
        rejectUnauthorized: false,
        ...(psk === undefined ? {} : { pskCallback: () => ({ psk, identity: '00'.repeat(16) }) }),
      });
      const event = await new Promise((resolve) => {
        socket.on('secureConnect', () => resolve('open'));
        socket.on('error', () => resolve('refused'));
        socket.on('close', () => resolve('refused'));
      });
      socket.destroy();
      expect(event).toBe('refused');
    }
  });

  it('let only their user in: the control socket is 0600 in a folder of 0700', () => {
    expect(statSync(`${home.dataDir}/control.sock`).mode & 0o777).toBe(0o600);
    expect(statSync(home.dataDir).mode & 0o777).toBe(0o700);
  });

  it('answer on the control socket nothing but requests of their own API', async () => {
    const ask = (path: string, headers: Record<string, string>) =>
      new Promise<{ status: number; text: string }>((resolve, reject) => {
        const call = request({ socketPath: `${home.dataDir}/control.sock`, path, headers }, (response) => {
          let text = '';
          response.on('data', (part) => (text += part));
          response.on('end', () => resolve({ status: response.statusCode!, text }));
        });
        call.on('error', reject);
        call.end();
      });
    // A web page that is talked into asking it cannot set our header.
    const plain = await ask('/status', {});
    expect(plain.status).toBeGreaterThanOrEqual(400);
    expect(plain.text).not.toContain('12D3');
    for (const path of ['/', '/nothing', '/../LOCK', '/v1/status'])
      expect((await ask(path, { [API_HEADER]: String(API_VERSION) })).status).toBeGreaterThanOrEqual(400);
  });
});

describe.skipIf(process.platform !== 'linux')('a service that listens everywhere and shows figures', () => {
  it(
    'has the same doors on all addresses, and the figures on loopback alone',
    async () => {
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const { port: free } = taken.address() as AddressInfo;
      taken.close();
      await once(taken, 'close');
      const wide = makeHome((config) => {
        config.network.preset = 'custom';
        config.metrics.port = free;
      });
      let own: number | undefined;
      try {
        const { status, stdout, stderr } = await wide.run('service', 'start', '--json');
        expect(status, stderr).toBe(0);
        own = jsonLines(stdout)[0]!.pid as number;
        const until = performance.now() + 10_000;
        const doors = () => doorsOf(own!).filter(({ kind }) => kind === 'tcp');
        while (doors().length < 3 && performance.now() < until)
          await new Promise((resolve) => setTimeout(resolve, 100));
        const found = doors().map((door) => `${door.host}${door.port === free ? ' figures' : ''}`);
        expect(found.sort()).toEqual(['0.0.0.0', '0.0.0.0', '127.0.0.1 figures']);
      } finally {
        if (own !== undefined && isAlive(own)) process.kill(own, 'SIGKILL');
        wide.remove();
      }
    },
    OPEN_MS,
  );
});

describe('what a service leaves on disk', () => {
  it('is for its user alone, file by file', async () => {
    const put = await home.run('put', home.configPath, '--name', 'f', '--code', '1+1', '--allow-degraded');
    expect([0, 3], put.stderr).toContain(put.status);
    const open = readdirSync(home.dataDir, { recursive: true, withFileTypes: true })
      .map((entry) => `${entry.parentPath}/${entry.name}`)
      .map((path) => [path.slice(home.dataDir.length + 1), statSync(path).mode & 0o777] as const)
      .filter(([, mode]) => (mode & 0o077) !== 0)
      .map(([path, mode]) => `${path} ${mode.toString(8)}`);
    expect(open).toEqual([]);
  });
});
