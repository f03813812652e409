import { describe, expect, it } from 'vitest';
import { DamageList } from '../../../src/engine/maintenance/damage-list.ts';
import type { ObjectId } from '../../../src/engine/types.ts';

const [a, b, c, d] = ['a', 'b', 'c', 'd'] as ObjectId[] as [ObjectId, ObjectId, ObjectId, ObjectId];
const none = { losses: 0, m: 2, sinceMs: undefined };

describe('what may be damaged', () => {
  it('is looked at in the order of losses, and of equals in the order it came', () => {
    const list = new DamageList();
    for (const id of [a, b, c, d]) list.suspect(id, 0);
    list.suspect(c, 0, true);
    list.suspect(c, 0, true);
    list.suspect(b, 0, true);
    list.suspect(d, 0, true);
    expect(list.due(0, 10)).toEqual([c, b, d, a]);
    expect(list.due(0, 2)).toEqual([c, b]);
  });

  it('is looked at in the order of what is to spare, whatever the codes: of 4+1 the next loss destroys what has lost one shard, of 8+4 not what has lost two', () => {
    const list = new DamageList();
    const lost = (id: ObjectId, losses: number, m: number) => {
      list.suspect(id, 0, true);
      list.assess(id, { losses, m, sinceMs: 0 });
    };
    lost(a, 2, 4);
    lost(b, 3, 4);
    lost(c, 1, 1);
    lost(d, 4, 4);
    expect(list.due(0, 10)).toEqual([c, d, b, a]);
    list.look(a, 0);
    list.found(a, 4, 2);
    expect(list.due(0, 10)).toEqual([c, d, a, b]);
    // What stands further back by what the notes say now is left to others that are weaker.
    expect(list.assess(d, { losses: 3, m: 4, sinceMs: 0 })).toBe(true);
    expect(list.due(0, 10)).toEqual([c, a, b, d]);
  });

  it('counts what a look has found, not what was feared', () => {
    const list = new DamageList();
    for (const id of [a, b]) list.suspect(id, 0, true);
    list.found(a, 0, 0);
    list.found(b, 2, 0);
    expect(list.due(0, 10)).toEqual([b, a]);
    list.found(b, 0, 0);
    list.suspect(a, 0, true);
    expect(list.due(0, 10)).toEqual([a, b]);
  });

  it('waits behind what is due, comes back when its time has come, and goes when it is whole', () => {
    const list = new DamageList();
    for (const id of [a, b, c]) list.suspect(id, 0);
    list.suspect(c, 0, true);
    list.look(c, 0);
    list.waitUntil(c, 100);
    expect(list.due(50, 10)).toEqual([a, b]);
    expect(list.due(100, 10)).toEqual([c, a, b]);
    list.futile(a, 100);
    expect(list.due(100, 10)).toEqual([c, b]);
    list.waitUntil(b, 200);
    list.retryFutile(100);
    expect(list.due(100, 10)).toEqual([c, a]);
    expect(list.due(200, 10)).toEqual([c, a, b]);
    for (const id of [a, b, c]) list.whole(id);
    expect([list.size, list.due(1e9, 10)]).toEqual([0, []]);
  });

  it('waits longer after each look in vain, though every census suspects it anew, until the mesh changes', () => {
    const list = new DamageList();
    for (const [nowMs, dueMs] of [
      [0, 5_000],
      [60_000, 70_000],
      [120_000, 140_000],
    ] as const) {
      list.suspect(a, nowMs);
      list.futile(a, nowMs);
      expect(list.due(dueMs - 1, 10)).toEqual([]);
      expect(list.due(dueMs, 10)).toEqual([a]);
    }
    list.retryFutile(180_000);
    list.futile(a, 180_000);
    expect(list.due(185_000, 10)).toEqual([a]);
  });

  it('counts a holder that comes and goes once, and does not put what it has before what has lost more', () => {
    const list = new DamageList();
    list.suspect(a, 0, true);
    list.suspect(a, 0, true);
    for (let flap = 0; flap < 5; flap++) {
      list.suspect(b, 0, true);
      expect(list.due(0, 10)).toEqual([a, b]);
      list.returned(b, 0, none);
    }
    list.suspect(c, 0, true);
    expect(list.due(0, 10)).toEqual([a, c, b]);
  });

  it('is never too full for what has lost a shard, and forgets nothing that is known to be damaged', () => {
    const list = new DamageList(2);
    list.suspect(a, 0);
    expect(list.ageMs(a, 0)).toBe(0);
    list.suspect(b, 0);
    list.suspect(c, 0);
    expect(list.due(0, 10)).toEqual([a, b]);
    list.suspect(c, 0, true);
    expect(list.due(0, 10)).toEqual([c, a]);
    list.suspect(d, 0, true);
    expect(list.due(0, 10)).toEqual([c, a]);
  });

  it('is never too full for what a census finds to have lost a shard, however much there is that cannot be mended', () => {
    const list = new DamageList(100);
    const idOf = (at: number) => `object ${at}` as ObjectId;
    for (let at = 0; at < 99; at++) {
      list.suspect(idOf(at), 0);
      if (at < 70) list.ageMs(idOf(at), 0);
    }
    list.suspect(a, 0);
    for (const id of [b, c, d]) {
      list.suspect(id, 0);
      list.suspect(id, 0, false, true);
      list.assess(id, { losses: 1, m: 2, sinceMs: 0 });
    }
    // One is the price of a search that ends.
    expect(list.due(0, 2)).toEqual([c, d]);
    expect([list.size, list.damaged().length]).toEqual([100, 70]);
  });

  it('keeps what was lost while it was looked at or mended, due at once, whatever the look and the repair end with', () => {
    const ends = {
      whole: (list: DamageList) => list.whole(a),
      waits: (list: DamageList) => list.waitUntil(a, 9_000),
      'nothing helped': (list: DamageList) => list.futile(a, 0),
      'found and whole': (list: DamageList) => {
        list.found(a, 1, 0);
        list.whole(a);
      },
    };
    for (const [name, end] of Object.entries(ends)) {
      const list = new DamageList();
      list.suspect(a, 0, true);
      list.look(a, 0);
      list.suspect(a, 0, true);
      end(list);
      expect(list.due(0, 10), name).toEqual([a]);
      list.look(a, 0);
      end(list);
      expect(list.due(0, 10), name).toEqual([]);
    }
  });

  it('counts what was lost since a look beside what that has found, and not a holder that is back', () => {
    const list = new DamageList();
    for (const id of [a, b]) list.suspect(id, 0, true);
    for (const id of [a, b]) list.look(id, 0);
    list.suspect(b, 0, true);
    for (const id of [a, b]) list.found(id, 1, 0);
    expect(list.due(0, 10)).toEqual([b, a]);
    list.returned(b, 0, none);
    for (const id of [a, b]) list.whole(id);
    expect(list.size).toBe(0);
  });

  it('keeps what was lost while it was looked at when another holder comes back meanwhile', () => {
    const list = new DamageList();
    list.suspect(a, 0, true);
    list.look(a, 0);
    list.suspect(a, 0, true);
    list.returned(a, 0, { losses: 1, m: 2, sinceMs: 0 });
    list.whole(a);
    expect(list.due(0, 10)).toEqual([a]);
  });

  it('has what was lost before all that is stronger when a holder comes back with which it may be saved', () => {
    const list = new DamageList();
    for (const id of [a, b]) list.suspect(id, 0, true);
    list.look(a, 0);
    list.found(a, 0, 2);
    list.futile(a, 0);
    expect(list.due(5_000, 10)).toEqual([b, a]);
    list.returned(a, 5_000, { losses: 2, m: 2, sinceMs: 0 });
    expect(list.due(5_000, 10)).toEqual([a, b]);
  });

  it('counts how long something is damaged from when its loss was told, however late it is looked at', () => {
    const list = new DamageList();
    list.suspect(a, 1_000, true);
    list.suspect(b, 1_000);
    for (const id of [a, b]) list.look(id, 0);
    expect([a, b].map((id) => list.ageMs(id, 9_000))).toEqual([8_000, 0]);
    list.suspect(a, 20_000, true);
    expect(list.ageMs(a, 21_000)).toBe(20_000);
    list.whole(a);
    expect(list.ageMs(a, 30_000)).toBe(10_000);
  });

  it('takes any number of losses', () => {
    const list = new DamageList();
    list.suspect(a, 0);
    for (let loss = 0; loss < 50; loss++) list.suspect(a, 0, true);
    list.suspect(b, 0, true);
    list.found(b, 51, 0);
    expect(list.due(0, 10)).toEqual([a, b]);
    list.found(a, -3, 0);
    expect(list.due(0, 10)).toEqual([b, a]);
    // Of 10+12 the next loss would destroy it: it waits for nobody.
    list.look(b, 0);
    list.found(b, 12, 12);
    expect(list.known(b, 0)?.losses).toBe(12);
  });
});
