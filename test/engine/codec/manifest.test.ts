import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeManifest,
  decodeOwnManifest,
  encodeManifest,
  type ManifestInput,
  openManifest,
  openManifestWithKey,
} from '../../../src/engine/codec/manifest.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { collect } from '../../support/collect.ts';
import { fileKey, fixedRandom, idOf, inlineInput, inputOf, owner, stranger } from './manifest-samples.ts';
import { pattern } from './reference.ts';

const malformed = expect.objectContaining({ code: 'malformed-data' });
const notAuthentic = expect.objectContaining({ code: 'not-authentic' });

describe('manifest', () => {
  it('gives back what was put in', () => {
    const shapes = fc.record({
      k: fc.integer({ min: 1, max: 12 }),
      m: fc.integer({ min: 0, max: 8 }),
      sizeBytes: fc.integer({ min: 1, max: 40_000 }),
      chunkBytes: fc.integer({ min: 500, max: 9000 }),
      name: fc.string({ minLength: 1, maxLength: 300, unit: 'grapheme' }),
      tags: fc.array(fc.string({ maxLength: 40, unit: 'grapheme' }), { maxLength: 10 }),
    });
    fc.assert(
      fc.property(shapes, ({ k, m, sizeBytes, chunkBytes, name, tags }) => {
        const input = inputOf(sizeBytes, { code: { k, m }, chunkBytes });
        const secret = { ...input.secret, name, tags };
        const manifest = decodeManifest(encodeManifest({ ...input, secret }));
        expect(manifest).toMatchObject({ code: { k, m }, chunkBytes, ownerId: owner.ownerId });
        expect(Array.from({ length: manifest.stripeCount }, (_, i) => manifest.stripe(i))).toEqual(
          input.stripes,
        );
        const opened = openManifest(manifest, owner);
        expect({ ...opened.secret, contentHash: [...opened.secret.contentHash] }).toEqual({
          ...secret,
          contentHash: [...secret.contentHash],
        });
        expect([...opened.fileKey]).toEqual([...fileKey]);
      }),
      { numRuns: 60 },
    );
  });

  it.each([2 ** 31 - 1, 2 ** 31, 3 * 2 ** 30 + 1, 2 ** 32 - 1, 2 ** 32, 10 * 2 ** 30])(
    'of an object of %i bytes opens',
    (sizeBytes) => {
      const input = inputOf(sizeBytes, { chunkBytes: 64 * 2 ** 20 });
      // The clock may stand anywhere, too.
      const secret = { ...input.secret, createdAtMs: sizeBytes };
      const opened = openManifest(decodeManifest(encodeManifest({ ...input, secret })), owner);
      expect(opened.secret).toMatchObject({ sizeBytes, createdAtMs: sizeBytes, name: secret.name });
    },
  );

  it('of packed chunks has shards of any length up to that of a chunk that did not shrink', () => {
    const input = inputOf(600_000);
    const short = input.stripes.map((stripe, i) => ({ ...stripe, shardBytes: 128 * (i + 1) }));
    const bytes = encodeManifest({ ...input, stripes: short, packed: true });
    expect(bytes[3]).toBe(2);
    const manifest = decodeManifest(bytes);
    expect(manifest.packed).toBe(true);
    expect([0, 1, 2].map(manifest.shardBytes)).toEqual([128, 256, 384]);
    expect(openManifest(manifest, owner).secret.sizeBytes).toBe(600_000);
    const long = input.stripes.map((stripe) => ({ ...stripe, shardBytes: 128 * 1024 }));
    expect(() => encodeManifest({ ...input, stripes: long, packed: true })).toThrow(malformed);
    expect(() => encodeManifest({ ...input, stripes: short })).toThrow(malformed);
    expect(decodeManifest(encodeManifest(input)).packed).toBe(false);
    expect(encodeManifest({ ...inlineInput(Buffer.from('x')), packed: true })[3]).toBe(1);
  });

  it('keeps small objects inline, also the empty one', () => {
    for (const content of [new Uint8Array(0), pattern(1, 1), pattern(4096, 2)]) {
      const manifest = decodeManifest(encodeManifest(inlineInput(content)));
      expect(manifest.stripeCount).toBe(0);
      expect(Buffer.compare(openManifest(manifest, owner).secret.inline!, content)).toBe(0);
    }
    expect(() => encodeManifest(inlineInput(pattern(4097, 1)))).toThrow(RangeError);
  });

  it('opens for every recipient and with the bare file key, for nobody else', () => {
    const recipients = [owner.encryptionPublicKey, stranger.encryptionPublicKey];
    const shared = decodeManifest(encodeManifest(inputOf(300_000, { recipients })));
    expect(openManifest(shared, stranger).secret.name).toBe(openManifest(shared, owner).secret.name);
    const own = decodeManifest(encodeManifest(inputOf(300_000)));
    expect(openManifestWithKey(own, fileKey).secret.sizeBytes).toBe(300_000);
    expect(() => openManifest(own, stranger)).toThrow(expect.objectContaining({ code: 'denied' }));
    expect(() => openManifestWithKey(own, pattern(32, 8))).toThrow(notAuthentic);
    const impostor = { ...stranger, encryptionPublicKey: owner.encryptionPublicKey };
    expect(() => openManifest(own, impostor)).toThrow(notAuthentic);
  });

  it('with a key made of a salt opens for its owner without a recipient, and for recipients besides', () => {
    const ownerSalt = pattern(32, 21);
    const own = { ownerSalt, fileKey: owner.fileKeyOf(ownerSalt), recipients: [] };
    for (const input of [inputOf(300_000, own), { ...inlineInput(Buffer.from('x')), ...own }]) {
      const bytes = encodeManifest(input);
      expect(bytes[3]).toBe(4);
      const manifest = decodeManifest(bytes);
      expect(openManifest(manifest, owner).secret.name).toBe(input.secret.name);
      expect(() => openManifest(manifest, stranger)).toThrow(expect.objectContaining({ code: 'denied' }));
      // Whoever calls herself the owner has not her secret.
      expect(() => openManifest(manifest, { ...stranger, ownerId: owner.ownerId })).toThrow(notAuthentic);
      const shared = encodeManifest({ ...input, recipients: [stranger.encryptionPublicKey] });
      expect(openManifest(decodeManifest(shared), stranger).secret.name).toBe(input.secret.name);
      expect(openManifest(decodeManifest(shared), owner).secret.name).toBe(input.secret.name);
    }
    expect(encodeManifest(inputOf(300_000, { ...own, packed: true }))[3]).toBe(4);
    expect(() => encodeManifest(inputOf(300_000, { ...own, ownerSalt: pattern(31, 1) }))).toThrow();
  });

  it('of the owner herself is read without checking her signature, of another one not', () => {
    const forged = Buffer.from(encodeManifest(inputOf(300_000)));
    const signature = Buffer.from(owner.sign(Buffer.from('something else')));
    const at = forged.indexOf(Buffer.from([0x12, 0x40])) + 2;
    signature.copy(forged, at);
    expect(() => decodeManifest(forged)).toThrow(notAuthentic);
    expect(decodeOwnManifest(forged, owner).ownerId).toBe(owner.ownerId);
    expect(() => decodeOwnManifest(forged, stranger)).toThrow(notAuthentic);
  });

  it('hides name, type, tags, size and inline content', () => {
    const text = Buffer.from('a very secret line of text');
    const input = inlineInput(text);
    const bytes = Buffer.from(encodeManifest(input));
    for (const hidden of ['photos', 'image/png', 'holiday', 'a very secret line']) {
      expect(bytes.includes(hidden)).toBe(false);
    }
    expect(bytes.includes(Buffer.from(input.fileKey))).toBe(false);
  });

  it('never repeats a nonce when only the metadata changes', () => {
    const input = inputOf(300_000);
    const boxes = ['a', 'b'].map((name) => {
      const manifest = decodeManifest(encodeManifest({ ...input, secret: { ...input.secret, name } }));
      return Buffer.from(manifest.sealed.box.subarray(0, 12)).toString('hex');
    });
    expect(boxes[0]).not.toBe(boxes[1]);
  });

  it('refuses what it cannot hold, before anything is signed', () => {
    const { secret } = inputOf(1000);
    const withSecret = (over: Partial<typeof secret>) => () =>
      encodeManifest(inputOf(1000, { secret: { ...secret, ...over } }));
    const code = (name: string) => expect.objectContaining({ code: name });
    expect(withSecret({ name: 'x'.repeat(4097) })).toThrow(code('bad-name'));
    expect(withSecret({ name: '' })).toThrow(code('bad-name'));
    expect(withSecret({ name: 'lone \ud800 surrogate' })).toThrow(code('bad-name'));
    expect(withSecret({ tags: new Array(65).fill('t') })).toThrow(code('bad-value'));
    expect(withSecret({ mimeType: 'm'.repeat(256) })).toThrow(code('bad-value'));
    expect(withSecret({ sizeBytes: -1 })).toThrow(RangeError);
    expect(withSecret({ sizeBytes: 400_000 }), 'size and stripes disagree').toThrow(malformed);
    const tooMany = inputOf(70_000, { code: { k: 1, m: 0 }, chunkBytes: 1 });
    expect(() => encodeManifest(tooMany)).toThrow(code('input-too-large'));
  });
});

