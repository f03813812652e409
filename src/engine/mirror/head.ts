/**
 * The head of an owner's mirrored catalog: which segments make it up, signed by the owner and numbered upwards, so that a later one takes the place of an earlier one at
 * whoever holds it. The segments are named under a seal: holders see owner, number, time and roughly how many there are, and no more. Format: docs/FORMATS.md "Catalog head".
 */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { DatameshError } from '../../errors.ts';
import { blake3 } from '../codec/hash.ts';
import type { Random } from '../effects/random.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import { KEY_BYTES, SIGNATURE_BYTES, verifySignature } from '../keys/raw-keys.ts';
import { type Point, pointOf } from '../placement/xor.ts';
import { bytesToHex, hexToBytes, isHexId, type ObjectId, type OwnerId, type PeerId } from '../types.ts';

/** An object that holds a part of the catalog. */
export interface SegmentRef {
  objectId: ObjectId;
  /** Write-time holders of its manifest: hints. */
  holders: readonly PeerId[];
  /** Records in it. */
  records: number;
}

/** What everybody can read of a head. */
export interface Head {
  network: string;
  owner: OwnerId;
  /** From 1, greater than that of every head its writer knew. */
  sequence: number;
  writtenAtMs: number;
}

/** The magic is part of what is signed, so no other kind of signed message can be passed off as a head. */
const MAGIC = Buffer.from('datamesh-catalog-head');
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_NETWORK_BYTES = 255;
/** Segments grow by powers of two, so some 20 of them are a million entries. */
export const MAX_SEGMENTS = 64;
/** Hints beyond these are left out: whoever looks asks everybody in the end. */
const MAX_HINTS = 4;
/** The sealed list is padded to a multiple of this, so that its length tells little. */
const PAD_BYTES = 1024;
const MAX_SEALED_BYTES = 32 * 1024;
export const MAX_HEAD_BYTES = MAX_SEALED_BYTES + 1024;
const ID = /^[1-9A-HJ-NP-Za-km-z]{1,128}$/;

/** The bytes that travel. Throws RangeError for what a head cannot hold. */
export function signHead(
  head: Omit<Head, 'owner'>,
  segments: readonly SegmentRef[],
  owner: Pick<OwnerKeys, 'ownerId' | 'sign' | 'catalogKey'>,
  random: Random,
): Uint8Array {
  const network = Buffer.from(head.network);
  if (network.length > MAX_NETWORK_BYTES || segments.length > MAX_SEGMENTS) {
    throw new RangeError('a head too long');
  }
  if (!Number.isSafeInteger(head.sequence) || head.sequence < 1) throw new RangeError('a sequence from 1');
  const numbers = Buffer.alloc(16);
  numbers.writeBigUInt64BE(BigInt(head.sequence), 0);
  numbers.writeBigUInt64BE(BigInt(Math.max(0, Math.trunc(head.writtenAtMs))), 8);
  const front = Buffer.concat([
    MAGIC,
    Uint8Array.of(VERSION, network.length),
    network,
    hexToBytes(owner.ownerId),
    numbers,
  ]);
  const lines = segments.map(({ objectId, holders, records }) => [
    objectId,
    records,
    holders.slice(0, MAX_HINTS),
  ]);
  const plain = Buffer.from(JSON.stringify(lines));
  const padded = Buffer.alloc(Math.ceil((plain.length + 1) / PAD_BYTES) * PAD_BYTES, ' ');
  padded.set(plain);
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(owner.catalogKey), nonce);
  cipher.setAAD(front);
  const sealed = Buffer.concat([nonce, cipher.update(padded), cipher.final(), cipher.getAuthTag()]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(sealed.length);
  const body = Buffer.concat([front, length, sealed]);
  return new Uint8Array(Buffer.concat([body, owner.sign(body)]));
}

/** What a head says openly, its owner's signature verified. Throws `malformed-data`, `format-too-new`, `not-authentic`. */
export function readHead(bytes: Uint8Array): Head {
  const { head, signedBytes } = parse(bytes);
  const body = bytes.subarray(0, signedBytes);
  if (!verifySignature(hexToBytes(head.owner), body, bytes.subarray(signedBytes))) {
    throw new DatameshError('not-authentic', { what: 'the signature of a catalog head is wrong' });
  }
  return head;
}

