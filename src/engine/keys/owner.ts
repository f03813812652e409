/** An owner: all keys that follow from 24 words. The derivation is a format (docs/FORMATS.md "Keys"): never change it. */
import { hkdfSync } from 'node:crypto';
import { bytesToHex, hexToBytes, type OwnerId } from '../types.ts';
import { hkdfExpand, hkdfExtract } from './hkdf.ts';
import { openWith } from './hpke.ts';
import type { OwnerKeys } from './keys.ts';
import { seedOfPhrase } from './phrase.ts';
import { KEY_BYTES, privateKeyOf, rawPublicKey, signWith, verifySignature } from './raw-keys.ts';

const SALT = 'datamesh owner v1';
const INFO = {
  signing: 'datamesh/owner/signing/ed25519',
  encryption: 'datamesh/owner/encryption/x25519',
  catalog: 'datamesh/owner/catalog/aes-256-gcm',
  dedup: 'datamesh/owner/dedup/blake3-keyed',
  files: 'datamesh/owner/files/hkdf-sha256',
} as const;
const FILE_KEY_INFO = Buffer.from('datamesh/file-key/2');
const NO_SALT = new Uint8Array(0);

/** The keys of a phrase; `name` is only what the keyring calls it. Throws `bad-phrase`. About 1 ms (PBKDF2 of BIP-39). */
export function deriveOwner(phrase: string, name: string): OwnerKeys {
  const seed = seedOfPhrase(phrase);
  const derive = (info: string) => new Uint8Array(hkdfSync('sha256', seed, SALT, info, KEY_BYTES));
  const signing = privateKeyOf('ed25519', derive(INFO.signing));
  const encryption = privateKeyOf('x25519', derive(INFO.encryption));
  const files = hkdfExtract(NO_SALT, derive(INFO.files));
  return {
    name,
    ownerId: bytesToHex(rawPublicKey('ed25519', signing)) as OwnerId,
    encryptionPublicKey: rawPublicKey('x25519', encryption),
    catalogKey: derive(INFO.catalog),
    dedupSecret: derive(INFO.dedup),
    // The salt stands in HKDF's info: its expansion is a PRF of that under a uniform key, whatever the salt is.
    fileKeyOf: (salt) => hkdfExpand(files, Buffer.concat([FILE_KEY_INFO, salt]), KEY_BYTES),
    sign: (message) => signWith(signing, message),
    open: (box, info, aad) => openWith(encryption, box, info, aad),
  };
}

/** Whether `signature` over `message` is that owner's. False for a malformed id, never a throw. */
export function verifyOwner(ownerId: string, message: Uint8Array, signature: Uint8Array): boolean {
  if (!/^[0-9a-f]{64}$/.test(ownerId)) return false;
  return verifySignature(hexToBytes(ownerId), message, signature);
}
