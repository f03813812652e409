/** Backups of two devices of one owner, of which each knows what the other did only by the catalog that both mirror. */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refuseGone, refuseNew } from '../../../src/engine/backup/other-devices.ts';
import type { StoredSnapshot } from '../../../src/engine/backup/repository.ts';
import type { Engine, ObjectView } from '../../../src/engine/engine.ts';
import { differences } from '../../support/same-tree.ts';
import { openTwoDevices, type TwoDevices } from '../../support/two-devices.ts';
import { tempFolder } from './support.ts';

const SLOW_MS = 60_000;

describe('backups of two devices', () => {
  const folder = tempFolder();
  let devices: TwoDevices;
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
    devices = await openTwoDevices(folder);
  }, SLOW_MS);
  afterAll(() => devices.close(), SLOW_MS);

  it(
    'a device that was off while the other pruned does not count on what went',
    async () => {
      const { desk } = devices;
      const from = source('first');
      const before = await desk.backups.backup({ source: from });
      await devices.lap.recover();
      // It keeps a copy of the index now.
      await devices.lap.backups.show({ id: before.snapshot.id });
      await devices.whileLapIsOff(async () => {
        await desk.backups.forget({ ids: [before.snapshot.id] });
        expect((await desk.backups.prune({})).packsDeleted).toBe(2);
      });
      const { lap } = devices;
      const after = await lap.backups.backup({ source: from });
      expect(after.chunksNew).toBeGreaterThan(0);
      await restores(lap, after.snapshot.id, from);
    },
    SLOW_MS,
  );

  it(
    'a prune knows of what the other has just stored',
    async () => {
      const { desk, lap } = devices;
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
