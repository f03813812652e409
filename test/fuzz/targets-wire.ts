/** Decoders of what other nodes send, beyond those of targets.ts: introductions, the bulk plane, batches, collection, proofs, certificates. */
import {
  decodeBatch,
  decodeParts,
  encodeBatch,
  encodeParts,
  partsOf,
} from '../../src/engine/backends/shard-batch.ts';
import { decodeSignature, encodeRequest } from '../../src/engine/backends/shard-protocol.ts';
import { blake3 } from '../../src/engine/codec/hash.ts';
import { freeNow } from '../../src/engine/codec/memory.ts';
import { signTogether, verifyTogether } from '../../src/engine/keys/batch-signature.ts';
import { certifyDevice, verifyCertificate } from '../../src/engine/keys/certificate.ts';
import { deviceOfSeed } from '../../src/engine/keys/device.ts';
import {
  decodeCollectRequest,
  decodeCursor,
  decodeFlags,
  decodeIds,
  decodeListed,
  decodeOrders,
  decodeOutcomes,
  encodeCollectRequest,
  encodeIds,
  encodeListed,
  encodeOrders,
} from '../../src/engine/maintenance/collect/collect-protocol.ts';
import { decodeKnown } from '../../src/engine/maintenance/custody/custody-protocol.ts';
import {
  answerOf,
  decodeAnswers,
  encodeAnswers,
  provedBytes,
  sumIn,
} from '../../src/engine/maintenance/proof/challenge.ts';
import { Coefficients, sumKeyOf } from '../../src/engine/maintenance/proof/coefficients.ts';
import { encodeFrameHead, FrameReader } from '../../src/engine/mesh/bulk/bulk-frame.ts';
import { decodeOffer, encodeOffer } from '../../src/engine/mesh/bulk/offers.ts';
import {
  decodeHelloRequest,
  decodeHelloResponse,
  encodeHelloRequest,
  encodeHelloResponse,
} from '../../src/engine/mesh/hello.ts';
import { type NodeInfo, signNodeInfo, verifyNodeInfo } from '../../src/engine/mesh/node-info.ts';
import { type ObjectId, type PeerId, type ShardId, shardIdOf } from '../../src/engine/types.ts';
import { DatameshError } from '../../src/errors.ts';
import { idOf, owner } from '../engine/codec/manifest-samples.ts';
import { pattern } from '../engine/codec/reference.ts';
import type { Target } from './targets.ts';

const device = deviceOfSeed(pattern(32, 5));
const holder = device.peerId;
const MALFORMED = /^malformed-data$/;
/** What gives nothing for bytes that make no sense counts as a refusal here. */
const refused = () => new DatameshError('malformed-data', { what: 'nothing was decoded' });

export const nodeInfo: NodeInfo = {
  peerId: holder,
  network: 'main',
  name: 'alder',
  role: 'regular',
  zone: 'fra',
  rack: 'r1',
  version: '0.1.0',
  protocols: [1, 2],
  addresses: [`/ip4/10.0.0.1/tcp/40871/p2p/${holder}`],
  capacityBytes: 2 ** 40,
  freeBytes: 2 ** 39,
  shards: 12,
  state: 'active',
  seq: 1_795_000_000_000,
};
const signedInfo = signNodeInfo(nodeInfo, device.sign);
const certificate = certifyDevice(owner, holder, 1_795_000_000_000);

const shard = pattern(5000, 4);
const shardId = shardIdOf(blake3(shard));
const nonce = pattern(32, 9);
const coefficients = new Coefficients(sumKeyOf(nonce, holder));
const proofsWithSums = encodeAnswers([answerOf(nonce, holder, shardId, shard, coefficients), undefined]);
const proofs = encodeAnswers([answerOf(nonce, holder, shardId, shard), undefined]);

const messages = [1, 2, 3].map((seed) => pattern(40, seed));
const together = signTogether(messages, owner.sign);
const ownerKey = Buffer.from(owner.ownerId, 'hex');

/** The mutated JSON of a NodeInfo, properly signed. */
function signedAnew(mutated: Buffer): Uint8Array {
  const json = mutated.subarray(2, Math.max(2, mutated.length - 64));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Math.min(json.length, 0xffff));
  const signature = device.sign(Buffer.concat([Buffer.from('datamesh-node-info-1\n'), json]));
  return Buffer.concat([length, json, signature]);
}

const body = new Uint8Array(4096);

