/**
 * The node's own identity: a random Ed25519 key, made on the node and never derived from a phrase, so that a lost device
 * is revoked without touching data. File: docs/FORMATS.md "Keys".
 */
import { DatameshError } from '../../errors.ts';
import type { Disk } from '../effects/disk.ts';
import type { Random } from '../effects/random.ts';
import type { PeerId } from '../types.ts';
import { KEY_BYTES, peerIdOf, privateKeyOf, rawPublicKey, signWith } from './raw-keys.ts';
import { readSecretFile, SECRET_MODE } from './secret-file.ts';

export interface Device {
  /** 32 bytes: the Ed25519 seed from which libp2p makes its private key. Secret. */
  seed: Uint8Array;
  /** 32 bytes. */
  publicKey: Uint8Array;
  peerId: PeerId;
  /** Ed25519, 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

const MAGIC = Buffer.from('DMDK');
const VERSION = 1;
const HEAD_BYTES = 5;
const FILE_BYTES = HEAD_BYTES + 2 * KEY_BYTES;

/**
 * Reads the identity in `path`, or makes one and writes it with mode 0600. Throws `insecure-file-mode` when others may
 * read the file, `malformed-data` when it is damaged: a new identity is never put in place of an unreadable one.
 */
export async function loadOrCreateDevice(disk: Disk, path: string, random: Random): Promise<Device> {
  const existing = await loadDevice(disk, path);
  if (existing !== undefined) return existing;
  const device = deviceOfSeed(random.bytes(KEY_BYTES));
  const file = Buffer.concat([MAGIC, Uint8Array.of(VERSION), device.seed, device.publicKey]);
  await disk.writeFileAtomic(path, file, SECRET_MODE);
  return device;
}

/** The identity in `path`; `undefined` when there is none. Throws as `loadOrCreateDevice`. */
export async function loadDevice(disk: Disk, path: string): Promise<Device | undefined> {
  const file = await readSecretFile(disk, path, 4096);
  return file === undefined ? undefined : parseDevice(file, path);
}

export function deviceOfSeed(seed: Uint8Array): Device {
  const key = privateKeyOf('ed25519', seed);
  const publicKey = rawPublicKey('ed25519', key);
  return { seed, publicKey, peerId: peerIdOf(publicKey), sign: (message) => signWith(key, message) };
}

function parseDevice(file: Uint8Array, path: string): Device {
  if (file.length < HEAD_BYTES || !MAGIC.equals(file.subarray(0, MAGIC.length)))
    throw damaged(path, 'it is no device key');
  if (file[MAGIC.length]! > VERSION) {
    throw new DatameshError('format-too-new', {
      what: `${path} was written by a newer datamesh (device key version ${file[MAGIC.length]})`,
      mend: 'use that version, or a newer one',
    });
  }
  if (file.length !== FILE_BYTES) throw damaged(path, `it has ${file.length} bytes instead of ${FILE_BYTES}`);
  const device = deviceOfSeed(new Uint8Array(file.subarray(HEAD_BYTES, HEAD_BYTES + KEY_BYTES)));
  // A flipped bit in the seed would otherwise be a quiet change of identity.
  const matches = Buffer.from(device.publicKey).equals(file.subarray(HEAD_BYTES + KEY_BYTES));
  if (!matches) throw damaged(path, 'its secret and public halves do not belong together');
  return device;
}

function damaged(path: string, why: string): DatameshError {
  return new DatameshError('malformed-data', {
    what: `the device key ${path} is damaged`,
    why,
    mend: 'restore it from a backup, or move it away: the node then starts as a new device and its shards count as lost',
  });
}
