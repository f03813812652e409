/** optimize: what is proposed follows from what was measured, and is written only with --apply. */
import { describe, expect, it } from 'vitest';
import { optimizeCommand } from '../../../src/commands/care/optimize.ts';
import { measureCache, measureLine, measureStorage } from '../../../src/commands/care/optimize-measure.ts';
import { proposeCache, proposeLine, proposeStorage } from '../../../src/commands/care/optimize-propose.ts';
import { readConfigFile } from '../../../src/config/store.ts';
import { DatameshError } from '../../../src/errors.ts';
import { makeHome } from '../../support/bin.ts';
import { testContext } from '../../support/context.ts';
import { createFakeEngine } from '../../support/fake-engine.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const { signal } = new AbortController();

describe('proposals', () => {
  const cache = {
    firstMs: 20,
    againMs: 2,
    againFromCache: true,
    workingSetBytes: 100 * MIB,
    repeatedReads: 40,
    memoryBytes: 16 * GIB,
  };

  it('of the cache: what is read again fits, within a share of the memory, and only if it was measured to be quicker', () => {
    const found = proposeCache(cache, 64 * MIB);
    expect(found).toMatchObject({ key: 'reads.cacheBytes', proposed: 208 * MIB });
    expect(found.gain).toContain('10.0 times as fast');
    expect(proposeCache({ ...cache, memoryBytes: GIB }, 16 * MIB).proposed).toBe(64 * MIB);
    for (const same of [
      proposeCache(cache, GIB),
      proposeCache({ ...cache, againMs: 18 }, 0),
      proposeCache({ ...cache, againFromCache: false }, 0),
      proposeCache({ ...cache, repeatedReads: 0, workingSetBytes: 0 }, 0),
    ])
      expect([same.proposed, same.gain]).toEqual([same.now, undefined]);
  });

  it('of the disk: no more is offered than fits beside the reserve', () => {
    const disk = {
      writeBytesPerSecond: 1e8,
      syncMs: 3,
      freeBytes: 50 * GIB,
      usedBytes: 10 * GIB,
      reserveBytes: 20 * GIB,
      quotaBytes: 100 * GIB,
    };
    expect(proposeStorage(disk)).toMatchObject({ key: 'storage.quotaBytes', proposed: 40 * GIB });
    for (const quotaBytes of [40 * GIB, 0])
      expect(proposeStorage({ ...disk, quotaBytes })).toMatchObject({
        proposed: quotaBytes,
        gain: undefined,
      });
    expect(proposeStorage({ ...disk, freeBytes: 0, usedBytes: 0 }).proposed).toBe(0);
  });

  it('of the line: a limit where filling it makes others wait, each way by itself', () => {
    const line = {
      peer: 'attic',
      upBytesPerSecond: 1_000_000,
      downBytesPerSecond: 10_000_000,
      idleMs: 12,
      upLoadedMs: 400,
      downLoadedMs: 20,
      capUpBytesPerSecond: undefined,
      capDownBytesPerSecond: undefined,
    };
    const none = { up: 0, down: 0 };
    const half = { up: 500_000, down: 0 };
    const [up, down] = proposeLine(line, none);
    expect(up).toMatchObject({ key: 'bandwidth.upBytesPerSecond', now: 0, proposed: 849_920 });
    expect(up!.gain).toContain('388ms');
    expect(down).toMatchObject({ proposed: 0, gain: undefined });
    expect(proposeLine({ ...line, capUpBytesPerSecond: 500_000 }, half)[0]).toMatchObject({
      proposed: 500_000,
    });
    // Under a limit it is the limit that is measured, now a little more, now a little less: taken for the line's, each run would lower it further.
    for (const upBytesPerSecond of [460_000, 500_000, 560_000])
      expect(proposeLine({ ...line, upBytesPerSecond, capUpBytesPerSecond: 500_000 }, half)[0]).toMatchObject(
        {
          proposed: 500_000,
          measured: expect.stringContaining('the limit of 488 KiB/s'),
        },
      );
    // A line that is far slower than its limit is not held by it.
    expect(
      proposeLine({ ...line, upBytesPerSecond: 400_000, capUpBytesPerSecond: 5_000_000 }, none)[0]!.proposed,
    ).toBe(339_968);
    expect(proposeLine({ ...line, upLoadedMs: undefined }, none)[0]!.gain).toBeUndefined();
    // On a loopback three times nothing is nothing.
    expect(proposeLine({ ...line, idleMs: 1, upLoadedMs: 20 }, none)[0]!.gain).toBeUndefined();
    // At hours of the schedule another limit holds than the setting, which is what is shown and changed.
    const scheduled = { ...line, capUpBytesPerSecond: 900_000 };
    expect(proposeLine(scheduled, half)[0]).toMatchObject({ now: 500_000, proposed: 500_000 });
    expect(proposeLine({ ...line, capUpBytesPerSecond: 5_000_000 }, half)[0]!.proposed).toBe(500_000);
  });
});