export const wireTargets: Target[] = [
  {
    name: 'NodeInfo',
    corpus: [signedInfo, signNodeInfo({ ...nodeInfo, state: 'draining', addresses: [] }, device.sign)],
    forge: signedAnew,
    forgeEvery: 4,
    run: (input) => void verifyNodeInfo(input),
    refusals: /^(malformed-data|not-authentic)$/,
  },
  {
    name: 'hello',
    corpus: [
      encodeHelloRequest({ info: signedInfo, certificates: [certificate], wantPeers: true }),
      encodeHelloResponse({ info: signedInfo, admitted: [owner.ownerId], peers: [signedInfo] }),
      encodeHelloResponse({ info: new Uint8Array(0), admitted: [], peers: [], refused: 'no' }),
    ],
    run: (input) => {
      try {
        decodeHelloRequest(input);
      } finally {
        decodeHelloResponse(input);
      }
    },
    refusals: MALFORMED,
  },
  {
    name: 'device certificate',
    corpus: [certificate],
    forge: (mutated) =>
      Buffer.concat([
        mutated.subarray(0, -64),
        owner.sign(mutated.subarray(0, Math.max(0, mutated.length - 64))),
      ]),
    forgeEvery: 4,
    run: (input) => void verifyCertificate(input),
    refusals: /^(malformed-data|not-authentic|format-too-new)$/,
  },
  {
    name: 'batch signature',
    corpus: together,
    run: (input) => {
      if (!verifyTogether(ownerKey, messages[1]!, input)) throw refused();
    },
    refusals: MALFORMED,
  },
  {
    name: 'bulk offer',
    corpus: [
      encodeOffer({ port: 40872, identity: 'ab'.repeat(16), key: pattern(32, 2) }),
      encodeOffer(undefined),
    ],
    run: (input) => void decodeOffer(input),
    refusals: MALFORMED,
  },
  {
    name: 'bulk frame',
    corpus: [
      Buffer.concat([
        encodeFrameHead(
          { kind: 'request', id: 7, service: 0, bodyBytes: 500 },
          encodeRequest({ op: 'put', id: idOf(1), owner: owner.ownerId, announce: false }),
        ),
        pattern(500, 1),
        encodeFrameHead({ kind: 'response', id: 8, service: 2, bodyBytes: 0 }, Uint8Array.of(0)),
      ]),
    ],
    run: (input) => {
      const reader = new FrameReader({
        begin: ({ bodyBytes }) => (bodyBytes > body.length ? 'skip' : body),
        end: () => undefined,
      });
      const cut = input.length >> 1;
      try {
        reader.feed(input.subarray(0, cut));
        reader.feed(input.subarray(cut));
      } finally {
        // Each reader, one a socket, has a buffer of 128 KiB, which V8 would collect by the thousand.
        freeNow(Reflect.get(reader, 'buffer') as Uint8Array);
      }
    },
    refusals: MALFORMED,
  },
  {
    name: 'batch of shards',
    corpus: [
      encodeBatch({ op: 'getMany', ids: [idOf(1), idOf(2)] }),
      encodeBatch({
        op: 'putMany',
        owner: owner.ownerId,
        items: [{ id: idOf(3), announce: true, lengthBytes: 30 }],
      }),
    ],
    run: (input) => {
      const batch = decodeBatch(input);
      if (batch === undefined) throw refused();
      if (batch.op === 'putMany') partsOf(batch.items, shard);
    },
    refusals: MALFORMED,
  },
  {
    name: 'answer to a batch',
    corpus: [encodeParts([pattern(30, 1), 'absent', 'alone', pattern(5, 2)])].map(({ tail, body }) =>
      Buffer.concat([tail, body]),
    ),
    run: (input) => {
      if (decodeParts(input.subarray(0, 16), input.subarray(16), 4) === undefined) throw refused();
    },
    refusals: MALFORMED,
  },
  {
    name: 'collect request',
    corpus: [
      encodeCollectRequest({ op: 'list', owner: owner.ownerId, cursor: idOf(1), delayMs: 5 }),
      encodeCollectRequest({ op: 'mark', owner: owner.ownerId, epoch: 4, delayMs: 5 }),
      encodeCollectRequest({ op: 'orders', owner: owner.ownerId, cursor: idOf(2) as string as ObjectId }),
      encodeCollectRequest({ op: 'vouch', owner: owner.ownerId }),
    ],
    run: (input) => void decodeCollectRequest(input),
    refusals: MALFORMED,
  },
  {
    name: 'collect bodies',
    corpus: [
      encodeIds([idOf(1), idOf(2)]),
      encodeListed([{ id: idOf(1), lengthBytes: 9, state: 'ripe' }]),
      encodeOrders([pattern(300, 1), pattern(20, 2)]),
      Uint8Array.of(1, 2, 0),
    ],
    run: (input) => {
      // Any of them may be given any bytes: each must refuse or read by itself.
      let read = 0;
      for (const decode of [
        decodeIds,
        decodeListed,
        decodeOrders,
        decodeCursor,
        (body: Uint8Array) => decodeOutcomes(body, 3),
        (body: Uint8Array) => decodeFlags(body, 3),
        (body: Uint8Array) => decodeKnown(body, 2),
      ]) {
        try {
          decode(input);
          read++;
        } catch (error) {
          if ((error as { code?: unknown }).code !== 'malformed-data') throw error;
        }
      }
      if (read === 0) throw refused();
    },
    refusals: MALFORMED,
  },
  {
    name: 'proofs',
    corpus: [proofs],
    run: (input) => {
      const ids: ShardId[] = [shardId, idOf(2)];
      const [answer] = decodeAnswers(nonce, holder as PeerId, ids, input);
      if (answer !== undefined) provedBytes(nonce, holder as PeerId, shardId, answer);
    },
    refusals: MALFORMED,
  },
  {
    name: 'proofs with sums',
    corpus: [proofsWithSums],
    run: (input) => {
      const ids: ShardId[] = [shardId, idOf(2)];
      const [answer] = decodeAnswers(nonce, holder as PeerId, ids, input, true);
      if (answer === undefined) return;
      if (provedBytes(nonce, holder as PeerId, shardId, answer, true) !== undefined) sumIn(answer);
    },
    refusals: MALFORMED,
  },
  {
    name: 'signature of proofs',
    corpus: [Buffer.concat([Buffer.alloc(8, 1), pattern(64, 1)])],
    run: (input) => {
      if (decodeSignature(input) === undefined) throw refused();
    },
    refusals: MALFORMED,
  },
];
