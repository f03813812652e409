/**
 * Journals of puts that may be gone on with: at most one per source and one user of each at a time, few in number, and not for long. What an
 * expired one had stored is released.
 */
import { asDatameshError } from '../../errors.ts';
import { chooseChunkBytes } from '../codec/chunk-size.ts';
import { blake3 } from '../codec/hash.ts';
import { OWNER_SALT_BYTES } from '../codec/manifest-checks.ts';
import type { Clock } from '../effects/clock.ts';
import type { Disk } from '../effects/disk.ts';
import type { Random } from '../effects/random.ts';
import {
  bytesToHex,
  type CodeProfile,
  manifestShardId,
  type ObjectId,
  type OwnerId,
  type PeerId,
  type ShardId,
} from '../types.ts';
import { MAX_JOURNAL_AGE_MS, MAX_JOURNAL_BYTES, MAX_JOURNALS, MIN_JOURNALED_BYTES } from './limits.ts';
import {
  type JournalContent,
  JournalWriter,
  type NotedStripe,
  readHeader,
  readJournal,
} from './put-journal.ts';

/** What must be equal for a put to go on where another stopped. */
export interface PutIdentity {
  owner: OwnerId;
  /** The caller's fingerprint of the source: equal only for the same, unchanged one. */
  source: string;
  sizeBytes: number;
  code: CodeProfile;
  compress: boolean;
  pool: string;
}

export interface PutJournal {
  readonly salt: Uint8Array;
  /** Of all its chunks but the last: those of the interrupted run, however a new one would choose. */
  readonly chunkBytes: number;
  /** Stripes of an interrupted run; empty for a new one. */
  readonly noted: ReadonlyMap<number, NotedStripe>;
  /** The stripe's ids are durable here when it resolves; only then may its shards be sent. */
  sending(index: number, ids: readonly ShardId[]): Promise<void>;
  stored(index: number, holders: readonly (PeerId | undefined)[]): void;
  /** Before the catalog is told of the object. */
  committing(objectId: ObjectId): Promise<void>;
  /** The put is over, well or taken back: nothing is to be gone on with. */
  remove(): Promise<void>;
  /** The put stopped: the journal stays. */
  keep(): Promise<void>;
}

export interface PutJournals {
  /**
   * For a put that begins, of chunks of `chunkBytes` if it is a new one; undefined when it is too small to be worth it, another put of the same source is under way, or the
   * folder cannot be written: the put then goes without.
   */
  take(identity: PutIdentity, chunkBytes: number): Promise<PutJournal | undefined>;
}

export interface PutJournalsOptions {
  disk: Disk;
  clock: Clock;
  random: Random;
  dir: string;
  /** The wall time, where it may be believed: a clock alone gives up nothing. */
  believedMs(): number | undefined;
  /** Whether the catalog has an object. */
  committed(objectId: ObjectId): boolean;
  /** Takes back shards that nothing refers to. */
  release(owner: OwnerId, shards: { id: ShardId; holder: PeerId }[]): void;
  log(text: string): void;
}

const SUFFIX = '.put';

