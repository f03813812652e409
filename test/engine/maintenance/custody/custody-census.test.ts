import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Backend } from '../../../../src/engine/backends/backend.ts';
import { decodeManifest, encodeManifest } from '../../../../src/engine/codec/manifest.ts';
import { realRandom } from '../../../../src/engine/effects/random.ts';
import { lookAt } from '../../../../src/engine/maintenance/custody/custody-census.ts';
import { MANIFEST_GROUP } from '../../../../src/engine/maintenance/custody/custody-store.ts';
import { DamageList } from '../../../../src/engine/maintenance/damage-list.ts';
import { ProofMemory } from '../../../../src/engine/maintenance/proof/memory.ts';
import { manifestShardId, type PeerId, type ShardId } from '../../../../src/engine/types.ts';
import { DatameshError } from '../../../../src/errors.ts';
import { inputOf } from '../../codec/manifest-samples.ts';
import { objectId, peer } from './samples.ts';

const manifest = decodeManifest(encodeManifest(inputOf(600_000)));
const id = objectId(1);
const strangers = [peer(100), peer(101), peer(102)];
const nodes = [...manifest.peers, ...strangers];
const census = {
  self: peer('self'),
  memory: new ProofMemory(),
  random: realRandom(),
  timeoutMs: 100,
  signal: new AbortController().signal,
};

test('a census sees what is anywhere, wherever it is noted, and nothing that is not, whatever strangers say', async () => {
  const all = [
    ...Array.from({ length: manifest.stripeCount }, (_, s) => manifest.stripe(s).ids).flat(),
    manifestShardId(id),
  ];
  const held = fc.array(fc.tuple(fc.nat({ max: nodes.length - 1 }), fc.constantFrom(...new Set(all))), {
    maxLength: 40,
  });
  const claimed = fc.array(
    fc.tuple(fc.nat({ max: manifest.stripeCount }), fc.nat({ max: 2 }), fc.nat({ max: nodes.length - 1 })),
    {
      maxLength: 6,
    },
  );
  await fc.assert(
    fc.asyncProperty(
      held,
      claimed,
      fc.uniqueArray(fc.nat({ max: nodes.length - 1 }), { maxLength: 3 }),
      fc.subarray(strangers),
      async (pairs, claims, away, liars) => {
        const has = new Map<PeerId, Set<ShardId>>(nodes.map((node) => [node, new Set()]));
        const memory = new ProofMemory();
        for (const [node, shard] of pairs) {
          has.get(nodes[node]!)!.add(shard);
          memory.foundAt(nodes[node]!, shard);
        }
        const gone = new Set(away.map((at) => nodes[at]!));
        let questions = 0;
        const backend = (holder: PeerId): Backend | undefined =>
          gone.has(holder)
            ? undefined
            : ({
                id: holder,
                async has(ids: ShardId[]) {
                  // Whoever refuses a proof is asked shard by shard, and what it says then.
                  if (!liars.includes(holder)) questions++;
                  return ids.map((one) => liars.includes(holder) || has.get(holder)!.has(one));
                },
                async prove() {
                  throw new DatameshError('denied', { what: 'ask again later' });
                },
              } as Partial<Backend> as Backend);
        const [state] = await lookAt(
          [
            {
              object: {
                objectId: id,
                manifest,
                manifestBytes: 900,
                claims: claims
                  .map(([stripe, index, holder]) => ({
                    stripe: stripe === manifest.stripeCount ? MANIFEST_GROUP : stripe,
                    index,
                    holder: nodes[holder]!,
                  }))
                  // Whom the claims name for the manifest is believed.
                  .filter(({ stripe, holder }) => stripe !== MANIFEST_GROUP || !liars.includes(holder)),
              },
              from: 0,
            },
          ],
          {
            ...census,
            memory,
            backend,
            everybody: () => nodes.flatMap((node) => backend(node) ?? []),
          },
        );
        expect(questions).toBeLessThanOrEqual(2 * nodes.length);
        for (const holder of state!.silent) expect(liars).toContain(holder);
        for (const { stripe, ids, live } of state!.groups) {
          const present = (shard: ShardId) =>
            nodes.filter((node) => !gone.has(node) && has.get(node)!.has(shard));
          if (stripe === MANIFEST_GROUP) {
            const seen = live.flat();
            expect(new Set(seen).size).toBe(seen.length);
            for (const holder of seen) expect(present(ids[0]!)).toContain(holder);
            // Replicas beyond those that were noted are only looked for while one is missing.
            expect(seen.length >= Math.min(ids.length, present(ids[0]!).length)).toBe(true);
          } else {
            for (const [index, shard] of ids.entries()) {
              expect(live[index]!.length > 0).toBe(present(shard).length > 0);
              for (const holder of live[index]!) expect(present(shard)).toContain(holder);
            }
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('a holder that does not answer makes the picture uncertain, one that fails proofs does not count', async () => {
  const look = async (failing: boolean, missing: boolean) => {
    const backend = (holder: PeerId) =>
      ({
        id: holder,
        async has(ids: ShardId[]) {
          if (failing && holder === nodes[0]) throw new DatameshError('timeout', { what: 'no answer' });
          return ids.map(() => true);
        },
        async prove() {
          throw new DatameshError('denied', { what: 'ask again later' });
        },
      }) as Partial<Backend> as Backend;
    const object = { objectId: id, manifest, manifestBytes: 900, claims: [] };
    const memory = new ProofMemory();
    if (missing)
      memory.note(
        nodes[0]!,
        manifest.stripe(0).ids,
        manifest.stripe(0).ids.map(() => 'absent'),
      );
    const [state] = await lookAt([{ object, from: 0 }], {
      ...census,
      backend,
      everybody: () => [],
      memory,
    });
    const { live } = state!.groups.find(({ stripe }) => stripe === 0)!;
    return { silent: [...state!.silent], lacking: live.filter((holders) => holders.length === 0).length };
  };
  expect(await look(false, false)).toEqual({ silent: [], lacking: 0 });
  expect(await look(true, false)).toEqual({ silent: [nodes[0]], lacking: 1 });
  // It is asked for the proof again, and gives no answer.
  expect(await look(false, true)).toEqual({ silent: [nodes[0]], lacking: 1 });
});

test('suspects come when they are due, wait longer each time nothing helps, and are tried again when the mesh changes', () => {
  const list = new DamageList();
  const [a, b] = [objectId('a'), objectId('b')];
  list.suspect(a, 0);
  list.suspect(b, 100);
  expect(list.due(0, 9)).toEqual([a]);
  expect(list.due(100, 9)).toEqual([a, b]);
  expect(list.due(100, 1)).toEqual([a]);
  expect([list.ageMs(a, 50), list.ageMs(a, 80)]).toEqual([0, 30]);
  expect(list.damaged()).toEqual([a]);
  list.futile(a, 100);
  list.whole(b);
  expect(list.due(5_099, 9)).toEqual([]);
  expect(list.due(5_100, 9)).toEqual([a]);
  list.futile(a, 5_100);
  expect(list.due(15_099, 9)).toEqual([]);
  list.retryFutile(6_000);
  expect(list.due(6_000, 9)).toEqual([a]);
  expect(list.ageMs(a, 6_050)).toBe(6_000);
  list.whole(a);
  expect(list.size).toBe(0);
  expect(list.ageMs(a, 1)).toBe(0);
});
