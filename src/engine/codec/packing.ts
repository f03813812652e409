/**
 * Compression of chunks before they are sealed. A packed chunk is method u8 | length u32 | that many bytes | zeros, as long as its shards hold: the
 * exact length stays under the seal, and no table of lengths is needed. Format: docs/FORMATS.md "Packed chunk".
 */
import * as zlib from 'node:zlib';
import { DatameshError } from '../../errors.ts';
import { shardBytesOf, TAG_BYTES } from './aead.ts';

const HEADER_BYTES = 5;
const METHOD = { stored: 0, zstd: 1, brotli: 2 } as const;
/**
 * Measured on JavaScript and machine code (4 MiB): zstd 1 does 250–280 MB/s to 26–42 %, zstd 3 half that speed for 3–5 points; brotli 1 150–170 MB/s to 28–42 %,
 * deflate 1 half that for more. Back at 600–800 MB/s by zstd.
 */
const ZSTD_LEVEL = 1;
const BROTLI_QUALITY = 1;
/** Shrinking by less is not worth the reader's time. */
const MIN_GAIN = 0.1;
/** Judged by three runs of this length, at the start, in the middle and at the end. */
const SAMPLE_BYTES = 32 * 1024;
/** Output grows by pieces of this. */
const GROWTH_BYTES = 1024 * 1024;

/** Length of a packed chunk in shards of that length: what is sealed. */
export function packedBytes(shardBytes: number, k: number): number {
  return k * shardBytes - TAG_BYTES;
}

/** The longest shards that a packed chunk of so many plaintext bytes can have: those of one that did not shrink. */
export function maxPackedShardBytes(plaintextBytes: number, k: number): number {
  return shardBytesOf(plaintextBytes + HEADER_BYTES, k);
}

/** Whether content like this shrinks by a tenth or more; to be asked of an object's first chunk. */
export function worthPacking(content: Uint8Array): boolean {
  if (content.length === 0) return false;
  const middle = Math.max(0, (content.length - SAMPLE_BYTES) >> 1);
  const sample =
    content.length <= 3 * SAMPLE_BYTES
      ? content
      : Buffer.concat([
          content.subarray(0, SAMPLE_BYTES),
          content.subarray(middle, middle + SAMPLE_BYTES),
          content.subarray(-SAMPLE_BYTES),
        ]);
  return compress(sample).bytes.length <= sample.length * (1 - MIN_GAIN);
}

/** The packed form for k data shards; a chunk that does not shrink by a tenth is stored as it is. */
export function packChunk(plaintext: Uint8Array, k: number): Uint8Array {
  const small = compress(plaintext);
  const shrunk = small.bytes.length <= plaintext.length * (1 - MIN_GAIN);
  const { method, bytes } = shrunk ? small : { method: METHOD.stored, bytes: plaintext };
  const shardBytes = shardBytesOf(HEADER_BYTES + bytes.length, k);
  const packed = Buffer.alloc(packedBytes(shardBytes, k));
  packed.writeUInt8(method, 0);
  packed.writeUInt32BE(bytes.length, 1);
  packed.set(bytes, HEADER_BYTES);
  return packed;
}

/**
 * The chunk's `plaintextBytes` bytes, as the manifest has them: nothing longer is ever allocated, whatever the packed chunk claims. Throws
 * `malformed-data`, `runtime-too-old` where this Node cannot read the method.
 */
export function unpackChunk(packed: Uint8Array, plaintextBytes: number): Uint8Array {
  if (packed.length < HEADER_BYTES) throw malformed('it is shorter than its head');
  const head = Buffer.from(packed.buffer, packed.byteOffset, HEADER_BYTES);
  const length = head.readUInt32BE(1);
  if (length > packed.length - HEADER_BYTES) throw malformed(`it claims ${length} bytes`);
  const bytes = packed.subarray(HEADER_BYTES, HEADER_BYTES + length);
  const plaintext = expand(head.readUInt8(0), bytes, plaintextBytes);
  if (plaintext.length !== plaintextBytes) {
    throw malformed(`it holds ${plaintext.length} bytes and the manifest has ${plaintextBytes}`);
  }
  return plaintext;
}

/** For `doctor`: what compresses here. */
export function packingMethod(): 'zstd' | 'brotli' {
  return typeof zlib.zstdCompressSync === 'function' ? 'zstd' : 'brotli';
}

/** The `plaintextBytes` bytes that `compress` was given, and never more. Throws `malformed-data`, `runtime-too-old`. */
export function expandTo(method: number, bytes: Uint8Array, plaintextBytes: number): Uint8Array {
  const plaintext = expand(method, bytes, plaintextBytes);
  if (plaintext.length !== plaintextBytes)
    throw malformed(`it holds ${plaintext.length} bytes, not ${plaintextBytes}`);
  return plaintext;
}

/** By the method that works here. `method` stands in formats: 0 is as it was, and never given by this function. */
export function compress(bytes: Uint8Array): { method: number; bytes: Uint8Array } {
  if (packingMethod() === 'zstd') {
    const params = { [zlib.constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL };
    return { method: METHOD.zstd, bytes: zlib.zstdCompressSync(bytes, { params, chunkSize: GROWTH_BYTES }) };
  }
  const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
  return {
    method: METHOD.brotli,
    bytes: zlib.brotliCompressSync(bytes, { params, chunkSize: GROWTH_BYTES }),
  };
}

function expand(method: number, bytes: Uint8Array, plaintextBytes: number): Uint8Array {
  if (method === METHOD.stored) return bytes;
  const limits = {
    maxOutputLength: Math.max(1, plaintextBytes),
    chunkSize: Math.max(64, Math.min(plaintextBytes, GROWTH_BYTES)),
  };
  if (method === METHOD.zstd && typeof zlib.zstdDecompressSync !== 'function') {
    throw new DatameshError('runtime-too-old', {
      what: 'the object is compressed with zstd, which this Node.js cannot read',
      mend: 'use Node.js 22.15 or later',
    });
  }
  try {
    if (method === METHOD.zstd) return zlib.zstdDecompressSync(bytes, limits);
    if (method === METHOD.brotli) return zlib.brotliDecompressSync(bytes, limits);
  } catch (cause) {
    throw malformed('it does not unpack to the size that the manifest has', cause);
  }
  throw malformed(`it is packed by an unknown method ${method}`);
}

function malformed(why: string, cause?: unknown): DatameshError {
  return new DatameshError('malformed-data', { what: 'a packed chunk is malformed', why, cause });
}
