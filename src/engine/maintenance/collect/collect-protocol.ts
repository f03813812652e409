/**
 * `/datamesh/collect/1`: what a node of an owner asks holders and other nodes of the same owner when it collects what nothing refers to.
 * docs/FORMATS.md "Collect protocol". Numbers are big-endian.
 *
 * request  [u8 op][32 owner] and  list: [32 cursor][u64 delay, ms]   mark, sweep: [u64 epoch][u64 delay, ms], ids in the body   orders: [32 cursor]
 *          order, vouch: ids in the body
 * answer   [u8 status] and  list, orders: [u8 more][32 cursor]; in the body  list: n × 37 bytes   orders, order: n × [u16 length][order]
 *          mark, sweep, vouch: n × [u8]   error: [UTF-8 text]
 */
import { DatameshError } from '../../../errors.ts';
import { bytesToHex, hexToBytes, type ObjectId, type OwnerId, type ShardId } from '../../types.ts';
import { MAX_ORDER_BYTES } from '../custody/order.ts';
import { MARK_OUTCOMES, type MarkOutcome } from './quarantine.ts';

export const COLLECT_PROTOCOL = '/datamesh/collect/1';
/** Ids in one request or answer: 128 KiB, and as many looks into the index (some 10 ms). */
export const MAX_COLLECT_IDS = 2048;
/** Orders in one answer, as signed: 300 bytes each. */
export const MAX_COLLECT_ORDERS = 256;
export const MAX_COLLECT_BYTES = MAX_COLLECT_IDS * 32;

const OP = { list: 1, mark: 2, sweep: 3, orders: 4, vouch: 5, order: 6 } as const;
export type CollectOp = keyof typeof OP;
const CODES = new Map(Object.entries(OP).map(([name, code]) => [code as number, name as CollectOp]));

export type CollectRequest =
  | { op: 'list'; owner: OwnerId; cursor: ShardId | undefined; delayMs: number }
  | { op: 'mark' | 'sweep'; owner: OwnerId; epoch: number; delayMs: number }
  | { op: 'orders'; owner: OwnerId; cursor: ObjectId | undefined }
  | { op: 'vouch' | 'order'; owner: OwnerId };

/** In quarantine by this node's marks: not at all, for too short a time, or for long enough. */
export const LISTED_STATES = ['none', 'waits', 'ripe'] as const;
export type ListedState = (typeof LISTED_STATES)[number];

export interface ListedShard {
  id: ShardId;
  lengthBytes: number;
  state: ListedState;
}

export interface Page<Item, Id> {
  items: Item[];
  /** Where to go on; undefined at the end. A page may be empty and not the last. */
  cursor: Id | undefined;
}

const ID_BYTES = 32;
const LISTED_BYTES = 37;
const MAX_ORDERS_BYTES = MAX_COLLECT_ORDERS * (2 + MAX_ORDER_BYTES);
/** The longest body of an answer, by op. */
export const MAX_COLLECT_ANSWER_BYTES: Record<CollectOp, number> = {
  list: MAX_COLLECT_IDS * LISTED_BYTES,
  orders: MAX_ORDERS_BYTES,
  order: MAX_ORDERS_BYTES,
  mark: MAX_COLLECT_IDS,
  sweep: MAX_COLLECT_IDS,
  vouch: MAX_COLLECT_IDS,
};
const NOTHING = '0'.repeat(64);
/** Request bytes behind the op, by op. */
const LENGTH: Record<CollectOp, number> = { list: 72, mark: 48, sweep: 48, orders: 64, vouch: 32, order: 32 };

export function encodeCollectRequest(request: CollectRequest): Uint8Array {
  const head = Buffer.alloc(1 + LENGTH[request.op]);
  head[0] = OP[request.op];
  head.write(request.owner, 1, 'hex');
  if (request.op === 'list' || request.op === 'orders') head.write(request.cursor ?? NOTHING, 33, 'hex');
  if (request.op === 'list') head.writeBigUInt64BE(BigInt(request.delayMs), 65);
  if (request.op === 'mark' || request.op === 'sweep') {
    head.writeBigUInt64BE(BigInt(request.epoch), 33);
    head.writeBigUInt64BE(BigInt(request.delayMs), 41);
  }
  return head;
}

/** Throws `malformed-data`. */
export function decodeCollectRequest(header: Uint8Array): CollectRequest {
  const op = CODES.get(header[0] ?? 0);
  if (op === undefined || header.length !== 1 + LENGTH[op]) throw malformed('request');
  const head = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  const owner = idAt(head, 1) as OwnerId;
  switch (op) {
    case 'list':
      return { op, owner, cursor: cursorAt(head, 33) as ShardId | undefined, delayMs: numberAt(head, 65) };
    case 'orders':
      return { op, owner, cursor: cursorAt(head, 33) as ObjectId | undefined };
    case 'vouch':
    case 'order':
      return { op, owner };
    case 'mark':
    case 'sweep':
      return { op, owner, epoch: numberAt(head, 33), delayMs: numberAt(head, 41) };
  }
}