describe('hostile manifests', () => {
  const bytes = Buffer.from(encodeManifest(inputOf(600_000)));

  it('are refused at every single flipped bit', () => {
    // A small code, as each bit costs signature checks; every field is there.
    const bytes = Buffer.from(encodeManifest(inputOf(300_000, { code: { k: 2, m: 1 } })));
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const altered = Buffer.from(bytes);
      altered[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => openManifest(decodeManifest(altered), owner)).toThrow(
        expect.objectContaining({
          code: expect.stringMatching(/^(malformed-data|not-authentic|format-too-new|denied)$/) as string,
        }),
      );
    }
  }, 60_000);

  it('are refused when cut anywhere', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeManifest(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({
          code: expect.stringMatching(/^(malformed-data|not-authentic)$/) as string,
        }),
      );
    }
  });

  it('of a later format say so', () => {
    const later = Buffer.from(bytes);
    later[3] = 5;
    expect(() => decodeManifest(later)).toThrow(expect.objectContaining({ code: 'format-too-new', exit: 4 }));
  });

  it('say the format that they need and no other', () => {
    const plainAsPacked = Buffer.from(bytes);
    plainAsPacked[3] = 2;
    expect(() => decodeManifest(plainAsPacked)).toThrow(malformed);
    const packedAsPlain = Buffer.from(encodeManifest({ ...inputOf(600_000), packed: true }));
    packedAsPlain[3] = 1;
    expect(() => decodeManifest(packedAsPlain)).toThrow(malformed);
  });

  it('cannot swap halves between two objects of one owner', () => {
    const other = decodeManifest(encodeManifest(inputOf(600_000, { fileKey: pattern(32, 55) })));
    const mine = decodeManifest(bytes);
    expect(() => openManifest({ ...mine, sealed: other.sealed }, owner)).not.toThrow();
    const mixed = { ...mine, sealed: { ...mine.sealed, box: other.sealed.box } };
    expect(() => openManifest(mixed, owner)).toThrow(notAuthentic);
  });

  it.each([
    ['a code beyond the field', { code: { k: 200, m: 100 } }],
    ['no data shards', { code: { k: 0, m: 3 } }],
    ['chunks of 4 GiB', { chunkBytes: 2 ** 32 - 1 }],
    ['no chunk length', { chunkBytes: 0 }],
    ['foreign characters in a peer id', { peer: 'not a peer\n' }],
    ['an endless peer id', { peer: 'Q'.repeat(1000) }],
    ['shards of odd length', { shardBytes: 129 }],
    ['shards of no length', { shardBytes: 0 }],
    ['shards longer than a chunk', { shardBytes: 65_536 * 4 }],
  ])('with %s are refused though signed', (_, hostile) => {
    const input = inputOf(300_000);
    const { peer, shardBytes, ...over } = hostile as {
      peer?: string;
      shardBytes?: number;
    } & Partial<ManifestInput>;
    const code = over.code ?? input.code;
    const stripe = {
      shardBytes: shardBytes ?? input.stripes[0]!.shardBytes,
      ids: Array.from({ length: code.k + code.m }, (_, i) => idOf(i)),
      holders: Array.from({ length: code.k + code.m }, () => (peer ?? 'Qm1') as PeerId),
    };
    expect(() => encodeManifest({ ...input, stripes: [stripe, stripe], ...over })).toThrow(malformed);
  });

  it('cost little, whatever they claim', () => {
    const varint = (value: number) => {
      const out = [];
      for (; value > 127; value = Math.floor(value / 128)) out.push((value % 128) + 128);
      return [...out, value];
    };
    const field = (tag: number, body: Uint8Array) =>
      Buffer.concat([Uint8Array.from([tag, ...varint(body.length)]), body]);
    const head = Buffer.from('DMM\x01');
    const filler = [
      Buffer.concat([head, Buffer.alloc(16 * 1024 * 1024 - 4, Buffer.from([26, 0]))]),
      Buffer.concat([head, Buffer.alloc(16 * 1024 * 1024 - 4, 0x0b)]),
      Buffer.concat([
        head,
        field(10, Buffer.alloc(15 * 1024 * 1024, Buffer.from([50, 0]))),
        field(18, Buffer.alloc(64)),
        field(34, Buffer.alloc(64)),
      ]),
      Buffer.concat([head, field(10, Buffer.from([8, 4, 16, 2, 24, 1, 32, ...varint(2 ** 32 - 1)]))]),
      Buffer.alloc(16 * 1024 * 1024 + 1, head),
    ];
    // What is kept afterwards; the peak of each, garbage included, is measured in a process of its own (hostile.test.ts).
    collect();
    const before = process.memoryUsage().heapUsed;
    const startedMs = performance.now();
    for (const hostile of filler) expect(() => decodeManifest(hostile)).toThrow(malformed);
    expect(performance.now() - startedMs).toBeLessThan(2000);
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(16 * 1024 * 1024);
  });

  it('made of any bytes never crash the reader', () => {
    const mutated = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    const refusal = /^(malformed-data|not-authentic|format-too-new)$/;
    const codeOf = (run: () => unknown) => {
      try {
        run();
        return 'accepted';
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      }
    };
    fc.assert(
      fc.property(mutated, fc.uint8Array({ maxLength: 300 }), (edits, noise) => {
        const altered = Buffer.from(bytes);
        for (const [at, value] of edits) altered[at] = value;
        if (!altered.equals(bytes))
          expect(codeOf(() => openManifest(decodeManifest(altered), owner))).not.toBe('accepted');
        expect(codeOf(() => decodeManifest(Buffer.concat([bytes.subarray(0, 4), noise])))).toMatch(refusal);
        expect(codeOf(() => decodeManifest(noise))).toMatch(refusal);
      }),
      { numRuns: 2000 },
    );
  }, 60_000);
});

