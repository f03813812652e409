/** `doctor` on what a start opens in the data folder: each part broken as a disk, a hand or a later release breaks it, and nothing changed by looking. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doctorCommand } from '../../../src/commands/start/doctor.ts';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { loadOrCreateDevice } from '../../../src/engine/keys/device.ts';
import { openCustody } from '../../../src/engine/maintenance/custody/sqlite-custody.ts';
import { openFormat } from '../../../src/engine/shardstore/segment.ts';
import { OWNER_A, shard } from '../../engine/shardstore/shards.ts';
import { openStore } from '../../engine/shardstore/support.ts';
import { type Home, makeHome } from '../../support/bin.ts';
import { testContext } from '../../support/context.ts';

let home: Home;
const at = (name: string) => `${home.dataDir}/${name}`;

/** A data folder as a node that has run leaves it. */
beforeEach(async () => {
  home = makeHome();
  await loadOrCreateDevice(realDisk(), at('device.key'), realRandom());
  for (const name of ['catalog.sqlite', 'custody.sqlite']) writeFileSync(at(name), '', { mode: 0o600 });
  openCatalog(at('catalog.sqlite'), realClock()).close();
  openCustody(at('custody.sqlite')).close();
  mkdirSync(at('shards'), { mode: 0o700 });
  await openFormat(realDisk(), at('shards'), realRandom());
});
afterEach(() => home.remove());

async function examine() {
  const { context, records } = testContext({ config: home.config, configPath: home.configPath });
  const status = await doctorCommand.run(context, {});
  return { status, found: (check: string) => records.filter((record) => record.check === check) };
}

function overwrite(name: string, from: number, bytes: number): void {
  const content = readFileSync(at(name));
  content.fill(0xa5, from, from + bytes);
  writeFileSync(at(name), content);
}

function sql(name: string, statement: string): void {
  const db = new DatabaseSync(at(name));
  db.exec(statement);
  db.close();
}

