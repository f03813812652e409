/** A bundle (docs/FORMATS.md "Bundles") whose lock costs 8 KiB in place of 64 MiB, so that a million of them can be opened. Written by the format's page, not by the product. */

import { createCipheriv } from 'node:crypto';
import { hashRaw } from '@node-rs/argon2';
import { blake3 } from '../../src/engine/codec/hash.ts';
import { bytesToHex } from '../../src/engine/types.ts';
import { pattern } from '../engine/codec/reference.ts';

const AAD = Buffer.from('datamesh/bundle/1\n');

function sealed(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** One object of 2,000 bytes; opens with the passphrase "p". */
export async function cheapBundle(): Promise<{ bytes: Buffer; headerBytes: number }> {
  const fileKey = pattern(32, 1);
  const [salt, nonce] = [pattern(16, 2), pattern(12, 3)];
  const key = await hashRaw('p', {
    algorithm: 2,
    memoryCost: 8,
    timeCost: 1,
    parallelism: 1,
    outputLen: 32,
    salt,
  });
  const lock = Buffer.from(
    JSON.stringify({
      ...{
        kind: 'argon2id',
        memoryKiB: 8,
        passes: 1,
        lanes: 1,
        salt: bytesToHex(salt),
        nonce: bytesToHex(nonce),
      },
      ciphertext: sealed(key, nonce, AAD, fileKey).toString('hex'),
    }),
  );
  const header = Buffer.concat([
    Buffer.from('datamesh-bundle\n'),
    Uint8Array.of(1, lock.length >> 8, lock.length & 0xff),
    lock,
  ]);
  const content = pattern(2000, 4);
  const head = Buffer.from(
    JSON.stringify({
      name: 'x',
      sizeBytes: content.length,
      mimeType: 'text/plain',
      tags: ['t'],
      createdAtMs: 1,
    }),
  );
  const plain = Buffer.concat([length(head), head, content, blake3(content), Buffer.alloc(4)]);
  const cut = 900;
  const parts = [plain.subarray(0, cut), plain.subarray(cut)].map((part, index, all) => {
    const last = index === all.length - 1 ? 1 : 0;
    const partNonce = Buffer.alloc(12);
    partNonce.writeUInt8(index, 11);
    const aad = Buffer.concat([AAD, blake3(header), Uint8Array.of(last)]);
    return Buffer.concat([Uint8Array.of(last), length(part), sealed(fileKey, partNonce, aad, part)]);
  });
  return { bytes: Buffer.concat([header, ...parts]), headerBytes: header.length };
}

function length(bytes: Uint8Array): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(bytes.length);
  return out;
}
