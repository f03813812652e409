/**
 * Noise's transport cipher with one cost of the stock one removed: the key is made an OpenSSL key object once per
 * connection instead of once per message (on Node 24 a third of a message's cost). Handshake, hashing and small messages
 * stay the library's own.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { ICryptoInterface } from '@chainsafe/libp2p-noise';
import { defaultCrypto } from '@chainsafe/libp2p-noise/crypto';

const CIPHER = 'chacha20-poly1305';
const TAG_BYTES = 16;
/** Below this the library's WebAssembly cipher is faster (its own measurement, and ours). */
const SMALL_BYTES = 1200;

type Bytes = Parameters<ICryptoInterface['chaCha20Poly1305Encrypt']>[0];

export function noiseCrypto(): ICryptoInterface {
  // Keyed by the session key's own array: forgotten with the connection.
  const keys = new WeakMap<Uint8Array, KeyObject>();
  const keyObject = (key: Uint8Array): KeyObject => {
    let object = keys.get(key);
    if (object === undefined) keys.set(key, (object = createSecretKey(key)));
    return object;
  };
  return {
    ...defaultCrypto,
    chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
      if (plaintext.byteLength < SMALL_BYTES) {
        return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key);
      }
      const cipher = createCipheriv(CIPHER, keyObject(key), nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(ad, { plaintextLength: plaintext.byteLength });
      const output = pieces(plaintext).map((piece) => cipher.update(piece));
      cipher.final();
      return Buffer.concat([...output, cipher.getAuthTag()], plaintext.byteLength + TAG_BYTES);
    },
    chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, dst) {
      if (ciphertext.byteLength < SMALL_BYTES) {
        return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, dst);
      }
      const textBytes = ciphertext.byteLength - TAG_BYTES;
      const decipher = createDecipheriv(CIPHER, keyObject(key), nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(ad, { plaintextLength: textBytes });
      decipher.setAuthTag(ciphertext.subarray(textBytes));
      const text =
        ciphertext instanceof Uint8Array
          ? ciphertext.subarray(0, textBytes)
          : ciphertext.sublist(0, textBytes);
      const output = pieces(text).map((piece) => decipher.update(piece));
      // Throws when the tag does not fit; nothing of `output` has been handed out by then.
      decipher.final();
      return output.length === 1 ? output[0]! : Buffer.concat(output, textBytes);
    },
  };
}

function pieces(bytes: Bytes): Uint8Array[] {
  return bytes instanceof Uint8Array ? [bytes] : [...bytes];
}