describe('measuring', () => {
  it('leaves nothing behind in the mesh, and reads each file twice', async () => {
    const engine = createFakeEngine();
    const figures = await measureCache(engine, signal);
    expect(figures.firstMs).toBeGreaterThan(0);
    expect(engine.calls.filter((it) => it === 'get')).toHaveLength(12);
    expect((await engine.list()).objects.filter(({ name }) => name.startsWith('benchmark/'))).toEqual([]);
  });

  it('leaves nothing behind on the disk', async () => {
    const home = makeHome();
    try {
      const engine = createFakeEngine({ status: { dataDir: home.dataDir } });
      const figures = await measureStorage(engine, signal);
      expect(figures.writeBytesPerSecond).toBeGreaterThan(0);
      expect(figures.syncMs).toBeGreaterThan(0);
      const { readdirSync } = await import('node:fs');
      expect(readdirSync(home.dataDir).filter((name) => name.includes('optimize'))).toEqual([]);
    } finally {
      home.remove();
    }
  });

  it('goes on to the next peer when one was tested just now', async () => {
    const engine = createFakeEngine({ peerCount: 5 });
    const tested: string[] = [];
    const busy = {
      ...engine,
      async speedTest(...call: Parameters<typeof engine.speedTest>) {
        tested.push(call[0]);
        if (tested.length < 3) throw new DatameshError('denied', { what: 'tested just now' });
        return engine.speedTest(...call);
      },
    };
    const found = await measureLine(busy, signal);
    expect([new Set(tested).size, found?.upBytesPerSecond]).toEqual([3, expect.any(Number)]);
    const none = { ...engine, speedTest: () => Promise.reject(new DatameshError('denied', { what: 'no' })) };
    expect(await measureLine(none, signal)).toBeUndefined();
  });

  it('says that there is no line without a peer', async () => {
    expect(await measureLine(createFakeEngine({ peerCount: 0 }), signal)).toBeUndefined();
    expect(await measureLine(createFakeEngine({ peerCount: 3 }), signal)).toMatchObject({
      upBytesPerSecond: expect.any(Number),
      idleMs: expect.any(Number),
    });
  });
});

describe('the command', () => {
  it('changes the file only with --apply', async () => {
    // More is offered than any disk has.
    const home = makeHome((config) => {
      config.storage.quotaBytes = 2 ** 52;
    });
    try {
      const status = { dataDir: home.dataDir };
      const engine = createFakeEngine({ status });
      const store = { ...(await engine.status()).store, quotaBytes: 2 ** 52 };
      const { context, records, notes } = testContext({ config: home.config, configPath: home.configPath });
      const here = {
        ...context,
        engine: async () => ({ ...engine, status: async () => ({ ...(await engine.status()), store }) }),
      };
      await optimizeCommand.run(here, { storage: true });
      expect(records).toMatchObject([{ area: 'storage', now: 2 ** 52, gain: expect.any(String) }]);
      expect(notes.join()).toContain('--apply');
      expect(await readConfigFile(home.configPath)).toMatchObject({ storage: { quotaBytes: 2 ** 52 } });
      await optimizeCommand.run(here, { storage: true, apply: true });
      const { storage } = (await readConfigFile(home.configPath)) as unknown as typeof home.config;
      expect(storage.quotaBytes).toBe(records[1]!.proposed);
      expect(storage.quotaBytes).toBeLessThan(2 ** 52);
    } finally {
      home.remove();
    }
  });
});
