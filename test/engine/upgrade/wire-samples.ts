/** One message of each kind that travels between nodes, and what reads it. Keys are fixed, so the bytes are. */
import {
  decodeBatch,
  decodeParts,
  encodeBatch,
  encodeParts,
} from '../../../src/engine/backends/shard-batch.ts';
import {
  decodeRequest,
  decodeStatus,
  encodeRequest,
  encodeStatus,
} from '../../../src/engine/backends/shard-protocol.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { certifyDevice, verifyCertificate } from '../../../src/engine/keys/certificate.ts';
import { deviceOfSeed } from '../../../src/engine/keys/device.ts';
import {
  decodeCollectRequest,
  decodeListed,
  decodeOrders,
  encodeCollectRequest,
  encodeListed,
  encodeOrders,
} from '../../../src/engine/maintenance/collect/collect-protocol.ts';
import {
  decodeClaims,
  decodeOffer as decodeCustodyOffer,
  decodeCustodyRequest,
  decodeKnown,
  encodeClaims,
  encodeOffer as encodeCustodyOffer,
  encodeCustodyRequest,
  encodeKnown,
} from '../../../src/engine/maintenance/custody/custody-protocol.ts';
import { readOrder, signOrder } from '../../../src/engine/maintenance/custody/order.ts';
import { isSigned, signAnswers } from '../../../src/engine/maintenance/proof/attestation.ts';
import { answerOf, decodeAnswers, encodeAnswers } from '../../../src/engine/maintenance/proof/challenge.ts';
import { Coefficients, sumKeyOf } from '../../../src/engine/maintenance/proof/coefficients.ts';
import { encodeFrameHead, FrameReader } from '../../../src/engine/mesh/bulk/bulk-frame.ts';
import { decodeOffer, encodeOffer } from '../../../src/engine/mesh/bulk/offers.ts';
import { encodeHead, FrameReceiver } from '../../../src/engine/mesh/frame.ts';
import {
  decodeHelloRequest,
  decodeHelloResponse,
  encodeHelloRequest,
  encodeHelloResponse,
} from '../../../src/engine/mesh/hello.ts';
import { signNodeInfo, verifyNodeInfo } from '../../../src/engine/mesh/node-info.ts';
import { readHead, signHead } from '../../../src/engine/mirror/head.ts';
import { decodeHeadRequest, encodeHeadRequest } from '../../../src/engine/mirror/head-protocol.ts';
import { type ObjectId, type PeerId, shardIdOf } from '../../../src/engine/types.ts';
import { nodeInfo } from '../../fuzz/targets-wire.ts';
import { fixedRandom, idOf, owner } from '../codec/manifest-samples.ts';
import { pattern } from '../codec/reference.ts';

export interface WireSample {
  name: string;
  bytes: Uint8Array;
  read(bytes: Uint8Array): unknown;
}

const device = deviceOfSeed(pattern(32, 5));
const objectId = idOf(1) as string as ObjectId;
const ownerId = owner.ownerId;
const info = signNodeInfo(nodeInfo, device.sign);
const certificate = certifyDevice(owner, device.peerId, 1_795_000_000_000);
const order = signOrder(
  {
    ...{ network: 'main', objectId, owner: ownerId, domain: 'zone', members: [device.peerId], state: 'live' },
    ...{ sequence: 3, issuedAtMs: 1_795_000_000_000 },
  },
  owner,
);
const head = signHead(
  { network: 'main', sequence: 3, writtenAtMs: 1_795_000_000_000 },
  [{ objectId, holders: [device.peerId], records: 12 }],
  owner,
  fixedRandom,
);
const shard = pattern(3000, 4);
const shardId = shardIdOf(blake3(shard));
const nonce = pattern(32, 9);
const sumKey = sumKeyOf(pattern(32, 3), device.peerId);
const answerWithSum = answerOf(nonce, device.peerId, shardId, shard, new Coefficients(sumKey));
const attested = signAnswers(
  { peerId: device.peerId, sign: device.sign, now: () => 1_795_000_000_000 },
  device.peerId,
  [shardId],
  nonce,
  [answerWithSum],
  sumKey,
);
const claims = [{ objectId, claims: [{ stripe: 2, index: 1, holder: device.peerId }] }];

function frames(bytes: Uint8Array): unknown {
  const seen: unknown[] = [];
  new FrameReceiver(1 << 20, (message) => seen.push(message)).feed(bytes);
  return seen;
}

function bulkFrames(bytes: Uint8Array): unknown {
  const seen: unknown[] = [];
  new FrameReader({
    begin: ({ bodyBytes }) => new Uint8Array(bodyBytes),
    end: (it, header, body) =>
      void seen.push({ it, header: Uint8Array.from(header), body: body.slice(0, it.bodyBytes) }),
  }).feed(bytes);
  return seen;
}

