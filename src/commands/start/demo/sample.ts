/** The demo's file: given or made of random bytes, and the two hashes that the copy read back must have. */
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { blake3Hasher } from '../../../engine/codec/hash.ts';
import { DatameshError } from '../../../errors.ts';

const PIECE_BYTES = 1024 * 1024;

export interface Hashes {
  bytes: number;
  blake3: string;
  sha256: string;
}

/** Writes `sizeBytes` that no compression or deduplication can make less of. */
export async function writeRandomFile(path: string, sizeBytes: number, signal: AbortSignal): Promise<void> {
  // The key stream of AES in counter mode: as random as its key, and fast.
  const stream = createCipheriv('aes-256-ctr', randomBytes(32), Buffer.alloc(16));
  const zeros = Buffer.alloc(PIECE_BYTES);
  function* pieces() {
    for (let left = sizeBytes; left > 0; left -= PIECE_BYTES) {
      yield stream.update(zeros.subarray(0, Math.min(left, PIECE_BYTES)));
    }
  }
  await pipeline(Readable.from(pieces()), createWriteStream(path, { mode: 0o600 }), { signal });
}

/** Size of a file that can be put. Throws `file-not-found`, `is-a-directory`. */
export async function fileSize(path: string): Promise<number> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause;
    throw new DatameshError('file-not-found', { what: `there is no file ${path}`, mend: 'check the path' });
  });
  if (found.isFile()) return found.size;
  throw new DatameshError(found.isDirectory() ? 'is-a-directory' : 'bad-value', {
    what: `${path} is ${found.isDirectory() ? 'a directory' : 'no regular file'}`,
    mend: 'give a file',
  });
}

export function readFileInPieces(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: PIECE_BYTES });
}

export async function hashesOf(source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Hashes> {
  const blake3 = blake3Hasher();
  const sha256 = createHash('sha256');
  let bytes = 0;
  for await (const piece of source) {
    signal.throwIfAborted();
    blake3.update(piece);
    sha256.update(piece);
    bytes += piece.length;
  }
  return { bytes, blake3: Buffer.from(blake3.digest()).toString('hex'), sha256: sha256.digest('hex') };
}
