/**
 * `/datamesh/shard/1`: header layouts of requests and answers; bodies are raw shard bytes. docs/FORMATS.md "Shard protocol".
 *
 * request  [u8 op] put/get/delete/announce: [32 shard id] put/delete: [32 owner id]   has: n × [32 shard id]
 * announce asks a holder of a manifest to publish the provider record of its object (the id is an ObjectId); op 6 is a put that asks for it as well.
 * prove    [u8 op] [32 nonce] n × [32 shard id]; answer [u8 status] [u64 signed at, ms] [64 signature], body: the answers ("Proofs")
 * 10       as prove, with [32 seed] behind the nonce: behind each answer stands the shard's sum ("Sums")
 * 8, 9     several small shards in one request: shard-batch.ts
 * answer   [u8 status] has: n × [u8 0|1]   error: [UTF-8 text]
 */
import { DatameshError, type ErrorCode } from '../../errors.ts';
import { SIGNATURE_BYTES } from '../keys/raw-keys.ts';
import type { Attestation } from '../maintenance/proof/attestation.ts';
import { MAX_PROOF_IDS, NONCE_BYTES } from '../maintenance/proof/challenge.ts';
import { SEED_BYTES } from '../maintenance/proof/coefficients.ts';
import { bytesToHex, hexToBytes, type OwnerId, type ShardId, shardIdOf } from '../types.ts';
import { type BatchRequest, decodeBatch, encodeBatch } from './shard-batch.ts';

export const SHARD_PROTOCOL = '/datamesh/shard/1';
/** Ids in one `has`: 256 × 32 bytes = 8 KiB, half of what a header may hold. */
export const MAX_HAS_IDS = 256;

const ID_BYTES = 32;
const OP = {
  put: 1,
  get: 2,
  has: 3,
  delete: 4,
  announce: 5,
  putAnnounced: 6,
  prove: 7,
  proveSums: 10,
} as const;

export type ShardRequest =
  | BatchRequest
  | { op: 'put'; id: ShardId; owner: OwnerId; announce: boolean }
  | { op: 'get' | 'announce'; id: ShardId }
  | { op: 'has'; ids: readonly ShardId[] }
  /** With a seed: sums are asked for as well. */
  | { op: 'prove'; nonce: Uint8Array; seed?: Uint8Array | undefined; ids: readonly ShardId[] }
  | { op: 'delete'; id: ShardId; owner: OwnerId };

/** Statuses of an answer; each failure maps to the error the asker throws. */
const STATUS = {
  ok: 0,
  already: 1,
  absent: 2,
  denied: 3,
  quota: 4,
  disk: 5,
  mismatch: 6,
  malformed: 7,
  failed: 8,
} as const;
export type ShardStatus = keyof typeof STATUS;

export function encodeRequest(request: ShardRequest): Uint8Array {
  switch (request.op) {
    case 'putMany':
    case 'getMany':
      return encodeBatch(request);
    case 'put':
    case 'delete': {
      const op = request.op === 'put' && request.announce ? OP.putAnnounced : OP[request.op];
      return idsBehind(op, request.id + request.owner);
    }
    case 'get':
    case 'announce':
      return idsBehind(OP[request.op], request.id);
    case 'has':
      return Buffer.concat([Uint8Array.of(OP.has), ...request.ids.map(hexToBytes)]);
    case 'prove':
      return Buffer.concat([
        ...(request.seed === undefined
          ? [Uint8Array.of(OP.prove), request.nonce]
          : [Uint8Array.of(OP.proveSums), request.nonce, request.seed]),
        ...request.ids.map(hexToBytes),
      ]);
  }
}

