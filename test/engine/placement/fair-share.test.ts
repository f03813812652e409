import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Domain, domainCap, domainOf, locate, unitOf } from '../../../src/engine/placement/domains.ts';
import { type Carrier, fairShares } from '../../../src/engine/placement/fair-share.ts';
import type { PeerId } from '../../../src/engine/types.ts';

const carrier = (
  peer: string,
  weightBytes: number,
  site: { node?: string; zone?: string } = {},
): Carrier => ({
  site: { peer: peer as PeerId, ...site, node: (site.node ?? peer) as PeerId },
  weightBytes,
});
/** So many stripes of k + m with shards of `bytes`. */
const bulk = (stripes: number, k: number, m: number, bytes: number) => ({
  totalBytes: stripes * (k + m) * bytes,
  oneShardBytes: new Map([[m, stripes * bytes]]),
});
const sharesOf = (domain: Domain, carriers: Carrier[], of: ReturnType<typeof bulk>) =>
  carriers.map(({ site }) => Math.round(fairShares(domain, carriers, of).get(site.peer)!));

describe('fair shares', () => {
  it('go by what each offers', () => {
    const carriers = [carrier('a', 100), carrier('b', 100), carrier('c', 200), carrier('d', 400)];
    expect(sharesOf('node', carriers, bulk(8, 1, 0, 100))).toEqual([100, 100, 200, 400]);
  });

  it('are equal where the rule leaves no choice, whatever is offered', () => {
    const carriers = [carrier('a', 1), carrier('b', 1e12), carrier('c', 5)];
    expect(sharesOf('node', carriers, bulk(10, 2, 1, 100))).toEqual([1000, 1000, 1000]);
  });

  it('of the largest are one shard of each stripe at most; the others share the rest', () => {
    const carriers = [carrier('a', 1000), carrier('b', 10), carrier('c', 10), carrier('d', 20)];
    expect(sharesOf('node', carriers, bulk(10, 1, 1, 100))).toEqual([1000, 250, 250, 500]);
  });

  it('of two folders on a node are one shard of each stripe together, where nodes are the domain', () => {
    const carriers = [carrier('f', 100, { node: 'n' }), carrier('g', 300, { node: 'n' }), carrier('a', 1)];
    expect(sharesOf('node', carriers, bulk(10, 1, 1, 100))).toEqual([250, 750, 1000]);
    expect(sharesOf('disk', [carrier('f', 1), carrier('g', 3)], bulk(10, 1, 1, 100))).toEqual([1000, 1000]);
  });

  it('of a zone are m shards of each stripe at most', () => {
    const carriers = ['x', 'x', 'x', 'y', 'y', 'z', 'z'].map((zone, i) => carrier(`p${i}`, 100, { zone }));
    const shares = sharesOf('zone', carriers, bulk(10, 2, 2, 100));
    // Four shards of each over seven alike: x, with three sevenths, would have 1.7 of them, which it may.
    expect(shares).toEqual(carriers.map(() => Math.round(4000 / 7)));
    const tight = ['x', 'x', 'x', 'x', 'y', 'y'].map((zone, i) => carrier(`p${i}`, 100, { zone }));
    expect(sharesOf('zone', tight, bulk(10, 2, 2, 100))).toEqual([500, 500, 500, 500, 1000, 1000]);
  });

  const domains = fc.constantFrom<Domain>('none', 'node', 'rack', 'zone', 'disk');
  const many = fc.array(
    fc.record({
      weight: fc.integer({ min: 0, max: 1e12 }),
      zone: fc.integer({ min: 0, max: 3 }),
      node: fc.integer({ min: 0, max: 5 }),
    }),
    { minLength: 1, maxLength: 12 },
  );
  it('never break the rule, and give out all that it leaves room for', () => {
    fc.assert(
      fc.property(
        domains,
        many,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 4 }),
        (domain, all, k, m) => {
          const carriers = all.map(({ weight, zone, node }, i) =>
            carrier(`p${i}`, weight, { zone: `${zone}`, node: `n${node}-${zone}` }),
          );
          const of = bulk(7, k, m, 1000);
          const shares = fairShares(domain, carriers, of);
          const one = 7 * 1000;
          const near = (a: number, b: number) => a <= b + 1e-3 * Math.max(1, b);
          const grouped = (key: (it: Carrier) => string) =>
            [...Map.groupBy(carriers, key).values()].map((them) => ({
              them,
              bytes: them.reduce((sum, { site }) => sum + shares.get(site.peer)!, 0),
            }));
          let room = 0;
          for (const { them, bytes } of grouped(({ site }) => domainOf(domain, locate(site)))) {
            const units = Map.groupBy(them, ({ site }) => unitOf(domain, locate(site)));
            const usable = [...units.values()].filter((unit) =>
              unit.some(({ weightBytes }) => weightBytes > 0),
            ).length;
            const cap = domainCap({ code: { k, m }, domain, allowDegraded: false });
            if (domain !== 'none') expect(near(bytes, one * Math.min(units.size, cap))).toBe(true);
            room += domain === 'none' ? (usable > 0 ? Infinity : 0) : one * Math.min(usable, cap);
          }
          if (domain !== 'none')
            for (const { bytes } of grouped(({ site }) => unitOf(domain, locate(site))))
              expect(near(bytes, one)).toBe(true);
          const sum = [...shares.values()].reduce((a, b) => a + b, 0);
          expect(near(sum, of.totalBytes)).toBe(true);
          expect(near(Math.min(of.totalBytes, room), sum)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
