import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doctorCommand } from '../../../src/commands/start/doctor.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { acquireLock } from '../../../src/engine/effects/lock.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { OWNER_A, shard } from '../../engine/shardstore/shards.ts';
import { openStore } from '../../engine/shardstore/support.ts';
import { type Home, makeHome } from '../../support/bin.ts';
import { testContext } from '../../support/context.ts';

let home: Home;

beforeEach(() => {
  home = makeHome();
});

afterEach(() => home.remove());

async function rebuild() {
  const { context, records, warnings } = testContext({ config: home.config, configPath: home.configPath });
  const status = await doctorCommand.run(context, { 'rebuild-index': true });
  return { status: status ?? 0, records, warnings };
}

describe('doctor --rebuild-index', () => {
  it('makes a destroyed index anew from the segments, and every shard is there', async () => {
    const dir = `${home.dataDir}/shards`;
    const shards = [1, 2, 3].map((seed) => shard(seed, 1000));
    const store = await openStore(dir);
    for (const it of shards) await store.put({ ...it, owner: OWNER_A });
    await store.delete(shards[1]!.id, OWNER_A);
    await store.close();
    writeFileSync(`${dir}/index/data.mdb`, 'this is no index');
    const { status, records } = await rebuild();
    expect(status).toBe(0);
    expect(records).toEqual([
      {
        check: 'index',
        state: 'ok',
        detail: expect.stringMatching(/^built anew from 4 records: 2 shards, /),
        mend: null,
      },
    ]);
    const again = await openStore(dir);
    expect(again.recovery.rebuilt).toBe(false);
    expect(await again.get(shards[2]!.id)).toEqual(shards[2]!.bytes);
    expect(again.has(shards[1]!.id)).toBe(false);
    await again.close();
  });

  it('says what of the segments it could not take', async () => {
    await (await openStore(`${home.dataDir}/shards`)).close();
    mkdirSync(`${home.dataDir}/shards/00000007.seg`);
    const { records, warnings } = await rebuild();
    expect(records).toMatchObject([{ check: 'index', state: 'warn' }]);
    expect(warnings).toEqual([expect.stringContaining('00000007.seg is no segment of this store')]);
  });

  it('refuses while a node runs on the folder, and where there is nothing to build from', async () => {
    await expect(rebuild()).rejects.toMatchObject({ code: 'not-found' });
    await (await openStore(`${home.dataDir}/shards`)).close();
    const lock = await acquireLock(realDisk(), `${home.dataDir}/LOCK`, realClock());
    await expect(rebuild()).rejects.toMatchObject({ code: 'lock-held' });
    await lock.release();
    expect((await rebuild()).status).toBe(0);
  });
});
