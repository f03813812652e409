import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  MAX_JOURNAL_AGE_MS,
  MAX_JOURNALS,
  MIN_JOURNALED_BYTES,
} from '../../../src/engine/transfer/limits.ts';
import { JournalWriter, readHeader, readJournal } from '../../../src/engine/transfer/put-journal.ts';
import { type PutIdentity, putJournals } from '../../../src/engine/transfer/put-journals.ts';
import type { ObjectId, OwnerId, PeerId, ShardId } from '../../../src/engine/types.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { ModelDisk } from '../../support/model-disk.ts';

const owner = 'ab'.repeat(32) as OwnerId;
const code = { k: 2, m: 1 };
const DIR = '/data/journal';
const header = { owner, salt: randomBytes(32), code, chunkBytes: 4096, startedAtMs: 5 };
const idsOf = (index: number) =>
  [0, 1, 2].map((at) => (index * 3 + at).toString(16).padStart(64, '0')) as ShardId[];
const holders = ['a', undefined, 'c'] as (PeerId | undefined)[];

let disk: ModelDisk;
beforeEach(async () => {
  disk = new ModelDisk();
  await disk.makeDir('/data');
  await disk.makeDir(DIR);
});

describe('one journal', () => {
  const path = `${DIR}/x.put`;

  test('gives back what was noted, for its owner alone, and goes on behind it', async () => {
    const writer = await JournalWriter.create(disk, path, header);
    await Promise.all([
      writer.sending(0, idsOf(0)),
      writer.sending(1, idsOf(1)),
      writer.sending(2, idsOf(2)),
    ]);
    writer.stored(0, holders);
    await writer.close();
    expect((await disk.stat(path))?.mode).toBe(0o600);
    expect(await readHeader(disk, path)).toEqual({ ...header, salt: new Uint8Array(header.salt) });

    const first = (await readJournal(disk, path))!;
    expect(first.stripes.get(0)).toEqual({ ids: idsOf(0), holders });
    expect(first.stripes.get(2)).toEqual({ ids: idsOf(2), holders: undefined });
    const again = await JournalWriter.open(disk, path, first.bytes);
    await again.sending(3, idsOf(3));
    await again.committing('cd'.repeat(32) as ObjectId);
    await again.close();
    const second = (await readJournal(disk, path))!;
    expect([...second.stripes.keys()]).toEqual([0, 1, 2, 3]);
    expect(second.objectId).toBe('cd'.repeat(32));
  });

  test('a last line cut short was never acted on; what makes no sense is no journal', async () => {
    const writer = await JournalWriter.create(disk, path, header);
    await writer.sending(0, idsOf(0));
    await writer.close();
    const whole = (await disk.readFile(path, 1 << 20))!;
    await disk.writeFileAtomic(path, Buffer.concat([whole, Buffer.from('{"stripe":1,"ids":["00')]), 0o600);
    const cut = (await readJournal(disk, path))!;
    expect([...cut.stripes.keys()]).toEqual([0]);
    expect(cut.bytes).toBe(whole.length);
    for (const line of [
      'nonsense',
      '{}',
      '{"stripe":7,"holders":["a",null,"c"]}',
      '{"stripe":1,"ids":["00"]}',
      'null',
    ]) {
      await disk.writeFileAtomic(path, Buffer.concat([whole, Buffer.from(`${line}\n`)]), 0o600);
      expect(await readJournal(disk, path), line).toBeUndefined();
    }
    await disk.writeFileAtomic(path, Buffer.from('{"format":"another"}\n'), 0o600);
    expect(await readJournal(disk, path)).toBeUndefined();
    expect(await readHeader(disk, path)).toBeUndefined();
    expect(await readJournal(disk, `${DIR}/none.put`)).toBeUndefined();
  });

  test('wherever the machine stops: a stripe that might have been sent is noted, or the journal is not gone on from', async () => {
    const run = async (on: ModelDisk): Promise<number[]> => {
      const sent: number[] = [];
      try {
        await on.makeDir('/data');
        await on.makeDir(DIR);
        const writer = await JournalWriter.create(on, path, header);
        for (let index = 0; index < 6; index += 2) {
          await Promise.all(
            [index, index + 1].map(async (each) => {
              await writer.sending(each, idsOf(each));
              sent.push(each);
            }),
          );
          writer.stored(index, holders);
        }
        await writer.close();
      } catch {
        // The machine stopped.
      }
      return sent;
    };
    const whole = new ModelDisk();
    whole.trace = [];
    expect(await run(whole)).toHaveLength(6);
    let goneOn = 0;
    for (let effects = 0; effects <= whole.trace.length; effects++) {
      for (const mode of ['lost', 'kept', 'cut', 'mixed', 'holes'] as const) {
        const stopped = new ModelDisk();
        stopped.effectsLeft = effects;
        const sent = await run(stopped);
        let state = effects + 1;
        const fraction = () => (state = (state * 16807) % 2147483647) / 2147483647;
        const after = stopped.crash({ fraction, mode, sectorBytes: 512, keep: 0.5 });
        const found = await readJournal(after, path);
        if (found === undefined) continue;
        expect([...found.stripes.keys()]).toEqual(expect.arrayContaining(sent));
        goneOn++;
      }
    }
    expect(goneOn).toBeGreaterThan(40);
  });
});

