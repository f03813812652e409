/**
 * What somebody heard once and says again: each kind of signed message, captured as it travels and brought back later, to somebody else, in another network, in the place of another kind, or to another
 * question. docs/THREATS.md has the table; what a row promises is tested here. Formats' own tests have forgeries; here every signature is real.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blake3 } from '../../src/engine/codec/hash.ts';
import { decodeManifest, encodeManifest } from '../../src/engine/codec/manifest.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { signTogether, verifyTogether } from '../../src/engine/keys/batch-signature.ts';
import { certifyDevice, verifyCertificate } from '../../src/engine/keys/certificate.ts';
import { deviceOfSeed } from '../../src/engine/keys/device.ts';
import { verifySignature } from '../../src/engine/keys/raw-keys.ts';
import { memoryCustody } from '../../src/engine/maintenance/custody/memory-custody.ts';
import { type Order, readOrder, signOrder } from '../../src/engine/maintenance/custody/order.ts';
import { openCustody } from '../../src/engine/maintenance/custody/sqlite-custody.ts';
import { attest, verdictsOf } from '../../src/engine/maintenance/proof/attestation.ts';
import { sumKeyOf } from '../../src/engine/maintenance/proof/coefficients.ts';
import { OfferBook } from '../../src/engine/mesh/bulk/offers.ts';
import { signNodeInfo, verifyNodeInfo } from '../../src/engine/mesh/node-info.ts';
import { PeerTable } from '../../src/engine/mesh/peer-table.ts';
import { readHead, signHead } from '../../src/engine/mirror/head.ts';
import { openHeadStore } from '../../src/engine/mirror/head-store.ts';
import { pointOf } from '../../src/engine/placement/xor.ts';
import { hexToBytes, type ObjectId, shardIdOf } from '../../src/engine/types.ts';
import { asDatameshError } from '../../src/errors.ts';
import { idOf, inputOf, owner } from '../engine/codec/manifest-samples.ts';
import { pattern } from '../engine/codec/reference.ts';
import { nodeInfo } from '../fuzz/targets-wire.ts';
import { manualClock } from '../support/manual-clock.ts';
import { ModelDisk } from '../support/model-disk.ts';

const device = deviceOfSeed(pattern(32, 5));
const other = deviceOfSeed(pattern(32, 6));
const ownerKey = hexToBytes(owner.ownerId);
const codeOf = (task: () => unknown): string => {
  try {
    task();
    return 'accepted';
  } catch (error) {
    return asDatameshError(error).code;
  }
};

const infoOf = (seq: number, network = 'main') => signNodeInfo({ ...nodeInfo, network, seq }, device.sign);
const order = (state: Order['state'], sequence: number): Order => ({
  ...{
    network: 'main',
    objectId: idOf(1) as string as ObjectId,
    owner: owner.ownerId,
    domain: 'node',
    members: [],
  },
  ...{ state, sequence, issuedAtMs: 1_795_000_000_000 },
});
const headOf = (sequence: number) =>
  signHead({ network: 'main', sequence, writtenAtMs: 1 }, [], owner, realRandom());

describe('NodeInfo', () => {
  it('of before never takes the place of a newer one, whoever brings it', () => {
    const table = new PeerTable(other.peerId, 'main', () => undefined);
    const [old, newer] = [infoOf(100), infoOf(200)];
    table.learn(newer);
    table.learn(old);
    expect(table.find(device.peerId)?.info?.seq).toBe(200);
  });

  it('of another network is nobody here', () => {
    const table = new PeerTable(other.peerId, 'main', () => undefined);
    expect(table.learn(infoOf(100, 'elsewhere'))).toBeUndefined();
    expect(table.all()).toEqual([]);
  });
});

describe('device certificate', () => {
  it('of one device is none for another that shows it', () => {
    const bytes = certifyDevice(owner, device.peerId, 1);
    expect(codeOf(() => verifyCertificate(bytes, { peerId: device.peerId }))).toBe('accepted');
    expect(codeOf(() => verifyCertificate(bytes, { peerId: other.peerId }))).toBe('not-authentic');
  });
});

describe.each(['in memory', 'on disk'])('custody orders, kept %s', (where) => {
  it('a live one does not undo a release, nor an older one a newer, nor either twice', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dm-replay-'));
    const store = where === 'on disk' ? openCustody(join(folder, 'custody.sqlite')) : memoryCustody();
    const keep = (it: Order) =>
      store.keep([{ order: readOrder(signOrder(it, owner)), bytes: signOrder(it, owner) }])[0];
    try {
      const first = order('live', 1);
      expect(keep(first)).toBe('kept');
      expect(keep(order('live', 3))).toBe('kept');
      expect(keep(first)).toBe('older');
      expect(keep(order('released', 4))).toBe('kept');
      // Even one that the owner numbered higher, and even once more.
      for (const it of [first, order('live', 3), order('live', 9), order('live', 9)])
        expect(keep(it)).toBe('older');
      expect(store.get(first.objectId)?.state).toBe('released');
      store.settle(first.objectId);
      expect(keep(order('live', 3))).toBe('older');
    } finally {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('catalog head', () => {
  it('of before is answered with the newer one', async () => {
    const store = await openHeadStore(new ModelDisk(), '/heads', pointOf(Buffer.from('x')), () => undefined);
    const [old, newer] = [headOf(3), headOf(4)];
    expect(await store.put(owner.ownerId, 3, old)).toBeUndefined();
    expect(await store.put(owner.ownerId, 4, newer)).toBeUndefined();
    expect(await store.put(owner.ownerId, 3, old)).toEqual(newer);
    expect(await store.get(owner.ownerId)).toEqual(newer);
  });
});

describe('proof of possession', () => {
  it('gives a sum to one asker and seed, and its signature to no other', async () => {
    const shard = pattern(5000, 1);
    const id = shardIdOf(blake3(shard));
    const [nonce, seed] = [randomBytes(32), randomBytes(32)];
    const attester = { peerId: device.peerId, sign: device.sign, now: () => 1_795_000_000_000 };
    const sumKey = sumKeyOf(seed, other.peerId);
    const said = await attest(attester, device.peerId, [id], nonce, async () => shard, { sumKey });
    expect(verdictsOf(said, device.peerId, [id], nonce)).toEqual(['proved']);
    for (const key of [sumKeyOf(seed, device.peerId), sumKeyOf(nonce, other.peerId), undefined])
      expect(verdictsOf({ ...said, sumKey: key }, device.peerId, [id], nonce)).toEqual(['wrong']);
    const without = await attest(attester, device.peerId, [id], nonce, async () => shard);
    expect(verdictsOf({ ...without, sumKey }, device.peerId, [id], nonce)).toEqual(['wrong']);
  });

  it('answers one question of one place, and no other', async () => {
    const shard = pattern(5000, 1);
    const id = shardIdOf(blake3(shard));
    const [nonce, later] = [randomBytes(32), randomBytes(32)];
    const attester = { peerId: device.peerId, sign: device.sign, now: () => 1_795_000_000_000 };
    const said = await attest(attester, device.peerId, [id], nonce, async () => shard);
    expect(verdictsOf(said, device.peerId, [id], nonce)).toEqual(['proved']);
    expect(verdictsOf(said, device.peerId, [id], later)).toEqual(['wrong']);
    expect(verdictsOf(said, device.peerId, [idOf(2)], nonce)).toEqual(['wrong']);
    expect(verdictsOf(said, other.peerId, [id], nonce)).toEqual(['wrong']);
    expect(
      verdictsOf({ ...said, holder: other.peerId, signer: other.peerId }, other.peerId, [id], nonce),
    ).toEqual(['wrong']);
  });
});

describe('bulk offer', () => {
  it('opens one connection, once, within its time', () => {
    const clock = manualClock();
    const book = new OfferBook(clock, realRandom());
    const offer = book.make(device.peerId, 1)!;
    expect(book.redeem(offer.identity)?.peer).toBe(device.peerId);
    expect(book.redeem(offer.identity)).toBeUndefined();
    const late = book.make(device.peerId, 1)!;
    clock.advance(10 * 60_000);
    expect(book.redeem(late.identity)).toBeUndefined();
  });
});

describe('batch signature', () => {
  it('of one message is none of its neighbour', () => {
    const messages = [1, 2, 3].map((seed) => pattern(40, seed));
    const signatures = signTogether(messages, owner.sign);
    for (const [i, message] of messages.entries())
      for (const [j, signature] of signatures.entries())
        expect(verifyTogether(ownerKey, message, signature), `${i} by ${j}`).toBe(i === j);
  });
});

describe('manifest', () => {
  it('is what its object’s id says; nobody else’s content can be put under it', () => {
    const bytes = encodeManifest(inputOf(40_000));
    const elsewhere = encodeManifest(inputOf(40_001));
    expect(Buffer.compare(blake3(bytes), blake3(elsewhere))).not.toBe(0);
    expect(decodeManifest(bytes).ownerId).toBe(owner.ownerId);
  });
});

describe('a message of one kind', () => {
  /** As they travel, signed by owner and device of the same seed, so that only what is signed tells them apart. */
  const keyed = { ownerId: owner.ownerId, sign: owner.sign };
  const kinds: [name: string, bytes: Uint8Array, read: (bytes: Uint8Array) => unknown][] = [
    ['NodeInfo', infoOf(5), verifyNodeInfo],
    ['certificate', certifyDevice(owner, device.peerId, 1), (bytes) => verifyCertificate(bytes)],
    ['order', signOrder(order('live', 1), keyed), readOrder],
    ['head', headOf(1), readHead],
    ['manifest', encodeManifest(inputOf(300)), decodeManifest],
  ];

  it('is never taken for one of another', () => {
    for (const [name, bytes, read] of kinds) {
      expect(
        codeOf(() => read(bytes)),
        name,
      ).toBe('accepted');
      for (const [wrong, , readWrong] of kinds)
        if (wrong !== name)
          expect(
            codeOf(() => readWrong(bytes)),
            `${name} as ${wrong}`,
          ).toMatch(/^(malformed-data|not-authentic|format-too-new)$/);
    }
  });

  it('is signed behind words that no other kind begins with', () => {
    const contexts = [
      ...[
        'datamesh-node-info-1\n',
        'datamesh/attest/1\n',
        'datamesh/attest/2\n',
        'datamesh/manifest/1\n',
        'datamesh-custody-order',
      ],
      ...[
        'datamesh-catalog-head',
        'datamesh-device-cert',
        'datamesh-batch-signature/1\n',
        'noise-libp2p-static-key:',
      ],
    ];
    for (const a of contexts)
      for (const b of contexts) if (a !== b) expect(a.startsWith(b), `${a} ${b}`).toBe(false);
    // They are what is signed indeed: a signature over the rest alone is refused.
    const info = Buffer.from(infoOf(5));
    const json = info.subarray(2, -64);
    expect(
      verifySignature(device.publicKey, Buffer.concat([Buffer.from(contexts[0]!), json]), info.subarray(-64)),
    ).toBe(true);
    expect(verifySignature(device.publicKey, json, info.subarray(-64))).toBe(false);
  });
});
