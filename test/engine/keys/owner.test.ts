import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { CERTIFICATE_BYTES, certifyDevice, verifyCertificate } from '../../../src/engine/keys/certificate.ts';
import { deviceOfSeed, loadDevice, loadOrCreateDevice } from '../../../src/engine/keys/device.ts';
import { sealTo } from '../../../src/engine/keys/hpke.ts';
import { deriveOwner, verifyOwner } from '../../../src/engine/keys/owner.ts';
import { newPhrase, phraseOfEntropy } from '../../../src/engine/keys/phrase.ts';
import { peerIdOf, publicKeyOfPeer } from '../../../src/engine/keys/raw-keys.ts';
import { bytesToHex } from '../../../src/engine/types.ts';
import { memoryDisk } from './memory-disk.ts';

const text = (content: string) => new TextEncoder().encode(content);
const owner = deriveOwner(phraseOfEntropy(new Uint8Array(32).fill(1)), 'one');
const other = deriveOwner(phraseOfEntropy(new Uint8Array(32).fill(2)), 'two');
const device = deviceOfSeed(new Uint8Array(32).fill(3));

describe('an owner', () => {
  it('has the keys of its phrase for ever', () => {
    const golden = JSON.parse(
      readFileSync(new URL('../../golden/keys/owner.json', import.meta.url), 'utf8'),
    ) as Record<string, string>;
    const derived = deriveOwner(golden.phrase!, 'x');
    expect({
      phrase: golden.phrase,
      ownerId: derived.ownerId,
      encryptionPublicKey: bytesToHex(derived.encryptionPublicKey),
      catalogKey: bytesToHex(derived.catalogKey),
      dedupSecret: bytesToHex(derived.dedupSecret),
      fileKeyOfZeros: bytesToHex(derived.fileKeyOf(new Uint8Array(32))),
      signatureOfEmpty: bytesToHex(derived.sign(new Uint8Array(0))),
    }).toEqual(golden);
  });

  it('has four keys that are not each other', () => {
    const all = [
      owner.ownerId,
      ...[owner.encryptionPublicKey, owner.catalogKey, owner.dedupSecret].map(bytesToHex),
    ];
    expect(new Set(all).size).toBe(4);
  });

  it('signs, and only its own signature is believed', () => {
    const signature = owner.sign(text('hello'));
    expect(verifyOwner(owner.ownerId, text('hello'), signature)).toBe(true);
    expect(verifyOwner(owner.ownerId, text('hellO'), signature)).toBe(false);
    expect(verifyOwner(other.ownerId, text('hello'), signature)).toBe(false);
    expect(verifyOwner('no id', text('hello'), signature)).toBe(false);
    expect(verifyOwner(owner.ownerId, text('hello'), signature.subarray(1))).toBe(false);
  });

  it('opens what is sealed to it, nobody else does', () => {
    const box = sealTo(owner.encryptionPublicKey, text('file key'), text('info'), text('aad'), realRandom());
    expect(owner.open(box, text('info'), text('aad'))).toEqual(text('file key'));
    expect(() => other.open(box, text('info'), text('aad'))).toThrow(
      expect.objectContaining({ code: 'not-authentic' }),
    );
  });
});

