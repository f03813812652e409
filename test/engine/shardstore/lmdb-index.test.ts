/** The LMDB index by itself: commits in a thread of their own say the same as those in this one, and hold nothing up. */
import { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { Checkpoint, IndexEntry, ShardIndex } from '../../../src/engine/shardstore/index.ts';
import type { CommitMessage } from '../../../src/engine/shardstore/lmdb-commit.ts';
import { packChanges, unpackSorted } from '../../../src/engine/shardstore/lmdb-entries.ts';
import { openLmdb, openLmdbIndex } from '../../../src/engine/shardstore/lmdb-index.ts';
import type { ShardId } from '../../../src/engine/types.ts';
import { OWNER_A, OWNER_B, seeded } from './shards.ts';
import { tempDir } from './support.ts';

const CHECKPOINT: Checkpoint = {
  format: 2,
  store: 'ab',
  segment: 3,
  offset: 64,
  shards: 2,
  segments: [],
  owners: [],
};

function entry(offset: number): IndexEntry {
  const owners = offset % 2 === 0 ? [OWNER_A] : [OWNER_A, OWNER_B];
  return {
    segment: 1,
    offset,
    headBytes: 96,
    lengthBytes: 7,
    writtenAtMs: 1e12,
    pool: offset % 3 === 0 ? 'fast' : '',
    owners,
  };
}

/** `count` ids in no order. */
function ids(count: number): ShardId[] {
  const fraction = seeded(7);
  return Array.from(
    { length: count },
    () =>
      Array.from({ length: 8 }, () =>
        Math.floor(fraction() * 2 ** 32)
          .toString(16)
          .padStart(8, '0'),
      ).join('') as ShardId,
  );
}

const IN_THREAD = { threadChanges: 1 };
const HERE = { threadChanges: Number.POSITIVE_INFINITY };

async function content(index: ShardIndex): Promise<unknown> {
  return index.ids(undefined, 1e6).map((id) => [id, index.get(id)]);
}

describe('a commit in a thread of its own', () => {
  it('leaves what a commit in this thread leaves, in another life too', async () => {
    const known = ids(5000);
    const found: unknown[] = [];
    for (const options of [IN_THREAD, HERE]) {
      const dir = await tempDir();
      const index = await openLmdbIndex(dir, options);
      await index.commit(new Map(known.map((id, at) => [id, entry(at)])), CHECKPOINT);
      const later = new Map(
        known.slice(0, 100).map((id, at) => [id, at % 2 === 0 ? null : entry(9000 + at)]),
      );
      await index.commit(later, { ...CHECKPOINT, offset: 99 });
      const before = await content(index);
      await index.close();
      const again = await openLmdbIndex(dir);
      expect(again.checkpoint()).toEqual({ ...CHECKPOINT, offset: 99 });
      expect(await content(again)).toEqual(before);
      await again.close();
      found.push(before);
    }
    expect(found[0]).toEqual(found[1]);
    expect((found[0] as unknown[]).length).toBe(4950);
  });

  it('is seen at once, also by who has just read the state before it', async () => {
    const dir = await tempDir();
    const [id] = ids(1);
    const other = await openLmdb(dir);
    // The thread's answer comes in within a turn in which the index was read.
    const spawn = () => {
      const thread = new EventEmitter();
      const postMessage = ({ changes, checkpoint }: CommitMessage) => {
        index.get(id!);
        other.write(unpackSorted([changes!]), checkpoint!);
        thread.emit('message', {});
        thread.emit('exit', 0);
      };
      return Object.assign(thread, { postMessage }) as unknown as Worker;
    };
    const index = await openLmdbIndex(dir, { threadChanges: 1, spawn });
    for (let at = 1; at < 5; at++) {
      await index.commit(new Map([[id!, entry(at)]]), CHECKPOINT);
      expect(index.get(id!)?.offset).toBe(at);
    }
    await index.close();
    await other.close();
  });

  it('lets the event loop go on', async () => {
    const changes = new Map(ids(65_536).map((id, at) => [id, entry(at)]));
    const turnsOf = async (options: { threadChanges: number }) => {
      const index = await openLmdbIndex(await tempDir(), options);
      let turns = 0;
      const timer = setInterval(() => turns++, 5);
      await index.commit(changes, CHECKPOINT);
      clearInterval(timer);
      await index.close();
      return turns;
    };
    expect(await turnsOf(HERE)).toBe(0);
    expect(await turnsOf({ threadChanges: 2048 })).toBeGreaterThan(10);
  });

  it('is made here when the thread dies, or cannot be had', async () => {
    const dying = () => new Worker('throw new Error("as asked")', { eval: true });
    const ending = () => new Worker('', { eval: true });
    const refused = () => {
      throw new Error('no thread');
    };
    for (const spawn of [dying, ending, refused]) {
      const index = await openLmdbIndex(await tempDir(), { threadChanges: 1, spawn });
      const [id] = ids(1);
      await index.commit(new Map([[id!, entry(4)]]), CHECKPOINT);
      expect(index.get(id!)).toEqual(entry(4));
      await index.close();
    }
  });

  it('throws what LMDB refused, with its code', async () => {
    const text = `require('node:worker_threads').parentPort.once('message', () => {
      require('node:worker_threads').parentPort.postMessage({ refused: { message: 'full', code: 28 } });
    })`;
    const index = await openLmdbIndex(await tempDir(), {
      threadChanges: 1,
      spawn: () => new Worker(text, { eval: true }),
    });
    const [id] = ids(1);
    const commit = index.commit(new Map([[id!, entry(4)]]), CHECKPOINT);
    await expect(commit).rejects.toMatchObject({ message: 'full', code: 28 });
    expect(index.get(id!)).toBeUndefined();
    await index.close();
  });
});

describe('packed changes', () => {
  it('come out of several pieces whole and in the order of their keys', () => {
    const known = ids(300);
    const changes = known.map((id, at) => [id, at % 5 === 0 ? null : entry(at)] as const);
    const sorted = unpackSorted([
      packChanges(changes.slice(0, 100)),
      packChanges([]),
      packChanges(changes.slice(100)),
    ]);
    expect(sorted.map(({ key }) => key.toString('hex'))).toEqual([...known].sort());
    const gone = sorted.filter(({ value }) => value === undefined).map(({ key }) => key.toString('hex'));
    expect(gone).toEqual(known.filter((_id, at) => at % 5 === 0).sort());
  });
});
