/** What of a catalog leaves the machine: nothing but the owner's words, and none of them changed, cut off or moved is believed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeRecord,
  encodeRecord,
  type MirrorRecord,
} from '../../../../src/engine/catalog/mirror/records.ts';
import { openSegment, sealSegment } from '../../../../src/engine/catalog/mirror/segment.ts';
import { NO_STAMP, nextStamp } from '../../../../src/engine/catalog/mirror/stamp.ts';
import { realRandom } from '../../../../src/engine/effects/random.ts';
import { openHead, pointOfHead, readHead, signHead, supersedes } from '../../../../src/engine/mirror/head.ts';
import { DOMAINS } from '../../../../src/engine/placement/domains.ts';
import type { PeerId } from '../../../../src/engine/types.ts';
import { objectId, owner, peer, stranger } from '../../maintenance/custody/samples.ts';

const random = realRandom();
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 });
const stamp = fc.nat({ max: 2 ** 45 }).map((ms) => nextStamp(NO_STAMP, ms));
const count = fc.nat({ max: 2 ** 40 });
const peers = fc.array(fc.nat({ max: 30 }).map(peer), { maxLength: 6 });
const identity = { stamp, name, objectId: fc.nat().map(objectId), createdAtMs: count };
const records: fc.Arbitrary<MirrorRecord> = fc.oneof(
  fc.record({ kind: fc.constant('removed' as const), ...identity }),
  fc
    .record({
      head: fc.constantFrom('current', 'deleted', 'old'),
      kind: fc.constant('entry' as const),
      ...identity,
      version: fc.integer({ min: 1, max: 1_000_000 }),
      ...{ sizeBytes: count, endedAtMs: count },
      contentHash: fc.nat().map(objectId),
      mimeType: fc.constantFrom('text/plain', ''),
      tags: fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 5 }),
      k: fc.integer({ min: 1, max: 20 }),
      m: fc.nat({ max: 20 }),
      chunkBytes: count,
      stripes: count,
      storedBytes: count,
      pool: fc.constantFrom('default', 'archive'),
      manifestHolders: peers,
      untold: fc.option(fc.record({ domain: fc.constantFrom(...DOMAINS), members: peers }), {
        nil: undefined,
      }),
    })
    .map(({ head, ...it }) => ({ ...it, current: head === 'current', deleted: head === 'deleted' })),
  fc.record({
    kind: fc.constant('pool' as const),
    stamp,
    pool: fc
      .record({
        name,
        code: fc.record({ k: fc.integer({ min: 1, max: 20 }), m: fc.nat({ max: 20 }) }),
        domain: fc.constantFrom(...DOMAINS),
        compress: fc.boolean(),
        separateDisks: fc.boolean(),
        createdAtMs: count,
        nodes: fc.oneof(fc.constant('all' as const), peers),
        folders: fc.array(fc.record({ path: name, holder: fc.nat().map(peer) }), { maxLength: 3 }),
      })
      .chain((pool) =>
        fc
          .record({ versions: count, ageMs: count, bytes: count }, { requiredKeys: [] })
          .map((keep) => (Object.keys(keep).length === 0 ? pool : { ...pool, keep })),
      ),
  }),
);

async function* inParts<T>(items: readonly T[], size: number): AsyncGenerator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

async function collected(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function opened(bytes: Uint8Array, step: number, keys = owner): Promise<MirrorRecord[]> {
  const found: MirrorRecord[] = [];
  const pieces = (async function* () {
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
  })();
  for await (const part of openSegment(pieces, keys)) found.push(...part);
  return found;
}

describe('records', () => {
  it('come back field by field from a line', () => {
    fc.assert(
      fc.property(records, (record) => {
        const line = encodeRecord(record);
        expect(line).not.toContain('\n');
        expect(decodeRecord(line)).toEqual(record);
      }),
      { numRuns: 300 },
    );
  });

  it('of before there was deletion that can be undone are read', () => {
    const id = 'ab'.repeat(32);
    const entry = `["e","00000000000a0001","n","${id}",5,[2,1,9,4,2,1,1,12],["${id}","text/plain","default"],["t"],[],0]`;
    expect(decodeRecord(entry)).toMatchObject({ version: 2, current: true, deleted: false, endedAtMs: 0 });
    const pool = decodeRecord('["p","00000000000a0001","p",[2,1,"node",0,0,7],0,[]]');
    expect(pool).toMatchObject({ kind: 'pool', pool: { name: 'p' } });
    expect(pool).not.toHaveProperty('pool.keep');
  });

  it('that are anything else are refused', () => {
    for (const line of ['', '{}', '[]', '["e"]', '["x","0000000000000000"]', '["r","0",1]', 'null'])
      expect(() => decodeRecord(line), line).toThrow(expect.objectContaining({ code: 'malformed-data' }));
  });
});

describe('a segment', () => {
  it('gives its records back, in whatever pieces it is read and written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(records, { maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 300 }),
        async (all, partSize, step) => {
          const bytes = await collected(sealSegment(inParts(all, partSize), owner, random));
          expect(await opened(bytes, step)).toEqual(all);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('of the version before is read, and one of a later version is not', async () => {
    const all = fc.sample(records, 5);
    const bytes = await collected(sealSegment(inParts(all, 4), owner, random));
    bytes[4] = 1;
    expect(await opened(bytes, 64)).toEqual(all);
    bytes[4] = 3;
    await expect(opened(bytes, 64)).rejects.toMatchObject({ code: 'format-too-new' });
  });

  it('changed in a byte, cut short or lengthened, with parts swapped, or another owner’s, is refused', async () => {
    const all = fc.sample(records, 12);
    const bytes = await collected(sealSegment(inParts(all, 4), owner, random));
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 + (at % 255);
      await expect(opened(changed, 64), `byte ${at}`).rejects.toMatchObject({
        code: expect.stringMatching(/^(not-authentic|malformed-data|format-too-new)$/),
      });
    }
    for (let length = 0; length < bytes.length; length += 5)
      await expect(opened(bytes.subarray(0, length), 64), `${length} bytes`).rejects.toThrow();
    await expect(opened(Buffer.concat([bytes, Buffer.from([1])]), 64)).rejects.toThrow();
    await expect(opened(bytes, 64, stranger)).rejects.toMatchObject({ code: 'not-authentic' });
    // The last part of another segment of the same owner ends this one no better than none.
    const other = await collected(sealSegment(inParts(all, 4), owner, random));
    const lastAt = endOfParts(bytes, 2);
    const mixed = Buffer.concat([bytes.subarray(0, lastAt), other.subarray(endOfParts(other, 2))]);
    await expect(opened(mixed, 64)).rejects.toMatchObject({ code: 'not-authentic' });
  });
});

/** Offset behind so many parts. */
function endOfParts(bytes: Buffer, parts: number): number {
  let at = 4 + 1 + 16;
  for (let i = 0; i < parts; i++) at += 5 + 12 + bytes.readUInt32BE(at + 1) + 16;
  return at;
}

