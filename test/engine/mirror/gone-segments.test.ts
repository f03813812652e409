/** A mirrored catalog of which parts are gone for good: nobody has them any more. */
import { expect, it } from 'vitest';
import { encodeStatus } from '../../../src/engine/backends/shard-protocol.ts';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { MAX_SEGMENTS, openHead, signHead } from '../../../src/engine/mirror/head.ts';
import { openHeadStore } from '../../../src/engine/mirror/head-store.ts';
import { Mirror } from '../../../src/engine/mirror/mirror.ts';
import { ModelDisk } from '../../support/model-disk.ts';
import { entry } from '../catalog/entries.ts';
import { member, objectId, owner } from '../maintenance/custody/samples.ts';

it('they are told of once, and a head full of them keeps no change from being written', async () => {
  const random = realRandom();
  const { signal } = new AbortController();
  const gone = Array.from({ length: MAX_SEGMENTS }, (_, at) => ({
    objectId: objectId(`gone ${at}`),
    holders: [],
    records: 10 + at,
  }));
  let head = signHead({ network: 'test', sequence: 3, writtenAtMs: 3 }, gone, owner, random);
  const catalog = openCatalog(':memory:', realClock());
  const told: string[] = [];
  let stored = 0;
  const mirror = new Mirror({
    clock: realClock(),
    believedMs: () => undefined,
    random,
    owner,
    book: catalog.mirror,
    heads: {
      net: { request: async () => ({ header: encodeStatus('ok'), body: head }) },
      network: 'test',
      peers: { self: member('self').peer, members: () => [member(1), member(2)] },
      store: await openHeadStore(new ModelDisk(), '/heads', member('self').point, () => {}),
      timeoutMs: 1_000,
      log: () => {},
    },
    segments: {
      async store(source) {
        for await (const _ of source);
        const custody = { domain: 'node' as const, members: [] };
        return { objectId: objectId(`new ${++stored}`), holders: [], custody, settled: () => {} };
      },
      read: () => {
        throw new Error('nobody has it');
      },
      release: async () => {},
    },
    greeted: () => [],
    ordersWaiting: () => {},
    log: (_level, text) => void told.push(text),
  });
  for (let turn = 0; turn < 3; turn++) await mirror.follow(signal);
  expect(told.filter((text) => text.includes('cannot be read'))).toHaveLength(MAX_SEGMENTS);
  told.length = 0;

  for (let at = 0; at < 40; at++) {
    catalog.commit(entry(`x${at}`, { owner: owner.ownerId, objectId: objectId(`x${at}`) }));
    await mirror.flush(signal);
    expect(mirror.view()).toMatchObject({ pendingChanges: 0, problem: undefined });
    head = Uint8Array.from(catalog.mirror.state(owner.ownerId).head!);
  }
  const named = openHead(head, owner).map(({ objectId: id }) => id);
  expect(named).not.toContain(gone[0]!.objectId);
  for (const { objectId: id } of gone.slice(1)) expect(named).toContain(id);
  expect(told).toEqual([expect.stringMatching(/^parts of the catalog .*: 1$/)]);
  await mirror.close();
  catalog.close();
});
