/**
 * Ed25519 and X25519 keys as 32 raw bytes ⇄ node:crypto key objects, through the fixed DER prefixes of RFC 8410, and the
 * libp2p peer id that belongs to an Ed25519 key.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { base58btc } from 'multiformats/bases/base58';
import { DatameshError } from '../../errors.ts';
import type { PeerId } from '../types.ts';

export type Curve = 'ed25519' | 'x25519';

export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** RFC 8410 §7 (PKCS #8) and §4 (SubjectPublicKeyInfo); the OID's last byte tells the curves apart. */
const PRIVATE_PREFIX: Record<Curve, Buffer> = {
  ed25519: Buffer.from('302e020100300506032b657004220420', 'hex'),
  x25519: Buffer.from('302e020100300506032b656e04220420', 'hex'),
};
const PUBLIC_PREFIX: Record<Curve, Buffer> = {
  ed25519: Buffer.from('302a300506032b6570032100', 'hex'),
  x25519: Buffer.from('302a300506032b656e032100', 'hex'),
};

/** Protobuf `PublicKey { type = Ed25519, data[32] }` as an identity multihash: what a libp2p peer id spells out. */
const PEER_ID_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);

/** `secret`: the 32-byte Ed25519 seed or X25519 scalar (clamped when used). */
export function privateKeyOf(curve: Curve, secret: Uint8Array): KeyObject {
  needKeyBytes(secret);
  return createPrivateKey({
    key: Buffer.concat([PRIVATE_PREFIX[curve], secret]),
    format: 'der',
    type: 'pkcs8',
  });
}

export function publicKeyOf(curve: Curve, raw: Uint8Array): KeyObject {
  needKeyBytes(raw);
  return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX[curve], raw]), format: 'der', type: 'spki' });
}

/** Public halves computed before: an owner's few keys open every box, and the computation costs as much as the box. */
const rawOf = new WeakMap<KeyObject, Uint8Array>();

/** The 32 raw bytes of the public half of a private or public key; not to be changed. */
export function rawPublicKey(curve: Curve, key: KeyObject): Uint8Array {
  let raw = rawOf.get(key);
  if (raw === undefined) rawOf.set(key, (raw = exportPublic(curve, key)));
  return raw;
}

function exportPublic(curve: Curve, key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return new Uint8Array(der.subarray(PUBLIC_PREFIX[curve].length));
}

/** Ed25519 signature, 64 bytes. */
export function signWith(key: KeyObject, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, key));
}

/** Signers seen last: a few owners and devices sign everything that a node reads. 256 key objects are some 100 KiB. */
const MAX_KNOWN_SIGNERS = 256;
const signers = new Map<string, KeyObject>();

function signerOf(publicKey: Uint8Array): KeyObject {
  const name = Buffer.from(publicKey).toString('latin1');
  let key = signers.get(name);
  if (key === undefined) {
    if (signers.size >= MAX_KNOWN_SIGNERS) signers.clear();
    signers.set(name, (key = publicKeyOf('ed25519', publicKey)));
  }
  return key;
}

/** False for a forged signature and for bytes that are no key or no signature; never throws. */
export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  try {
    return verify(null, message, signerOf(publicKey), signature);
  } catch {
    return false;
  }
}

/** The text form of the peer id whose Ed25519 public key these 32 bytes are (12D3KooW…). */
export function peerIdOf(publicKey: Uint8Array): PeerId {
  needKeyBytes(publicKey);
  // Multibase prefixes base58btc with `z`; a peer id goes without.
  return base58btc.encode(Buffer.concat([PEER_ID_PREFIX, publicKey])).slice(1) as PeerId;
}

/** The Ed25519 public key inside a peer id; `undefined` when the text is none, or names another kind of key. */
export function publicKeyOfPeer(peerId: string): Uint8Array | undefined {
  // An Ed25519 peer id has 52 characters: do not decode what a stranger made long.
  if (peerId.length > 64) return undefined;
  try {
    const bytes = base58btc.decode(`z${peerId}`);
    const prefixed = PEER_ID_PREFIX.every((byte, index) => bytes[index] === byte);
    if (!prefixed || bytes.length !== PEER_ID_PREFIX.length + KEY_BYTES) return undefined;
    return bytes.slice(PEER_ID_PREFIX.length);
  } catch {
    return undefined;
  }
}

function needKeyBytes(bytes: Uint8Array): void {
  if (bytes.length !== KEY_BYTES) {
    throw new DatameshError('malformed-data', {
      what: `a key has ${KEY_BYTES} bytes, this one ${bytes.length}`,
    });
  }
}