describe('a head', () => {
  const segments = [1, 2, 3].map((n) => ({
    objectId: objectId(n),
    holders: [peer(n), peer(n + 1)] as PeerId[],
    records: n * 100,
  }));
  const front = { network: 'test', sequence: 7, writtenAtMs: 1_795_000_000_000 };
  const bytes = signHead(front, segments, owner, random);

  it('tells everybody owner, number and time, and its owner the segments', () => {
    expect(readHead(bytes)).toEqual({ ...front, owner: owner.ownerId });
    expect(openHead(bytes, owner)).toEqual(segments);
    expect(Buffer.from(bytes).toString('latin1')).not.toContain(objectId(1));
    expect(Buffer.from(bytes).toString('latin1')).not.toContain(peer(1));
    expect(() => openHead(bytes, stranger)).toThrow(expect.objectContaining({ code: 'not-authentic' }));
  });

  it('has the same length for one segment and for three', () => {
    expect(signHead(front, segments.slice(0, 1), owner, random)).toHaveLength(bytes.length);
  });

  it('with any byte changed, missing or added is refused', () => {
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes);
      changed[at]! ^= 1 + (at % 255);
      expect(() => readHead(changed), `byte ${at}`).toThrow();
    }
    for (let length = 0; length < bytes.length; length += 3)
      expect(() => readHead(bytes.subarray(0, length)), `${length} bytes`).toThrow();
    expect(() => readHead(Buffer.concat([bytes, Buffer.from([0])]))).toThrow();
  });

  it('signed by another for this owner is refused', () => {
    const foreign = signHead(front, segments, { ...stranger, ownerId: owner.ownerId }, random);
    expect(() => readHead(foreign)).toThrow(expect.objectContaining({ code: 'not-authentic' }));
  });

  it('is superseded by a higher number, and by one alone of two with the same', () => {
    const of = (sequence: number) => ({
      sequence,
      bytes: signHead({ ...front, sequence }, [], owner, random),
    });
    const [a, b, c] = [of(7), of(7), of(8)];
    expect(supersedes(c, a)).toBe(true);
    expect(supersedes(a, c)).toBe(false);
    expect(supersedes(a, b)).toBe(!supersedes(b, a));
    expect(supersedes(a, a)).toBe(false);
    expect(supersedes(a, undefined)).toBe(true);
  });

  it('lies elsewhere for each owner', () => {
    expect(pointOfHead(owner.ownerId)).not.toEqual(pointOfHead(stranger.ownerId));
  });
});

describe('stamps', () => {
  it('never go back, whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1000 }), { minLength: 2, maxLength: 50 }), (times) => {
        let last = NO_STAMP;
        for (const ms of times) {
          const next = nextStamp(last, ms);
          expect(next > last).toBe(true);
          last = next;
        }
      }),
    );
    expect(nextStamp('00000000000affff', 3)).toBe('00000000000b0000');
  });
});
