import { expect, test } from 'vitest';
import type { Backend } from '../../../../src/engine/backends/backend.ts';
import { shardIdOfBytes } from '../../../../src/engine/codec/hash.ts';
import { realRandom } from '../../../../src/engine/effects/random.ts';
import { Sightings } from '../../../../src/engine/maintenance/custody/sightings.ts';
import { HOLDERS, Silences } from '../../../../src/engine/maintenance/custody/silences.ts';
import { attest } from '../../../../src/engine/maintenance/proof/attestation.ts';
import { ProofMemory } from '../../../../src/engine/maintenance/proof/memory.ts';
import type { ShardId } from '../../../../src/engine/types.ts';
import { DatameshError } from '../../../../src/errors.ts';
import { attesterOf } from '../../../support/attester.ts';
import { manualClock } from '../../../support/manual-clock.ts';
import { peer } from './samples.ts';

const MIB = 1024 * 1024;
const shards = Array.from({ length: 7 }, (_, i) => Buffer.alloc(128, i + 1));
const ids = shards.map((bytes) => shardIdOfBytes(bytes));
const holder = attesterOf('holder');

/** Looks again and again at claims of shards that are said to be of 10 MiB each: three of them in one look. */
function looker() {
  const memory = new ProofMemory();
  const held = new Map<ShardId, Uint8Array>(ids.map((id, at) => [id, shards[at]!]));
  const state = { refuses: false, held, memory, questions: [] as number[] };
  const backend = {
    id: holder.peerId,
    has: async (asked: readonly ShardId[]) => asked.map(() => true),
    async prove(asked, nonce) {
      state.questions.push(asked.length);
      if (state.refuses) throw new DatameshError('peer-unreachable', { what: 'no answer' });
      return await attest(holder, holder.peerId, asked, nonce, async (id) => held.get(id));
    },
  } as Partial<Backend> as Backend;
  const look = async (self = peer('self')) => {
    const sightings = new Sightings({
      self,
      backend: () => backend,
      memory,
      random: realRandom(),
      timeoutMs: 100,
      signal: new AbortController().signal,
    });
    for (const id of ids) sightings.want(holder.peerId, { id, lengthBytes: 10 * MIB }, 'custodians');
    await sightings.ask();
    return {
      seen: ids.filter((id) => sightings.holdersOf(id).length > 0).length,
      silent: sightings.silent.size,
    };
  };
  return { state, look };
}

test('claims are proved some in each look, each once, and the others are believed until then', async () => {
  const { state, look } = looker();
  for (let i = 0; i < 5; i++) expect(await look()).toEqual({ seen: 7, silent: 0 });
  expect(state.questions).toEqual([3, 3, 1]);
});

test('who does not prove a claim is believed in none, and what was proved before counts', async () => {
  const { state, look } = looker();
  await look();
  state.refuses = true;
  expect(await look()).toEqual({ seen: 3, silent: 1 });
  state.refuses = false;
  state.held.delete(ids[4]!);
  expect(await look()).toEqual({ seen: 5, silent: 1 });
  expect(state.memory.isMissing(holder.peerId, ids[4]!)).toBe(true);
});

test('a node needs no proof of its own store, but for what it failed to prove', async () => {
  const { state, look } = looker();
  state.memory.note(holder.peerId, [ids[0]!], ['absent']);
  state.refuses = true;
  expect(await look(holder.peerId)).toEqual({ seen: 6, silent: 1 });
  state.refuses = false;
  for (let i = 0; i < 3; i++) expect(await look(holder.peerId)).toEqual({ seen: 7, silent: 0 });
  // Silence is asked three times.
  expect(state.questions).toEqual([1, 1, 1, 1]);
});

test('what the owner noted needs no proof, whatever custodians say of it besides', async () => {
  const { state } = looker();
  const sightings = new Sightings({
    self: peer('self'),
    backend: () =>
      ({
        id: holder.peerId,
        has: async (asked: readonly ShardId[]) => asked.map(() => true),
      }) as Partial<Backend> as Backend,
    memory: state.memory,
    random: realRandom(),
    timeoutMs: 100,
    signal: new AbortController().signal,
  });
  sightings.want(holder.peerId, { id: ids[0]! }, 'custodians');
  sightings.want(holder.peerId, { id: ids[0]! }, 'owner');
  sightings.want(holder.peerId, { id: ids[1]! }, 'owner');
  sightings.want(holder.peerId, { id: ids[1]! }, 'nobody');
  await sightings.ask();
  expect(sightings.holdersOf(ids[0]!)).toEqual([holder.peerId]);
  expect(sightings.holdersOf(ids[1]!)).toEqual([holder.peerId]);
  expect(sightings.silent.size).toBe(0);
});

test('who has answered nothing for long is not asked for a while, so that not every look waits for it, and is heard with its first answer', async () => {
  const clock = manualClock();
  const mute = new Silences(clock, HOLDERS);
  let asked = 0;
  let answers = false;
  const backend = {
    id: holder.peerId,
    async has(wanted) {
      asked++;
      if (!answers) throw new DatameshError('timeout', { what: 'no answer' });
      return wanted.map(() => true);
    },
  } as Partial<Backend> as Backend;
  const look = async () => {
    const sightings = new Sightings({
      self: peer('self'),
      backend: () => backend,
      memory: new ProofMemory(),
      random: realRandom(),
      mute,
      timeoutMs: 100,
      signal: new AbortController().signal,
    });
    sightings.want(holder.peerId, { id: ids[0]!, lengthBytes: 128 }, 'owner');
    const before = asked;
    await sightings.ask();
    clock.advance(5_000);
    return [asked - before, sightings.holdersOf(ids[0]!).length, sightings.silent.size];
  };
  const looks = async (count: number) => {
    const seen: number[][] = [];
    while (seen.length < count) seen.push(await look());
    return seen;
  };
  // Each wait is five seconds of a real look; then two looks in three do without it.
  const waits = [1, 0, 1];
  const goesOn = [0, 0, 1];
  expect(await looks(7)).toEqual([waits, waits, waits, waits, goesOn, goesOn, waits]);
  answers = true;
  expect((await looks(3)).at(-1)).toEqual([1, 1, 0]);
  answers = false;
  expect(await looks(2)).toEqual([waits, waits]);
});
