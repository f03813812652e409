import { diffieHellman } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { realRandom } from '../../../src/engine/effects/random.ts';
import {
  AES_128_GCM,
  AES_256_GCM,
  type AeadSuite,
  deriveKeyPair,
  keySchedule,
  openWith,
  sealTo,
  sealWithEphemeral,
  sharedSecret,
} from '../../../src/engine/keys/hpke.ts';
import { privateKeyOf, publicKeyOf, rawPublicKey } from '../../../src/engine/keys/raw-keys.ts';
import { bytesToHex, hexToBytes } from '../../../src/engine/types.ts';

interface Vector {
  source: string;
  aeadId: number;
  info: string;
  ikmE: string;
  pkEm: string;
  ikmR: string;
  pkRm: string;
  skRm: string;
  sharedSecret: string;
  key: string;
  baseNonce: string;
  aad: string;
  pt: string;
  ct: string;
}

const folder = new URL('../../golden/keys/', import.meta.url);
const vectors = JSON.parse(readFileSync(new URL('hpke-rfc9180.json', folder), 'utf8')) as Vector[];
const bytes = hexToBytes;
const text = (content: string) => new TextEncoder().encode(content);

/** RFC 9180's third suite, only to check the schedule with 32-byte keys against a published vector. */
const CHACHA = { aeadId: 3, keyBytes: 32, cipher: 'aes-256-gcm' } as const satisfies AeadSuite;
const suiteOf = (vector: Vector): AeadSuite => (vector.aeadId === 1 ? AES_128_GCM : CHACHA);

describe.each(vectors)('$source', (vector) => {
  it('derives both key pairs', () => {
    expect(bytesToHex(rawPublicKey('x25519', deriveKeyPair(bytes(vector.ikmE))))).toBe(vector.pkEm);
    expect(bytesToHex(rawPublicKey('x25519', deriveKeyPair(bytes(vector.ikmR))))).toBe(vector.pkRm);
    expect(bytesToHex(rawPublicKey('x25519', privateKeyOf('x25519', bytes(vector.skRm))))).toBe(vector.pkRm);
  });

  it('agrees on the shared secret', () => {
    const privateKey = privateKeyOf('x25519', bytes(vector.skRm));
    const dh = diffieHellman({ privateKey, publicKey: publicKeyOf('x25519', bytes(vector.pkEm)) });
    expect(bytesToHex(sharedSecret(dh, bytes(vector.pkEm), bytes(vector.pkRm)))).toBe(vector.sharedSecret);
  });

  it('schedules key and nonce', () => {
    const { key, baseNonce } = keySchedule(bytes(vector.sharedSecret), bytes(vector.info), suiteOf(vector));
    expect([bytesToHex(key), bytesToHex(baseNonce)]).toEqual([vector.key, vector.baseNonce]);
  });
});

describe('AES-128-GCM of RFC 9180 A.1.1', () => {
  const vector = vectors[0]!;
  it('seals and opens the published message', () => {
    const ephemeral = deriveKeyPair(bytes(vector.ikmE));
    const box = sealWithEphemeral(
      ephemeral,
      bytes(vector.pkRm),
      bytes(vector.pt),
      bytes(vector.info),
      bytes(vector.aad),
      AES_128_GCM,
    );
    expect(bytesToHex(box.enc)).toBe(vector.pkEm);
    expect(bytesToHex(box.ciphertext)).toBe(vector.ct);
    const recipient = privateKeyOf('x25519', bytes(vector.skRm));
    expect(bytesToHex(openWith(recipient, box, bytes(vector.info), bytes(vector.aad), AES_128_GCM))).toBe(
      vector.pt,
    );
  });
});

describe('AES-256-GCM', () => {
  const recipient = deriveKeyPair(new Uint8Array(32).fill(7));
  const publicKey = rawPublicKey('x25519', recipient);
  const info = text('test');
  const aad = text('aad');

  it('keeps its format', () => {
    const golden = JSON.parse(readFileSync(new URL('hpke-aes-256-gcm.json', folder), 'utf8')) as {
      enc: string;
      ciphertext: string;
    };
    const box = sealWithEphemeral(
      deriveKeyPair(new Uint8Array(32).fill(9)),
      publicKey,
      text('file key'),
      info,
      aad,
      AES_256_GCM,
    );
    expect({ enc: bytesToHex(box.enc), ciphertext: bytesToHex(box.ciphertext) }).toEqual(golden);
  });

  it('opens what was sealed, for any content', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 40 }), (plaintext, bound) => {
        const box = sealTo(publicKey, plaintext, info, bound, realRandom());
        expect(box.enc).toHaveLength(32);
        expect(box.ciphertext).toHaveLength(plaintext.length + 16);
        expect(openWith(recipient, box, info, bound)).toEqual(new Uint8Array(plaintext));
      }),
      { numRuns: 30 },
    );
  });

  it('seals the same text differently each time', () => {
    const random = realRandom();
    const first = sealTo(publicKey, text('x'), info, aad, random);
    const second = sealTo(publicKey, text('x'), info, aad, random);
    expect(bytesToHex(first.enc)).not.toBe(bytesToHex(second.enc));
    expect(bytesToHex(first.ciphertext)).not.toBe(bytesToHex(second.ciphertext));
  });

  it('refuses every single flipped bit', () => {
    const box = sealTo(publicKey, text('file key'), info, aad, realRandom());
    for (let index = 0; index < box.ciphertext.length; index++) {
      const ciphertext = box.ciphertext.slice();
      ciphertext[index]! ^= 1;
      expect(() => openWith(recipient, { ...box, ciphertext }, info, aad)).toThrow(
        expect.objectContaining({ code: 'not-authentic' }),
      );
    }
    const enc = box.enc.slice();
    enc[0]! ^= 1;
    expect(() => openWith(recipient, { ...box, enc }, info, aad)).toThrow(
      expect.objectContaining({ code: 'not-authentic' }),
    );
  });

  it.each([
    ['another purpose', recipient, 'other', 'aad'],
    ['another binding', recipient, 'test', 'bbb'],
    ['another recipient', deriveKeyPair(new Uint8Array(32).fill(8)), 'test', 'aad'],
  ] as const)('does not open for %s', (_, key, otherInfo, otherAad) => {
    const box = sealTo(publicKey, text('file key'), info, aad, realRandom());
    expect(() => openWith(key, box, text(otherInfo), text(otherAad))).toThrow(
      expect.objectContaining({ code: 'not-authentic' }),
    );
  });

  it('refuses boxes that are too short, and recipients of low order', () => {
    const short = { enc: new Uint8Array(31), ciphertext: new Uint8Array(40) };
    expect(() => openWith(recipient, short, info, aad)).toThrow(
      expect.objectContaining({ code: 'not-authentic' }),
    );
    const empty = { enc: new Uint8Array(32), ciphertext: new Uint8Array(15) };
    expect(() => openWith(recipient, empty, info, aad)).toThrow(
      expect.objectContaining({ code: 'not-authentic' }),
    );
    expect(() => sealTo(new Uint8Array(32), text('x'), info, aad, realRandom())).toThrow(
      expect.objectContaining({ code: 'malformed-data' }),
    );
  });
});
