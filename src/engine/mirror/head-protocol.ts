/**
 * `/datamesh/head/1`: where heads of catalogs are left and asked for. docs/FORMATS.md "Head protocol".
 *
 * request  [u8 op]  1 put: body a head   2 get: [32 owner]   3 orders: [32 owner] [32 object id, zeros for the first page]
 * answer   [u8 status]  put: `already` and the head that is newer as body   get: body the head   orders: body n × [32 object id]
 */
import { DatameshError } from '../../errors.ts';
import { bytesToHex, hexToBytes, type ObjectId, type OwnerId } from '../types.ts';

export const HEAD_PROTOCOL = '/datamesh/head/1';
export const MAX_ORDER_IDS = 256;

const ID_BYTES = 32;
const OP = { put: 1, get: 2, orders: 3 } as const;
const NO_CURSOR = '0'.repeat(64) as ObjectId;

export type HeadRequest =
  | { op: 'put' }
  | { op: 'get'; owner: OwnerId }
  /** Objects of the owner that the node is a custodian of, by id, after `after`. */
  | { op: 'orders'; owner: OwnerId; after: ObjectId | undefined };

export function encodeHeadRequest(request: HeadRequest): Uint8Array {
  if (request.op === 'put') return Uint8Array.of(OP.put);
  const ids = request.op === 'get' ? '' : (request.after ?? NO_CURSOR);
  return Buffer.concat([Uint8Array.of(OP[request.op]), hexToBytes(request.owner + ids)]);
}

/** Throws `malformed-data`. */
export function decodeHeadRequest(header: Uint8Array): HeadRequest {
  const op = header[0];
  if (op === OP.put && header.length === 1) return { op: 'put' };
  const owner = bytesToHex(header.subarray(1, 1 + ID_BYTES)) as OwnerId;
  if (op === OP.get && header.length === 1 + ID_BYTES) return { op: 'get', owner };
  if (op === OP.orders && header.length === 1 + 2 * ID_BYTES) {
    const after = bytesToHex(header.subarray(1 + ID_BYTES)) as ObjectId;
    return { op: 'orders', owner, after: after === NO_CURSOR ? undefined : after };
  }
  throw new DatameshError('malformed-data', { what: 'a head request is malformed' });
}

export function encodeIds(ids: readonly ObjectId[]): Uint8Array {
  return hexToBytes(ids.join(''));
}

/** Throws `malformed-data`. */
export function decodeIds(body: Uint8Array): ObjectId[] {
  if (body.length % ID_BYTES !== 0 || body.length > MAX_ORDER_IDS * ID_BYTES) {
    throw new DatameshError('malformed-data', { what: 'a list of orders is malformed' });
  }
  const ids: ObjectId[] = [];
  for (let at = 0; at < body.length; at += ID_BYTES) {
    const id = bytesToHex(body.subarray(at, at + ID_BYTES)) as ObjectId;
    if (ids.length > 0 && id <= ids.at(-1)!) {
      throw new DatameshError('malformed-data', { what: 'a list of orders is not in order' });
    }
    ids.push(id);
  }
  return ids;
}
