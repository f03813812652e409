import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_BYTES } from '../../../../src/engine/effects/net.ts';
import {
  encodeFrameHead,
  type FrameHead,
  FrameReader,
  type FrameSink,
} from '../../../../src/engine/mesh/bulk/bulk-frame.ts';

interface Got {
  head: FrameHead;
  header: Buffer;
  body: Buffer;
}

function collector(): { got: Got[]; sink: FrameSink } {
  const got: Got[] = [];
  return {
    got,
    sink: {
      begin: (head) => (head.bodyBytes === 0 ? NO_BYTES : Buffer.alloc(head.bodyBytes)),
      end: (head, header, body) => got.push({ head, header: Buffer.from(header), body: Buffer.from(body) }),
    },
  };
}

const frame = fc.record({
  header: fc.uint8Array({ maxLength: 80 }),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.nat(200_000).map((length) => new Uint8Array(length).fill(length & 0xff)),
  ),
});

/** Writes like a socket does: into whatever place the reader names, in pieces of its own choosing. */
function write(reader: FrameReader, bytes: Uint8Array, pieceBytes: () => number): void {
  let at = 0;
  while (at < bytes.length) {
    const place = reader.next();
    const count = Math.min(place.length, pieceBytes(), bytes.length - at);
    place.set(bytes.subarray(at, at + count));
    at += count;
    reader.got(count);
  }
}

test('frames come out as they went in, however the bytes are cut, read in place or fed', () => {
  fc.assert(
    fc.property(
      fc.array(frame, { minLength: 1, maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      (frames, cuts, inPlace) => {
        const wire = Buffer.concat(
          frames.flatMap(({ header, body }, id) => [
            encodeFrameHead({ kind: 'request', id, service: 7, bodyBytes: body.length }, header),
            body,
          ]),
        );
        const { got, sink } = collector();
        const reader = new FrameReader(sink);
        let turn = 0;
        const nextCut = () => cuts[turn++ % cuts.length]!;
        if (inPlace) write(reader, wire, nextCut);
        else for (let at = 0; at < wire.length; ) reader.feed(wire.subarray(at, (at += nextCut())));
        expect(got.length).toBe(frames.length);
        got.forEach(({ head, header, body }, id) => {
          expect(head).toEqual({ kind: 'request', id, service: 7, bodyBytes: frames[id]!.body.length });
          expect(header.equals(frames[id]!.header)).toBe(true);
          expect(body.equals(frames[id]!.body)).toBe(true);
        });
        expect(reader.midFrame).toBe(false);
      },
    ),
    { numRuns: 60 },
  );
});

test('a frame with another magic, version, kind or an impossible length is refused before a place is asked for', () => {
  const good = encodeFrameHead({ kind: 'request', id: 1, service: 0, bodyBytes: 10 }, NO_BYTES);
  for (const at of [0, 1, 2, 3, 8, 12]) {
    const bad = Buffer.from(good);
    bad[at] = 0xff;
    let asked = 0;
    const reader = new FrameReader({
      begin: () => {
        asked++;
        return NO_BYTES;
      },
      end: () => {},
    });
    expect(() => reader.feed(bad), `byte ${at}`).toThrow(/bulk frame|announces/);
    expect(asked).toBe(0);
  }
});

test('a body that was diverted is dropped: its place is not written to any more, and the next frame is whole', async () => {
  const place = Buffer.alloc(100_000);
  const ended: number[] = [];
  const reader = new FrameReader({
    begin: (head) => (head.id === 1 ? place : Buffer.alloc(head.bodyBytes)),
    end: (head) => ended.push(head.id),
  });
  const first = Buffer.concat([
    encodeFrameHead({ kind: 'response', id: 1, service: 0, bodyBytes: place.length }, NO_BYTES),
    Buffer.alloc(place.length, 1),
  ]);
  const second = Buffer.concat([
    encodeFrameHead({ kind: 'response', id: 2, service: 0, bodyBytes: 5 }, NO_BYTES),
    Buffer.alloc(5, 2),
  ]);
  write(reader, first.subarray(0, 30_000), () => 10_000);
  // A read into the place is under way: the socket was given it already.
  const given = reader.next();
  expect(given.buffer).toBe(place.buffer);
  const diverted = reader.divert('response', 1);
  expect(diverted).toBeInstanceOf(Promise);
  expect(reader.divert('response', 9)).toBeUndefined();
  given.fill(1, 0, 1000);
  reader.got(1000);
  await diverted;
  place.fill(0);
  write(reader, Buffer.concat([first.subarray(31_000), second]), () => 4096);
  expect(ended).toEqual([2]);
  expect(place.every((byte) => byte === 0)).toBe(true);
});

test('a sink that says wait is not asked again before it resumes, and nothing is lost', () => {
  let open = false;
  const ended: number[] = [];
  const reader = new FrameReader({
    begin: (head) => (open ? Buffer.alloc(head.bodyBytes) : 'wait'),
    end: (head) => ended.push(head.id),
  });
  const wire = Buffer.concat([
    encodeFrameHead({ kind: 'request', id: 1, service: 0, bodyBytes: 3 }, NO_BYTES),
    Buffer.from('abc'),
  ]);
  reader.feed(wire.subarray(0, 17));
  expect(reader.stalled).toBe(true);
  reader.feed(wire.subarray(17));
  expect(ended).toEqual([]);
  open = true;
  reader.resume();
  expect(ended).toEqual([1]);
  expect(reader.stalled).toBe(false);
});
