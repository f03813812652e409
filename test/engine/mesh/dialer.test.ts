import { expect, test } from 'vitest';
import type { Net } from '../../../src/engine/effects/net.ts';
import { createDialer, type DialTarget, freshRedial } from '../../../src/engine/mesh/dialer.ts';
import { MAX_PARALLEL_DIALS, REDIAL_MAX_MS } from '../../../src/engine/mesh/limits.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { manualClock } from '../../support/manual-clock.ts';

/** A net whose dials end when the test says so. */
function setUp(fraction = 0.5) {
  const clock = manualClock();
  const dialled: string[] = [];
  const ends = new Map<string, { succeed(): void; fail(): void }>();
  const net = {
    dial(addresses: readonly string[]) {
      const address = addresses[0]!;
      dialled.push(address);
      return new Promise<PeerId>((resolve, reject) => {
        ends.set(address, {
          succeed: () => resolve(address as PeerId),
          fail: () => reject(new Error('nobody there')),
        });
      });
    },
  } as unknown as Net;
  const random = { bytes: (length: number) => new Uint8Array(length), fraction: () => fraction };
  const dialer = createDialer({ net, clock, random, freed: () => {}, log: () => {} });
  const target = (kind: DialTarget['kind'], address: string): DialTarget => ({
    redial: freshRedial(),
    kind,
    addresses: [address],
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { clock, dialler: dialer, dialled, ends, target, settle };
}

test('hints without end leave slots to peers that are known, those leave slots to the configured ones', () => {
  const { dialler, dialled, target } = setUp();
  dialler.work(Array.from({ length: 100 }, (_, i) => target('hint', `hint ${i}`)));
  expect(dialled).toHaveLength(MAX_PARALLEL_DIALS / 2);
  dialler.work(Array.from({ length: 100 }, (_, i) => target('known', `known ${i}`)));
  expect(dialled).toHaveLength((MAX_PARALLEL_DIALS * 3) / 4);
  dialler.work([target('seed', 'seed')]);
  expect(dialled.at(-1)).toBe('seed');
});

test('what failed before waits behind what did not, and holds half of the slots at most', async () => {
  const { clock, dialler, dialled, ends, target, settle } = setUp();
  const dead = Array.from({ length: 20 }, (_, i) => target('known', `dead ${i}`));
  while (dead.some(({ redial }) => redial.failures === 0)) {
    dialler.work(dead);
    for (const end of ends.values()) end.fail();
    await settle();
    clock.advance(1);
  }
  clock.advance(REDIAL_MAX_MS);
  dialled.length = 0;
  dialler.work([...dead, target('known', 'fresh')]);
  expect(dialled[0]).toBe('fresh');
  expect(dialled).toHaveLength(1 + MAX_PARALLEL_DIALS / 2);
});

test('waits double up to the longest, with jitter, whether a dial fails or only nobody greets', async () => {
  for (const [fraction, factor] of [
    [0, 0.5],
    [0.5, 1],
    [0.999, 1.499],
  ] as const) {
    const { clock, dialler, ends, target, settle } = setUp(fraction);
    const it = target('known', 'x');
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      dialler.work([it]);
      if (i % 2 === 0) ends.get('x')!.fail();
      else ends.get('x')!.succeed();
      await settle();
      waits.push((it.redial.nextMs - clock.monotonic()) / factor);
      clock.advance(it.redial.nextMs - clock.monotonic());
    }
    expect(waits.map(Math.round)).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000]);
  }
});
