/** The index of all chunks: from the index objects, and from packs that none of them names, as a run that was broken off leaves them. */
import { asDatameshError } from '../../errors.ts';
import { ChunkIndex } from './chunk-index.ts';
import { FieldReader } from './fields.ts';
import { decodeIndex, type PackRecord } from './index-file.ts';
import type { ObjectDoor } from './object-door.ts';
import { PACK_TAIL_BYTES, readTable, tableBytesOf } from './pack-table.ts';

export interface PackObject {
  name: string;
  sizeBytes: number;
}

export interface OpenedIndex {
  index: ChunkIndex;
  /** Packs that are there and in the index, with their tables. */
  packs: PackRecord[];
  /** Those of them that no index object names. */
  adopted: PackRecord[];
  /** That none names either, and that cannot be read: what is in them nobody knows. */
  unread: PackObject[];
}

/** @param files index objects; @param packs all pack objects there are. Throws `malformed-data` for a damaged index object. */
export async function openIndex(
  files: readonly Uint8Array[],
  packs: readonly PackObject[],
  door: Pick<ObjectDoor, 'read'>,
): Promise<OpenedIndex> {
  const index = new ChunkIndex();
  const there = new Map(packs.map((pack) => [pack.name, pack]));
  const known: PackRecord[] = [];
  for (const file of files) {
    for (const pack of decodeIndex(file)) {
      // A pack that was pruned may still be named by an older index object.
      if (!there.delete(pack.name)) continue;
      index.addPack(pack.name, pack.table);
      known.push(pack);
    }
  }
  const adopted: PackRecord[] = [];
  const unread: PackObject[] = [];
  for (const pack of there.values()) {
    const table = await readPackTable(pack, door).catch((error: unknown) => {
      if (asDatameshError(error).code === 'cancelled') throw error;
      return undefined;
    });
    if (table === undefined) {
      unread.push(pack);
      continue;
    }
    const record = { name: pack.name, table };
    index.addPack(record.name, record.table);
    adopted.push(record);
  }
  return { index, packs: [...known, ...adopted], adopted, unread };
}

/** The table at the end of a pack. Throws `malformed-data`. */
async function readPackTable(pack: PackObject, door: Pick<ObjectDoor, 'read'>) {
  const { name, sizeBytes } = pack;
  const tailBytes = Math.min(PACK_TAIL_BYTES, sizeBytes);
  const tail = await door.read(name, sizeBytes - tailBytes, tailBytes);
  const tableBytes = tableBytesOf(tail);
  const from = new FieldReader(tail, 'a pack');
  if (tableBytes > sizeBytes - tailBytes) throw from.bad('its table is longer than the pack');
  const table = await door.read(name, sizeBytes - tailBytes - tableBytes, tableBytes);
  const reader = new FieldReader(table, 'the table of a pack');
  const chunks = readTable(reader);
  reader.end();
  return chunks;
}
