import { expect, test } from 'vitest';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { NO_BYTES } from '../../../src/engine/effects/net.ts';
import { encodeHead } from '../../../src/engine/mesh/frame.ts';
import { Lanes } from '../../../src/engine/mesh/lanes.ts';
import { RateLimit } from '../../../src/engine/mesh/rate-limit.ts';

test('a request over libp2p that was cancelled while its stream was being opened reads its body no more', async () => {
  const clock = realClock();
  const sent: Uint8Array[] = [];
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const stream = Object.assign(new EventTarget(), {
    status: 'open',
    writeBufferLength: 0,
    send: (bytes: Uint8Array) => void sent.push(Uint8Array.from(bytes)),
    abort() {},
  });
  const connect = async () => ({ newStream: () => opened.then(() => stream) }) as never;
  const lanes = new Lanes(connect, '/x', clock, {
    up: new RateLimit(clock, undefined),
    down: new RateLimit(clock, undefined),
  });
  const body = new Uint8Array(1000).fill(1); // a shard in memory that is lent
  const attempt = new AbortController();
  const asked = lanes.request(
    { header: Uint8Array.of(9), body },
    { timeoutMs: 20_000, signal: attempt.signal },
  );
  await new Promise(setImmediate);
  attempt.abort(); // cut off
  await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
  body.fill(7); // lent again, to the next chunk's plaintext
  open();
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  expect(sent).toEqual([]);
  // The stream is there for the next.
  const next = new AbortController();
  const asking = lanes.request(
    { header: Uint8Array.of(8), body: NO_BYTES },
    { timeoutMs: 20_000, signal: next.signal },
  );
  await new Promise(setImmediate);
  expect(sent.length).toBe(1);
  next.abort();
  await expect(asking).rejects.toMatchObject({ code: 'cancelled' });
});

test('an answer longer than was asked for is refused before memory is given to it', async () => {
  const clock = realClock();
  const aborts: string[] = [];
  const stream = Object.assign(new EventTarget(), {
    status: 'open',
    writeBufferLength: 0,
    send: () => true,
    abort: (error: Error) => void aborts.push(error.message),
  });
  const lanes = new Lanes(async () => ({ newStream: async () => stream }) as never, '/x', clock, {
    up: new RateLimit(clock, undefined),
    down: new RateLimit(clock, undefined),
  });
  const answer = async (bodyBytes: number, maxBodyBytes: number) => {
    const message = { header: NO_BYTES, body: NO_BYTES };
    const asked = lanes.request(message, { timeoutMs: 20_000, maxBodyBytes });
    await new Promise(setImmediate);
    const body = new Uint8Array(bodyBytes);
    for (const data of [encodeHead({ header: NO_BYTES, body }), body])
      stream.dispatchEvent(Object.assign(new Event('message'), { data }));
    return (await asked).body.length;
  };
  expect(await answer(1000, 1000)).toBe(1000);
  expect(await answer(2000, 2000)).toBe(2000);
  expect(aborts).toEqual([]);
  await expect(answer(1001, 1000)).rejects.toMatchObject({
    code: 'malformed-data',
    message: expect.stringContaining('more than this protocol allows'),
  });
  expect(aborts[0]).toContain('1001');
});
