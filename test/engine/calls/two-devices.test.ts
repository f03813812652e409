/** What one device purges, the other may have under another name. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getBytes, putBytes } from '../../support/engine-mesh.ts';
import { openTwoDevices, type TwoDevices, untilMirrored } from '../../support/two-devices.ts';
import { pattern } from '../codec/reference.ts';

const SLOW_MS = 60_000;

describe('a device that was off', () => {
  let folder: string;
  let devices: TwoDevices;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dm-two-'));
    devices = await openTwoDevices(folder);
  }, SLOW_MS);
  afterAll(async () => {
    await devices.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }, SLOW_MS);

  it(
    'does not take away what the other copied or renamed meanwhile',
    async () => {
      const { desk } = devices;
      const [one, two] = [pattern(30_000, 1), pattern(30_000, 2)];
      await putBytes(desk, 'copied', one);
      await putBytes(desk, 'renamed', two);
      await untilMirrored(desk);
      await devices.lap.recover();
      await devices.whileLapIsOff(async () => {
        await desk.names.duplicate('copied', 'copy');
        await desk.names.rename('renamed', 'kept/renamed');
        await untilMirrored(desk);
      });
      const { lap } = devices;
      expect(await lap.delete('copied')).toMatchObject({ versions: 1, shardsReleased: 0 });
      await expect(lap.delete('renamed')).rejects.toMatchObject({ code: 'not-found' });
      await untilMirrored(lap);
      await desk.recover();
      for (const device of [desk, lap]) {
        expect(Buffer.compare(await getBytes(device, 'copy'), one)).toBe(0);
        expect(Buffer.compare(await getBytes(device, 'kept/renamed'), two)).toBe(0);
        await expect(device.get('copied')).rejects.toMatchObject({ code: 'not-found' });
      }
    },
    SLOW_MS,
  );

  it(
    'does not store a shared version anew over what the other has put meanwhile',
    async () => {
      const { desk } = devices;
      const [one, two] = [pattern(30_000, 3), pattern(30_000, 4)];
      await putBytes(devices.lap, 'shared', one);
      const { share } = await devices.lap.shares.share('shared');
      await untilMirrored(devices.lap);
      await desk.recover();
      await devices.whileLapIsOff(async () => {
        await putBytes(desk, 'shared', two);
        await untilMirrored(desk);
      });
      const { lap } = devices;
      await expect(lap.shares.revoke(share.id, { rekey: true })).rejects.toMatchObject({ code: 'bad-value' });
      await untilMirrored(lap);
      await desk.recover();
      for (const device of [desk, lap]) expect(Buffer.compare(await getBytes(device, 'shared'), two)).toBe(0);
    },
    SLOW_MS,
  );

  it(
    'is told how an object is of which it knows the id alone',
    async () => {
      const { desk } = devices;
      let objectId = '';
      await devices.whileLapIsOff(async () => {
        objectId = (await putBytes(desk, 'told', pattern(30_000, 5))).object.objectId;
      });
      const { state, spare, survives, manifest } = await devices.lap.info(objectId);
      expect({ state, spare, node: survives.node }).toEqual({ state: 'ok', spare: 1, node: 1 });
      expect(manifest.shards.map(({ live }) => live)).toEqual([true, true]);
    },
    SLOW_MS,
  );
});
