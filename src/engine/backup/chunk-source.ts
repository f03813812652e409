/** Chunks back out of packs, each held against its id. */
import { LRUCache } from 'lru-cache';
import { DatameshError } from '../../errors.ts';
import { hashProvider } from '../codec/hash.ts';
import { expandTo } from '../codec/packing.ts';
import type { ChunkIndex, ChunkPlace } from './chunk-index.ts';
import { MAX_SNAPSHOT_BYTES } from './limits.ts';
import type { ObjectDoor } from './object-door.ts';
import type { PackObject } from './open-index.ts';

/** Packs of tree chunks are read whole; the chunks of a tree lie in a few of them, and come again for the next tree. */
const CACHED_PACK_BYTES = 8 * MAX_SNAPSHOT_BYTES;

export interface ChunkSource {
  /** Undefined when no pack has it. */
  find(id: Buffer): ChunkPlace | undefined;
  /** The content of a chunk out of its stored form. Throws `hash-mismatch`, `malformed-data`. */
  open(id: Buffer, place: ChunkPlace, stored: Uint8Array): Uint8Array;
  /** Chunks of a tree, one after another. */
  treeChunks(ids: readonly Buffer[]): AsyncGenerator<Buffer>;
}

export function chunkSource(
  index: ChunkIndex,
  packs: readonly PackObject[],
  door: Pick<ObjectDoor, 'read'>,
  secret: Uint8Array,
): ChunkSource {
  const idOf = hashProvider().keyedBy(secret);
  const sizes = new Map(packs.map(({ name, sizeBytes }) => [name, sizeBytes]));
  const cached = new LRUCache<string, Uint8Array>({
    maxSize: CACHED_PACK_BYTES,
    sizeCalculation: (bytes) => Math.max(1, bytes.length),
  });
  const source: ChunkSource = {
    find: (id) => index.find(id),
    open(id, place, stored) {
      const raw = place.method === 0 ? stored : expandTo(place.method, stored, place.rawBytes);
      if (idOf(raw).equals(id)) return raw;
      throw new DatameshError('hash-mismatch', {
        what: `the chunk ${id.toString('hex', 0, 8)} of a backup is not what was stored`,
      });
    },
    async *treeChunks(ids) {
      for (const id of ids) {
        const place = source.find(id);
        if (place === undefined) throw missing(id);
        let pack = cached.get(place.pack);
        if (pack === undefined) {
          const sizeBytes = sizes.get(place.pack) ?? place.offset + place.storedBytes;
          // A tree chunk in a pack of files: only its own bytes are worth reading.
          const whole = sizeBytes <= CACHED_PACK_BYTES / 4;
          const from = whole ? 0 : place.offset;
          pack = await door.read(place.pack, from, whole ? sizeBytes : place.storedBytes);
          if (whole) cached.set(place.pack, pack);
          else {
            yield Buffer.from(source.open(id, place, pack));
            continue;
          }
        }
        const stored = pack.subarray(place.offset, place.offset + place.storedBytes);
        yield Buffer.from(source.open(id, place, stored));
      }
    },
  };
  return source;
}

function missing(id: Buffer): DatameshError {
  return new DatameshError('shards-missing', {
    what: `no pack has the chunk ${id.toString('hex', 0, 8)}, which the tree of the snapshot is made of`,
    why: 'the pack that had it was deleted, or the catalog of this node does not know it yet',
  });
}
