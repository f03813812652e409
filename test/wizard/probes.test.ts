import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { realDisk } from '../../src/engine/effects/real-disk.ts';
import { openKeyring } from '../../src/engine/keys/keyring.ts';
import { phraseOfEntropy } from '../../src/engine/keys/phrase.ts';
import { gatherFacts } from '../../src/wizard/gather-facts.ts';
import { probeBootstrap, probeDataDir, probeKeyFile, probePort } from '../../src/wizard/probes.ts';

let dir = '';
const servers: Server[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dm-probe-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await rm(dir, { recursive: true, force: true });
});

async function listening(): Promise<number> {
  const server = createServer((socket) => socket.end());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

describe('a data folder', () => {
  const configDir = () => join(dir, 'config');

  it('may be missing, deep down too, empty, or ours', async () => {
    expect((await probeDataDir(join(dir, 'a', 'b', 'c'), configDir())).disk).toMatchObject({
      kind: expect.any(String),
      keys: [],
    });
    expect((await probeDataDir(dir, join(dir, '..', 'elsewhere'))).problem).toBeUndefined();
    const ring = await openKeyring(
      { disk: realDisk(), random: realRandom(), clock: realClock() },
      join(dir, 'keyring.json'),
    );
    await ring.create('main');
    const { disk } = await probeDataDir(dir, '/elsewhere');
    expect(disk!.keys).toEqual(['main']);
    expect(disk!.freeBytes).toBeGreaterThan(0);
    expect(disk!.totalBytes).toBeGreaterThanOrEqual(disk!.freeBytes);
  });

  it('is refused with other files, as a file, and around the configuration', async () => {
    await writeFile(join(dir, 'thesis.tex'), '');
    expect((await probeDataDir(dir, '/elsewhere')).problem).toContain('thesis.tex');
    expect((await probeDataDir(join(dir, 'thesis.tex'), '/elsewhere')).problem).toContain('is a file');
    expect((await probeDataDir(join(dir, 'thesis.tex', 'below'), '/elsewhere')).problem).toBeDefined();
    expect((await probeDataDir(configDir(), configDir())).problem).toContain('configuration');
    expect((await probeDataDir(join(configDir(), 'x'), configDir())).problem).toContain('configuration');
    expect((await probeDataDir(`${configDir()}-data`, configDir())).problem).toBeUndefined();
  });

  it('says when its keyring is damaged', async () => {
    await writeFile(join(dir, 'keyring.json'), 'oops');
    expect((await probeDataDir(dir, '/elsewhere')).problem).toContain('damaged');
  });

  it.skipIf(process.getuid?.() === 0)('is refused where one may not write', async () => {
    await mkdir(join(dir, 'theirs'));
    await chmod(join(dir, 'theirs'), 0o500);
    expect((await probeDataDir(join(dir, 'theirs', 'data'), '/elsewhere')).problem).toContain(
      'may not write',
    );
  });

  it('may be reached through a link', async () => {
    await mkdir(join(dir, 'real'));
    await symlink(join(dir, 'real'), join(dir, 'link'));
    expect((await probeDataDir(join(dir, 'link'), '/elsewhere')).problem).toBeUndefined();
  });
});

describe('ports and other nodes', () => {
  it('tells a port in use from a free one', async () => {
    const port = await listening();
    expect((await probePort(port)).problem).toContain('in use');
    servers.pop()!.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await probePort(port)).toEqual({ note: `✔ port ${port} is free` });
  });

  it('times who answers and names who does not', async () => {
    const port = await listening();
    const answers = `/ip4/127.0.0.1/tcp/${port}/p2p/12D3KooW`;
    expect((await probeBootstrap([answers])).note).toMatch(new RegExp(`^✔ 127\\.0\\.0\\.1:${port} \\d+ ms$`));
    const both = await probeBootstrap([answers, '/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/udp/1/quic-v1']);
    expect(both.problem).toContain('2 of 3 did not answer');
    expect(both.problem).toContain('127.0.0.1:1 refused');
    expect(both.problem).toContain('not a TCP address');
    expect(await probeBootstrap([])).toEqual({});
  });
});

describe('a key file', () => {
  it('holds 24 words or an exported key, or says what is wrong', async () => {
    const words = join(dir, 'words');
    await writeFile(words, `${phraseOfEntropy(new Uint8Array(32))}\n`);
    expect(await probeKeyFile(words)).toEqual({ note: '✔ 24 words' });
    await writeFile(words, 'one two');
    expect((await probeKeyFile(words)).problem).toContain('has 2 words');
    await writeFile(words, '{"format": "other"}');
    expect((await probeKeyFile(words)).problem).toContain('damaged');
    expect((await probeKeyFile(join(dir, 'none'))).problem).toContain('does not exist');
  });
});

describe('the facts', () => {
  it('survive a damaged configuration, and say so', async () => {
    await writeFile(join(dir, 'config.json'), '{ "version": 1, ');
    const facts = await gatherFacts({
      configPath: join(dir, 'config.json'),
      env: { HOME: dir },
      random: realRandom(),
    });
    expect(facts.existing).toBeUndefined();
    expect(facts.preflight.find(({ label }) => label === 'configuration')).toMatchObject({
      state: 'warn',
      detail: expect.stringContaining('line 1'),
    });
    expect(facts.preflight.filter(({ state }) => state === 'fail')).toEqual([]);
  });

  it('ask for two different words, in order', async () => {
    for (let byte = 0; byte < 256; byte += 5) {
      const random = { ...realRandom(), bytes: (length: number) => new Uint8Array(length).fill(byte) };
      const { ask } = (await gatherFacts({ configPath: join(dir, 'c.json'), env: { HOME: dir }, random }))
        .newPhrase;
      expect(ask[0]).toBeLessThan(ask[1]);
      expect(ask[1]).toBeLessThan(24);
    }
  });
});
