/**
 * `/datamesh/hello/1`: introduction, heartbeat and peer exchange in one. The asker sends its NodeInfo and its device
 * certificates; the answer is the other's NodeInfo, which owners it admits, and NodeInfos of peers it knows.
 */
import { DatameshError } from '../../errors.ts';
import { isHexId, type OwnerId } from '../types.ts';
import { MAX_CERTIFICATES, MAX_EXCHANGED_PEERS } from './limits.ts';

export const HELLO_PROTOCOL = '/datamesh/hello/1';

export interface HelloRequest {
  /** Signed NodeInfo of the asker. */
  info: Uint8Array;
  /** Device certificates: owners the asker acts for. */
  certificates: Uint8Array[];
  /** False for a mere heartbeat: no peers wanted in the answer. */
  wantPeers: boolean;
}

export interface HelloResponse {
  info: Uint8Array;
  /** Of the owners presented, those that may store here. */
  admitted: OwnerId[];
  peers: Uint8Array[];
  /** Set when the asker is turned away; the other fields are then empty. */
  refused?: string;
}

export function encodeHelloRequest(message: HelloRequest): Uint8Array {
  return Buffer.from(
    JSON.stringify({ ...message, info: text(message.info), certificates: message.certificates.map(text) }),
  );
}

export function encodeHelloResponse(message: HelloResponse): Uint8Array {
  return Buffer.from(
    JSON.stringify({ ...message, info: text(message.info), peers: message.peers.map(text) }),
  );
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

export function decodeHelloRequest(bytes: Uint8Array): HelloRequest {
  const raw = parse(bytes);
  return {
    info: blob(raw.info),
    certificates: blobs(raw.certificates, MAX_CERTIFICATES),
    wantPeers: raw.wantPeers === true,
  };
}

export function decodeHelloResponse(bytes: Uint8Array): HelloResponse {
  const raw = parse(bytes);
  const refused = typeof raw.refused === 'string' ? raw.refused.slice(0, 200) : undefined;
  if (refused !== undefined) return { info: new Uint8Array(0), admitted: [], peers: [], refused };
  const admitted = Array.isArray(raw.admitted) ? raw.admitted.slice(0, MAX_CERTIFICATES) : [];
  return {
    info: blob(raw.info),
    admitted: admitted.filter((item): item is OwnerId => typeof item === 'string' && isHexId(item)),
    peers: blobs(raw.peers, MAX_EXCHANGED_PEERS),
  };
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    const raw: unknown = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
    );
    if (typeof raw === 'object' && raw !== null) return raw as Record<string, unknown>;
  } catch {
    // reported below
  }
  throw malformed();
}

function blob(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw malformed();
  return Buffer.from(value, 'base64');
}

function blobs(value: unknown, max: number): Uint8Array[] {
  if (!Array.isArray(value) || value.length > max) throw malformed();
  return value.map(blob);
}

function malformed(): DatameshError {
  return new DatameshError('malformed-data', { what: 'a hello is malformed' });
}
