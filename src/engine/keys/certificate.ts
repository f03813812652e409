/** An owner's word that a device is his: what lets a node act for an owner. Format: docs/FORMATS.md "Keys". */
import { DatameshError } from '../../errors.ts';
import { bytesToHex, hexToBytes, type OwnerId, type PeerId } from '../types.ts';
import type { OwnerKeys } from './keys.ts';
import { KEY_BYTES, peerIdOf, publicKeyOfPeer, SIGNATURE_BYTES, verifySignature } from './raw-keys.ts';

export interface Certificate {
  ownerId: OwnerId;
  /** Ed25519, 32 bytes. */
  devicePublicKey: Uint8Array;
  peerId: PeerId;
  issuedAtMs: number;
}

/** The magic is part of what is signed, so no other kind of signed message can be passed off as a certificate. */
const MAGIC = Buffer.from('datamesh-device-cert');
const VERSION = 1;
const VERSION_AT = MAGIC.length;
const OWNER_AT = VERSION_AT + 1;
const DEVICE_AT = OWNER_AT + KEY_BYTES;
const ISSUED_AT = DEVICE_AT + KEY_BYTES;
const SIGNATURE_AT = ISSUED_AT + 8;
export const CERTIFICATE_BYTES = SIGNATURE_AT + SIGNATURE_BYTES;

/** `device`: its peer id, or its 32-byte Ed25519 public key. Returns 157 bytes. Throws `bad-value` for a peer id of another key type. */
export function certifyDevice(owner: OwnerKeys, device: PeerId | Uint8Array, issuedAtMs: number): Uint8Array {
  const devicePublicKey = typeof device === 'string' ? publicKeyOfPeer(device) : device;
  if (devicePublicKey === undefined || devicePublicKey.length !== KEY_BYTES) {
    throw new DatameshError('bad-value', {
      what: `${String(device).slice(0, 70)} is not the peer id of an Ed25519 device`,
    });
  }
  const issued = Buffer.alloc(8);
  issued.writeBigUInt64BE(BigInt(Math.trunc(issuedAtMs)));
  const body = Buffer.concat([
    MAGIC,
    Uint8Array.of(VERSION),
    hexToBytes(owner.ownerId),
    devicePublicKey,
    issued,
  ]);
  return new Uint8Array(Buffer.concat([body, owner.sign(body)]));
}

/**
 * What a certificate says, if its owner really signed it and, where `expected` is given, for that device.
 * Throws `malformed-data`, `format-too-new` or `not-authentic`.
 */
export function verifyCertificate(
  bytes: Uint8Array,
  expected?: { peerId?: string; ownerId?: string },
): Certificate {
  if (bytes.length < OWNER_AT || !MAGIC.equals(bytes.subarray(0, MAGIC.length))) {
    throw new DatameshError('malformed-data', { what: 'this is not a device certificate' });
  }
  if (bytes[VERSION_AT]! > VERSION) {
    throw new DatameshError('format-too-new', { what: `device certificate of version ${bytes[VERSION_AT]}` });
  }
  if (bytes.length !== CERTIFICATE_BYTES) {
    throw new DatameshError('malformed-data', {
      what: `a device certificate has ${CERTIFICATE_BYTES} bytes, this one ${bytes.length}`,
    });
  }
  const owner = bytes.subarray(OWNER_AT, DEVICE_AT);
  if (!verifySignature(owner, bytes.subarray(0, SIGNATURE_AT), bytes.subarray(SIGNATURE_AT))) {
    throw new DatameshError('not-authentic', { what: 'the signature of a device certificate is wrong' });
  }
  const devicePublicKey = bytes.slice(DEVICE_AT, ISSUED_AT);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const certificate: Certificate = {
    ownerId: bytesToHex(owner) as OwnerId,
    devicePublicKey,
    peerId: peerIdOf(devicePublicKey),
    issuedAtMs: Number(view.getBigUint64(ISSUED_AT)),
  };
  needSame('device', certificate.peerId, expected?.peerId);
  needSame('owner', certificate.ownerId, expected?.ownerId);
  return certificate;
}

function needSame(kind: string, found: string, expected: string | undefined): void {
  if (expected === undefined || expected === found) return;
  throw new DatameshError('not-authentic', {
    what: `the certificate is for ${kind} ${found}, not ${expected}`,
  });
}
