import { expect, it } from 'vitest';
import type { Backend, BackendCall } from '../../../src/engine/backends/backend.ts';
import { createPeerHealth } from '../../../src/engine/mesh/peer-health.ts';
import { RateLimit } from '../../../src/engine/mesh/rate-limit.ts';
import { RequestCounter } from '../../../src/engine/observe/requests.ts';
import type { OwnerId, PeerId, ShardId } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { manualClock } from '../../support/manual-clock.ts';

it('does not count as failed what this side gave up', async () => {
  const clock = manualClock();
  const peer = 'birch' as PeerId;
  const requests = new RequestCounter(
    clock,
    createPeerHealth(clock, { bytes: () => new Uint8Array(8) } as never),
  );
  let outcome: Error | undefined;
  const backend = requests.counted({
    id: peer,
    kind: 'peer',
    delete: async () => {
      if (outcome !== undefined) throw outcome;
      return true;
    },
  } as Partial<Backend> as Backend);
  const call = { timeoutMs: 1000, signal: new AbortController().signal };
  const ends = [
    undefined,
    new DatameshError('cancelled', { what: 'another was first' }),
    new DOMException('aborted', 'AbortError'),
    new DatameshError('timeout', { what: 'no answer' }),
  ];
  for (outcome of ends) await backend.delete('ab' as ShardId, 'cd' as OwnerId, call).catch(() => undefined);
  expect(requests.of(peer)).toEqual({ requests: 4, failures: 1 });
});

it('counts of a peer’s time what it took, and not the wait for this node’s own bandwidth', async () => {
  const clock = manualClock();
  const caps = { up: new RateLimit(clock, 1000), down: new RateLimit(clock, 1000) };
  const health = createPeerHealth(clock, { bytes: () => new Uint8Array(8) } as never);
  const peer = 'birch' as PeerId;
  const moved = async (bytes: number, call: BackendCall) => {
    await caps.up.pass(bytes, call);
    await clock.sleep(70);
    await caps.down.pass(bytes, call);
  };
  const backend = new RequestCounter(clock, health).counted({
    id: peer,
    kind: 'peer',
    put: (_id, bytes, _owner, call) => moved(bytes.length, call),
    get: (_id, call) => moved(5000, call).then(() => new Uint8Array(5000)),
  } as Partial<Backend> as Backend);
  let told = 0;
  const call = { timeoutMs: 1000, waiting: (ms: number) => void (told += ms) };
  const all = Promise.all([
    backend.put('ab' as ShardId, new Uint8Array(3000), 'cd' as OwnerId, call),
    backend.get('ab' as ShardId, call),
    backend.put('ab' as ShardId, new Uint8Array(3000), 'cd' as OwnerId, call),
  ]);
  for (let i = 0; i < 2000; i++) {
    clock.advance(10);
    await Promise.resolve();
  }
  await all;
  expect(told).toBeGreaterThan(8000);
  expect(health.latencyMs(peer).p95).toBeLessThan(200);
  expect(health.latencyMs(peer).p50).toBeGreaterThanOrEqual(70);
});
