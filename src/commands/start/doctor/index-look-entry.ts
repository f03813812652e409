/**
 * Reads the whole index of a shard store, in a process of its own: LMDB ends the process that meets damage (SIGSEGV, SIGBUS), which is then what there is to tell.
 * Argument: the folder of the index. Prints its checkpoint as JSON, `null` for an index that is empty; ends with 3 over one that makes no sense, and says why.
 */
import { existsSync, rmSync } from 'node:fs';
import { saysDamaged } from '../../../engine/shardstore/lmdb-damage.ts';
import { decodeEntry, KEY_BYTES } from '../../../engine/shardstore/lmdb-entries.ts';
import { openLmdb } from '../../../engine/shardstore/lmdb-index.ts';

/** Read in a second or two; of a larger index the first ones are, and the checkpoint. */
const MAX_ENTRIES = 2_000_000;
const DAMAGED = 3;

const dir = process.argv[2]!;
const lock = `${dir}/lock.mdb`;
const hadLock = existsSync(lock);
try {
  const { root, shards, state, close } = await openLmdb(dir, { readOnly: true });
  // Tables that are not there are none when they are only read, whatever the types say.
  const tables = (root.getStats() as { entryCount: number }).entryCount;
  if (tables > 0 && (shards === undefined || state === undefined)) damaged('its tables cannot be read');
  let previous = Buffer.alloc(0);
  for (const { key, value } of shards?.getRange({ limit: MAX_ENTRIES }) ?? []) {
    if (key.length !== KEY_BYTES || previous.compare(key) >= 0) damaged('its keys are out of order');
    previous = Buffer.from(key);
    if (!makesSense(value)) damaged('an entry makes no sense');
  }
  process.stdout.write(JSON.stringify(state?.get('checkpoint') ?? null));
  await close();
} catch (error) {
  if (!saysDamaged(error)) throw error;
  damaged((error as Error).message);
} finally {
  if (!hadLock) rmSync(lock, { force: true });
}

function makesSense(value: Buffer): boolean {
  try {
    return decodeEntry(value).owners.length > 0;
  } catch {
    return false;
  }
}

function damaged(why: string): never {
  process.stderr.write(why);
  if (!hadLock) rmSync(lock, { force: true });
  process.exit(DAMAGED);
}
