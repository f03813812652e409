import { expect, it } from 'vitest';
import type { Backend } from '../../../src/engine/backends/backend.ts';
import { createPeerHealth } from '../../../src/engine/mesh/peer-health.ts';
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
