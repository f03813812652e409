/** Catalog entries for tests. */
import { createHash } from 'node:crypto';
import type { NewEntry } from '../../../src/engine/catalog/catalog.ts';
import type { ObjectId, OwnerId, PeerId } from '../../../src/engine/types.ts';

export const ALICE = 'aa'.repeat(32) as OwnerId;
export const BOB = 'bb'.repeat(32) as OwnerId;

export function idOf(text: string): ObjectId {
  return createHash('sha256').update(text).digest('hex') as ObjectId;
}

export function entry(name: string, change: Partial<NewEntry> = {}): NewEntry {
  return {
    owner: ALICE,
    name,
    objectId: idOf(name),
    sizeBytes: 1000,
    contentHash: idOf(`content of ${name}`),
    mimeType: 'text/plain',
    tags: [],
    k: 4,
    m: 2,
    chunkBytes: 4_194_304,
    stripes: 1,
    storedBytes: 1536,
    createdAtMs: 1_790_000_000_000,
    ownerKey: 'default',
    pool: 'default',
    manifestHolders: ['12D3KooWA' as PeerId, '12D3KooWB' as PeerId],
    ...change,
  };
}