describe.each([
  { file: 'manifest-v1.json', own: {} },
  {
    file: 'manifest-v4.json',
    own: { ownerSalt: pattern(32, 21), fileKey: owner.fileKeyOf(pattern(32, 21)), recipients: [] },
  },
])('golden manifest in $file', ({ file, own }) => {
  const golden = JSON.parse(readFileSync(new URL(`../../golden/codec/${file}`, import.meta.url), 'utf8')) as {
    bytes: string;
    inlineBytes: string;
  };
  const read = (hex: string) => openManifest(decodeManifest(Buffer.from(hex, 'hex')), owner);

  it('still reads', () => {
    const input = inputOf(600_000);
    const manifest = decodeManifest(Buffer.from(golden.bytes, 'hex'));
    expect(manifest).toMatchObject({
      code: input.code,
      chunkBytes: input.chunkBytes,
      ownerId: owner.ownerId,
    });
    expect([0, 1, 2].map(manifest.stripe)).toEqual(input.stripes);
    expect(read(golden.bytes).secret).toMatchObject({
      name: input.secret.name,
      sizeBytes: 600_000,
      tags: input.secret.tags,
    });
    expect(Buffer.from(read(golden.inlineBytes).secret.inline!).toString()).toBe('hello, mesh');
  });

  it('is still what would be written', () => {
    const hex = (input: ManifestInput) =>
      Buffer.from(encodeManifest({ ...input, ...own, random: fixedRandom })).toString('hex');
    expect(hex(inputOf(600_000))).toBe(golden.bytes);
    expect(hex(inlineInput(Buffer.from('hello, mesh')))).toBe(golden.inlineBytes);
  });
});
