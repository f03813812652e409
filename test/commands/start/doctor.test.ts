import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doctorCommand } from '../../../src/commands/start/doctor.ts';
import { claimFolder } from '../../../src/engine/backends/folder-marker.ts';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { acquireLock } from '../../../src/engine/effects/lock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { loadOrCreateDevice } from '../../../src/engine/keys/device.ts';
import { openKeyring } from '../../../src/engine/keys/keyring.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { type Home, makeHome } from '../../support/bin.ts';
import { testContext } from '../../support/context.ts';

let home: Home;
const servers: Server[] = [];
const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };

beforeEach(async () => {
  home = makeHome((config) => {
    config.storage.quotaBytes = 1;
  });
  await (await openKeyring(effects, `${home.dataDir}/keyring.json`)).create('main');
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  home.remove();
});

async function listening(): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** State and mend by check, and the exit status. */
async function examine() {
  const { context, records } = testContext({ config: home.config, configPath: home.configPath });
  const status = await doctorCommand.run(context, {});
  const found = (check: string) => records.filter((record) => record.check === check);
  return { status, records, found };
}

describe('doctor', () => {
  it('finds nothing in a set-up that is right', async () => {
    const port = await listening();
    home.config.network.bootstrap = [`/ip4/127.0.0.1/tcp/${port}`];
    const { status, records } = await examine();
    expect(records.map((record) => [record.check, record.state])).toEqual(
      [
        'runtime',
        'configuration',
        'data folder',
        'permissions',
        'space',
        'disk',
        'keyring',
        'identity',
        'hash',
        'erasure',
        'codec',
        'clock',
        'service',
        'port',
        'bootstrap',
      ].map((check) => [check, 'ok']),
    );
    expect(records.find((record) => record.check === 'codec')?.detail).toMatch(
      /^\d+ worker threads?; up to \d+ stripes and 256 MiB in memory; compression by (zstd|brotli)$/,
    );
    expect(status).toBe(0);
  });

  it('without a configuration examines the machine and says how to get one', async () => {
    const { context, records } = testContext();
    expect(await doctorCommand.run(context, {})).toBe(1);
    expect(records.find((record) => record.check === 'configuration')).toMatchObject({
      state: 'fail',
      mend: 'datamesh init',
    });
    expect(records.map((record) => record.check)).toEqual([
      'runtime',
      'configuration',
      'hash',
      'erasure',
      'codec',
      'clock',
    ]);
  });

  it.each(['missing', 'empty'])(
    'sees a data folder that is %s, as where a disk is not mounted',
    async (how) => {
      rmSync(home.dataDir, { recursive: true });
      if (how === 'empty') mkdirSync(home.dataDir, { mode: 0o700 });
      const { status, found } = await examine();
      expect(status).toBe(1);
      expect(found('data folder')[0]).toMatchObject({
        state: 'fail',
        detail: expect.stringMatching(how === 'empty' ? /holds no node/ : /is missing/),
      });
    },
  );

  it('sees modes that let others in', async () => {
    chmodSync(home.dataDir, 0o755);
    chmodSync(home.configPath, 0o644);
    chmodSync(`${home.dataDir}/keyring.json`, 0o640);
    const { status, found } = await examine();
    expect(found('data folder')).toMatchObject([{ state: 'fail', mend: `chmod 700 '${home.dataDir}'` }]);
    expect(found('configuration')).toMatchObject([{ state: 'warn', mend: `chmod 600 '${home.configPath}'` }]);
    expect(found('keyring')).toMatchObject([{ state: 'fail', mend: expect.stringContaining('chmod 600') }]);
    expect(status).toBe(1);
  });

  it('sees too little room', async () => {
    home.config.storage.quotaBytes = 2 ** 60;
    expect((await examine()).found('space')).toMatchObject([
      { state: 'warn', mend: expect.stringContaining('config set storage.quotaBytes') },
    ]);
    home.config.storage.reservePercent = 100;
    expect((await examine()).found('space')).toMatchObject([{ state: 'fail' }]);
  });

  it('sees a missing key, a taken port, a lost bootstrap peer, and a clock that ran ahead', async () => {
    const [taken, open] = [await listening(), await listening()];
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const closed = (gone.address() as AddressInfo).port;
    await new Promise((resolve) => gone.close(resolve));
    home.config.network.port = taken;
    home.config.network.bootstrap = [`/ip4/127.0.0.1/tcp/${closed}`];
    writeFileSync(`${home.dataDir}/keyring.json`, '', { mode: 0o600 });
    writeFileSync(`${home.dataDir}/service.log`, '');
    const tomorrow = Date.now() / 1000 + 86_400;
    utimesSync(`${home.dataDir}/service.log`, tomorrow, tomorrow);
    const { status, found } = await examine();
    expect(found('port')).toMatchObject([
      { state: 'fail', detail: expect.stringContaining('another program') },
    ]);
    expect(found('bootstrap')).toMatchObject([
      { state: 'fail', detail: expect.stringContaining('nothing listens') },
    ]);
    expect(found('keyring')).toMatchObject([{ state: 'fail' }]);
    expect(found('clock')).toMatchObject([{ state: 'warn' }]);
    expect(status).toBe(1);
    // One that answers is enough to join; the other is then worth a warning.
    home.config.network.bootstrap.push(`/ip4/127.0.0.1/tcp/${open}`, '/ip4/127.0.0.1/udp/1/quic-v1');
    expect((await examine()).found('bootstrap').map((it) => it.state)).toEqual(['warn', 'ok', 'warn']);
    home.config.network.bootstrap = [`/ip4/127.0.0.1/tcp/${open}/p2p/12D3KooWmistyped`];
    expect((await examine()).found('bootstrap')).toMatchObject([
      { state: 'fail', detail: expect.stringContaining('mistyped') },
    ]);
  });

  it('tells a damaged database from a whole one, and what brings its content back', async () => {
    const path = `${home.dataDir}/catalog.sqlite`;
    openCatalog(path, realClock()).close();
    chmodSync(path, 0o600);
    const whole = await examine();
    expect(whole.found('catalog')).toMatchObject([{ state: 'ok' }]);
    expect(whole.found('permissions')).toMatchObject([{ state: 'ok' }]);
    writeFileSync(path, 'x'.repeat(4096));
    writeFileSync(`${home.dataDir}/custody.sqlite`, 'x'.repeat(4096), { mode: 0o600 });
    const { found, status } = await examine();
    const damaged = { state: 'fail', detail: expect.stringContaining('damaged') };
    expect(found('catalog')).toMatchObject([
      { ...damaged, mend: expect.stringContaining('datamesh recover') },
    ]);
    expect(found('custody')).toMatchObject([damaged]);
    expect(status).toBe(1);
  });

  it('sees files of the node that others may read, and a metrics port that another program has', async () => {
    await loadOrCreateDevice(effects.disk, `${home.dataDir}/device.key`, effects.random);
    writeFileSync(`${home.dataDir}/catalog.sqlite`, '', { mode: 0o644 });
    writeFileSync(`${home.dataDir}/service.log.3`, '', { mode: 0o644 });
    home.config.metrics.port = await listening();
    const { found, status } = await examine();
    expect(found('permissions')).toMatchObject([
      {
        state: 'warn',
        detail: expect.stringMatching(/catalog\.sqlite.*service\.log\.3/),
        mend: `chmod -R go-rwx '${home.dataDir}'`,
      },
    ]);
    expect(found('metrics port')).toMatchObject([
      { state: 'warn', mend: expect.stringContaining('config set metrics.port') },
    ]);
    expect(status).toBe(0);
    chmodSync(`${home.dataDir}/device.key`, 0o644);
    expect((await examine()).found('permissions')).toMatchObject([{ state: 'fail' }]);
  });

  it('sees that the port for large transfers is taken, or that there is none', async () => {
    home.config.network.port = (await listening()) - 1;
    expect((await examine()).found('bulk port')).toMatchObject([
      { state: 'warn', mend: expect.stringContaining('config set network.port') },
    ]);
    home.config.network.port = 65_535;
    expect((await examine()).found('bulk port')).toMatchObject([{ state: 'warn' }]);
    home.config.network.port = 0;
    expect((await examine()).found('bulk port')).toEqual([]);
  });

  it('looks at the disk of each folder of a pool, and says which is away', async () => {
    const path = `${home.folder}/disk`;
    const { id } = await claimFolder({
      ...effects,
      ...{ folder: path, node: 'me' as PeerId, create: true, adopt: false },
    });
    openCatalog(`${home.dataDir}/catalog.sqlite`, realClock()).close();
    const catalog = new DatabaseSync(`${home.dataDir}/catalog.sqlite`);
    const folders = [
      { path, holder: id },
      { path: `${home.folder}/elsewhere`, holder: id },
      // Of another device, by the same name.
      { path, holder: `${id}x` },
    ];
    const away = {
      state: 'warn',
      detail: expect.stringContaining(`nothing of datamesh is at ${home.folder}/elsewhere`),
    };
    catalog.exec(`PRAGMA foreign_keys = OFF; INSERT INTO pools (owner, name, k, m, domain, compress, separate_disks, nodes, folders, created_at_ms)
      VALUES (1, 'p', 2, 1, 'disk', 0, 0, '[]', '${JSON.stringify(folders)}', 0)`);
    catalog.close();
    expect((await examine()).found('pool folder')).toMatchObject([
      { state: 'ok', detail: expect.stringContaining(`${path}: `) },
      away,
    ]);
    home.config.storage.reservePercent = 100;
    expect((await examine()).found('pool folder')).toMatchObject([
      { state: 'warn', detail: expect.stringContaining('no further shard') },
      away,
    ]);
    home.config.storage.reservePercent = 5;
    rmSync(path, { recursive: true });
    await claimFolder({
      ...effects,
      ...{ folder: path, node: 'me' as PeerId, create: true, adopt: false },
    });
    expect((await examine()).found('pool folder')).toMatchObject([
      { state: 'warn', detail: expect.stringContaining('another folder') },
      away,
    ]);
  });

  it('sees who holds the data folder', async () => {
    const lock = await acquireLock(effects.disk, `${home.dataDir}/LOCK`, effects.clock);
    home.config.network.port = await listening();
    const { found, status } = await examine();
    expect(found('port')).toMatchObject([{ state: 'warn', detail: expect.stringContaining('data folder') }]);
    await lock.release();
    expect(found('service')).toMatchObject([
      { state: 'warn', detail: expect.stringContaining(`process ${process.pid}`) },
    ]);
    expect(status).toBe(0);
  });

  it('sees that nobody can hold it', async () => {
    const guard = `${home.dataDir}/LOCK.guard`;
    await (await acquireLock(effects.disk, `${home.dataDir}/LOCK`, effects.clock)).release();
    expect((await examine()).found('service')).toMatchObject([{ state: 'ok' }]);
    writeFileSync(guard, Buffer.alloc(5000, 7), { mode: 0o600 });
    const { found, status } = await examine();
    expect(found('service')).toMatchObject([{ state: 'fail', mend: expect.stringContaining(guard) }]);
    expect(status).toBe(1);
  });
});
