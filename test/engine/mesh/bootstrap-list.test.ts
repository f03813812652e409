import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkBootstrap } from '../../../src/config/checks.ts';
import { parseBootstrap, seedsToDial } from '../../../src/engine/mesh/bootstrap-list.ts';

const address = '/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWExample';

test('an address without a priority has 0', () => {
  expect(parseBootstrap(address)).toEqual({ address, priority: 0 });
  expect(parseBootstrap(`${address}?priority=12`)).toEqual({ address, priority: 12 });
});

test('the configuration takes addresses with and without, and nothing else after them', () => {
  expect(checkBootstrap(address)).toBeUndefined();
  expect(checkBootstrap(`${address}?priority=999`)).toBeUndefined();
  for (const wrong of [
    '?priority=1000',
    '?priority=-1',
    '?priority=',
    '?prio=1',
    '?priority=1?priority=2',
    '?',
  ]) {
    expect(checkBootstrap(address + wrong), wrong).toMatch(/priority/);
  }
});

const up = (priority: number) => ({ priority, connected: true, failed: false });
const untried = (priority: number) => ({ priority, connected: false, failed: false });
const dead = (priority: number) => ({ priority, connected: false, failed: true });

test('a later group is dialled only when each of the earlier ones failed', () => {
  expect(seedsToDial([untried(10), untried(0), untried(0)])).toEqual([1, 2]);
  expect(seedsToDial([untried(10), dead(0), untried(0)])).toEqual([1, 2]);
  expect(seedsToDial([untried(10), dead(0), dead(0)])).toEqual([1, 2, 0]);
  expect(seedsToDial([untried(10), up(0), dead(0)])).toEqual([2]);
  expect(seedsToDial([up(10), dead(0)])).toEqual([1]);
});

test('as long as nobody is connected somebody is dialled, and nobody who is connected is', () => {
  const seed = fc.record({ priority: fc.nat({ max: 4 }), connected: fc.boolean(), failed: fc.boolean() });
  fc.assert(
    fc.property(fc.array(seed, { minLength: 1, maxLength: 12 }), (seeds) => {
      const wanted = seedsToDial(seeds);
      for (const index of wanted) expect(seeds[index]!.connected).toBe(false);
      if (seeds.every(({ connected }) => !connected)) expect(wanted.length).toBeGreaterThan(0);
      if (seeds.every(({ connected, failed }) => !connected && failed))
        expect(wanted).toHaveLength(seeds.length);
    }),
  );
});
