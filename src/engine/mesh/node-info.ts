/**
 * NodeInfo: what a node says of itself, signed by its device key, so that it can be passed on by others and still be
 * believed. Encoding: `[u16 length of JSON][JSON, UTF-8][64-byte Ed25519 signature]`; docs/FORMATS.md "NodeInfo".
 */
import { DatameshError } from '../../errors.ts';
import type { NodeRole, PeerState } from '../engine.ts';
import { publicKeyOfPeer, SIGNATURE_BYTES, verifySignature } from '../keys/raw-keys.ts';
import type { PeerId } from '../types.ts';
import { MAX_NODE_INFO_BYTES } from './limits.ts';
import { type Spoken, UNTOLD } from './protocol-versions.ts';

export interface NodeInfo {
  peerId: PeerId;
  network: string;
  name: string;
  role: NodeRole;
  zone: string;
  rack: string;
  /** Version of datamesh. */
  version: string;
  /** Oldest and newest protocol version it speaks. */
  protocols: Spoken;
  addresses: string[];
  /** Bytes offered in all, and still free. */
  capacityBytes: number;
  freeBytes: number;
  shards: number;
  state: Extract<PeerState, 'joining' | 'active' | 'draining'>;
  /** Grows with every issue of the same node; an older one never replaces a newer one. */
  seq: number;
}

/** Part of what is signed: no other kind of signed message can pass for a NodeInfo. */
const DOMAIN = Buffer.from('datamesh-node-info-1\n');
const MAX_ADDRESSES = 16;
/** A number in a signed text, not a version that will ever be. */
const MAX_PROTOCOL_VERSION = 9999;

export function signNodeInfo(info: NodeInfo, sign: (message: Uint8Array) => Uint8Array): Uint8Array {
  const json = Buffer.from(JSON.stringify(info));
  if (json.length > MAX_NODE_INFO_BYTES - 2 - SIGNATURE_BYTES) {
    throw new DatameshError('internal', { what: `a NodeInfo of ${json.length} bytes is too long` });
  }
  const length = Buffer.alloc(2);
  length.writeUInt16BE(json.length);
  return Buffer.concat([length, json, sign(Buffer.concat([DOMAIN, json]))]);
}

/** The peer id a NodeInfo claims, unverified: only for looking up whether these very bytes are known already. */
export function peekPeerId(bytes: Uint8Array): PeerId | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 160)).toString(
    'latin1',
  );
  return /"peerId":"(\w{1,80})"/.exec(text)?.[1] as PeerId | undefined;
}

/** Throws `malformed-data` or `not-authentic`. */
export function verifyNodeInfo(bytes: Uint8Array): NodeInfo {
  if (bytes.length < 2 + SIGNATURE_BYTES || bytes.length > MAX_NODE_INFO_BYTES) throw malformed('its length');
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = 2 + view.readUInt16BE(0);
  if (end + SIGNATURE_BYTES !== bytes.length) throw malformed('its length field');
  const json = view.subarray(2, end);
  const info = parse(json.toString('utf8'));
  const key = publicKeyOfPeer(info.peerId);
  if (key === undefined) throw malformed('its peer id');
  if (!verifySignature(key, Buffer.concat([DOMAIN, json]), view.subarray(end))) {
    throw new DatameshError('not-authentic', { what: `the NodeInfo of ${info.peerId} is not signed by it` });
  }
  return info;
}

function parse(text: string): NodeInfo {
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw malformed('its JSON');
  }
  if (typeof raw !== 'object' || raw === null) throw malformed('its JSON');
  const state = raw.state;
  const role = raw.role;
  if (state !== 'joining' && state !== 'active' && state !== 'draining') throw malformed('state');
  if (role !== 'regular' && role !== 'bootstrap' && role !== 'service') throw malformed('role');
  return {
    peerId: string(raw, 'peerId', 80) as PeerId,
    network: string(raw, 'network', 63),
    name: string(raw, 'name', 63),
    role,
    zone: string(raw, 'zone', 63),
    rack: string(raw, 'rack', 63),
    version: string(raw, 'version', 32),
    protocols: spoken(raw.protocols),
    addresses: strings(raw.addresses),
    capacityBytes: count(raw, 'capacityBytes'),
    freeBytes: count(raw, 'freeBytes'),
    shards: count(raw, 'shards'),
    state,
    seq: count(raw, 'seq'),
  };
}

function string(raw: Record<string, unknown>, key: string, maxLength: number): string {
  const value = raw[key];
  // Shown on terminals: a control character in a stranger's name must not reach one.
  if (typeof value !== 'string' || value.length > maxLength || /\p{Cc}/u.test(value)) throw malformed(key);
  return value;
}

function spoken(value: unknown): Spoken {
  if (value === undefined) return UNTOLD;
  const [oldest, newest] = Array.isArray(value) ? (value as unknown[]) : [];
  if (!isVersion(oldest) || !isVersion(newest) || oldest > newest) throw malformed('protocols');
  return [oldest, newest];
}

function isVersion(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_PROTOCOL_VERSION;
}

function strings(value: unknown): string[] {
  const ok =
    Array.isArray(value) &&
    value.length <= MAX_ADDRESSES &&
    value.every((item) => typeof item === 'string' && item.length <= 256 && !/\p{Cc}/u.test(item));
  if (!ok) throw malformed('addresses');
  return value as string[];
}

function count(raw: Record<string, unknown>, key: string): number {
  const value = raw[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed(key);
  return value;
}

function malformed(what: string): DatameshError {
  return new DatameshError('malformed-data', { what: `a NodeInfo is malformed: ${what}` });
}
