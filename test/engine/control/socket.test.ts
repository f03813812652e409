import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connectEngine } from '../../../src/engine/control/client.ts';
import { startControl } from '../../../src/engine/control/server.ts';
import {
  inPrivateFolder,
  MAX_SOCKET_PATH_BYTES,
  socketCandidates,
} from '../../../src/engine/control/socket-path.ts';
import { API_VERSION } from '../../../src/engine/control/wire.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { atEnd, dataFolder, errorOf, serve } from './support.ts';

const clock = realClock();

describe('who may open the socket', () => {
  it('the socket is 0600 and gone after close', async () => {
    const { server, dataDir } = await serve(createFakeEngine());
    expect(server.socketPath).toBe(`${dataDir}/control.sock`);
    expect(statSync(server.socketPath).mode & 0o777).toBe(0o600);
    await server.close();
    await server.close();
    expect(existsSync(server.socketPath)).toBe(false);
  });

  it.each([0o755, 0o750, 0o701])(
    'a data folder of mode %o is refused by the service, and not trusted by a client',
    async (mode) => {
      const { dataDir } = await serve(createFakeEngine());
      chmodSync(dataDir, mode);
      expect(await connectEngine(dataDir)).toBeUndefined();
      const other = dataFolder();
      chmodSync(other, mode);
      const error = await errorOf(startControl(createFakeEngine(), { dataDir: other, clock }));
      expect(error).toMatchObject({
        code: 'insecure-file-mode',
        exit: 9,
        mend: expect.stringContaining('chmod 700'),
      });
      expect(readdirSync(other)).toEqual([]);
    },
  );

  it('a folder behind a symbolic link is not private', async () => {
    const real = dataFolder();
    const base = dataFolder();
    symlinkSync(real, `${base}/link`);
    expect(await inPrivateFolder(`${real}/x`)).toBe('private');
    expect(await inPrivateFolder(`${base}/link/x`)).toBe('open');
    expect(await inPrivateFolder(`${base}/none/x`)).toBe('absent');
  });
});

describe('a data folder that is a link, as to a larger disk', () => {
  it.each(['data', 'deep'.repeat(30)])('is served, and found by either name (%s)', async (name) => {
    const real = `${dataFolder()}/${name}`;
    mkdirSync(real, { mode: 0o700 });
    const link = `${dataFolder()}/link`;
    symlinkSync(real, link);
    const { client } = await serve(createFakeEngine(), link);
    expect((await client.status()).name).toBe('alder');
    const other = await connectEngine(real);
    expect((await other?.status())?.name).toBe('alder');
    await other?.close();
    chmodSync(real, 0o750);
    expect(await errorOf(startControl(createFakeEngine(), { dataDir: link, clock }))).toMatchObject({
      code: 'insecure-file-mode',
    });
  });
});

describe('two services', () => {
  it('the second is told which process runs, and the first is unharmed', async () => {
    const { dataDir, client } = await serve(createFakeEngine());
    const error = await errorOf(startControl(createFakeEngine(), { dataDir, clock }));
    expect(error).toMatchObject({ code: 'already-running', exit: 6, details: { pid: process.pid } });
    expect((await client.status()).name).toBe('alder');
  });

  it('what is left of a dead one is replaced', async () => {
    const dataDir = dataFolder();
    writeFileSync(`${dataDir}/control.sock`, '');
    const { client } = await serve(createFakeEngine(), dataDir);
    expect((await client.status()).name).toBe('alder');
  });

  it('a listener that is no service is neither replaced nor used', async () => {
    const dataDir = dataFolder();
    const stranger = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => stranger.listen(`${dataDir}/control.sock`, resolve));
    atEnd(() => stranger.close());
    expect(await errorOf(startControl(createFakeEngine(), { dataDir, clock }))).toMatchObject({
      code: 'already-running',
    });
    expect(await errorOf(connectEngine(dataDir))).toMatchObject({ code: 'timeout' });
  });
});

