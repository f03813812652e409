/** Backups of two devices of one owner, of which each knows what the other did only by the catalog that both mirror. */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refuseGone, refuseNew } from '../../../src/engine/backup/other-devices.ts';
import type { StoredSnapshot } from '../../../src/engine/backup/repository.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import type { Engine, ObjectView } from '../../../src/engine/engine.ts';
import { openKeyring } from '../../../src/engine/keys/keyring.ts';
import { newPhrase } from '../../../src/engine/keys/phrase.ts';
import { openEngine } from '../../../src/engine/local.ts';
import { dataPaths } from '../../../src/engine/options.ts';
import { differences } from '../../support/same-tree.ts';
import { until } from '../../support/until.ts';
import { tempFolder } from './support.ts';

const SLOW_MS = 60_000;

describe('backups of two devices', () => {
  const folder = tempFolder();
  const opened = new Map<string, Engine>();
  let bootstrap: string[] = [];
  let desk: Engine;
  let lap: Engine;

  const open = async (name: string): Promise<Engine> => {
    const holds = !['desk', 'lap'].includes(name);
    const engine = await openEngine({
      name,
      dataDir: join(folder, name),
      role: 'regular',
      mode: 'service',
      network: { name: 'two', preset: 'local', port: 0, bootstrap, zone: undefined, rack: undefined },
      storage: { quotaBytes: holds ? 2 ** 30 : 0, reserveFraction: 0 },
      reads: { cacheBytes: 0, cacheTtlMs: 0 },
      code: { k: 2, m: 1 },
      access: { mode: 'open', allow: [], deny: [] },
      bandwidth: { upBytesPerSecond: undefined, downBytesPerSecond: undefined },
      mirrorsCatalog: true,
      passphrase: undefined,
    });
    opened.set(name, engine);
    if (!holds)
      await until('met', async () => (await engine.peers()).filter(({ eligible }) => eligible).length >= 3);
    return engine;
  };
  const source = (name: string) => {
    const path = join(folder, name);
    fs.mkdirSync(path);
    fs.writeFileSync(join(path, 'file'), randomBytes(600_000));
    return path;
  };
  const restores = async (by: Engine, id: string, from: string) => {
    const to = fs.mkdtempSync(join(folder, 'to-'));
    expect(await by.backups.restore({ id, destination: to })).toMatchObject({ failed: [] });
    expect(differences(from, to)).toBe('');
  };

  beforeAll(async () => {
    const phrase = newPhrase(realRandom());
    for (const name of ['a', 'b', 'c', 'desk', 'lap']) {
      fs.mkdirSync(join(folder, name), { mode: 0o700 });
      if (name.length === 1) {
        const first = await open(name);
        if (name === 'a') bootstrap = [(await first.status()).addresses[0]!];
        continue;
      }
      const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };
      await (await openKeyring(effects, dataPaths(join(folder, name)).keyring)).add('main', phrase);
    }
    desk = await open('desk');
    lap = await open('lap');
  }, SLOW_MS);
  afterAll(async () => {
    await Promise.all([...opened.values()].map((engine) => engine.close()));
  }, SLOW_MS);

  it(
    'a device that was off while the other pruned does not count on what went',
    async () => {
      const from = source('first');
      const before = await desk.backups.backup({ source: from });
      await lap.recover();
      // It keeps a copy of the index now.
      await lap.backups.show({ id: before.snapshot.id });
      await lap.close();
      await desk.backups.forget({ ids: [before.snapshot.id] });
      expect((await desk.backups.prune({})).packsDeleted).toBe(2);
      lap = await open('lap');
      const after = await lap.backups.backup({ source: from });
      expect(after.chunksNew).toBeGreaterThan(0);
      await restores(lap, after.snapshot.id, from);
    },
    SLOW_MS,
  );

  it(
    'a prune knows of what the other has just stored',
    async () => {
      const from = source('second');
      const { snapshot } = await lap.backups.backup({ source: from });
      const gone = await desk.backups.backup({ source: source('third') });
      await desk.backups.forget({ ids: [gone.snapshot.id] });
      await expect(desk.backups.prune({})).rejects.toMatchObject({ code: 'lock-held' });
      const pruned = await desk.backups.prune({ alone: true });
      expect(pruned.packsDeleted).toBe(2);
      await restores(lap, snapshot.id, from);
    },
    SLOW_MS,
  );

  it('a snapshot is not made of packs that went, nor are packs deleted once there is another snapshot', () => {
    const pack = (name: string) => ({ name, sizeBytes: 1 });
    expect(() => refuseGone(['a', 'b'], [pack('a'), pack('b'), pack('c')])).not.toThrow();
    expect(() => refuseGone(['a', 'b'], [pack('a'), pack('c')])).toThrow(
      '1 pack that this backup counted on',
    );
    const object = (name: string) => ({ name }) as ObjectView;
    const known = [{ object: object('x') }, { object: object('y') }] as StoredSnapshot[];
    expect(() => refuseNew(known, [object('x')])).not.toThrow();
    expect(() => refuseNew(known, [object('x'), object('z')])).toThrow('a snapshot came');
  });
});
