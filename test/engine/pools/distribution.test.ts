import { expect, it } from 'vitest';
import type { Entry } from '../../../src/engine/catalog/catalog.ts';
import {
  type DistributionContext,
  placedObject,
  takeDistribution,
} from '../../../src/engine/pools/distribution.ts';
import { manualClock } from '../../support/manual-clock.ts';

it('counts every object whose manifest cannot be read, and names a hundred', async () => {
  async function* objects() {
    for (let at = 0; at < 250; at++) yield placedObject({ name: `object-${at}` } as Entry, undefined);
  }
  const nobody: DistributionContext = {
    clock: manualClock(),
    timeoutMs: 1000,
    signal: new AbortController().signal,
    backend: () => undefined,
    poolOf: () => expect.fail('nothing is placed'),
    siteOf: () => undefined,
    nameOf: () => undefined,
  };
  const { objectsUnreadable, unreadable, ...report } = await takeDistribution(objects(), nobody);
  expect([report.objects, objectsUnreadable, unreadable.length]).toEqual([250, 250, 100]);
});
