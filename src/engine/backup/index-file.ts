/** An index object: which chunks lie in which packs, for all packs of a run. Packs say the same of themselves; this saves asking each. */
import { FieldReader, FieldWriter } from './fields.ts';
import { type PackedChunk, type PackTable, readTable, writeTable } from './pack-table.ts';

export interface PackRecord {
  /** Name of its object. */
  name: string;
  table: PackTable;
}

const MAGIC = Buffer.from('DMIX');
const VERSION = 1;
const MAX_OBJECT_NAME_BYTES = 200;

export function encodeIndex(packs: readonly PackRecord[]): Buffer {
  const out = new FieldWriter().raw(MAGIC).byte(VERSION).whole(packs.length);
  for (const { name, table } of packs) writeTable(out.text(name), table);
  return out.take();
}

/** Throws `malformed-data`. */
export function decodeIndex(bytes: Uint8Array): PackRecord[] {
  const from = new FieldReader(bytes, 'an index of backups');
  if (!from.raw(MAGIC.length).equals(MAGIC)) throw from.bad('it is no index');
  const version = from.byte();
  if (version !== VERSION) throw from.bad(`it is of version ${version}, which is not known here`);
  const count = from.whole(from.left);
  const packs: { name: string; table: PackedChunk[] }[] = [];
  for (let i = 0; i < count; i++)
    packs.push({ name: from.text(MAX_OBJECT_NAME_BYTES), table: readTable(from) });
  from.end();
  return packs;
}
