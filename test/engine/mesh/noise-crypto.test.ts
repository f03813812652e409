import { randomBytes } from 'node:crypto';
import { defaultCrypto } from '@chainsafe/libp2p-noise/crypto';

import { Uint8ArrayList } from 'uint8arraylist';
import { expect, test } from 'vitest';
import { noiseCrypto } from '../../../src/engine/mesh/noise-crypto.ts';

const ours = noiseCrypto();
const bytes = (value: { subarray(): Uint8Array }) => Buffer.from(value.subarray());
/** The library may carry another version of the list class; only its shape matters. */
const list = (...parts: Uint8Array[]) => new Uint8ArrayList(...parts) as never;

test.each([0, 1, 1199, 1200, 65_519])(
  '%i bytes: the same ciphertext as the library, opened by either',
  (size) => {
    const [key, nonce, ad, text] = [randomBytes(32), randomBytes(12), randomBytes(32), randomBytes(size)];
    const twoParts = list(text.subarray(0, size >> 1), text.subarray(size >> 1));
    const theirs = bytes(defaultCrypto.chaCha20Poly1305Encrypt(text, nonce, ad, key));
    expect(bytes(ours.chaCha20Poly1305Encrypt(text, nonce, ad, key)).equals(theirs)).toBe(true);
    expect(bytes(ours.chaCha20Poly1305Encrypt(twoParts, nonce, ad, key)).equals(theirs)).toBe(true);
    expect(bytes(ours.chaCha20Poly1305Decrypt(theirs, nonce, ad, key)).equals(text)).toBe(true);
    const halves = list(theirs.subarray(0, size >> 1), theirs.subarray(size >> 1));
    expect(bytes(ours.chaCha20Poly1305Decrypt(halves, nonce, ad, key)).equals(text)).toBe(true);
  },
);

test('a flipped bit anywhere is refused', () => {
  const [key, nonce, ad] = [randomBytes(32), randomBytes(12), randomBytes(32)];
  const sealed = bytes(ours.chaCha20Poly1305Encrypt(randomBytes(2000), nonce, ad, key));
  for (const at of [0, 1000, 1999, 2000, 2015]) {
    const wrong = Uint8Array.from(sealed);
    wrong[at]! ^= 1;
    expect(() => ours.chaCha20Poly1305Decrypt(wrong, nonce, ad, key)).toThrow();
  }
  expect(() => ours.chaCha20Poly1305Decrypt(sealed, nonce, randomBytes(32), key)).toThrow();
});
