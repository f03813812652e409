import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { realClock } from '../../../../src/engine/effects/clock.ts';
import { BodyPool } from '../../../../src/engine/mesh/bulk/body-pool.ts';
import { encodeFrameHead } from '../../../../src/engine/mesh/bulk/bulk-frame.ts';
import { Link } from '../../../../src/engine/mesh/bulk/link.ts';
import { RateLimit } from '../../../../src/engine/mesh/rate-limit.ts';
import type { PeerId } from '../../../../src/engine/types.ts';

test('an answer that comes before the body has left does not end the request while the body is still to be read', async () => {
  const clock = realClock();
  const written: Buffer[] = [];
  let goOn: (() => void) | undefined;
  // A peer that reads nothing for now: the first write does not end.
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(Buffer.from(chunk)); // what TLS would encrypt now
      if (goOn === undefined) goOn = () => done();
      else done();
    },
  });
  Object.assign(socket, { setNoDelay() {}, bytesRead: 0 });
  const link = new Link(
    'peer' as PeerId,
    {
      clock,
      caps: { up: new RateLimit(clock, undefined), down: new RateLimit(clock, undefined) },
      pool: new BodyPool(),
      services: new Map(),
      served: { bytes: 0, waiting: new Set() },
      count() {},
    },
    () => {},
  );
  link.addAccepted(socket as unknown as TLSSocket);
  const body = new Uint8Array(100_000).fill(1); // a shard in memory that is lent
  const asked = link.request(0, { header: Uint8Array.of(2), body }, { timeoutMs: 5_000 });
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
  // Ids count up from 1, so the peer need not have seen the request.
  socket.push(encodeFrameHead({ kind: 'response', id: 1, service: 0, bodyBytes: 0 }, Uint8Array.of(0)));
  let ended = false;
  void asked.then(
    () => (ended = true),
    () => (ended = true),
  );
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  expect(ended).toBe(false);
  goOn?.();
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  expect(ended).toBe(true);
  expect(Buffer.concat(written).subarray(-body.length)).toEqual(Buffer.from(body));
  socket.destroy();
});
