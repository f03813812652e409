import type { Stream } from '@libp2p/interface';
import { expect, test } from 'vitest';
import { writeAll } from '../../../src/engine/mesh/stream-write.ts';

const MIB = 1024 * 1024;

test('a stream is given copies, in order, and no more than it can hold', async () => {
  const sent: Uint8Array[] = [];
  const stream = Object.assign(new EventTarget(), {
    status: 'open',
    writeBufferLength: 0,
    send(bytes: Uint8Array) {
      sent.push(bytes);
      stream.writeBufferLength += bytes.length;
    },
  });
  const body = new Uint8Array(5 * MIB).map((_, at) => at % 251);
  const expected = Buffer.from(body);
  const written = writeAll(stream as unknown as Stream, Uint8Array.of(1, 2), body);
  let most = 0;
  let ended = false;
  void written.then(() => {
    ended = true;
  });
  while (!ended) {
    most = Math.max(most, stream.writeBufferLength);
    stream.writeBufferLength = 0;
    stream.dispatchEvent(new Event('drain'));
    await new Promise(setImmediate);
  }
  body.fill(7);
  const all = Buffer.concat(sent);
  expect(all.subarray(0, 2)).toEqual(Buffer.of(1, 2));
  expect(all.subarray(2).equals(expected)).toBe(true);
  expect(most).toBeLessThan(2.5 * MIB);
});

test('what is left is not sent to a stream that was aborted', async () => {
  const stream = Object.assign(new EventTarget(), {
    status: 'open',
    writeBufferLength: 0,
    send(bytes: Uint8Array) {
      stream.writeBufferLength += bytes.length;
    },
  });
  const written = writeAll(stream as unknown as Stream, new Uint8Array(5 * MIB));
  stream.status = 'aborted';
  stream.dispatchEvent(new Event('close'));
  await expect(written).rejects.toThrow('aborted');
  expect(stream.writeBufferLength).toBeLessThan(2.5 * MIB);
});
