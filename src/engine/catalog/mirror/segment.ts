/**
 * A segment of the mirrored catalog: records, packed and sealed with the owner's catalog key in parts, so that neither writer nor reader holds more than one. It is the
 * content of an ordinary object. Owner, segment, place and end are bound as additional data: parts can be neither cut off, moved nor passed off as another's.
 * Format: docs/FORMATS.md "Catalog mirror".
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { DatameshError } from '../../../errors.ts';
import type { Random } from '../../effects/random.ts';
import type { OwnerKeys } from '../../keys/keys.ts';
import { hexToBytes } from '../../types.ts';
import { decodeRecord, encodeRecord, type MirrorRecord } from './records.ts';

const pack = promisify(deflateRaw);
const unpack = promisify(inflateRaw);

/** MIME type of the objects, under the seal of their manifests: a scan of all objects leaves them out. */
export const SEGMENT_MIME_TYPE = 'application/vnd.datamesh.catalog-segment';
const MAGIC = Buffer.from('DMCS');
/** 2: entries tell deletion and its time, pools what they keep. Lines of 1 are read as well. */
const VERSION = 2;
const ID_BYTES = 16;
const HEADER_BYTES = MAGIC.length + 1 + ID_BYTES;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Records of a part: 10,000 entries are 20 parts of some 60 KiB, each packed within a millisecond or two. */
export const RECORDS_PER_PART = 500;
/** 500 records of the longest names, tags and lists of holders. */
const MAX_PART_BYTES = 24 * 1024 * 1024;
const CONTEXT = Buffer.from('datamesh/catalog-segment/1\n');

export type SegmentKeys = Pick<OwnerKeys, 'ownerId' | 'catalogKey'>;

/** `parts`: at most RECORDS_PER_PART records each; all but the last may be of any number. */
export async function* sealSegment(
  parts: AsyncIterable<readonly MirrorRecord[]>,
  owner: SegmentKeys,
  random: Random,
): AsyncGenerator<Uint8Array> {
  const key = createSecretKey(owner.catalogKey);
  const id = random.bytes(ID_BYTES);
  yield Buffer.concat([MAGIC, Uint8Array.of(VERSION), id]);
  let index = 0;
  let waiting: readonly MirrorRecord[] = [];
  for await (const part of parts) {
    if (waiting.length > 0) yield await sealPart(waiting, index++, false);
    waiting = part;
  }
  yield await sealPart(waiting, index, true);

  async function sealPart(records: readonly MirrorRecord[], at: number, last: boolean): Promise<Uint8Array> {
    const packed = await pack(Buffer.from(records.map((it) => `${encodeRecord(it)}\n`).join('')));
    const nonce = random.bytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(additional(owner, id, at, last));
    const sealed = Buffer.concat([cipher.update(packed), cipher.final()]);
    const length = Buffer.alloc(5);
    length.writeUInt8(last ? 1 : 0, 0);
    length.writeUInt32BE(sealed.length, 1);
    return Buffer.concat([length, nonce, sealed, cipher.getAuthTag()]);
  }
}

/** The records of a segment, part by part. Throws `malformed-data`, `not-authentic`, `format-too-new`. */
export async function* openSegment(
  source: AsyncIterable<Uint8Array>,
  owner: SegmentKeys,
): AsyncGenerator<MirrorRecord[]> {
  const key = createSecretKey(owner.catalogKey);
  let held = Buffer.alloc(0);
  let id: Uint8Array | undefined;
  let index = 0;
  let ended = false;
  for await (const piece of source) {
    held = Buffer.concat([held, piece]);
    if (id === undefined) {
      if (held.length < HEADER_BYTES) continue;
      checkHeader(held);
      id = Uint8Array.from(held.subarray(MAGIC.length + 1, HEADER_BYTES));
      held = held.subarray(HEADER_BYTES);
    }
    for (;;) {
      const part = firstPart(held);
      if (part === undefined) break;
      if (ended) throw malformed('bytes follow its last part');
      held = held.subarray(part.bytes);
      yield await openPart(key, owner, id, index++, part);
      ended = part.last;
    }
  }
  if (!ended || held.length > 0) throw malformed('it ends in the middle of a part');
}

interface Part {
  last: boolean;
  nonce: Uint8Array;
  sealed: Uint8Array;
  tag: Uint8Array;
  bytes: number;
}

function firstPart(held: Buffer): Part | undefined {
  if (held.length < 5) return undefined;
  const length = held.readUInt32BE(1);
  if (held[0]! > 1 || length > MAX_PART_BYTES) throw malformed('a part of an impossible length');
  const bytes = 5 + NONCE_BYTES + length + TAG_BYTES;
  if (held.length < bytes) return undefined;
  const sealedAt = 5 + NONCE_BYTES;
  return {
    last: held[0] === 1,
    nonce: held.subarray(5, sealedAt),
    sealed: held.subarray(sealedAt, sealedAt + length),
    tag: held.subarray(sealedAt + length, bytes),
    bytes,
  };
}

async function openPart(
  key: KeyObject,
  owner: SegmentKeys,
  id: Uint8Array,
  index: number,
  part: Part,
): Promise<MirrorRecord[]> {
  const decipher = createDecipheriv('aes-256-gcm', key, part.nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(additional(owner, id, index, part.last));
  decipher.setAuthTag(part.tag);
  let packed: Buffer;
  try {
    packed = Buffer.concat([decipher.update(part.sealed), decipher.final()]);
  } catch (cause) {
    throw new DatameshError('not-authentic', {
      what: 'a segment of the mirrored catalog is not what this owner wrote',
      cause,
    });
  }
  const lines = await unpack(packed, { maxOutputLength: MAX_PART_BYTES }).catch((cause: unknown) => {
    throw malformed('a part does not unpack', cause);
  });
  const records = lines.toString('utf8').split('\n');
  if (records.pop() !== '' || records.length > RECORDS_PER_PART) throw malformed('a part of too many lines');
  return records.map(decodeRecord);
}

function checkHeader(bytes: Uint8Array): void {
  if (!MAGIC.equals(bytes.subarray(0, MAGIC.length))) throw malformed('it does not begin like one');
  const version = bytes[MAGIC.length]!;
  if (version >= 1 && version <= VERSION) return;
  if (version === 0) throw malformed('its version is 0');
  throw new DatameshError('format-too-new', {
    what: `a segment of the mirrored catalog has version ${version}, this datamesh reads ${VERSION}`,
    mend: 'update datamesh',
  });
}

function additional({ ownerId }: SegmentKeys, id: Uint8Array, index: number, last: boolean): Uint8Array {
  const place = Buffer.alloc(5);
  place.writeUInt32BE(index);
  place.writeUInt8(last ? 1 : 0, 4);
  return Buffer.concat([CONTEXT, hexToBytes(ownerId), id, place]);
}

function malformed(why: string, cause?: unknown): DatameshError {
  return new DatameshError('malformed-data', {
    what: 'a segment of the mirrored catalog is malformed',
    why,
    cause,
  });
}
