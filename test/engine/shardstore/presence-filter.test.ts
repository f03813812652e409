/** The filter before the index: it may say "perhaps" of what is not there, and never "no" of what is. */
import { describe, expect, it } from 'vitest';
import { nextTurn } from '../../../src/engine/effects/turn.ts';
import { openLmdbIndex } from '../../../src/engine/shardstore/lmdb-index.ts';
import { KnownIds, PresenceFilter } from '../../../src/engine/shardstore/presence-filter.ts';
import type { ShardId } from '../../../src/engine/types.ts';
import { OWNER_A, seeded } from './shards.ts';
import { tempDir } from './support.ts';

function idMaker(seed: number): () => ShardId {
  const fraction = seeded(seed);
  const word = () =>
    Math.floor(fraction() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return () => Array.from({ length: 8 }, word).join('') as ShardId;
}

describe('the filter', () => {
  it('knows all it was told of, and takes one in a hundred strangers for known at most', () => {
    const next = idMaker(1);
    const filter = new PresenceFilter(50_000);
    const known = Array.from({ length: filter.capacity }, next);
    for (const id of known) filter.add(id);
    expect(known.every((id) => filter.mayHave(id))).toBe(true);
    const strangers = Array.from({ length: 20_000 }, next).filter((id) => filter.mayHave(id)).length;
    expect(strangers).toBeLessThan(200);
    expect(strangers).toBeGreaterThan(0);
  });
});

describe('what an index has', () => {
  /** An index whose commits take effect some turns after they begin. */
  function slowIndex() {
    const held = new Set<ShardId>();
    let sorted: ShardId[] = [];
    const known = new KnownIds({
      ids(cursor, limit) {
        if (sorted.length !== held.size) sorted = [...held].sort();
        const from = cursor === undefined ? 0 : sorted.findIndex((id) => id > cursor);
        return from === -1 ? [] : sorted.slice(from, from + limit);
      },
      count: () => held.size,
      misses: 1,
    });
    const commit = (ids: ShardId[], turns: number) =>
      known.during(new Map(ids.map((id) => [id, undefined])), async () => {
        for (let turn = 0; turn < turns; turn++) await nextTurn();
        for (const id of ids) held.add(id);
      });
    return { held, known, commit };
  }

  it('is never denied, whenever a filter begins, ends or is replaced beside commits', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const next = idMaker(seed);
      const fraction = seeded(seed);
      const { held, known, commit } = slowIndex();
      for (let count = Math.floor(fraction() * 700); count > 0; count--) held.add(next());
      const running: Promise<void>[] = [];
      for (let step = 0; step < 12; step++) {
        if (fraction() < 0.5) known.missed();
        const ids = Array.from({ length: Math.floor(fraction() * 300) }, next);
        running.push(commit(ids, Math.floor(fraction() * 6)));
        for (let turn = Math.floor(fraction() * 4); turn > 0; turn--) await nextTurn();
        expect([...held].filter((id) => !known.mayHave(id))).toEqual([]);
      }
      await Promise.all(running);
      known.missed();
      for (let turn = 0; turn < 40; turn++) await nextTurn();
      expect([...held].filter((id) => !known.mayHave(id))).toEqual([]);
      expect(Array.from({ length: 100 }, next).filter((id) => known.mayHave(id)).length).toBeLessThan(20);
    }
  });

  it('is made anew when more came than it was made for', async () => {
    const next = idMaker(3);
    const { known, commit } = slowIndex();
    known.missed();
    await nextTurn();
    const first = Array.from({ length: 70_000 }, next);
    await commit(first, 0);
    for (let turn = 0; turn < 400; turn++) await nextTurn();
    await commit(Array.from({ length: 60_000 }, next), 0);
    expect(first.every((id) => known.mayHave(id))).toBe(true);
    expect(Array.from({ length: 10_000 }, next).filter((id) => known.mayHave(id)).length).toBeLessThan(100);
  }, 60_000);
});

describe('the index in LMDB', () => {
  it('finds what commits in its thread and in another brought, with a filter from the first miss on', async () => {
    const next = idMaker(5);
    const index = await openLmdbIndex(await tempDir(), { misses: 1, threadChanges: 40 });
    const checkpoint = {
      format: 2,
      store: 'ab',
      segment: 1,
      offset: 0,
      shards: 0,
      segments: [],
      owners: [],
    } as const;
    const entry = {
      segment: 1,
      offset: 0,
      headBytes: 96,
      lengthBytes: 7,
      writtenAtMs: 1e12,
      pool: '',
      owners: [OWNER_A],
    };
    const all: ShardId[] = [];
    for (const count of [300, 10, 50, 1, 80]) {
      const ids = Array.from({ length: count }, next);
      const changes = new Map(ids.map((id) => [id, entry]));
      const commit = index.commit(changes, { ...checkpoint, segments: [], owners: [] });
      expect(index.get(next())).toBe(undefined);
      await commit;
      all.push(...ids);
      expect(all.filter((id) => index.get(id) === undefined)).toEqual([]);
    }
    await index.close();
  });
});