/** Throws `malformed-data`. */
export function decodeRequest(header: Uint8Array): ShardRequest {
  const rest = header.length - 1;
  const op = header[0];
  if ((op === OP.put || op === OP.putAnnounced || op === OP.delete) && rest === 2 * ID_BYTES) {
    const id = idAt(header, 1);
    const owner = bytesToHex(header.subarray(1 + ID_BYTES)) as OwnerId;
    return op === OP.delete
      ? { op: 'delete', id, owner }
      : { op: 'put', id, owner, announce: op === OP.putAnnounced };
  }
  if ((op === OP.get || op === OP.announce) && rest === ID_BYTES) {
    return { op: op === OP.get ? 'get' : 'announce', id: idAt(header, 1) };
  }
  if (op === OP.has && rest % ID_BYTES === 0 && rest / ID_BYTES <= MAX_HAS_IDS) {
    return { op: 'has', ids: idsFrom(header, 1) };
  }
  if (op === OP.prove || op === OP.proveSums) {
    const nonceEnd = 1 + NONCE_BYTES;
    const idsAt = op === OP.prove ? nonceEnd : nonceEnd + SEED_BYTES;
    const proofs = (header.length - idsAt) / ID_BYTES;
    if (Number.isInteger(proofs) && proofs >= 0 && proofs <= MAX_PROOF_IDS) {
      const nonce = Uint8Array.from(header.subarray(1, nonceEnd));
      const seed = op === OP.prove ? undefined : Uint8Array.from(header.subarray(nonceEnd, idsAt));
      return { op: 'prove', nonce, seed, ids: idsFrom(header, idsAt) };
    }
  }
  const batch = decodeBatch(header);
  if (batch !== undefined) return batch;
  throw new DatameshError('malformed-data', { what: 'a shard request is malformed' });
}

/** The byte of a status, where several stand in a row. */
export function statusByte(status: ShardStatus): number {
  return STATUS[status];
}

export function encodeStatus(status: ShardStatus, tail?: Uint8Array): Uint8Array {
  return tail === undefined
    ? Uint8Array.of(STATUS[status])
    : Buffer.concat([Uint8Array.of(STATUS[status]), tail]);
}

export function decodeStatus(header: Uint8Array): { status: ShardStatus; tail: Uint8Array } {
  const status = (Object.keys(STATUS) as ShardStatus[]).find((name) => STATUS[name] === header[0]);
  if (status === undefined) {
    throw new DatameshError('malformed-data', { what: 'a shard answer has an unknown status' });
  }
  return { status, tail: header.subarray(1) };
}

const ERROR_STATUS: Partial<Record<ErrorCode, ShardStatus>> = {
  denied: 'denied',
  'quota-full': 'quota',
  'disk-full': 'disk',
  'hash-mismatch': 'mismatch',
  'malformed-data': 'malformed',
};

/** As `encodeFailure` would tell it, without the text. */
export function statusOfError(error: DatameshError): ShardStatus {
  return ERROR_STATUS[error.code] ?? 'failed';
}

/** How a holder tells its own failure: a status and one line of text. */
export function encodeFailure(error: DatameshError): Uint8Array {
  return encodeStatus(statusOfError(error), Buffer.from(error.message.slice(0, 300)));
}

/** The asker's error for an answer that is neither ok nor absent; its details tell it from that of an answer that did not come. */
export function failureOf(status: ShardStatus, tail: Uint8Array): DatameshError {
  const codes = Object.entries(ERROR_STATUS) as [ErrorCode, ShardStatus][];
  const code = codes.find(([, of]) => of === status)?.[0] ?? 'peer-unreachable';
  // A stranger's text: control characters must not reach a terminal.
  const text = Buffer.from(tail)
    .toString('utf8')
    .replace(/\p{Cc}/gu, ' ');
  return new DatameshError(code, {
    what: `the holder answered: ${text || status}`,
    details: { status, said: text },
  });
}

/** `ids`: hex, one after the other. */
function idsBehind(op: number, ids: string): Uint8Array {
  const header = Buffer.allocUnsafe(1 + ids.length / 2);
  header[0] = op;
  header.write(ids, 1, 'hex');
  return header;
}

const TIME_BYTES = 8;

/** The tail of the answer to `prove`. */
export function encodeSignature({ signedAtMs, signature }: Attestation): Uint8Array {
  const tail = Buffer.alloc(TIME_BYTES + signature.length);
  tail.writeBigUInt64BE(BigInt(signedAtMs));
  tail.set(signature, TIME_BYTES);
  return tail;
}

/** Undefined when it is none. */
export function decodeSignature(tail: Uint8Array): Pick<Attestation, 'signedAtMs' | 'signature'> | undefined {
  if (tail.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined;
  const time = Buffer.from(tail.buffer, tail.byteOffset, TIME_BYTES).readBigUInt64BE();
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return { signedAtMs: Number(time), signature: Uint8Array.from(tail.subarray(TIME_BYTES)) };
}

function idsFrom(header: Uint8Array, start: number): ShardId[] {
  const ids: ShardId[] = [];
  for (let at = start; at < header.length; at += ID_BYTES) ids.push(idAt(header, at));
  return ids;
}

function idAt(header: Uint8Array, offset: number): ShardId {
  return shardIdOf(header.subarray(offset, offset + ID_BYTES));
}
