import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_HEADER_BYTES, type NetMessage } from '../../../src/engine/effects/net.ts';
import { encodeHead, FrameReceiver } from '../../../src/engine/mesh/frame.ts';

const message = fc.record({
  header: fc.uint8Array({ maxLength: 200 }),
  body: fc.uint8Array({ maxLength: 3000 }),
});

test('frames cut anywhere come out as they went in', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 700 })),
      (sent, cuts) => {
        const wire = Buffer.concat(sent.flatMap((one) => [encodeHead(one), one.body]));
        const received: NetMessage[] = [];
        const receiver = new FrameReceiver(3000, (one) => received.push(one));
        let at = 0;
        for (const cut of [...cuts, wire.length]) {
          if (at < wire.length) receiver.feed(wire.subarray(at, at + cut));
          at += cut;
        }
        expect(received.map(({ header, body }) => [[...header], [...body]])).toEqual(
          sent.map(({ header, body }) => [[...header], [...body]]),
        );
        expect(receiver.midFrame).toBe(false);
      },
    ),
  );
});

test('a frame that announces more than is allowed is refused before anything is allocated', () => {
  const prefix = (headerBytes: number, bodyBytes: number) => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt16BE(0x444d, 0);
    bytes[2] = 1;
    bytes.writeUInt32BE(headerBytes, 4);
    bytes.writeUInt32BE(bodyBytes, 8);
    return bytes;
  };
  const receiver = () => new FrameReceiver(1000, () => {});
  const before = process.memoryUsage().arrayBuffers;
  expect(() => receiver().feed(prefix(0, 0xffff_ffff))).toThrow(/more than this protocol allows/);
  expect(() => receiver().feed(prefix(MAX_HEADER_BYTES + 1, 0))).toThrow(/more than/);
  expect(() => receiver().feed(prefix(0, 1001))).toThrow(/more than/);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  expect(() => receiver().feed(prefix(0, 1000))).not.toThrow();
  expect(() => receiver().feed(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow(/not a datamesh frame/);
});

test('a body is given memory when its header was looked at; what is not admitted is dropped, what must wait waits', () => {
  const received: [string, number][] = [];
  const verdicts: Record<string, 'take' | 'skip' | 'wait'> = { t: 'take', s: 'skip', w: 'wait' };
  const receiver = new FrameReceiver(
    1 << 26,
    ({ header, body }) => received.push([Buffer.from(header).toString(), body.length]),
    (header) => verdicts[Buffer.from(header).toString()]!,
  );
  const frame = (name: string, lengthBytes: number) => {
    const one = { header: Buffer.from(name), body: new Uint8Array(lengthBytes) };
    return Buffer.concat([encodeHead(one), one.body]);
  };
  const large = frame('s', 1 << 22);
  const own = process.memoryUsage().arrayBuffers;
  receiver.feed(large.subarray(0, 100_000));
  expect(process.memoryUsage().arrayBuffers - own).toBeLessThan(1 << 20);
  expect(receiver.midFrame).toBe(true);
  receiver.feed(Buffer.concat([large.subarray(100_000), frame('t', 5), frame('w', 7), frame('t', 9)]));
  expect(received).toEqual([
    ['s', 0],
    ['t', 5],
  ]);
  expect([receiver.waiting, receiver.midFrame]).toEqual([true, false]);
  receiver.feed(frame('s', 1));
  receiver.goOn();
  expect(received.slice(2)).toEqual([
    ['w', 7],
    ['t', 9],
    ['s', 0],
  ]);
});
