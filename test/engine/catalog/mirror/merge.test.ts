/** The merge of catalogs: whatever two devices did at once, after exchanging their records both have the same, and nothing stored is gone. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Catalog, PoolRecord } from '../../../../src/engine/catalog/catalog.ts';
import { openCatalog } from '../../../../src/engine/catalog/sqlite-catalog.ts';
import { type Clock, realClock } from '../../../../src/engine/effects/clock.ts';
import { absorbedBy } from '../../../../src/engine/mirror/absorbing.ts';
import type { ObjectId } from '../../../../src/engine/types.ts';
import { ALICE, entry, idOf } from '../entries.ts';

type Step = { device: 0 | 1; atMs: number } & (
  | { do: 'put'; name: string; tag: string }
  | { do: 'remove' | 'hide' | 'unhide'; name: string }
  | { do: 'rename' | 'copy'; name: string; to: string }
  | { do: 'tag'; name: string; tag: string }
  | { do: 'sync' }
);

const names = fc.constantFrom('a', 'b', 'c');
const device = fc.constantFrom(0 as const, 1 as const);
const atMs = fc.integer({ min: 1_000, max: 1_200 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('put' as const), device, atMs, name: names, tag: names }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constantFrom('remove', 'hide', 'unhide'), device, atMs, name: names }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('rename', 'copy'), device, atMs, name: names, to: names }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('tag' as const), device, atMs, name: names, tag: names }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('sync' as const), device, atMs }) },
  ),
  { maxLength: 25 },
);

/** All changes of a catalog, as segments that are never published. */
function send(from: Catalog, to: Catalog): string[] {
  const records = from.mirror.take(ALICE, from.mirror.begin(ALICE), [], 1_000_000);
  const segment = to.mirror.adopt(ALICE, { objectId: idOf('any'), holders: [], records: records.length });
  const { conflicts } = to.mirror.apply(ALICE, segment, records, 'main');
  to.mirror.settle(ALICE);
  to.mirror.followed(ALICE, { sequence: 1, writtenAtMs: 1, bytes: new Uint8Array(1) }, []);
  return conflicts;
}

/** Every version of every name, and which is current. */
function picture(catalog: Catalog): string[] {
  const found: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    expect(catalog.find(ALICE, name)?.state ?? 'current').toBe('current');
    for (let version = 1; version <= 60; version++) {
      const it = catalog.find(ALICE, name, version);
      if (it !== undefined) found.push(`${name} ${version} ${it.objectId} ${it.tags} ${it.state}`);
    }
  }
  return found;
}

test('two devices come to the same catalog, and no object that neither removed is missing', () => {
  fc.assert(
    fc.property(steps, (all) => {
      let nowMs = 0;
      const clock: Clock = { ...realClock(), now: () => nowMs };
      const devices = [openCatalog(':memory:', clock), openCatalog(':memory:', clock)];
      const kept = new Set<ObjectId>();
      const removed = new Set<ObjectId>();
      for (const [at, step] of all.entries()) {
        nowMs = step.atMs;
        const catalog = devices[step.device]!;
        if (step.do === 'sync') send(devices[1 - step.device]!, catalog);
        else if (step.do === 'put') {
          const objectId = idOf(`object ${at}`);
          kept.add(objectId);
          catalog.commit(entry(step.name, { objectId, tags: [step.tag], createdAtMs: nowMs }));
        } else if (step.do === 'hide') catalog.hide(ALICE, step.name);
        else if (step.do === 'unhide') {
          if (catalog.find(ALICE, step.name) === undefined) catalog.unhide(ALICE, step.name);
        } else if (step.do === 'tag') catalog.retag(ALICE, step.name, [step.tag], ['a']);
        else if (step.do === 'rename') {
          if (catalog.find(ALICE, step.to) === undefined) catalog.rename(ALICE, step.name, step.to);
        } else {
          const there = catalog.find(ALICE, step.name);
          if (there === undefined) continue;
          if (step.do === 'copy') catalog.duplicate(there, step.to, false);
          else {
            removed.add(there.objectId);
            catalog.remove(ALICE, step.name, there.version);
          }
        }
      }
      for (let round = 0; round < 4; round++) {
        send(devices[0]!, devices[1]!);
        send(devices[1]!, devices[0]!);
      }
      const [first, second] = devices.map(picture);
      expect(first).toEqual(second);
      for (const id of kept) {
        if (!removed.has(id)) expect(first!.some((line) => line.includes(id))).toBe(true);
      }
      // Renames and copies on one device while the other does the same make further entries, but never of something else.
      for (const line of first!) expect(kept.has(line.split(' ')[2] as ObjectId)).toBe(true);
      for (const catalog of devices) catalog.close();
    }),
    { numRuns: 150 },
  );
});

