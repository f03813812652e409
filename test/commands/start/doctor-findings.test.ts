/** Findings of `doctor` that no test can provoke in this machine: each check with a part that is broken in its place. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diskFinding, spaceFinding } from '../../../src/commands/start/doctor/files.ts';
import {
  codecFinding,
  erasureFinding,
  hashFinding,
  runtimeFinding,
} from '../../../src/commands/start/doctor/machine.ts';
import { bulkPortFinding } from '../../../src/commands/start/doctor/network.ts';
import { parseSize } from '../../../src/config/units.ts';
import { createCodecPool } from '../../../src/engine/codec/codec-pool.ts';
import { Erasure } from '../../../src/engine/codec/erasure.ts';

describe('doctor finds', () => {
  it('a Node.js that is too old', () => {
    for (const version of ['20.19.0', '22.12.9'])
      expect(runtimeFinding(version)).toMatchObject({
        state: 'fail',
        mend: expect.stringContaining('nodejs.org'),
      });
    for (const version of ['22.13.0', '24.0.0']) expect(runtimeFinding(version).state).toBe('ok');
  });

  it('a port for large transfers that the node does not have', () => {
    const of = (free: boolean, used?: number) =>
      bulkPortFinding(4002, free, used, { host: '0.0.0.0', restart: 'restart it' });
    expect(of(false, 4002)).toMatchObject({ state: 'ok', detail: expect.stringContaining('by the service') });
    expect(of(false, 40999)).toMatchObject({
      state: 'warn',
      detail: expect.stringMatching(/another program listens on 4002 .* port 40999/),
      mend: expect.stringContaining('then restart it'),
    });
    expect(of(true, 40999)).toMatchObject({ state: 'warn', mend: 'restart it' });
    expect(of(false).state).toBe('ok');
  });

  it('hashing that is not native', () => {
    expect(hashFinding({ name: 'blake3-wasm', whyNotNative: 'no binary' })).toMatchObject({
      state: 'warn',
      detail: expect.stringContaining('no binary'),
      mend: expect.stringContaining('npm install'),
    });
  });

  it('an erasure code that computes wrongly', () => {
    const right = new Erasure();
    const wrong: Pick<Erasure, 'encode' | 'rebuild'> = {
      encode: (...job) => right.encode(...job),
      rebuild(...job) {
        const rebuilt = right.rebuild(...job);
        for (const bytes of rebuilt.values()) bytes[0]! ^= 1;
        return rebuilt;
      },
    };
    expect(erasureFinding({ k: 2, m: 1 }, wrong)).toMatchObject({
      state: 'fail',
      detail: expect.stringContaining('came back wrong'),
    });
    expect(erasureFinding({ k: 2, m: 1 }, right).state).toBe('ok');
  });

  it('worker threads that do nothing, or the wrong thing', async () => {
    const broken = (options: Parameters<typeof createCodecPool>[0]) => {
      const pool = createCodecPool(options);
      return { ...pool, close: () => pool.close(), encode: async () => Promise.reject(new Error('EAGAIN')) };
    };
    expect(await codecFinding(broken as typeof createCodecPool)).toMatchObject({
      state: 'fail',
      detail: expect.stringContaining('EAGAIN'),
      mend: expect.stringContaining('ulimit'),
    });
    const lying = (options: Parameters<typeof createCodecPool>[0]) => {
      const pool = createCodecPool(options);
      return {
        ...pool,
        close: () => pool.close(),
        encode: async (job: Parameters<typeof pool.encode>[0]) =>
          pool.encode({ ...job, chunkIndex: job.chunkIndex + 1 }),
      };
    };
    expect(await codecFinding(lying as typeof createCodecPool)).toMatchObject({
      state: 'fail',
      detail: expect.stringContaining('wrongly'),
    });
  });

  it('less room than was offered, and proposes what mends it', () => {
    const GIB = 2 ** 30;
    const figures = { freeBytes: 77.7 * GIB, diskBytes: 100 * GIB, heldBytes: 0, quotaBytes: 200 * GIB };
    for (const freeBytes of [77.7 * GIB, 14.99 * GIB, 10.97 * GIB, 10 * GIB + 999_999, 10 * GIB + 7]) {
      const tight = { ...figures, freeBytes, reservePercent: 10 };
      const { state, mend } = spaceFinding(tight);
      const proposed = parseSize(/storage\.quotaBytes (\S+)$/.exec(mend!)![1]!)!;
      expect({ state, now: spaceFinding({ ...tight, quotaBytes: proposed }).state }).toEqual({
        state: 'warn',
        now: 'ok',
      });
    }
    expect(spaceFinding({ ...figures, reservePercent: 80 })).toMatchObject({
      state: 'fail',
      mend: expect.stringContaining('storage.reservePercent 5'),
    });
    for (const reservePercent of [3, 5, 80])
      expect(spaceFinding({ ...figures, freeBytes: GIB, reservePercent })).toMatchObject({
        state: 'fail',
        mend: 'free some space',
      });
  });

  it('a disk that refuses, lies or stalls, and leaves nothing there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dm-disk-'));
    try {
      expect(await diskFinding(folder, open)).toMatchObject({ state: 'ok' });
      expect(await diskFinding(join(folder, 'gone'), open)).toMatchObject({
        state: 'fail',
        detail: expect.stringContaining('ENOENT'),
        mend: expect.stringContaining('datamesh drain'),
      });
      const lying = async (...call: Parameters<typeof open>) => {
        const file = await open(...call);
        const write = file.write.bind(file) as (bytes: Buffer, ...rest: number[]) => Promise<unknown>;
        Object.assign(file, {
          write: (bytes: Buffer, ...rest: number[]) => write(Buffer.alloc(bytes.length), ...rest),
        });
        return file;
      };
      expect(await diskFinding(folder, lying)).toMatchObject({
        state: 'fail',
        detail: expect.stringContaining('other bytes'),
      });
      let room = 1000;
      const filling = async (...call: Parameters<typeof open>) => {
        const file = await open(...call);
        Object.assign(file, {
          async write(bytes: Buffer) {
            if (room === 0) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
            const bytesWritten = Math.min(room, bytes.length);
            room -= bytesWritten;
            return { bytesWritten };
          },
        });
        return file;
      };
      expect(await diskFinding(folder, filling)).toMatchObject({
        state: 'fail',
        detail: 'ENOSPC: no space left',
        mend: expect.stringMatching(/^free some space/),
      });
      const stalling = async (...call: Parameters<typeof open>) => {
        const file = await open(...call);
        Object.assign(file, { datasync: () => new Promise((resolve) => setTimeout(resolve, 2100)) });
        return file;
      };
      expect(await diskFinding(folder, stalling)).toMatchObject({ state: 'warn' });
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
