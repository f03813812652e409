/** What the engine needs of keys. Hierarchy: docs/FORMATS.md "Keys" (phrase → seed → HKDF → these). */
import type { OwnerId } from '../types.ts';

export interface SealedBox {
  /** HPKE encapsulated key, 32 bytes. */
  enc: Uint8Array;
  /** Ciphertext with tag. */
  ciphertext: Uint8Array;
}

export interface OwnerKeys {
  /** Name in the keyring. */
  name: string;
  ownerId: OwnerId;
  /** X25519 public key, 32 bytes: file keys are sealed to it. */
  encryptionPublicKey: Uint8Array;
  /** 32 bytes, for the mirror of the catalog. */
  catalogKey: Uint8Array;
  /** 32 bytes, for pools with dedup. */
  dedupSecret: Uint8Array;
  /**
   * The file key, 32 bytes, that belongs to a salt of 32 random bytes: a pseudo-random function under a secret of the owner, so the salt may be public. What
   * the owner stores for herself needs no public-key cryptography to be sealed or opened (docs/decisions/small-objects.md).
   */
  fileKeyOf(salt: Uint8Array): Uint8Array;
  /** Ed25519, 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
  /** Throws `not-authentic`. */
  open(box: SealedBox, info: Uint8Array, aad: Uint8Array): Uint8Array;
}