describe('one name stored by two devices at once', () => {
  it('has both versions on both, the later one current, and says so', () => {
    let nowMs = 1_000;
    const clock: Clock = { ...realClock(), now: () => nowMs };
    const [a, b] = [openCatalog(':memory:', clock), openCatalog(':memory:', clock)];
    a.commit(entry('x', { objectId: idOf('of a'), createdAtMs: 1_000 }));
    nowMs = 2_000;
    b.commit(entry('x', { objectId: idOf('of b'), createdAtMs: 2_000 }));
    expect(send(b, a)).toEqual(['x']);
    send(a, b);
    for (const catalog of [a, b]) {
      expect(catalog.find(ALICE, 'x', 1)?.objectId).toBe(idOf('of a'));
      expect(catalog.find(ALICE, 'x', 2)?.objectId).toBe(idOf('of b'));
      expect(catalog.find(ALICE, 'x')?.version).toBe(2);
      catalog.close();
    }
  });
});

describe('the book', () => {
  const pool: PoolRecord = {
    name: 'p',
    code: { k: 2, m: 1 },
    domain: 'node',
    compress: false,
    nodes: 'all',
    folders: [],
    separateDisks: false,
    createdAtMs: 5,
  };
  const head = (sequence: number) => ({ sequence, writtenAtMs: sequence, bytes: Uint8Array.of(sequence) });
  const publish = (catalog: Catalog, sequence: number, absorbed: number[] = []) => {
    const segment = catalog.mirror.begin(ALICE);
    const records = catalog.mirror.take(ALICE, segment, absorbed, 1_000).length;
    const objectId = idOf(`segment ${sequence}`);
    const custody = { domain: 'node' as const, members: [] };
    const released = catalog.mirror.publish(
      ALICE,
      { segment, objectId, holders: [], records, absorbed, custody },
      head(sequence),
      undefined,
    );
    return { segment, objectId, records, released };
  };

  it('a segment that breaks off in the middle makes no older version the current one', () => {
    let nowMs = 1_000;
    const clock: Clock = { ...realClock(), now: () => nowMs };
    const [writer, reader] = [openCatalog(':memory:', clock), openCatalog(':memory:', clock)];
    writer.commit(entry('x', { objectId: idOf('old') }));
    writer.commit(entry('x', { objectId: idOf('new') }));
    const records = writer.mirror.take(ALICE, writer.mirror.begin(ALICE), [], 1_000);
    const objectId = idOf('segment');
    const follow = (some: typeof records, whole: boolean) => {
      nowMs += 1_000;
      const segment = reader.mirror.adopt(ALICE, { objectId, holders: [], records: records.length });
      reader.mirror.apply(ALICE, segment, some, 'main');
      if (whole) reader.mirror.applied(ALICE, segment);
      reader.mirror.followed(ALICE, head(1), [objectId]);
      return reader.find(ALICE, 'x')?.objectId;
    };
    const old = records.filter((it) => it.kind === 'entry' && it.objectId === idOf('old'));
    // Until the rest can be read the name means what there is of it, and nothing is told of that.
    expect(follow(old, false)).toBe(idOf('old'));
    expect(reader.mirror.pending(ALICE)).toBe(0);
    expect(follow(records, true)).toBe(idOf('new'));
    for (const catalog of [writer, reader]) catalog.close();
  });

  it('counts what no head tells; what was being written when a process died is pending again', () => {
    const catalog = openCatalog(':memory:', realClock());
    for (let i = 0; i < 5; i++) catalog.commit(entry(`n${i}`));
    catalog.createPool(ALICE, pool);
    expect(catalog.mirror.pending(ALICE)).toBe(6);
    const dead = catalog.mirror.begin(ALICE);
    expect(catalog.mirror.take(ALICE, dead, [], 1_000)).toHaveLength(6);
    expect(catalog.mirror.pending(ALICE)).toBe(0);
    const next = publish(catalog, 1);
    expect(next.records).toBe(6);
    expect(catalog.mirror.pending(ALICE)).toBe(0);
    expect(catalog.mirror.state(ALICE)).toEqual({ sequence: 1, writtenAtMs: 1, head: Uint8Array.of(1) });
    catalog.remove(ALICE, 'n3', 1);
    expect(catalog.mirror.pending(ALICE)).toBe(1);
    catalog.close();
  });

  it('gives back what a dead segment took some records at a time, so that hundreds of thousands hold nobody up', () => {
    const catalog = openCatalog(':memory:', realClock());
    for (let i = 0; i < 7; i++) catalog.commit(entry(`n${i}`));
    for (let i = 0; i < 3; i++) catalog.remove(ALICE, `n${i}`, 1);
    catalog.createPool(ALICE, pool);
    expect(catalog.mirror.take(ALICE, catalog.mirror.begin(ALICE), [], 1_000)).toHaveLength(8);
    const pending: number[] = [];
    while (!catalog.mirror.reclaim(ALICE, 3)) pending.push(catalog.mirror.pending(ALICE));
    expect(pending).toEqual([3, 6]);
    expect(catalog.mirror.pending(ALICE)).toBe(8);
    expect(catalog.mirror.reclaim(ALICE, 3)).toBe(true);
    catalog.close();
  });

  it('keeps a superseded object for one more head, then releases it through the custodians', () => {
    const catalog = openCatalog(':memory:', realClock());
    catalog.commit(entry('n'));
    const first = publish(catalog, 1);
    catalog.commit(entry('n'));
    const second = publish(catalog, 2, [first.segment]);
    expect(second.released).toEqual([]);
    expect(catalog.mirror.objects(ALICE).sort()).toEqual([first.objectId, second.objectId].sort());
    catalog.commit(entry('m'));
    const third = publish(catalog, 3);
    expect(third.released.map(({ objectId }) => objectId)).toEqual([first.objectId]);
    const orders = catalog.pendingOrders(ALICE, undefined, 100);
    expect(orders.find(({ objectId }) => objectId === first.objectId)?.state).toBe('released');
    expect(orders.find(({ objectId }) => objectId === second.objectId)?.state).toBe('live');
    catalog.close();
  });

  it('does not release what another device has taken back into its head', () => {
    const catalog = openCatalog(':memory:', realClock());
    catalog.commit(entry('n'));
    const first = publish(catalog, 1);
    catalog.commit(entry('n'));
    publish(catalog, 2, [first.segment]);
    // Of two heads with number 2 the other device's holds, which still names the first segment.
    const back = catalog.mirror.adopt(ALICE, { objectId: first.objectId, holders: [], records: 1 });
    catalog.mirror.followed(ALICE, head(2), [first.objectId]);
    catalog.commit(entry('m'));
    expect(publish(catalog, 3).released).toEqual([]);
    expect(catalog.mirror.segments(ALICE).map(({ id }) => id)).toContain(back);
    const orders = catalog.pendingOrders(ALICE, undefined, 100);
    expect(orders.find(({ objectId }) => objectId === first.objectId)?.state).not.toBe('released');
    catalog.close();
  });

  it('takes small segments into a new one, so that their number grows with the logarithm', () => {
    let live: { id: number; objectId: ObjectId; holders: []; records: number; unread: boolean }[] = [];
    let written = 0;
    for (let id = 1; id <= 2_000; id++) {
      const absorbed = new Set(absorbedBy(live, 1));
      const records = 1 + [...absorbed].reduce((sum, it) => sum + it.records, 0);
      live = [
        ...live.filter((it) => !absorbed.has(it)),
        { id, objectId: idOf(''), holders: [], records, unread: false },
      ];
      written += records;
      expect(live.length).toBeLessThanOrEqual(12);
    }
    expect(written / 2_000).toBeLessThan(24);
  });

  it('never takes a segment into another that it could not read', () => {
    const unread = { id: 1, objectId: idOf(''), holders: [], records: 1, unread: true };
    expect(absorbedBy([unread], 100)).toEqual([]);
  });
});
