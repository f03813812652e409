/** Decoders of what strangers send: manifests, shard records, frames and the shard protocol's headers. */
import { crc32 } from 'node:zlib';
import {
  decodeRequest,
  decodeStatus,
  encodeRequest,
  encodeStatus,
} from '../../src/engine/backends/shard-protocol.ts';
import { decodeRecord, encodeRecord } from '../../src/engine/catalog/mirror/records.ts';
import { ManifestEnvelope, ManifestLayout } from '../../src/engine/codec/generated/manifest.ts';
import { blake3 } from '../../src/engine/codec/hash.ts';
import { decodeManifest, encodeManifest, openManifest } from '../../src/engine/codec/manifest.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import {
  decodeClaims,
  decodeCustodyRequest,
  decodeOffer,
  encodeClaims,
  encodeCustodyRequest,
  encodeOffer,
} from '../../src/engine/maintenance/custody/custody-protocol.ts';
import { readOrder, signOrder } from '../../src/engine/maintenance/custody/order.ts';
import { FrameReceiver, encodeHead as frameHead } from '../../src/engine/mesh/frame.ts';
import { readHead, signHead } from '../../src/engine/mirror/head.ts';
import {
  decodeHeadRequest,
  decodeIds,
  encodeHeadRequest,
  encodeIds,
} from '../../src/engine/mirror/head-protocol.ts';
import { encodeHead, headLength, parseHead, recordBytesOf } from '../../src/engine/shardstore/record.ts';
import type { ObjectId, OwnerId, PeerId } from '../../src/engine/types.ts';
import { DatameshError } from '../../src/errors.ts';
import { idOf, inlineInput, inputOf, owner, stranger } from '../engine/codec/manifest-samples.ts';
import { pattern } from '../engine/codec/reference.ts';

export interface Target {
  name: string;
  corpus: Uint8Array[];
  /** Makes an input that gets past the outer checks (signatures, sums) out of a mutated one. */
  forge?(mutated: Buffer): Uint8Array;
  /** One input in this many is forged. */
  forgeEvery?: number;
  /** Returns or throws a coded refusal. */
  run(input: Uint8Array): void | Promise<void>;
  /** Codes of those refusals. */
  refusals: RegExp;
}

const manifests = [
  inputOf(600_000),
  inputOf(300_000, {
    code: { k: 2, m: 1 },
    recipients: [owner.encryptionPublicKey, stranger.encryptionPublicKey],
  }),
  inputOf(40_000, { code: { k: 1, m: 2 }, chunkBytes: 9000 }),
  inlineInput(Buffer.from('hello, mesh')),
  {
    ...inlineInput(Buffer.from('her own')),
    ownerSalt: pattern(32, 21),
    fileKey: owner.fileKeyOf(pattern(32, 21)),
    recipients: [],
  },
].map(encodeManifest);
const PREFIX_BYTES = 4;
const place = { salt: pattern(16, 3), segment: 7, offset: 4096 };
const RECORD_CRC_AT = 28;

const holder = '12D3KooWPeer1' as PeerId;
const orderParts = {
  network: 'main',
  objectId: idOf(1) as string as ObjectId,
  owner: owner.ownerId,
  domain: 'node' as const,
  members: [holder],
  state: 'live' as const,
  sequence: 1,
  issuedAtMs: 1_795_000_000_000,
};
const live = signOrder(orderParts, owner);

const headSegment = { objectId: orderParts.objectId, holders: [holder], records: 12 };
const recordParts = {
  stamp: '01a2b3c4d5e60000',
  name: 'photos/ü.jpg',
  objectId: orderParts.objectId,
  createdAtMs: 1_795_000_000_000,
};
const recordPool = {
  name: 'p',
  code: { k: 2, m: 1 },
  domain: 'node' as const,
  compress: false,
  nodes: [holder],
  folders: [{ path: '/disk', holder, quotaBytes: 5 }],
  separateDisks: false,
  createdAtMs: 1,
};

