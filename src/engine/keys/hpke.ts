/**
 * HPKE base mode (RFC 9180) on node:crypto: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-GCM, one message per context.
 * datamesh uses AES-256-GCM; the AES-128 suite exists because the RFC's appendix A.1 proves the rest of the code with it.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto';
import { DatameshError } from '../../errors.ts';
import type { Random } from '../effects/random.ts';
import type { SealedBox } from './keys.ts';
import { KEY_BYTES, privateKeyOf, publicKeyOf, rawPublicKey } from './raw-keys.ts';

export interface AeadSuite {
  /** RFC 9180 §7.3. */
  aeadId: number;
  keyBytes: 16 | 32;
  cipher: 'aes-128-gcm' | 'aes-256-gcm';
}

export const AES_128_GCM: AeadSuite = { aeadId: 0x0001, keyBytes: 16, cipher: 'aes-128-gcm' };
export const AES_256_GCM: AeadSuite = { aeadId: 0x0002, keyBytes: 32, cipher: 'aes-256-gcm' };

/** RFC 9180 §7.1 and §7.2. */
const KEM_X25519_SHA256 = 0x0020;
const KDF_SHA256 = 0x0001;
const MODE_BASE = 0;
const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
const HASH_BYTES = 32;
const EMPTY = new Uint8Array(0);

const KEM_SUITE = Buffer.concat([Buffer.from('KEM'), twoBytes(KEM_X25519_SHA256)]);

export interface MessageKey {
  key: Uint8Array;
  baseNonce: Uint8Array;
}

/**
 * Seals `plaintext` to an X25519 public key (32 bytes). `info` names the purpose, `aad` is bound but not hidden; both must
 * be the same when opening. Throws `malformed-data` for a public key of low order.
 */
export function sealTo(
  publicKey: Uint8Array,
  plaintext: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  random: Random,
): SealedBox {
  return sealWithEphemeral(
    deriveKeyPair(random.bytes(KEY_BYTES)),
    publicKey,
    plaintext,
    info,
    aad,
    AES_256_GCM,
  );
}

/** The plaintext of a box sealed to `privateKey`'s public half. Throws `not-authentic` for anything else. */
export function openWith(
  privateKey: KeyObject,
  box: SealedBox,
  info: Uint8Array,
  aad: Uint8Array,
  suite: AeadSuite = AES_256_GCM,
): Uint8Array {
  if (box.enc.length !== KEY_BYTES || box.ciphertext.length < TAG_BYTES) throw notAuthentic();
  try {
    const dh = diffieHellman({ privateKey, publicKey: publicKeyOf('x25519', box.enc) });
    const secret = sharedSecret(dh, box.enc, rawPublicKey('x25519', privateKey));
    const { key, baseNonce } = keySchedule(secret, info, suite);
    const decipher = createDecipheriv(suite.cipher, createSecretKey(key), baseNonce, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(aad);
    const split = box.ciphertext.length - TAG_BYTES;
    decipher.setAuthTag(box.ciphertext.subarray(split));
    return new Uint8Array(
      Buffer.concat([decipher.update(box.ciphertext.subarray(0, split)), decipher.final()]),
    );
  } catch (cause) {
    throw notAuthentic(cause);
  }
}

/** The part of sealing that is the same every time for the same ephemeral key; the vectors of the RFC test it. */
export function sealWithEphemeral(
  ephemeral: KeyObject,
  publicKey: Uint8Array,
  plaintext: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  suite: AeadSuite,
): SealedBox {
  const enc = rawPublicKey('x25519', ephemeral);
  const secret = sharedSecret(agree(ephemeral, publicKey), enc, publicKey);
  const { key, baseNonce } = keySchedule(secret, info, suite);
  const cipher = createCipheriv(suite.cipher, createSecretKey(key), baseNonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  return { enc, ciphertext: new Uint8Array(ciphertext) };
}

/** DeriveKeyPair of RFC 9180 §7.1.3: an X25519 private key of at least 32 random bytes. */
export function deriveKeyPair(ikm: Uint8Array): KeyObject {
  const prk = labeledExtract(KEM_SUITE, EMPTY, 'dkp_prk', ikm);
  return privateKeyOf('x25519', labeledExpand(KEM_SUITE, prk, 'sk', EMPTY, KEY_BYTES));
}

/** ExtractAndExpand of RFC 9180 §4.1, of a Diffie-Hellman result, the encapsulated key and the recipient's public key. */
export function sharedSecret(dh: Uint8Array, enc: Uint8Array, recipient: Uint8Array): Uint8Array {
  const prk = labeledExtract(KEM_SUITE, EMPTY, 'eae_prk', dh);
  return labeledExpand(KEM_SUITE, prk, 'shared_secret', Buffer.concat([enc, recipient]), HASH_BYTES);
}

/** KeySchedule of RFC 9180 §5.1 in base mode: key and nonce of the context's first message. */
export function keySchedule(secret: Uint8Array, info: Uint8Array, suite: AeadSuite): MessageKey {
  const suiteId = Buffer.concat([
    Buffer.from('HPKE'),
    twoBytes(KEM_X25519_SHA256),
    twoBytes(KDF_SHA256),
    twoBytes(suite.aeadId),
  ]);
  const context = Buffer.concat([
    Uint8Array.of(MODE_BASE),
    labeledExtract(suiteId, EMPTY, 'psk_id_hash', EMPTY),
    labeledExtract(suiteId, EMPTY, 'info_hash', info),
  ]);
  const prk = labeledExtract(suiteId, secret, 'secret', EMPTY);
  return {
    key: labeledExpand(suiteId, prk, 'key', context, suite.keyBytes),
    baseNonce: labeledExpand(suiteId, prk, 'base_nonce', context, NONCE_BYTES),
  };
}

function agree(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array {
  try {
    // OpenSSL refuses an all-zero result, which RFC 9180 §7.1.4 asks for.
    return diffieHellman({ privateKey, publicKey: publicKeyOf('x25519', publicKey) });
  } catch (cause) {
    throw new DatameshError('malformed-data', {
      what: 'the recipient key is not a usable X25519 key',
      cause,
    });
  }
}

function labeledExtract(suiteId: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  // A key object: Node 24 spends 15 µs on finding out that bytes are none, several times in each box.
  return createHmac('sha256', createSecretKey(salt))
    .update('HPKE-v1')
    .update(suiteId)
    .update(label)
    .update(ikm)
    .digest();
}

/** One HMAC block is enough: nothing here is longer than the 32 bytes of SHA-256. */
function labeledExpand(
  suiteId: Uint8Array,
  prk: Uint8Array,
  label: string,
  info: Uint8Array,
  lengthBytes: number,
): Uint8Array {
  const block = createHmac('sha256', createSecretKey(prk))
    .update(twoBytes(lengthBytes))
    .update('HPKE-v1')
    .update(suiteId)
    .update(label)
    .update(info)
    .update(Uint8Array.of(1))
    .digest();
  return block.subarray(0, lengthBytes);
}

function twoBytes(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function notAuthentic(cause?: unknown): DatameshError {
  return new DatameshError('not-authentic', {
    what: 'a sealed box does not open',
    why: 'it was sealed to another key or for another purpose, or was changed on the way',
    cause,
  });
}
