/**
 * A secret at rest: plain, when the file's mode is its only guard, or locked with a passphrase:
 * Argon2id (RFC 9106) → AES-256-GCM. `aad` binds the secret to the key it belongs to.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { DatameshError } from '../../errors.ts';
import type { Random } from '../effects/random.ts';
import { bytesToHex, hexToBytes } from '../types.ts';

export type StoredSecret =
  | { kind: 'plain'; entropy: string }
  | {
      kind: 'argon2id';
      memoryKiB: number;
      passes: number;
      lanes: number;
      salt: string;
      nonce: string;
      /** Ciphertext and 16-byte tag. */
      ciphertext: string;
    };

/** RFC 9106 §4, second recommended option, with one lane: 41 ms on the reference machine. */
const MEMORY_KIB = 64 * 1024;
const PASSES = 3;
const LANES = 1;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** A file may ask for at most this much: a hostile import must not take the machine's memory. */
const MAX_MEMORY_KIB = 1024 * 1024;
const MAX_PASSES = 16;
const MAX_LANES = 16;
/** RFC 9106 §3.1: each lane has at least so much, and a salt so many bytes. */
const MIN_LANE_KIB = 8;
const MIN_SALT_BYTES = 8;
/** The numeric value of `Algorithm.Argon2id`: the package declares a const enum, which type stripping can't read. */
const ARGON2ID = 2;

export async function lockSecret(
  entropy: Uint8Array,
  passphrase: string | undefined,
  aad: Uint8Array,
  random: Random,
): Promise<StoredSecret> {
  if (passphrase === undefined) return { kind: 'plain', entropy: bytesToHex(entropy) };
  const cost = { memoryKiB: MEMORY_KIB, passes: PASSES, lanes: LANES };
  const salt = random.bytes(SALT_BYTES);
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', await stretch(passphrase, salt, cost), nonce);
  cipher.setAAD(aad);
  const ciphertext = Buffer.concat([cipher.update(entropy), cipher.final(), cipher.getAuthTag()]);
  return {
    kind: 'argon2id',
    ...cost,
    salt: bytesToHex(salt),
    nonce: bytesToHex(nonce),
    ciphertext: bytesToHex(ciphertext),
  };
}

/** Throws `wrong-passphrase` when it is missing or does not open the secret. `label` names the key for the message. */
export async function unlockSecret(
  secret: StoredSecret,
  passphrase: string | undefined,
  aad: Uint8Array,
  label: string,
): Promise<Uint8Array> {
  if (secret.kind === 'plain') return hexToBytes(secret.entropy);
  if (passphrase === undefined) {
    throw new DatameshError('wrong-passphrase', {
      what: `${label} is protected by a passphrase and none was given`,
      mend: 'give it with --passphrase-file FILE or DATAMESH_PASSPHRASE_FILE, or run the command on a terminal',
    });
  }
  const key = await stretch(passphrase, hexToBytes(secret.salt), secret);
  const sealed = hexToBytes(secret.ciphertext);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, hexToBytes(secret.nonce), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]));
  } catch (cause) {
    throw new DatameshError('wrong-passphrase', {
      what: `the passphrase does not open ${label}`,
      mend: 'try again; without the passphrase only the 24 words bring the key back (datamesh keys import)',
      cause,
    });
  }
}

/** Checks the shape of a secret read from a file; `undefined` when it is none. */
export function parseSecret(value: unknown): StoredSecret | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const secret = value as Record<string, unknown>;
  if (secret.kind === 'plain')
    return isHex(secret.entropy) ? { kind: 'plain', entropy: secret.entropy } : undefined;
  if (secret.kind !== 'argon2id') return undefined;
  const { memoryKiB, passes, lanes, salt, nonce, ciphertext } = secret;
  if (!isCount(memoryKiB, MAX_MEMORY_KIB) || !isCount(passes, MAX_PASSES) || !isCount(lanes, MAX_LANES))
    return undefined;
  if (memoryKiB < MIN_LANE_KIB * lanes) return undefined;
  if (!isHex(salt) || !isHex(nonce) || !isHex(ciphertext) || ciphertext.length < 2 * TAG_BYTES)
    return undefined;
  if (salt.length < 2 * MIN_SALT_BYTES || nonce.length !== 2 * NONCE_BYTES) return undefined;
  return { kind: 'argon2id', memoryKiB, passes, lanes, salt, nonce, ciphertext };
}

async function stretch(
  passphrase: string,
  salt: Uint8Array,
  cost: { memoryKiB: number; passes: number; lanes: number },
): Promise<Uint8Array> {
  // Loaded on demand: most commands never open a protected key.
  const { hashRaw } = await import('@node-rs/argon2');
  return hashRaw(passphrase.normalize('NFKC'), {
    algorithm: ARGON2ID,
    memoryCost: cost.memoryKiB,
    timeCost: cost.passes,
    parallelism: cost.lanes,
    outputLen: 32,
    salt,
  });
}

function isHex(value: unknown): value is string {
  return typeof value === 'string' && value.length % 2 === 0 && /^[0-9a-f]*$/.test(value);
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max;
}
