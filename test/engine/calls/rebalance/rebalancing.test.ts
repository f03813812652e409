import { expect, it } from 'vitest';
import { rebalanceNotes } from '../../../../src/engine/calls/rebalance/note.ts';
import { createRebalancing } from '../../../../src/engine/calls/rebalance/rebalancing.ts';
import { openCatalog } from '../../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../../src/engine/effects/clock.ts';
import { dataPaths } from '../../../../src/engine/options.ts';
import { ModelDisk } from '../../../support/model-disk.ts';
import { ALICE, entry, idOf } from '../../catalog/entries.ts';
import { peer } from '../../maintenance/custody/samples.ts';

it('moves of another pool that were stopped stay noted for a run of theirs; those of objects that are gone do not', async () => {
  const catalog = openCatalog(':memory:', realClock());
  catalog.commit(entry('film', { pool: 'archive' }));
  const disk = new ModelDisk();
  await disk.makeDir('/d');
  const notes = rebalanceNotes(disk, dataPaths('/d').rebalance, () => {});
  const move = { objectId: idOf('film'), stripe: 0, index: 1, from: peer(1), to: peer(2) };
  const query = { pool: 'archive', tolerance: undefined, bytesPerSecond: undefined };
  const underway = [move, { ...move, objectId: idOf('deleted') }];
  await notes.keep({ query, resume: false, underway });
  const node = {
    ...{ clock: realClock(), disk, catalog, owner: { ownerId: ALICE }, options: { dataDir: '/d' } },
    ...{ net: { self: peer(0) }, events: { add() {} }, membership: { member: () => undefined } },
    jobs: { run: (_kind: string, _what: string, call: object, work: (own: object) => unknown) => work(call) },
  };
  const poolOf = (name = 'default') => ({ name, domain: 'node', nodes: 'all', folders: [] });
  const pools = { pool: poolOf, poolOrDefault: poolOf, candidates: () => [], siteOf: () => undefined };
  const objects = { manifestOf: async () => ({ stripeCount: 0 }) };
  const rebalancing = createRebalancing(node as never, objects as never, pools as never);
  for (let run = 0; run < 2; run++) {
    expect(await rebalancing.run({ pool: 'default', apply: true }, {})).toMatchObject({ moved: 0 });
    expect((await notes.read())?.underway).toEqual([move]);
  }
  catalog.close();
});