describe('doctor looks at what a start opens', () => {
  it('finds it in order, and leaves nothing beside it', async () => {
    const before = readdirSync(home.dataDir).sort();
    const { found } = await examine();
    for (const check of ['identity', 'catalog', 'custody'])
      expect(found(check), check).toMatchObject([{ state: 'ok' }]);
    expect(found('notes')).toEqual([]);
    expect(readdirSync(home.dataDir).sort()).toEqual(before);
  });

  it.each([
    ['catalog', 'catalog.sqlite', 'the mesh has of it'],
    ['custody', 'custody.sqlite', 'other custodians'],
  ])('a %s whose head is gone, and one with a page gone', async (check, file, otherwise) => {
    const whole = readFileSync(at(file));
    for (const [from, bytes] of [
      [0, 100],
      [4096, 4096],
    ] as const) {
      overwrite(file, from, bytes);
      const { status, found } = await examine();
      expect(found(check), String(from)).toMatchObject([
        { state: 'fail', detail: expect.stringContaining(file), mend: expect.stringContaining(otherwise) },
      ]);
      expect(status).toBe(1);
      writeFileSync(at(file), whole);
    }
  });

  it('a database that is gone or empty, from a node that has run', async () => {
    for (const file of ['catalog', 'custody']) {
      for (const [state, damage] of [
        ['empty', () => writeFileSync(at(`${file}.sqlite`), '')],
        ['missing', () => rmSync(at(`${file}.sqlite`))],
      ] as const) {
        damage();
        const { found } = await examine();
        expect(found(file)).toMatchObject([
          { state: 'warn', detail: expect.stringContaining(`is ${state}`) },
        ]);
      }
    }
  });

  it('what a later release wrote', async () => {
    sql('catalog.sqlite', 'INSERT INTO migrations VALUES (99, 0)');
    sql('custody.sqlite', 'PRAGMA user_version = 99');
    const format = readFileSync(at('shards/FORMAT'), 'utf8');
    writeFileSync(at('shards/FORMAT'), format.replace(/"format":\d+/, '"format":99'));
    overwrite('device.key', 4, 1);
    const { found } = await examine();
    for (const check of ['catalog', 'custody', 'shards', 'identity'])
      expect(found(check), check).toMatchObject([
        { state: 'fail', detail: expect.stringMatching(/99|newer/), mend: expect.stringContaining('newer') },
      ]);
  });

  it('an identity that is damaged, or gone from a node that has run', async () => {
    writeFileSync(at('device.key'), 'no key', { mode: 0o600 });
    expect((await examine()).found('identity')).toMatchObject([
      { state: 'fail', detail: expect.stringContaining('damaged') },
    ]);
    rmSync(at('device.key'));
    expect((await examine()).found('identity')).toMatchObject([
      { state: 'fail', detail: expect.stringContaining('new device') },
    ]);
    expect(existsSync(at('device.key'))).toBe(false);
  });

  it('segments without a head, and a FORMAT that is lost', async () => {
    writeFileSync(at('shards/00000001.seg'), Buffer.alloc(64, 7));
    expect((await examine()).found('shards')).toMatchObject([
      { state: 'warn', detail: expect.stringContaining('00000001.seg') },
    ]);
  });

  it('what lies among the segments and is none', async () => {
    const store = await openStore(at('shards'));
    await store.put({ ...shard(1, 100), owner: OWNER_A });
    await store.close();
    mkdirSync(at('shards/00000007.seg'));
    const found = (await examine()).found('shards');
    expect(found).toMatchObject([
      { state: 'warn', detail: expect.stringContaining('00000007.seg is no seg') },
    ]);
  });

  it('an index that was cut short', async () => {
    const store = await openStore(at('shards'));
    await store.put({ ...shard(1, 100), owner: OWNER_A });
    await store.close();
    expect((await examine()).found('shards')).toMatchObject([{ state: 'ok' }]);
    truncateSync(at('shards/index/data.mdb'), 9000);
    expect((await examine()).found('shards')).toMatchObject([
      { state: 'warn', detail: expect.stringContaining('builds it anew') },
    ]);
  });

  it('segments that were cut short, or are gone', async () => {
    const store = await openStore(at('shards'));
    for (let i = 0; i < 20; i++) await store.put({ ...shard(i, 1000), owner: OWNER_A });
    await store.close();
    const segment = at('shards/00000001.seg');
    truncateSync(segment, statSync(segment).size - 5000);
    expect((await examine()).found('shards')).toMatchObject([
      {
        state: 'warn',
        detail: expect.stringMatching(/00000001\.seg is missing or cut short: of 20 shards/),
      },
    ]);
    rmSync(segment);
    expect((await examine()).found('shards')).toMatchObject([
      { state: 'warn', detail: expect.stringContaining('missing or cut short') },
    ]);
  });

  it('an index that is damaged deeper than its roots, which ends the process that reads it', async () => {
    const store = await openStore(at('shards'));
    for (let i = 0; i < 3_000; i++) await store.put({ ...shard(i, 10), owner: OWNER_A });
    await store.close();
    expect((await examine()).found('shards')).toMatchObject([{ state: 'ok' }]);
    const index = readFileSync(at('shards/index/data.mdb'));
    // All pages but the two of the head, behind what each says of itself.
    for (let page = 2 * 4096; page < index.length; page += 4096) index.fill(0xff, page + 24, page + 4096);
    writeFileSync(at('shards/index/data.mdb'), index);
    const before = readdirSync(at('shards/index'));
    expect((await examine()).found('shards')).toMatchObject([
      {
        state: 'warn',
        detail: expect.stringContaining('is damaged'),
        mend: expect.stringContaining('doctor --rebuild-index'),
      },
    ]);
    expect(readdirSync(at('shards/index'))).toEqual(before);
  });

  it('notes that a start refuses', async () => {
    writeFileSync(at('drain.json'), 'x', { mode: 0o600 });
    writeFileSync(at('quotas.json'), 'x', { mode: 0o600 });
    expect((await examine()).found('notes')).toMatchObject([
      { state: 'fail', detail: expect.stringContaining('drain.json') },
      { state: 'fail', detail: expect.stringContaining('quotas.json') },
    ]);
  });

  it('notes that are too long, or no files: damage, and no defect of datamesh', async () => {
    for (const file of ['drain.json', 'quotas.json']) {
      for (const make of [
        () => writeFileSync(at(file), Buffer.alloc(3 * 1024 * 1024, 7), { mode: 0o600 }),
        () => mkdirSync(at(file), { mode: 0o700 }),
      ]) {
        make();
        const [finding] = (await examine()).found('notes');
        expect(finding).toMatchObject({ state: 'fail', mend: expect.not.stringContaining('defect') });
        rmSync(at(file), { recursive: true });
      }
    }
  });

  it('the figures of another node on the metrics port', async () => {
    const other = createServer((_request, answer) =>
      answer.end('datamesh_node_info{name="other",peer="12D3KooWOther"} 1\n'),
    );
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    home.config.metrics.port = (other.address() as AddressInfo).port;
    const { found } = await examine();
    await new Promise((resolve) => other.close(resolve));
    expect(found('metrics port')).toMatchObject([
      { state: 'warn', detail: expect.stringContaining('another node') },
    ]);
  });
});