export const wireSamples: WireSample[] = [
  { name: 'NodeInfo', bytes: info, read: verifyNodeInfo },
  { name: 'certificate', bytes: certificate, read: (bytes) => verifyCertificate(bytes) },
  {
    name: 'hello',
    bytes: encodeHelloRequest({ info, certificates: [certificate], wantPeers: true }),
    read: decodeHelloRequest,
  },
  {
    name: 'answer to a hello',
    bytes: encodeHelloResponse({ info, admitted: [ownerId], peers: [info] }),
    read: decodeHelloResponse,
  },
  {
    name: 'frame',
    bytes: Buffer.concat([encodeHead({ header: pattern(33, 1), body: pattern(50, 2) }), pattern(50, 2)]),
    read: frames,
  },
  {
    name: 'bulk frame',
    bytes: Buffer.concat([
      encodeFrameHead({ kind: 'request', id: 7, service: 0, bodyBytes: 20 }, pattern(33, 1)),
      pattern(20, 2),
    ]),
    read: bulkFrames,
  },
  {
    name: 'bulk offer',
    bytes: encodeOffer({ port: 40872, identity: 'ab'.repeat(16), key: pattern(32, 2) }),
    read: decodeOffer,
  },
  ...(
    [
      ['shard get', { op: 'get', id: idOf(1) }],
      ['shard has', { op: 'has', ids: [idOf(1), idOf(2)] }],
      ['shard put', { op: 'put', id: idOf(1), owner: ownerId, announce: false }],
      ['shard put and announce', { op: 'put', id: idOf(1), owner: ownerId, announce: true }],
      ['shard delete', { op: 'delete', id: idOf(1), owner: ownerId }],
    ] as const
  ).map(([name, request]): WireSample => ({ name, bytes: encodeRequest(request), read: decodeRequest })),
  { name: 'shard answer', bytes: encodeStatus('ok', pattern(8, 1)), read: decodeStatus },
  {
    name: 'shards in a batch',
    bytes: encodeBatch({
      op: 'putMany',
      owner: ownerId,
      items: [{ id: idOf(3), announce: true, lengthBytes: 30 }],
    }),
    read: decodeBatch,
  },
  {
    name: 'shards asked for in a batch',
    bytes: encodeBatch({ op: 'getMany', ids: [idOf(1), idOf(2)] }),
    read: decodeBatch,
  },
  {
    name: 'answer to those',
    bytes: Buffer.concat(Object.values(encodeParts([pattern(30, 1), 'absent', 'alone']))),
    read: (bytes) => decodeParts(bytes.subarray(0, 12), bytes.subarray(12), 3),
  },
  {
    name: 'proofs',
    bytes: encodeAnswers([answerOf(nonce, device.peerId, shardId, shard), undefined]),
    read: (bytes) => decodeAnswers(nonce, device.peerId as PeerId, [shardId, idOf(2)], bytes),
  },
  ...(
    [
      ['shard prove', { op: 'prove', nonce, ids: [idOf(1), idOf(2)] }],
      ['shard prove with sums', { op: 'prove', nonce, seed: pattern(32, 3), ids: [idOf(1), idOf(2)] }],
    ] as const
  ).map(([name, request]): WireSample => ({ name, bytes: encodeRequest(request), read: decodeRequest })),
  {
    name: 'proofs with sums',
    bytes: encodeAnswers([answerWithSum, undefined]),
    read: (bytes) => decodeAnswers(nonce, device.peerId as PeerId, [shardId, idOf(2)], bytes, true),
  },
  {
    name: 'signature of sums',
    bytes: attested.signature,
    read: (signature) => isSigned({ ...attested, signature }, [shardId], nonce),
  },
  { name: 'custody order', bytes: order, read: readOrder },
  ...(['offer', 'moved', 'drop'] as const).map(
    (op): WireSample => ({
      name: `custody ${op}`,
      bytes: encodeCustodyRequest({ op, ids: [] }),
      read: decodeCustodyRequest,
    }),
  ),
  ...(['known', 'where', 'lease', 'unlease', 'released'] as const).map(
    (op): WireSample => ({
      name: `custody ${op}`,
      bytes: encodeCustodyRequest({ op, ids: [objectId] }),
      read: decodeCustodyRequest,
    }),
  ),
  {
    name: 'custody items',
    bytes: encodeCustodyOffer([{ order, manifest: pattern(40, 1), claims: claims[0]!.claims }]),
    read: decodeCustodyOffer,
  },
  { name: 'custody claims', bytes: encodeClaims(claims), read: decodeClaims },
  {
    name: 'custody marks',
    bytes: encodeKnown([{ sequence: 3, released: true, manifest: false }]),
    read: (bytes) => decodeKnown(bytes, 1),
  },
  { name: 'catalog head', bytes: head, read: readHead },
  ...(
    [
      ['head put', { op: 'put' }],
      ['head get', { op: 'get', owner: ownerId }],
      ['head orders', { op: 'orders', owner: ownerId, after: objectId }],
    ] as const
  ).map(
    ([name, request]): WireSample => ({ name, bytes: encodeHeadRequest(request), read: decodeHeadRequest }),
  ),
  ...(
    [
      ['collect list', { op: 'list', owner: ownerId, cursor: idOf(1), delayMs: 5 }],
      ['collect mark', { op: 'mark', owner: ownerId, epoch: 4, delayMs: 5 }],
      ['collect sweep', { op: 'sweep', owner: ownerId, epoch: 5, delayMs: 5 }],
      ['collect vouch', { op: 'vouch', owner: ownerId }],
    ] as const
  ).map(
    ([name, request]): WireSample => ({
      name,
      bytes: encodeCollectRequest(request),
      read: decodeCollectRequest,
    }),
  ),
  {
    name: 'collect shards',
    bytes: encodeListed([{ id: idOf(1), lengthBytes: 9, state: 'ripe' }]),
    read: decodeListed,
  },
  { name: 'collect orders', bytes: encodeOrders([order]), read: decodeOrders },
];
