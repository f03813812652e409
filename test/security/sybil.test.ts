/**
 * What somebody with many identities can do to a mesh of 200 honest nodes, measured on the product's own rules of who keeps what, and on a Kademlia for the pointers. docs/decisions/sybil.md has the figures; they are printed
 * here, and what the page claims is held.
 */
import { describe, expect, it } from 'vitest';
import { blake3 } from '../../src/engine/codec/hash.ts';
import { firstMembers } from '../../src/engine/maintenance/custody/custodians.ts';
import { closestHolders } from '../../src/engine/mirror/heads.ts';
import type { Candidate } from '../../src/engine/placement/domains.ts';
import { planStripe } from '../../src/engine/placement/place.ts';
import { byDistance, type Placed, type Point, pointOf } from '../../src/engine/placement/xor.ts';
import { type ObjectId, type OwnerId, type PeerId, shardIdOf } from '../../src/engine/types.ts';
import { seeded } from '../engine/shardstore/shards.ts';
import { announce, find, makeDht, shuffled } from './kademlia.ts';

const HONEST = 200;
const OBJECTS = 60;
const LOOKUPS = 24;
const fraction = seeded(20_261_121);
const random = (): Uint8Array => Uint8Array.from({ length: 32 }, () => Math.floor(fraction() * 256));
const share = (hits: number, of: number) => `${((100 * hits) / of).toFixed(0)} %`;
const say = (line: string) => process.stdout.write(`${line}\n`);

const members = (count: number, name: string): Placed[] =>
  Array.from({ length: count }, (_, i) => ({ peer: `${name}${i}` as PeerId, point: pointOf(random()) }));
const honest = members(HONEST, 'honest');

/** So many identities tried, those that lie closest to the target kept. */
function ground(target: Point, tried: number, kept: number): Placed[] {
  return byDistance(target, members(tried, 'sybil')).slice(0, kept);
}
/** That the closest `count` of all are among the tried: each of them is with that chance, and tried keys are many. */
const captured = (tried: number, count: number) => (tried / (tried + HONEST)) ** count;
const isSybil = (peer: PeerId | undefined) => peer?.startsWith('sybil') === true;