describe('a device', () => {
  it('is made once, 0600, and found again', async () => {
    const disk = memoryDisk();
    const made = await loadOrCreateDevice(disk, '/d/device.key', realRandom());
    expect(disk.files.get('/d/device.key')!.mode).toBe(0o600);
    const again = await loadOrCreateDevice(disk, '/d/device.key', realRandom());
    expect(bytesToHex(again.seed)).toBe(bytesToHex(made.seed));
    expect(again.peerId).toBe(made.peerId);
    expect(disk.writes).toBe(1);
    expect(await loadDevice(disk, '/none')).toBeUndefined();
  });

  it.each([0o640, 0o604, 0o660, 0o644])('is refused with mode %o', async (mode) => {
    const disk = memoryDisk();
    await loadOrCreateDevice(disk, '/k', realRandom());
    disk.files.get('/k')!.mode = mode;
    await expect(loadOrCreateDevice(disk, '/k', realRandom())).rejects.toMatchObject({
      code: 'insecure-file-mode',
      exit: 9,
    });
  });

  it('is never replaced when damaged: every flipped byte is noticed', async () => {
    const disk = memoryDisk();
    await loadOrCreateDevice(disk, '/k', realRandom());
    const { data } = disk.files.get('/k')!;
    for (let index = 0; index < data.length; index++) {
      const damaged = data.slice();
      damaged[index]! ^= 0x40;
      disk.files.set('/k', { data: damaged, mode: 0o600 });
      await expect(loadOrCreateDevice(disk, '/k', realRandom()), `byte ${index}`).rejects.toMatchObject({
        code: expect.stringMatching(/malformed-data|format-too-new/),
      });
    }
    disk.files.set('/k', { data: data.slice(0, -1), mode: 0o600 });
    await expect(loadOrCreateDevice(disk, '/k', realRandom())).rejects.toMatchObject({
      code: 'malformed-data',
    });
    expect(disk.writes).toBe(1);
  });

  it('has the peer id that libp2p gives it', async () => {
    const { generateKeyPairFromSeed } = await import('@libp2p/crypto/keys');
    const { peerIdFromPrivateKey } = await import('@libp2p/peer-id');
    const key = await generateKeyPairFromSeed('Ed25519', device.seed);
    expect(device.peerId).toBe(peerIdFromPrivateKey(key).toString());
    expect(publicKeyOfPeer(device.peerId)).toEqual(device.publicKey);
  });

  it.each(['', '12D3KooW', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', '0OIl', 'x'.repeat(10_000)])(
    'finds no key in "%s"',
    (id) => {
      expect(publicKeyOfPeer(id)).toBeUndefined();
    },
  );
});

describe('a certificate', () => {
  const certificate = certifyDevice(owner, device.peerId, 1_700_000_000_000);

  it('says whose the device is', () => {
    expect(certificate).toHaveLength(CERTIFICATE_BYTES);
    expect(CERTIFICATE_BYTES).toBeLessThanOrEqual(512);
    expect(verifyCertificate(certificate, { peerId: device.peerId, ownerId: owner.ownerId })).toEqual({
      ownerId: owner.ownerId,
      devicePublicKey: device.publicKey,
      peerId: device.peerId,
      issuedAtMs: 1_700_000_000_000,
    });
    expect(certifyDevice(owner, device.publicKey, 1_700_000_000_000)).toEqual(certificate);
  });

  it('is refused with any byte changed, cut or added', () => {
    for (let index = 0; index < certificate.length; index++) {
      const forged = certificate.slice();
      forged[index]! ^= 1;
      expect(() => verifyCertificate(forged), `byte ${index}`).toThrow(
        expect.objectContaining({ name: 'DatameshError' }),
      );
    }
    expect(() => verifyCertificate(certificate.subarray(1))).toThrow(
      expect.objectContaining({ code: 'malformed-data' }),
    );
    expect(() => verifyCertificate(certificate.subarray(0, -1))).toThrow(
      expect.objectContaining({ code: 'malformed-data' }),
    );
    expect(() => verifyCertificate(new Uint8Array(0))).toThrow(
      expect.objectContaining({ code: 'malformed-data' }),
    );
  });

  it('of one owner cannot be turned into one of another', () => {
    const theirs = certifyDevice(other, device.peerId, 1);
    const mixed = theirs.slice();
    mixed.set(certificate.subarray(0, 60));
    expect(() => verifyCertificate(mixed)).toThrow(expect.objectContaining({ code: 'not-authentic' }));
  });

  it('for another device or owner than expected is refused', () => {
    const stranger = peerIdOf(new Uint8Array(32).fill(5));
    expect(() => verifyCertificate(certificate, { peerId: stranger })).toThrow(
      expect.objectContaining({ code: 'not-authentic' }),
    );
    expect(() => verifyCertificate(certificate, { ownerId: other.ownerId })).toThrow(
      expect.objectContaining({ code: 'not-authentic' }),
    );
  });

  it('is not given to a peer id without an Ed25519 key', () => {
    const rsa = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N' as typeof device.peerId;
    expect(() => certifyDevice(owner, rsa, 1)).toThrow(expect.objectContaining({ code: 'bad-value' }));
  });
});

it('two fresh phrases are two owners', () => {
  const random = realRandom();
  expect(deriveOwner(newPhrase(random), 'a').ownerId).not.toBe(deriveOwner(newPhrase(random), 'a').ownerId);
});