describe('the folder of journals', () => {
  const clock = manualClock();
  const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)), fraction: () => 0 };
  let released: ShardId[];
  let log: string[];
  let committed: Set<ObjectId>;
  let isBelieved: boolean;
  const identity = (source: string, more: Partial<PutIdentity> = {}): PutIdentity => ({
    owner,
    source,
    sizeBytes: MIN_JOURNALED_BYTES,
    code,
    compress: false,
    pool: 'default',
    ...more,
  });
  const open = () =>
    putJournals({
      disk,
      clock,
      random,
      dir: DIR,
      believedMs: () => (isBelieved ? clock.now() : undefined),
      committed: (id) => committed.has(id),
      release: (_owner, shards) => released.push(...shards.map(({ id }) => id)),
      log: (text) => log.push(text),
    });
  const files = async () => (await disk.list(DIR)).length;
  beforeEach(() => {
    released = [];
    log = [];
    committed = new Set();
    isBelieved = true;
  });

  test('the same source finds its journal, any other does not', async () => {
    const first = (await open().take(identity('s'), 4096))!;
    await first.sending(0, idsOf(0));
    await first.keep();
    for (const other of [
      identity('t'),
      identity('s', { sizeBytes: MIN_JOURNALED_BYTES + 1 }),
      identity('s', { code: { k: 3, m: 1 } }),
      identity('s', { compress: true }),
      identity('s', { pool: 'other' }),
      identity('s', { owner: 'cd'.repeat(32) as OwnerId }),
    ]) {
      const taken = (await open().take(other, 4096))!;
      expect(taken.noted.size).toBe(0);
      expect(taken.salt).not.toEqual(first.salt);
      await taken.remove();
    }
    const again = (await open().take(identity('s'), 8192))!;
    expect(again.chunkBytes).toBe(4096);
    expect(again.salt).toEqual(first.salt);
    expect(again.noted.get(0)?.ids).toEqual(idsOf(0));
    await again.remove();
    expect(await files()).toBe(0);
  });

  test('two puts of one source at a time: the second goes without; a small one always does', async () => {
    const journals = open();
    const first = (await journals.take(identity('s'), 4096))!;
    expect(await journals.take(identity('s'), 4096)).toBeUndefined();
    await first.keep();
    const second = (await journals.take(identity('s'), 4096))!;
    expect(second.salt).toEqual(first.salt);
    await second.remove();
    expect(await journals.take(identity('s', { sizeBytes: MIN_JOURNALED_BYTES - 1 }), 4096)).toBeUndefined();
  });

  test('few and not for long: what is given up is released', async () => {
    const journals = open();
    for (let i = 0; i < MAX_JOURNALS + 3; i++) {
      const journal = (await journals.take(identity(`s${i}`), 4096))!;
      await journal.sending(0, idsOf(i));
      journal.stored(0, holders);
      await journal.keep();
      clock.advance(1000);
    }
    expect(await files()).toBe(MAX_JOURNALS);
    expect(released).toEqual([0, 1, 2].flatMap((i) => [idsOf(i)[0], idsOf(i)[2]]));
    clock.advance(MAX_JOURNAL_AGE_MS);
    // A clock that nobody bears out may be years ahead.
    isBelieved = false;
    await (await journals.take(identity('one more'), 4096))!.remove();
    expect(await files()).toBe(MAX_JOURNALS - 1);
    isBelieved = true;
    await (await journals.take(identity('new'), 4096))!.keep();
    expect(await files()).toBe(1);
    expect(released).toHaveLength(2 * (MAX_JOURNALS + 3));
  });

  test('a put that had reached the catalog is neither gone on with nor released', async () => {
    const objectId = 'ef'.repeat(32) as ObjectId;
    const journals = open();
    const died = (await journals.take(identity('s'), 4096))!;
    await died.sending(0, idsOf(0));
    died.stored(0, holders);
    await died.committing(objectId);
    await died.keep();
    committed.add(objectId);
    const fresh = (await journals.take(identity('s'), 4096))!;
    expect(fresh.salt).not.toEqual(died.salt);
    expect(fresh.noted.size).toBe(0);
    await fresh.committing(objectId);
    await fresh.keep();
    clock.advance(MAX_JOURNAL_AGE_MS);
    await (await journals.take(identity('t'), 4096))!.remove();
    expect(released).toEqual([]);
    expect(await files()).toBe(0);
  });

  test('a journal that cannot be written goes away, and the put goes on', async () => {
    const journals = open();
    const journal = (await journals.take(identity('s'), 4096))!;
    await journal.sending(0, idsOf(0));
    disk.fault = (operation) => (operation === 'write' || operation === 'datasync' ? 'ENOSPC' : undefined);
    await journal.sending(1, idsOf(1));
    expect(await files()).toBe(0);
    await journal.sending(2, idsOf(2));
    await journal.committing('ef'.repeat(32) as ObjectId);
    await journal.remove();
    expect(log.join()).toMatch(/cannot be gone on with/);
    expect(await journals.take(identity('s'), 4096)).toBeUndefined();
  });
});