describe('200 honest nodes and one person with many identities', { timeout: 120_000 }, () => {
  it('all three custodians of a chosen object are hers after some thousand tried keys; of any object, only with most of the mesh', () => {
    const all = (keys: readonly Placed[], id: Uint8Array) =>
      firstMembers(shardIdOf(id) as string as ObjectId, [...honest, ...keys], 3).every(isSybil);
    for (const tried of [200, 1_000, 4_000]) {
      let hits = 0;
      for (let i = 0; i < OBJECTS; i++) {
        const id = random();
        const many = members(tried, 'sybil');
        const best = firstMembers(shardIdOf(id) as string as ObjectId, many, 3);
        if (
          all(
            many.filter(({ peer }) => best.includes(peer)),
            id,
          )
        )
          hits++;
      }
      say(
        `custodians, aimed, ${tried} keys tried, 3 used: all three hers for ${share(hits, OBJECTS)} of objects`,
      );
      expect(Math.abs(hits / OBJECTS - captured(tried, 3))).toBeLessThan(0.2);
    }
    for (const sybils of [20, 100, 200]) {
      const keys = members(sybils, 'sybil');
      const hits = Array.from({ length: 1_000 }, random).filter((id) => all(keys, id)).length;
      const expected = (sybils / (sybils + HONEST)) ** 3;
      say(`custodians, ${sybils} random identities: all three hers for ${share(hits, 1_000)} of objects`);
      expect(Math.abs(hits / 1_000 - expected)).toBeLessThan(0.06);
    }
  });

  it('all eight holders of a chosen owner’s head need some ten thousand tried keys', () => {
    for (const tried of [1_000, 10_000]) {
      let hits = 0;
      for (let i = 0; i < 20; i++) {
        const owner = Buffer.from(random()).toString('hex') as OwnerId;
        // Her aim: where the closest of all members lie, which closestHolders tells.
        const peers = (extra: readonly Placed[]) => ({
          self: 'x' as PeerId,
          members: () => [...honest, ...extra],
        });
        const many = members(tried, 'sybil');
        const best = new Set(closestHolders({ self: 'x' as PeerId, members: () => many }, owner, 8));
        if (closestHolders(peers(many.filter(({ peer }) => best.has(peer))), owner, 8).every(isSybil)) hits++;
      }
      say(`head, aimed, ${tried} keys tried, 8 used: all eight hers for ${share(hits, 20)} of owners`);
      expect(Math.abs(hits / 20 - captured(tried, 8))).toBeLessThan(0.35);
    }
  });

  it('shards: she takes the share of stripes that her identities make her, unless zones or a pool’s nodes bound it', () => {
    const zones = 8;
    const candidates = (list: readonly Placed[], zone: (i: number) => string): Candidate[] =>
      list.map((it, i) => ({ ...it, zone: zone(i), freeBytes: 2 ** 40 }));
    const lost = (all: readonly Candidate[], domain: 'node' | 'zone') => {
      let stripes = 0;
      for (let i = 0; i < 300; i++) {
        const ids = Array.from({ length: 6 }, () => shardIdOf(blake3(random())));
        const policy = { code: { k: 4, m: 2 }, domain, allowDegraded: false };
        if (planStripe(ids, 2 ** 20, all, policy).targets.filter(isSybil).length > 2) stripes++;
      }
      return stripes / 300;
    };
    const own = candidates(honest, (i) => `zone ${i % zones}`);
    for (const sybils of [20, 100]) {
      const one = candidates(members(sybils, 'sybil'), () => 'one house');
      const many = candidates(members(sybils, 'sybil'), (i) => `house ${i}`);
      const byNode = lost([...own, ...one], 'node');
      const honestZone = lost([...own, ...one], 'zone');
      const lyingZone = lost([...own, ...many], 'zone');
      say(
        `shards, 4+2, ${sybils} identities: more than two of a stripe hers in ${share(byNode, 1)} by node, ${share(honestZone, 1)} by zone if she names one zone, ${share(lyingZone, 1)} if each names another`,
      );
      expect(honestZone).toBe(0);
      if (sybils === 100) expect(Math.min(byNode, lyingZone)).toBeGreaterThan(0.1);
    }
    expect(lost(own, 'node')).toBe(0);
  });

  it('pointers in the DHT: identities around a chosen object hide it from lookups, disjoint paths or not; random ones do not', () => {
    const success = (hostile: (key: Point) => Point[], paths: number) => {
      let hits = 0;
      for (let i = 0; i < LOOKUPS; i++) {
        const key = pointOf(random());
        const dht = makeDht(
          honest.map(({ point }) => point),
          hostile(key),
          fraction,
        );
        const [from, to] = shuffled(
          dht.nodes.filter(({ honest: it }) => it),
          fraction,
        );
        announce(dht, from!, key, paths);
        if (find(dht, to!, key, paths)) hits++;
      }
      return hits / LOOKUPS;
    };
    const points = (list: readonly Placed[]) => list.map(({ point }) => point);
    const rows = [1, 3].map((paths) => {
      const none = success(() => [], paths);
      const spread = success(() => points(members(100, 'sybil')), paths);
      const aimed = success((key) => points(ground(key, 8_000, 40)), paths);
      say(
        `pointers, ${paths} ${paths === 1 ? 'path' : 'disjoint paths'}: found ${share(none, 1)} without her, ${share(spread, 1)} beside 100 random identities, ${share(aimed, 1)} with 40 aimed ones of 8,000 tried keys`,
      );
      return { none, spread, aimed };
    });
    for (const { none } of rows) expect(none).toBe(1);
    expect(rows[1]!.spread).toBeGreaterThanOrEqual(0.9);
    for (const { aimed } of rows) expect(aimed).toBeLessThan(0.6);
  });
});
