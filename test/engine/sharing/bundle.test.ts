/** Bundles: what goes in comes out, however it is cut into pieces, and nothing that was changed, moved, cut off or added is believed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { type BundleEntry, openBundle, sealBundle } from '../../../src/engine/sharing/bundle.ts';
import { pattern } from '../codec/reference.ts';

const PASS = 'correct horse battery staple';
type Whole = BundleEntry & { content: Uint8Array };

async function* pieces(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}
async function seal(all: readonly Whole[], step = 70_000): Promise<Buffer> {
  const objects = (async function* () {
    for (const { content, ...entry } of all) yield { ...entry, body: pieces(content, step) };
  })();
  const parts: Uint8Array[] = [];
  for await (const part of sealBundle(objects, PASS, realRandom())) parts.push(part);
  return Buffer.concat(parts);
}
async function open(
  bytes: Uint8Array,
  step = 100_000,
  read: (at: number) => boolean = () => true,
): Promise<Whole[]> {
  const found: Whole[] = [];
  for await (const { body, ...entry } of openBundle(pieces(bytes, step), PASS)) {
    const content: Uint8Array[] = [];
    if (read(found.length)) for await (const piece of body) content.push(Uint8Array.from(piece));
    found.push({ ...entry, content: new Uint8Array(Buffer.concat(content)) });
  }
  return found;
}
const object = (name: string, size: number): Whole => ({
  name,
  sizeBytes: size,
  mimeType: 'text/plain',
  tags: ['t', 'ü'],
  createdAtMs: 5,
  content: pattern(size, size),
});

describe('a bundle', () => {
  it('gives its objects back, read or passed over', async () => {
    const sizes = fc.array(fc.constantFrom(0, 1, 500, 70_000, 262_144, 600_001), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 100, max: 300_000 }), async (all, step) => {
        const objects = all.map((size, at) => object(`../n ${at}`, size));
        const bytes = await seal(objects, step);
        expect(await open(bytes, step)).toEqual(objects);
        const some = await open(bytes, step, (at) => at % 2 === 0);
        expect(some.map(({ name }) => name)).toEqual(objects.map(({ name }) => name));
        expect(some.filter((_it, at) => at % 2 === 0)).toEqual(objects.filter((_it, at) => at % 2 === 0));
      }),
      { numRuns: 12 },
    );
  }, 30_000);

  it('does not open with another passphrase', async () => {
    const bytes = await seal([object('a', 10)]);
    const reading = openBundle(pieces(bytes, 100), 'another');
    await expect(reading.next()).rejects.toMatchObject({ code: 'wrong-passphrase' });
    expect(bytes.includes('text/plain')).toBe(false);
  });

  it('changed in a byte, cut off, lengthened or with parts swapped is refused', async () => {
    const bytes = await seal([object('a', 300_000), object('b', 300_000)]);
    const body = bytes.length - 600_000;
    const refused = {
      code: expect.stringMatching(/^(not-authentic|malformed-data|format-too-new|wrong-passphrase)$/),
    };
    for (const at of [
      0,
      10,
      16,
      17,
      30,
      200,
      body,
      body + 262_000,
      bytes.length - 300_000,
      bytes.length - 1,
    ]) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      await expect(open(changed), `byte ${at}`).rejects.toMatchObject(refused);
    }
    for (const length of [0, 5, 40, 400, body, bytes.length - 300_000, bytes.length - 1])
      await expect(open(bytes.subarray(0, length)), `${length} bytes`).rejects.toMatchObject(refused);
    await expect(open(Buffer.concat([bytes, Buffer.from([0])]))).rejects.toMatchObject(refused);
    const part = 5 + 256 * 1024 + 16;
    const lock = 16 + 3 + bytes.readUInt16BE(17);
    const swapped = Buffer.concat([
      bytes.subarray(0, lock),
      bytes.subarray(lock + part, lock + 2 * part),
      bytes.subarray(lock, lock + part),
      bytes.subarray(lock + 2 * part),
    ]);
    expect(swapped).toHaveLength(bytes.length);
    await expect(open(swapped)).rejects.toMatchObject({ code: 'not-authentic' });
    const without = Buffer.concat([bytes.subarray(0, lock), bytes.subarray(lock + part)]);
    await expect(open(without)).rejects.toMatchObject({ code: 'not-authentic' });
  });

  it('whose object has another length than it says is not written', async () => {
    await expect(seal([{ ...object('a', 10), sizeBytes: 11 }])).rejects.toMatchObject({ code: 'internal' });
  });
});