export function putJournals(options: PutJournalsOptions): PutJournals {
  const { disk, clock, random, dir } = options;
  const inUse = new Set<string>();

  /** Removes what is too old, and the oldest beyond the number allowed; releases what those had stored. */
  const prune = async (room: number) => {
    const all = await disk.list(dir);
    // Half of a journal that was being made when the process died; while another put is under way it may be that one's.
    if (inUse.size === 1) {
      for (const name of all) if (name.endsWith('.tmp')) await disk.remove(`${dir}/${name}`);
    }
    const names = all.filter((name) => name.endsWith(SUFFIX) && !inUse.has(name));
    const found: { path: string; startedAtMs: number }[] = [];
    for (const name of names) {
      const path = `${dir}/${name}`;
      found.push({ path, startedAtMs: (await readHeader(disk, path))?.startedAtMs ?? 0 });
    }
    found.sort((a, b) => b.startedAtMs - a.startedAtMs);
    const nowMs = options.believedMs();
    const isOld = (startedAtMs: number) =>
      nowMs !== undefined && Math.abs(nowMs - startedAtMs) >= MAX_JOURNAL_AGE_MS;
    for (const [at, { path, startedAtMs }] of found.entries()) {
      if (at < room && !isOld(startedAtMs)) continue;
      const content = await readJournal(disk, path);
      await disk.remove(path);
      if (content === undefined || complete(content)) continue;
      options.log(
        `an interrupted put of ${content.stripes.size} stripes was given up, and what it had stored is released`,
      );
      options.release(content.owner, shardsOf(content));
    }
  };
  const complete = ({ objectId }: JournalContent) => objectId !== undefined && options.committed(objectId);

  const open = async (
    { owner, code }: PutIdentity,
    path: string,
    wantedBytes: number,
  ): Promise<PutJournal> => {
    let content = await readJournal(disk, path);
    // The process died between the catalog's commit and the removal: those shards belong to an object now.
    if (content !== undefined && complete(content)) content = undefined;
    const header = content ?? {
      owner,
      code,
      chunkBytes: wantedBytes,
      salt: random.bytes(OWNER_SALT_BYTES),
      startedAtMs: clock.now(),
    };
    const { salt, chunkBytes, startedAtMs } = header;
    const writer =
      content === undefined
        ? await JournalWriter.create(disk, path, { owner, code, chunkBytes, salt, startedAtMs })
        : await JournalWriter.open(disk, path, content.bytes);
    let gone = false;
    const remove = async () => {
      await writer.close();
      if (!gone) await disk.remove(path);
    };
    /** A journal that lacks something that is sent must not be gone on from: it goes first, and without it the put goes on. */
    const noted = async (work: Promise<void>) => {
      try {
        await work;
      } catch (error) {
        if (gone) return;
        await disk.remove(path);
        gone = true;
        await disk.syncDir(dir);
        options.log(`this put cannot be gone on with if it stops: ${asDatameshError(error).message}`);
      }
    };
    return {
      salt,
      chunkBytes,
      noted: content?.stripes ?? new Map(),
      async sending(index, ids) {
        if (!gone) await noted(writer.sending(index, ids));
      },
      stored: (index, holders) => writer.stored(index, holders),
      async committing(objectId) {
        if (!gone) await noted(writer.committing(objectId));
      },
      remove,
      keep: () => writer.close(),
    };
  };

  return {
    async take(identity, chunkBytes) {
      if (identity.sizeBytes < MIN_JOURNALED_BYTES) return undefined;
      const name = nameOf(identity);
      if (inUse.has(name)) return undefined;
      inUse.add(name);
      try {
        await disk.makeDir(dir, 0o700);
        await prune(MAX_JOURNALS - 1);
        const journal = await open(identity, `${dir}/${name}`, chunkBytes);
        const freed = async (end: () => Promise<void>) => {
          await end()
            .catch((error: unknown) => options.log(`journal: ${asDatameshError(error).message}`))
            .finally(() => inUse.delete(name));
        };
        return { ...journal, remove: () => freed(journal.remove), keep: () => freed(journal.keep) };
      } catch (error) {
        inUse.delete(name);
        options.log(`this put cannot be gone on with if it stops: ${asDatameshError(error).message}`);
        return undefined;
      }
    },
  };
}

/** Shards that the journals of running and interrupted puts name. Throws when one cannot be read; what makes no sense names nothing. */
export async function journaledShards(disk: Disk, dir: string): Promise<ShardId[]> {
  if ((await disk.stat(dir)) === undefined) return [];
  const ids: ShardId[] = [];
  for (const name of (await disk.list(dir)).filter((it) => it.endsWith(SUFFIX))) {
    const path = `${dir}/${name}`;
    // A disk that fails must not pass for a journal that makes no sense.
    await disk.readFile(path, MAX_JOURNAL_BYTES);
    const content = await readJournal(disk, path);
    for (const stripe of content?.stripes.values() ?? []) ids.push(...stripe.ids);
    if (content?.objectId !== undefined) ids.push(manifestShardId(content.objectId));
  }
  return ids;
}

/** The length of its chunks as size and code alone would have it: what the line makes of it may be another in the next run. */
function nameOf({ owner, source, sizeBytes, code, compress, pool }: PutIdentity): string {
  const chunkBytes = chooseChunkBytes({ sizeBytes, code });
  const text = JSON.stringify([owner, source, sizeBytes, code.k, code.m, chunkBytes, compress, pool]);
  return bytesToHex(blake3(Buffer.from(text))) + SUFFIX;
}

function shardsOf({ stripes }: JournalContent): { id: ShardId; holder: PeerId }[] {
  return [...stripes.values()].flatMap(({ ids, holders }) =>
    (holders ?? []).flatMap((holder, index) => (holder === undefined ? [] : [{ id: ids[index]!, holder }])),
  );
}
