/** Which shards an object has: its manifest's layout, as docs/FORMATS.md "Manifest" has it. Signatures are not checked: the id is the hash. */

const NOWHERE_BYTES = 2;
const ID_BYTES = 32;

/** `{ code: { k, m }, stripes: [[shard id, …], …] }`, or undefined for bytes that are no manifest. */
export function readManifest(bytes) {
  if (bytes.length < 4 || bytes.toString('latin1', 0, 3) !== 'DMM') return undefined;
  const envelope = fieldsOf(bytes.subarray(4));
  const layoutBytes = envelope?.get(1)?.[0];
  if (!Buffer.isBuffer(layoutBytes)) return undefined;
  const layout = fieldsOf(layoutBytes);
  if (layout === undefined) return undefined;
  const number = (field) => Number(layout.get(field)?.[0] ?? 0);
  const code = { k: number(1), m: number(2) };
  const count = number(4);
  const table = layout.get(7)?.[0] ?? Buffer.alloc(0);
  const shards = code.k + code.m;
  const recordBytes = 4 + (NOWHERE_BYTES + ID_BYTES) * shards;
  if (code.k < 1 || table.length !== count * recordBytes) return undefined;
  const stripes = [];
  for (let stripe = 0; stripe < count; stripe++) {
    const idsAt = stripe * recordBytes + 4 + NOWHERE_BYTES * shards;
    const ids = [];
    for (let i = 0; i < shards; i++) {
      ids.push(table.toString('hex', idsAt + i * ID_BYTES, idsAt + (i + 1) * ID_BYTES));
    }
    stripes.push(ids);
  }
  return { code, stripes };
}

/** Protocol buffers wire format: field number → values; varints as bigint, lengths as Buffer. Undefined when it is none. */
function fieldsOf(bytes) {
  const found = new Map();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) return undefined;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const key = varint();
    if (key === undefined) return undefined;
    let value = varint();
    if (value === undefined) return undefined;
    if ((key & 7n) === 2n) {
      const end = at + Number(value);
      if (end > bytes.length) return undefined;
      value = bytes.subarray(at, end);
      at = end;
    } else if ((key & 7n) !== 0n) {
      return undefined;
    }
    const field = Number(key >> 3n);
    found.set(field, [...(found.get(field) ?? []), value]);
  }
  return found;
}
