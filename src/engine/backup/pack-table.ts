/**
 * A pack is the stored forms of chunks one after another, then a table of them, then the table's length and a magic: whoever has only packs finds every chunk. The
 * object that carries it is sealed, so nothing in it is sealed again. Format: docs/FORMATS.md "Backups".
 */
import { CHUNK_ID_BYTES, FieldReader, FieldWriter } from './fields.ts';
import { CHUNK_AVERAGE_BYTES, MAX_PACK_CHUNKS } from './limits.ts';

export interface PackedChunk {
  /** 32 bytes. */
  id: Buffer;
  /** As it lies in the pack. */
  storedBytes: number;
  /** As it was. */
  rawBytes: number;
  /** 0 as it was, else a method of codec/packing.ts. */
  method: number;
}

/** Chunks of a pack in their order; the first lies at 0. */
export type PackTable = readonly PackedChunk[];

const MAGIC = Buffer.from('DMPK');
const VERSION = 1;
const METHODS = 4;
/** What is longer was made by nobody: four times the average, and what a coder adds to noise. */
const MAX_CHUNK_BYTES = 8 * CHUNK_AVERAGE_BYTES;
export const PACK_TAIL_BYTES = 4 + 1 + MAGIC.length;
/** Id, two lengths. */
const MAX_ROW_BYTES = CHUNK_ID_BYTES + 10;
export const MAX_TABLE_BYTES = MAX_PACK_CHUNKS * MAX_ROW_BYTES + 8;

export function writeTable(out: FieldWriter, table: PackTable): void {
  out.whole(table.length);
  for (const { id, storedBytes, rawBytes, method } of table) {
    out.raw(id).whole(storedBytes * METHODS + method);
    if (method !== 0) out.whole(rawBytes);
  }
}

/** Throws `malformed-data`. */
export function readTable(from: FieldReader): PackedChunk[] {
  const count = from.whole(MAX_PACK_CHUNKS);
  const table: PackedChunk[] = [];
  for (let i = 0; i < count; i++) {
    const id = from.raw(CHUNK_ID_BYTES);
    const coded = from.whole(MAX_CHUNK_BYTES * METHODS);
    const method = coded % METHODS;
    const storedBytes = (coded - method) / METHODS;
    const rawBytes = method === 0 ? storedBytes : from.whole(MAX_CHUNK_BYTES);
    if (rawBytes === 0) throw from.bad('a chunk is empty');
    table.push({ id, storedBytes, rawBytes, method });
  }
  return table;
}

/** Table and tail, as they stand at the end of a pack. */
export function packEnd(table: PackTable): Buffer {
  const out = new FieldWriter();
  writeTable(out, table);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(out.lengthBytes);
  return out.raw(tail).byte(VERSION).raw(MAGIC).take();
}

/** Bytes of the table before the tail. `tail`: the last PACK_TAIL_BYTES of a pack. Throws `malformed-data`. */
export function tableBytesOf(tail: Uint8Array): number {
  const from = new FieldReader(tail, 'the end of a pack');
  const length = from.raw(4).readUInt32BE();
  const version = from.byte();
  if (!from.raw(MAGIC.length).equals(MAGIC)) throw from.bad('it is no pack');
  if (version !== VERSION) throw from.bad(`it is of version ${version}, which is not known here`);
  if (length > MAX_TABLE_BYTES) throw from.bad(`its table claims ${length} bytes`);
  return length;
}