export const targets: Target[] = [
  {
    name: 'manifest',
    corpus: manifests,
    forge: signed,
    forgeEvery: 16,
    run: (input) => {
      const manifest = decodeManifest(input);
      for (let index = 0; index < manifest.stripeCount; index++) manifest.stripe(index);
      openManifest(manifest, owner);
    },
    refusals: /^(malformed-data|not-authentic|format-too-new|denied)$/,
  },
  {
    name: 'shard record',
    corpus: [record(0), record(1), record(3)],
    forge: summed,
    forgeEvery: 2,
    run: (input) => {
      const head = parseHead(input, place);
      if (head === undefined) throw new DatameshError('malformed-data', { what: 'no record' });
      if (head.headBytes > input.length) throw new Error('a head longer than its bytes');
    },
    refusals: /^malformed-data$/,
  },
  {
    name: 'frame',
    corpus: [frame(0, 0), frame(33, 500), frame(300, 10)],
    run: (input) => {
      let frames = 0;
      const receiver = new FrameReceiver(1 << 20, () => frames++);
      const cut = input.length >> 1;
      receiver.feed(input.subarray(0, cut));
      receiver.feed(input.subarray(cut));
    },
    refusals: /^malformed-data$/,
  },
  {
    name: 'shard request',
    corpus: requests(),
    run: (input) => {
      decodeRequest(input);
    },
    refusals: /^malformed-data$/,
  },
  {
    name: 'shard status',
    corpus: [encodeStatus('ok'), encodeStatus('ok', pattern(40, 1))],
    run: (input) => {
      decodeStatus(input);
    },
    refusals: /^malformed-data$/,
  },
  {
    name: 'custody order',
    corpus: [live, signOrder({ ...orderParts, state: 'released', sequence: 2 }, owner)],
    forge: (mutated) =>
      Buffer.concat([mutated.subarray(0, -64), owner.sign(mutated.subarray(0, mutated.length - 64))]),
    forgeEvery: 2,
    run: (input) => {
      readOrder(input);
    },
    refusals: /^(malformed-data|not-authentic|format-too-new)$/,
  },
  {
    name: 'catalog head',
    corpus: [
      signHead({ network: 'main', sequence: 3, writtenAtMs: 1_795_000_000_000 }, [], owner, realRandom()),
      signHead({ network: '', sequence: 1, writtenAtMs: 0 }, [headSegment], owner, realRandom()),
    ],
    forge: (mutated) =>
      Buffer.concat([mutated.subarray(0, -64), owner.sign(mutated.subarray(0, mutated.length - 64))]),
    forgeEvery: 2,
    run: (input) => {
      readHead(input);
    },
    refusals: /^(malformed-data|not-authentic|format-too-new)$/,
  },
  {
    name: 'catalog record',
    corpus: [
      encodeRecord({ kind: 'removed', ...recordParts }),
      encodeRecord({ kind: 'pool', stamp: recordParts.stamp, pool: recordPool }),
    ].map((line) => Buffer.from(line)),
    run: (input) => {
      decodeRecord(Buffer.from(input).toString('utf8'));
    },
    refusals: /^malformed-data$/,
  },
  {
    name: 'head request',
    corpus: [
      encodeHeadRequest({ op: 'put' }),
      encodeHeadRequest({ op: 'get', owner: owner.ownerId }),
      encodeHeadRequest({ op: 'orders', owner: owner.ownerId, after: orderParts.objectId }),
    ],
    run: (input) => {
      decodeHeadRequest(input);
    },
    refusals: /^malformed-data$/,
  },
  {
    name: 'ids of orders',
    corpus: [encodeIds([]), encodeIds([orderParts.objectId])],
    run: (input) => {
      decodeIds(input);
    },
    refusals: /^malformed-data$/,
  },
  {
    name: 'custody request',
    corpus: [
      encodeCustodyRequest({ op: 'known', ids: [orderParts.objectId] }),
      encodeCustodyRequest({ op: 'adopt', ids: [orderParts.objectId], place: { stripe: 1, index: 2 } }),
    ],
    run: (input) => {
      decodeCustodyRequest(input);
    },
    refusals: /^malformed-data$/,
  },
  {
    name: 'custody items',
    corpus: [
      encodeOffer([{ order: live, manifest: pattern(200, 1), claims: [{ stripe: 1, index: 2, holder }] }]),
      encodeClaims([{ objectId: orderParts.objectId, claims: [{ stripe: 1, index: 2, holder }] }]),
    ],
    run: (input) => {
      // Either kind may be taken for the other: both decoders see all.
      try {
        decodeOffer(input);
      } finally {
        decodeClaims(input);
      }
    },
    refusals: /^malformed-data$/,
  },
];