export function encodeIds(ids: readonly string[]): Uint8Array {
  return Buffer.from(ids.join(''), 'hex');
}

/** Throws `malformed-data`. */
export function decodeIds<Id extends string>(body: Uint8Array): Id[] {
  if (body.length % ID_BYTES !== 0 || body.length > MAX_COLLECT_IDS * ID_BYTES)
    throw malformed('list of ids');
  return Array.from({ length: body.length / ID_BYTES }, (_, at) => idAt(body, at * ID_BYTES) as Id);
}

export function encodeListed(shards: readonly ListedShard[]): Uint8Array {
  const body = Buffer.alloc(shards.length * LISTED_BYTES);
  for (const [at, { id, lengthBytes, state }] of shards.entries()) {
    body.write(id, at * LISTED_BYTES, 'hex');
    body.writeUInt32BE(lengthBytes, at * LISTED_BYTES + ID_BYTES);
    body[at * LISTED_BYTES + 36] = LISTED_STATES.indexOf(state);
  }
  return body;
}

/** Throws `malformed-data`. */
export function decodeListed(body: Uint8Array): ListedShard[] {
  if (body.length % LISTED_BYTES !== 0 || body.length > MAX_COLLECT_IDS * LISTED_BYTES)
    throw malformed('list of shards');
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return Array.from({ length: body.length / LISTED_BYTES }, (_, index) => {
    const at = index * LISTED_BYTES;
    const state = LISTED_STATES[bytes[at + 36]!];
    if (state === undefined) throw malformed('list of shards');
    return { id: idAt(bytes, at) as ShardId, lengthBytes: bytes.readUInt32BE(at + ID_BYTES), state };
  });
}

/** Signed orders; an empty one where there is none. */
export function encodeOrders(orders: readonly Uint8Array[]): Uint8Array {
  const length = (order: Uint8Array) => Uint8Array.of(order.length >> 8, order.length & 0xff);
  return Buffer.concat(orders.flatMap((order) => [length(order), order]));
}

/** Views of `body`, unverified. Throws `malformed-data`. */
export function decodeOrders(body: Uint8Array): Uint8Array[] {
  const orders: Uint8Array[] = [];
  for (let at = 0; at < body.length; ) {
    const length = ((body[at] ?? 0) << 8) | (body[at + 1] ?? 0);
    at += 2 + length;
    if (at > body.length || length > MAX_ORDER_BYTES || orders.length === MAX_COLLECT_ORDERS)
      throw malformed('list of orders');
    orders.push(body.subarray(at - length, at));
  }
  return orders;
}

export function encodeCursor(cursor: string | undefined): Uint8Array {
  return Buffer.concat([Uint8Array.of(cursor === undefined ? 0 : 1), hexToBytes(cursor ?? NOTHING)]);
}

/** Throws `malformed-data`. */
export function decodeCursor<Id extends string>(tail: Uint8Array): Id | undefined {
  if (tail.length !== 1 + ID_BYTES || tail[0]! > 1) throw malformed('answer');
  return tail[0] === 0 ? undefined : (idAt(tail, 1) as Id);
}

/** Throws `malformed-data`. */
export function decodeOutcomes(body: Uint8Array, count: number): MarkOutcome[] {
  if (body.length !== count) throw malformed('answer');
  return Array.from(body, (code) => {
    const outcome = MARK_OUTCOMES[code];
    if (outcome === undefined) throw malformed('answer');
    return outcome;
  });
}

/** Throws `malformed-data`. */
export function decodeFlags(body: Uint8Array, count: number): boolean[] {
  if (body.length !== count || body.some((flag) => flag > 1)) throw malformed('answer');
  return Array.from(body, (flag) => flag === 1);
}

function cursorAt(head: Buffer, at: number): string | undefined {
  const id = idAt(head, at);
  return id === NOTHING ? undefined : id;
}

/** Throws for a number that a double does not hold. */
function numberAt(head: Buffer, at: number): number {
  const value = Number(head.readBigUInt64BE(at));
  if (!Number.isSafeInteger(value)) throw malformed('request');
  return value;
}

function idAt(bytes: Uint8Array, at: number): string {
  return bytesToHex(bytes.subarray(at, at + ID_BYTES));
}

function malformed(what: string): DatameshError {
  return new DatameshError('malformed-data', { what: `a ${what} of the collect protocol is malformed` });
}
