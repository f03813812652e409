/** What the store's tests share: a folder that goes with the test, and a store in it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { shardIdOfBytes } from '../../../src/engine/codec/hash.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { openShardStore, type ShardStoreOptions } from '../../../src/engine/shardstore/segment-store.ts';

export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'datamesh-store-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export function storeOptions(dir: string, more: Partial<ShardStoreOptions> = {}): ShardStoreOptions {
  return {
    dir,
    disk: realDisk(),
    clock: realClock(),
    idOf: shardIdOfBytes,
    quotaBytes: 1e9,
    reserveFraction: 0,
    ...more,
  };
}

export function openStore(dir: string, more: Partial<ShardStoreOptions> = {}) {
  return openShardStore(storeOptions(dir, more));
}