describe('a data folder with a long path', () => {
  function longFolder(): string {
    const dataDir = `${dataFolder()}/${'deep'.repeat(30)}`;
    mkdirSync(dataDir, { mode: 0o700 });
    return dataDir;
  }

  it('is served at a short path in a private folder', async () => {
    const dataDir = longFolder();
    const { server, client } = await serve(createFakeEngine(), dataDir);
    expect(Buffer.byteLength(server.socketPath)).toBeLessThanOrEqual(MAX_SOCKET_PATH_BYTES);
    expect(await inPrivateFolder(server.socketPath)).toBe('private');
    expect(statSync(server.socketPath).mode & 0o777).toBe(0o600);
    expect((await client.status()).name).toBe('alder');
    expect(await connectEngine(longFolder())).toBeUndefined();
  });

  it('has candidates that differ by data folder and skip what is itself too long', () => {
    const [a, b] = [socketCandidates('/a'.repeat(60), {}, 1000), socketCandidates('/b'.repeat(60), {}, 1000)];
    expect(a).toHaveLength(2);
    expect(a[0]).toMatch(/^\/run\/user\/1000\/datamesh\/[0-9a-f]{24}\.sock$/);
    expect(a.some((path) => b.includes(path))).toBe(false);
    const env = { XDG_RUNTIME_DIR: '/r'.repeat(60) };
    expect(socketCandidates('/a'.repeat(60), env, 1000)).toEqual(a);
    expect(socketCandidates('/a'.repeat(60), { XDG_RUNTIME_DIR: '/rt' }, 1000)[0]).toMatch(
      /^\/rt\/datamesh\//,
    );
    expect(socketCandidates('/short', {}, 1000)).toEqual(['/short/control.sock']);
  });
});

describe('the wire', () => {
  function raw(socketPath: string, path: string, headers: Record<string, string>, body?: string) {
    return new Promise<{ status: number; text: string }>((resolve, reject) => {
      const call = request(
        { socketPath, path, method: body === undefined ? 'GET' : 'POST', headers, agent: false },
        (answer) => {
          let text = '';
          answer.on('data', (part) => (text += part));
          answer.on('end', () => resolve({ status: answer.statusCode!, text }));
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }

  it.each([
    ['no version', '/status', {}, undefined, 'format-too-new'],
    ['another version', '/status', { 'datamesh-api': '99' }, undefined, 'format-too-new'],
    ['an unknown path', '/nothing', { 'datamesh-api': String(API_VERSION) }, undefined, 'bad-value'],
    [
      'no JSON',
      '/list',
      { 'datamesh-api': String(API_VERSION), 'content-type': 'application/json' },
      '{',
      'bad-value',
    ],
    [
      'another content type',
      '/list',
      { 'datamesh-api': String(API_VERSION), 'content-type': 'text/plain' },
      'x',
      'bad-value',
    ],
    [
      'too long',
      '/list',
      { 'datamesh-api': String(API_VERSION), 'content-type': 'application/json' },
      ' '.repeat(300_000),
      'bad-value',
    ],
    [
      'a put without options',
      '/put',
      { 'datamesh-api': String(API_VERSION), 'content-type': 'application/octet-stream' },
      '\0\0\0\0',
      'bad-value',
    ],
    [
      'a put with a huge head',
      '/put',
      { 'datamesh-api': String(API_VERSION), 'content-type': 'application/octet-stream' },
      '\x7f\x7f\x7f\x7f',
      'bad-value',
    ],
    [
      'a put cut off in its head',
      '/put',
      { 'datamesh-api': String(API_VERSION), 'content-type': 'application/octet-stream' },
      '\0\0\0\x09{',
      'service-not-running',
    ],
    [
      'a put as JSON',
      '/put',
      { 'datamesh-api': String(API_VERSION), 'content-type': 'application/json' },
      '{"name":"x"}',
      'bad-value',
    ],
  ])('%s is refused in words', async (_name, path, headers, body, code) => {
    const engine = createFakeEngine();
    const { server } = await serve(engine);
    const answer = await raw(server.socketPath, path, headers as Record<string, string>, body);
    expect(JSON.parse(answer.text)).toMatchObject({ error: { code } });
    expect(engine.calls).toEqual([]);
  });
});
