import { beforeEach, expect, it } from 'vitest';
import { createAutoRebalance } from '../../../../src/engine/calls/rebalance/auto.ts';
import type { RebalanceQuery } from '../../../../src/engine/views/rebalance.ts';
import { fakeRebalance } from '../../../support/fake-rebalance.ts';
import { type ManualClock, manualClock } from '../../../support/manual-clock.ts';

const MINUTE = 60_000;
let clock: ManualClock;
let members: string[];
let asked: RebalanceQuery[];
let applying: boolean;
let told: string[];
let fails: boolean;

beforeEach(() => {
  clock = manualClock();
  members = ['a', 'b', 'c'];
  asked = [];
  applying = false;
  told = [];
  fails = false;
});

function start(unfinished?: RebalanceQuery) {
  const node = {
    clock,
    owner: { ownerId: 'o' },
    candidates: () => members.map((peer) => ({ peer })),
    membership: { members: () => members.map((peerId) => ({ peerId, greeted: true })) },
    events: { add: (_level: string, _source: string, text: string) => told.push(text) },
  };
  const auto = createAutoRebalance(
    node as never,
    async (query) => {
      asked.push(query);
      if (fails) throw new Error('broken');
      return fakeRebalance(true);
    },
    { list: async () => [{ name: 'default' }, { name: 'archive' }] } as never,
    {
      get isApplying() {
        return applying;
      },
      unfinished: async () => unfinished,
    },
  );
  auto.start();
  return auto;
}

const settle = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};
const pass = async (ms: number) => {
  for (let left = ms; left > 0; left -= MINUTE) {
    clock.advance(Math.min(MINUTE, left));
    await settle();
  }
};

it('looks at every pool once the mesh has stayed the same for ten minutes, and then once a day', async () => {
  start();
  await pass(19 * MINUTE);
  expect(asked).toEqual([]);
  await pass(2 * MINUTE);
  expect(asked.map(({ pool, apply }) => [pool, apply])).toEqual([
    ['default', true],
    ['archive', true],
  ]);
  expect(asked[0]!.bytesPerSecond).toBeLessThan(32 * 1024 * 1024);
  expect(told.join()).toMatch(/pool archive: 29 shards moved/);
  await pass(23 * 60 * MINUTE);
  expect(asked).toHaveLength(2);
  await pass(61 * MINUTE);
  expect(asked).toHaveLength(4);
});

it('does not run after a node that comes and goes', async () => {
  start();
  await pass(25 * MINUTE);
  asked = [];
  for (let i = 0; i < 12; i++) {
    members = i % 2 === 0 ? ['a', 'b'] : ['a', 'b', 'c'];
    await pass(10 * MINUTE);
  }
  expect(asked).toEqual([]);
  members = ['a', 'b', 'c', 'd'];
  await pass(25 * MINUTE);
  expect(asked).toHaveLength(2);
});

it('goes on with what was left undone when the mesh is met', async () => {
  start({ pool: 'archive', tolerance: 0.2, bytesPerSecond: 7 });
  await settle();
  expect(asked).toEqual([]);
  for (let i = 0; i < 40; i++) {
    clock.advance(100);
    await settle();
  }
  expect(asked).toEqual([{ pool: 'archive', tolerance: 0.2, bytesPerSecond: 7, apply: true }]);
});

it('keeps out of the way of one that was asked for, tells what failed, and ends when it is closed', async () => {
  applying = true;
  const auto = start();
  await pass(60 * MINUTE);
  expect(asked).toEqual([]);
  applying = false;
  fails = true;
  await pass(11 * MINUTE);
  expect(asked).toHaveLength(1);
  expect(told.join()).toMatch(/pools were not looked at: .*broken/);
  auto.close();
  asked = [];
  await pass(48 * 60 * MINUTE);
  expect(asked).toEqual([]);
});
