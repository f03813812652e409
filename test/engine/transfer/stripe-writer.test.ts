import { expect, test } from 'vitest';
import type { Backend } from '../../../src/engine/backends/backend.ts';
import type { Candidate } from '../../../src/engine/placement/domains.ts';
import { pointOf } from '../../../src/engine/placement/xor.ts';
import { type WriteContext, writeStripe } from '../../../src/engine/transfer/stripe-writer.ts';
import type { OwnerId, ShardId } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { peer } from '../maintenance/custody/samples.ts';

const id = 'ab'.repeat(32) as ShardId;

test('a holder that was given up on in writing a manifest may fail long after the put has: nobody is left to hear of it, and nothing complains', async () => {
  const clock = manualClock();
  const stopper = new AbortController();
  const asked: string[] = [];
  let failLate = () => {};
  const late = new Promise<void>((_, reject) => {
    failLate = () => reject(new Error('the line is down'));
  });
  let giveUp = () => {};
  const givenUp = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  // Whoever is asked first takes it at once, the second never answers; everybody after them says no, once it has been given up on.
  const put = (holder: string): Promise<void> => {
    asked.push(holder);
    if (asked.length === 1) return Promise.resolve();
    if (asked.length === 2) return late;
    return givenUp.then(() => Promise.reject(new DatameshError('denied', { what: 'not for this owner' })));
  };
  const candidates = [1, 2, 3, 4, 5].map(
    (at): Candidate => ({ peer: peer(at), freeBytes: 1e9, point: pointOf(Buffer.from(peer(at))) }),
  );
  const context: WriteContext = {
    clock,
    owner: 'owner' as OwnerId,
    candidates: () => candidates,
    backend: (holder) => ({ id: holder, put: () => put(holder) }) as unknown as Backend,
    mayAsk: () => true,
    placed: () => {},
    failed: () => {},
    overtaken: giveUp,
    signal: stopper.signal,
  };
  const code = { k: 1, m: 2 };
  const writing = writeStripe(
    {
      ids: [id, id, id],
      shards: [0, 1, 2].map(() => new Uint8Array(10)),
      quorum: 3,
      policy: { code, domain: 'node', allowDegraded: false },
      announce: true,
    },
    context,
  );
  const refused = expect(writing).rejects.toMatchObject({ code: expect.stringMatching(/denied|quorum/) });
  for (let turn = 0; turn < 20; turn++) {
    await undefined;
    clock.advance(1_000);
    await new Promise(setImmediate);
  }
  await refused;
  expect(asked.length).toBeGreaterThan(3);
  const stray: unknown[] = [];
  const note = (reason: unknown) => void stray.push(reason);
  process.on('unhandledRejection', note);
  stopper.abort();
  failLate();
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  process.off('unhandledRejection', note);
  expect(stray).toEqual([]);
});
