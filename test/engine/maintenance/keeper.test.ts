import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { realRandom } from '../../../src/engine/effects/random.ts';
import type { Handover } from '../../../src/engine/maintenance/custody/handover.ts';
import { Leases } from '../../../src/engine/maintenance/custody/leases.ts';
import { memoryCustody } from '../../../src/engine/maintenance/custody/memory-custody.ts';
import type { ReleaseCarrier } from '../../../src/engine/maintenance/custody/release-carrier.ts';
import { DamageList } from '../../../src/engine/maintenance/damage-list.ts';
import { createKeeper, KEEPER_LIMITS, type KeeperOptions } from '../../../src/engine/maintenance/keeper.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { keepOf, member, objectId, peer } from './custody/samples.ts';

const holder = peer('holder');

/** A keeper whose only custodian it is, with objects that all have a shard with `holder`. */
function keeperOf(count: number, optionsOf: (clock: ManualClock) => Partial<KeeperOptions>) {
  const clock = manualClock();
  const store = memoryCustody();
  const ids = Array.from({ length: count }, (_, at) => objectId(at)).sort();
  store.keep(ids.map((id) => keepOf({ objectId: id }, { holders: [holder] })));
  const suspects = new DamageList();
  const self = member('self');
  const keeper = createKeeper({
    clock,
    random: realRandom(),
    peers: { self: self.peer, members: () => [self], refused: () => {} },
    store,
    handover: { forgetPeer() {}, changed() {} } as Partial<Handover> as Handover,
    carrier: { carry: async () => [], forgetPeer() {} } as Partial<ReleaseCarrier> as ReleaseCarrier,
    leases: new Leases(clock),
    suspects,
    limits: KEEPER_LIMITS,
    triage: () => true,
    mend: async (looked) => ({ looked: looked.length, repaired: 0, trafficBytes: 0, shards: 0 }),
    notedLosses: () => ({ losses: 0, m: 2, sinceMs: undefined }),
    pause: turn,
    log: (text) => expect.fail(text),
    ...optionsOf(clock),
  });
  return { clock, keeper, suspects, ids };
}

test('who goes while its objects are gone through because it came has gone', async () => {
  let away = false;
  const { keeper, suspects, ids } = keeperOf(3, () => ({
    notedLosses: () => ({ losses: away ? 1 : 0, m: 2, sinceMs: undefined }),
  }));
  keeper.changed(holder, true);
  // Looked at, and whole.
  for (const id of ids) suspects.whole(id);
  away = true;
  keeper.changed(holder, false);
  for (let i = 0; i < 9; i++) await turn();
  expect(ids.map((id) => suspects.known(id, 0)?.losses)).toEqual([1, 1, 1]);
  await keeper.stop();
});

test.each(['a holder has gone', 'custodians tell where shards are'])(
  'what many large objects have lost is told piece by piece, so that nothing else waits for it (%s)',
  async (what) => {
    const went: number[] = [];
    const { clock, keeper, suspects, ids } = keeperOf(100, (clock) => ({
      notedLosses() {
        clock.advance(4);
        return { losses: 1, m: 2, sinceMs: undefined };
      },
      async pause() {
        went.push(clock.monotonic());
        await turn();
      },
    }));
    if (what === 'a holder has gone') keeper.changed(holder, false);
    else keeper.moved(ids);
    for (let i = 0; i < 200; i++) await turn();
    const waits = [...went, clock.monotonic()].map((ms, at) => ms - (went[at - 1] ?? 0));
    expect(Math.max(...waits)).toBeLessThanOrEqual(16);
    expect([suspects.size, clock.monotonic()]).toEqual([100, 400]);
    await keeper.stop();
  },
);