/** The mutated bytes taken as a layout, properly signed by an owner who means harm; the rest of the manifest is whole. */
function signed(mutated: Buffer): Uint8Array {
  const whole = ManifestEnvelope.decode(manifests[0]!.subarray(PREFIX_BYTES));
  const layout = layoutIn(mutated) ?? whole.layout;
  const layoutHash = blake3(layout);
  const message = Buffer.concat([Buffer.from('datamesh/manifest/1\n'), layoutHash, blake3(whole.box)]);
  const envelope = { ...whole, layout, signature: new Uint8Array(owner.sign(message)) };
  return Buffer.concat([manifests[0]!.subarray(0, PREFIX_BYTES), ManifestEnvelope.encode(envelope)]);
}

/** A layout as a reader parses it, so that it is canonical whatever the mutation did. */
function layoutIn(mutated: Buffer): Uint8Array<ArrayBuffer> | undefined {
  try {
    const envelope = ManifestEnvelope.decode(mutated.subarray(PREFIX_BYTES));
    return ManifestLayout.encode({ ...ManifestLayout.decode(envelope.layout), owner: ownerKey });
  } catch {
    return undefined;
  }
}

const ownerKey = new Uint8Array(Buffer.from(owner.ownerId, 'hex'));

function record(owners: number): Uint8Array {
  const head = {
    kind: 'shard' as const,
    id: idOf(5),
    owners: Array.from({ length: owners }, (_, i) => idOf(i) as string as OwnerId),
    pool: '',
    lengthBytes: 1000,
    writtenAtMs: 1_795_000_000_000,
  };
  const bytes = Buffer.alloc(recordBytesOf({ ...head, lengthBytes: 0 }));
  encodeHead(bytes, 0, head, place, 10);
  return bytes;
}

/** With the sum that fits. */
function summed(mutated: Buffer): Uint8Array {
  const length = headLength(mutated);
  if (length === undefined || mutated.length < length) return mutated;
  const where = Buffer.alloc(8);
  where.writeUInt32LE(place.segment, 0);
  where.writeUInt32LE(place.offset, 4);
  const seed = crc32(mutated.subarray(0, RECORD_CRC_AT), crc32(where, crc32(place.salt)));
  mutated.writeUInt32LE(crc32(mutated.subarray(RECORD_CRC_AT + 4, length), seed), RECORD_CRC_AT);
  return mutated;
}

function frame(headerBytes: number, bodyBytes: number): Uint8Array {
  const body = pattern(bodyBytes, 2);
  return Buffer.concat([frameHead({ header: pattern(headerBytes, 1), body }), body]);
}

function requests(): Uint8Array[] {
  const id = idOf(1);
  const ownerId = owner.ownerId;
  return [
    encodeRequest({ op: 'get', id }),
    encodeRequest({ op: 'has', ids: [id, idOf(2), idOf(3)] }),
    encodeRequest({ op: 'put', id, owner: ownerId, announce: true }),
    encodeRequest({ op: 'delete', id, owner: ownerId }),
    encodeRequest({ op: 'prove', nonce: pattern(32, 2), ids: [id, idOf(2)] }),
    encodeRequest({ op: 'prove', nonce: pattern(32, 2), seed: pattern(32, 3), ids: [id, idOf(2)] }),
  ];
}