/** The segments that a head names, with the owner's key. The head was read before. Throws `not-authentic`, `malformed-data`. */
export function openHead(bytes: Uint8Array, owner: Pick<OwnerKeys, 'catalogKey'>): SegmentRef[] {
  const { frontBytes, sealed } = parse(bytes);
  const decipher = createDecipheriv(
    'aes-256-gcm',
    createSecretKey(owner.catalogKey),
    sealed.subarray(0, NONCE_BYTES),
    { authTagLength: TAG_BYTES },
  );
  decipher.setAAD(bytes.subarray(0, frontBytes));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  let text: string;
  try {
    const parts = [decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
    text = Buffer.concat(parts).toString('utf8');
  } catch (cause) {
    throw new DatameshError('not-authentic', { what: 'the seal of a catalog head is broken', cause });
  }
  let lines: unknown;
  try {
    lines = JSON.parse(text);
  } catch (cause) {
    throw malformed('its list is no JSON', cause);
  }
  if (!Array.isArray(lines) || lines.length > MAX_SEGMENTS) throw malformed('its list is too long');
  return lines.map(segmentOf);
}

/** Whether `head` takes the place of `known`. Of two with one number the greater hash holds, so that all holders come to the same. */
export function supersedes(
  head: { sequence: number; bytes: Uint8Array },
  known: { sequence: number; bytes: Uint8Array } | undefined,
): boolean {
  if (known === undefined || head.sequence !== known.sequence) return head.sequence > (known?.sequence ?? 0);
  return Buffer.compare(blake3(head.bytes), blake3(known.bytes)) > 0;
}

/** Where an owner's head lies: with the nodes closest to this point. */
export function pointOfHead(owner: OwnerId): Point {
  return pointOf(blake3(Buffer.concat([Buffer.from('datamesh/head/1'), hexToBytes(owner)])));
}

function segmentOf(line: unknown): SegmentRef {
  if (!Array.isArray(line) || line.length !== 3) throw malformed('a segment');
  const [objectId, records, holders] = line as unknown[];
  if (typeof objectId !== 'string' || !isHexId(objectId)) throw malformed('an object id');
  if (typeof records !== 'number' || !Number.isSafeInteger(records) || records < 0)
    throw malformed('a count');
  if (!Array.isArray(holders) || holders.length > MAX_HINTS) throw malformed('holders');
  if (!holders.every((it) => typeof it === 'string' && ID.test(it))) throw malformed('a holder');
  return { objectId: objectId as ObjectId, records, holders: holders as PeerId[] };
}

function parse(input: Uint8Array) {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (bytes.length > MAX_HEAD_BYTES) throw malformed(`it has ${bytes.length} bytes`);
  if (bytes.length < MAGIC.length + 2 || !MAGIC.equals(bytes.subarray(0, MAGIC.length))) {
    throw malformed('it does not begin like one');
  }
  const version = bytes[MAGIC.length]!;
  if (version > VERSION) {
    throw new DatameshError('format-too-new', {
      what: `a catalog head of version ${version}`,
      mend: 'update datamesh',
    });
  }
  if (version !== VERSION) throw malformed('its version is 0');
  const networkBytes = bytes[MAGIC.length + 1]!;
  const networkAt = MAGIC.length + 2;
  const ownerAt = networkAt + networkBytes;
  const frontBytes = ownerAt + KEY_BYTES + 16;
  const sealedAt = frontBytes + 4;
  if (bytes.length < sealedAt + SIGNATURE_BYTES) throw malformed('it ends too early');
  const sealedBytes = bytes.readUInt32BE(frontBytes);
  const padded = sealedBytes - NONCE_BYTES - TAG_BYTES;
  if (padded < PAD_BYTES || padded % PAD_BYTES !== 0 || sealedBytes > MAX_SEALED_BYTES) {
    throw malformed('its sealed list has an impossible length');
  }
  const signedBytes = sealedAt + sealedBytes;
  if (bytes.length !== signedBytes + SIGNATURE_BYTES) throw malformed('its length does not fit');
  const raw = bytes.subarray(networkAt, ownerAt);
  const network = raw.toString('utf8');
  // Bytes that are no UTF-8 would read as another name than was signed.
  if (!Buffer.from(network).equals(raw)) throw malformed('its network is no UTF-8');
  const sequence = numberAt(bytes, ownerAt + KEY_BYTES);
  const writtenAtMs = numberAt(bytes, ownerAt + KEY_BYTES + 8);
  if (sequence < 1) throw malformed('its sequence is 0');
  const owner = bytesToHex(bytes.subarray(ownerAt, ownerAt + KEY_BYTES)) as OwnerId;
  const head: Head = { network, owner, sequence, writtenAtMs };
  return { head, frontBytes, sealed: bytes.subarray(sealedAt, signedBytes), signedBytes };
}

function numberAt(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64BE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('a number is out of range');
  return Number(value);
}

function malformed(why: string, cause?: unknown): DatameshError {
  return new DatameshError('malformed-data', { what: 'the catalog head is malformed', why, cause });
}
