/** Several small shards in one request of the shard protocol: operations 8 and 9. Layout: docs/FORMATS.md "Shard protocol". */
import { DatameshError } from '../../errors.ts';
import { bytesToHex, type OwnerId, type ShardId, shardIdOf } from '../types.ts';
import { MAX_GATHERED } from './gather.ts';

export const PUT_MANY = 8;
export const GET_MANY = 9;

/** Larger shards travel alone, where they are read straight into their place. */
export const MAX_GATHERED_BYTES = 16 * 1024;
export const MAX_BATCH_BODY_BYTES = MAX_GATHERED * MAX_GATHERED_BYTES;

const ID_BYTES = 32;
/** announce u8 | id | length u32 */
const PUT_ITEM_BYTES = 1 + ID_BYTES + 4;

export interface PutItem {
  id: ShardId;
  announce: boolean;
  lengthBytes: number;
}

export type BatchRequest =
  | { op: 'putMany'; owner: OwnerId; items: readonly PutItem[] }
  | { op: 'getMany'; ids: readonly ShardId[] };

export function encodeBatch(request: BatchRequest): Uint8Array {
  if (request.op === 'getMany') {
    const header = Buffer.allocUnsafe(1 + request.ids.length * ID_BYTES);
    header[0] = GET_MANY;
    header.write(request.ids.join(''), 1, 'hex');
    return header;
  }
  const { owner, items } = request;
  const header = Buffer.allocUnsafe(1 + ID_BYTES + items.length * PUT_ITEM_BYTES);
  header[0] = PUT_MANY;
  header.write(owner, 1, 'hex');
  let at = 1 + ID_BYTES;
  for (const { id, announce, lengthBytes } of items) {
    header[at] = announce ? 1 : 0;
    header.write(id, at + 1, 'hex');
    header.writeUInt32BE(lengthBytes, at + 1 + ID_BYTES);
    at += PUT_ITEM_BYTES;
  }
  return header;
}

/** Undefined when the header is no batch. Throws `malformed-data` for one that makes no sense. */
export function decodeBatch(header: Uint8Array): BatchRequest | undefined {
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  const rest = bytes.length - 1;
  if (bytes[0] === GET_MANY) {
    const count = rest / ID_BYTES;
    if (!Number.isInteger(count) || count < 1 || count > MAX_GATHERED) throw malformed();
    const ids = Array.from({ length: count }, (_, i) => idAt(bytes, 1 + i * ID_BYTES));
    return { op: 'getMany', ids };
  }
  if (bytes[0] !== PUT_MANY) return undefined;
  const count = (rest - ID_BYTES) / PUT_ITEM_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > MAX_GATHERED) throw malformed();
  const owner = bytesToHex(bytes.subarray(1, 1 + ID_BYTES)) as OwnerId;
  const items = Array.from({ length: count }, (_, i): PutItem => {
    const at = 1 + ID_BYTES + i * PUT_ITEM_BYTES;
    const lengthBytes = bytes.readUInt32BE(at + 1 + ID_BYTES);
    if (bytes[at]! > 1 || lengthBytes > MAX_GATHERED_BYTES) throw malformed();
    return { id: idAt(bytes, at + 1), announce: bytes[at] === 1, lengthBytes };
  });
  return { op: 'putMany', owner, items };
}

/** The parts of the body of a `putMany`. Throws `malformed-data` when it has another length than the items together. */
export function partsOf(items: readonly PutItem[], body: Uint8Array): Uint8Array[] {
  let at = 0;
  const parts = items.map(({ lengthBytes }) => body.subarray(at, (at += lengthBytes)));
  if (at !== body.length) throw malformed();
  return parts;
}

/** A shard that is asked for with others: its bytes, `absent`, or `alone` when it is to be asked for by itself. */
export type GetPart = Uint8Array | 'absent' | 'alone';

const ABSENT = 0xffff_ffff;
const ALONE = 0xffff_fffe;

/** Tail of the answer to `getMany`; the body is the shards that are there, one behind the other. */
export function encodeParts(parts: readonly GetPart[]): { tail: Uint8Array; body: Uint8Array } {
  const tail = Buffer.allocUnsafe(4 * parts.length);
  const bodies: Uint8Array[] = [];
  parts.forEach((part, i) => {
    if (typeof part === 'string') tail.writeUInt32BE(part === 'absent' ? ABSENT : ALONE, 4 * i);
    else {
      tail.writeUInt32BE(part.length, 4 * i);
      bodies.push(part);
    }
  });
  return { tail, body: Buffer.concat(bodies) };
}

/** Undefined when the answer makes no sense. Copies: one shard that is kept does not keep all the others. */
export function decodeParts(tail: Uint8Array, body: Uint8Array, count: number): GetPart[] | undefined {
  if (tail.length !== 4 * count) return undefined;
  const lengths = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength);
  const parts: GetPart[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const length = lengths.readUInt32BE(4 * i);
    if (length === ABSENT) parts.push('absent');
    else if (length === ALONE) parts.push('alone');
    else {
      if (length > MAX_GATHERED_BYTES || at + length > body.length) return undefined;
      parts.push(Uint8Array.from(body.subarray(at, (at += length))));
    }
  }
  return at === body.length ? parts : undefined;
}

function idAt(bytes: Buffer, offset: number): ShardId {
  return shardIdOf(bytes.subarray(offset, offset + ID_BYTES));
}

function malformed(): DatameshError {
  return new DatameshError('malformed-data', { what: 'a request for several shards is malformed' });
}
