/** The invariants: after each step what costs little, at the end everything. */
import { shardIdOfBytes } from '../../src/engine/codec/hash.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { locate } from '../../src/engine/placement/domains.ts';
import { openShardStore } from '../../src/engine/shardstore/segment-store.ts';
import { openSnapshotIndex } from '../../src/engine/shardstore/snapshot-index.ts';
import type { PeerId, ShardId } from '../../src/engine/types.ts';
import { asDatameshError } from '../../src/errors.ts';
import { Violation } from './failure.ts';
import { type SimMachine, STORE_LIMITS } from './machine.ts';
import type { Promised, Truth } from './truth.ts';
import type { World } from './world.ts';

const SHARDS_DIR = '/data/shards';
const CALM_BYTES = 10_000;
/** Two rounds of the keeper's census, and the turns of three custodians. */
const HEALED_MS = 300_000;
/** Releases are carried again to those that were away. */
const GONE_MS = 120_000;
/** The grace time of repairs, 15 minutes, and a round of the keeper's census. */
const MOVED_MS = 18 * 60_000;
/** Share of a quota from which on holders may refuse. */
const FULL = 0.7;
/** Events that wait, per node: its timers and the messages on their way to it. */
const MAX_WAITING_PER_NODE = 2_000;

/** What a power cut at this moment, that takes everything not synced, leaves of these shards. Throws when one is missing. */
export async function checkDurable(
  machine: SimMachine,
  ids: readonly ShardId[],
  truth: Truth,
): Promise<void> {
  const disk = machine.disk.crash({ fraction: () => 0, mode: 'lost', sectorBytes: 512, keep: 0 });
  const store = await openShardStore({
    dir: SHARDS_DIR,
    disk,
    clock: { ...realClock(), now: () => 0, monotonic: () => 0, after: () => ({ cancel() {} }) },
    random: { bytes: (length) => new Uint8Array(length), fraction: () => 0 },
    idOf: shardIdOfBytes,
    quotaBytes: 1e12,
    reserveFraction: 0,
    limits: STORE_LIMITS,
    openIndex: (dir) => openSnapshotIndex(disk, `${dir}.json`),
  });
  for (const id of ids) {
    const bytes = await store.get(id);
    const wanted = truth.bytesOf(id);
    if (bytes === undefined || wanted === undefined || Buffer.compare(bytes, wanted) !== 0)
      throw new Violation(
        'acknowledged is durable',
        `${machine.label} would lose shard ${id.slice(0, 8)} in a power cut`,
      );
  }
  await store.close();
}

export function checkNow(world: World): void {
  const { timeline, machines, truth } = world;
  if (timeline.waiting > MAX_WAITING_PER_NODE * machines.length)
    throw new Violation('queues are bounded', `${timeline.waiting} events wait`);
  for (const promised of truth.live()) {
    for (const [at, group] of promised.groups.entries()) {
      const there = truth.intact(group);
      const floor = promised.floors[at]!;
      if (there < floor)
        throw new Violation(
          'nothing acknowledged is lost',
          `${nameOf(promised, at)} has ${there} shards, not ${floor}`,
        );
    }
    if (!promised.allowDegraded) checkRule(promised, truth);
  }
}

function nameOf({ client, name, version }: Promised, group: number): string {
  return `${client.label} ${name} version ${version} ${group === 0 ? 'manifest' : `stripe ${group}`}`;
}

/** The shards of live objects on each honest disk. */
function liveOn({ truth, machines }: World): Map<SimMachine, ShardId[]> {
  const ids = new Set(
    truth.live().flatMap(({ groups }) => groups.flatMap(({ shards }) => shards.map(({ id }) => id))),
  );
  const honest = machines.filter(({ liar }) => !liar);
  return new Map(honest.map((machine) => [machine, [...ids].filter((id) => machine.has(id))]));
}

const ruled = new WeakSet<Promised>();

/** No node has two shards of a stripe, no domain of the pool more than may be lost. */
function checkRule(promised: Promised, truth: Truth): void {
  if (ruled.has(promised)) return;
  ruled.add(promised);
  for (const { code, shards } of promised.groups) {
    const nodes = new Set<PeerId>();
    const domains = new Map<string, number>();
    for (const { holder } of shards) {
      const spec = truth.machineOf(holder)?.spec;
      if (spec === undefined) continue;
      if (nodes.has(holder))
        throw new Violation('placement keeps the rule', `${promised.name}: two shards on one node`);
      nodes.add(holder);
      if (promised.domain !== 'zone') continue;
      const { zone } = locate({ peer: holder, zone: spec.zone });
      const count = (domains.get(zone) ?? 0) + 1;
      domains.set(zone, count);
      if (count > code.m)
        throw new Violation(
          'placement keeps the rule',
          `${promised.name}: ${count} shards in ${spec.zone}, ${code.m} may be lost`,
        );
    }
  }
}

/** How the checks let virtual time pass. */
export interface Passing {
  wait<T>(work: Promise<T>): Promise<T>;
  /** Until `done`, this long at most. */
  advance(durationMs: number, done: () => boolean): Promise<void>;
  /** Also what takes long, or is not fulfilled in every case yet. */
  strict: boolean;
}

export async function checkEnd(world: World, { wait, advance, strict }: Passing): Promise<void> {
  const { truth, machines } = world;
  checkNow(world);
  await checkHealed(world, advance);
  if (strict) {
    await checkGone(world, { advance, wait });
    await checkPlaces(world, advance);
  }
  for (const [machine, ids] of liveOn(world)) await wait(checkDurable(machine, ids, truth));
  for (const promised of truth.live()) {
    const { client, name, version, content } = promised;
    if (!truth.readable(promised))
      throw new Violation('nothing acknowledged is lost', `${name} version ${version}`);
    const got = await wait(readWhole(client, name, version)).catch((error: unknown) => {
      throw error instanceof Violation
        ? error
        : new Violation(
            'what exists can be read',
            `${client.label} ${name} version ${version}: ${(error as Error).message}`,
          );
    });
    if (Buffer.compare(got, content) !== 0)
      throw new Violation('no wrong byte', `${name} version ${version}`);
  }
  for (const client of machines.filter(({ spec }) => spec.isClient)) await checkCalmPut(world, client, wait);
  for (const client of machines.filter(({ spec }) => spec.isClient)) await checkHealth(world, client, wait);
  checkNow(world);
}

/** Holders may refuse more. */
export function isFull({ store, spec }: SimMachine): boolean {
  return store !== undefined && store.usage().liveBytes > FULL * spec.quotaBytes;
}

/** What is at risk is whole again: anything with half of its parity or less, without a word of its owner. */
async function checkHealed(world: World, advance: Passing['advance']): Promise<void> {
  const { truth, machines } = world;
  // Who claims what it has not is found by audits, which take their time; where there is no room nothing can be rebuilt.
  if (machines.some((machine) => machine.liar || isFull(machine))) return;
  const atRisk = () =>
    truth.live().flatMap((promised) =>
      promised.groups.flatMap((group, at) => {
        const spare = truth.believed(group) - group.code.k;
        return group.code.m > 0 && spare <= group.code.m / 2
          ? [`${nameOf(promised, at)} has spare ${spare}`]
          : [];
      }),
    );
  await advance(HEALED_MS, () => atRisk().length === 0);
  const left = atRisk();
  if (left.length > 0)
    throw new Violation('it heals itself', `after ${HEALED_MS / 1000} s ${left.slice(0, 3).join(', ')}`);
}

/**
 * Each shard of a stripe on a node of its own, no more in a zone than may be lost, whatever else of it lies elsewhere too. What came to lie otherwise while
 * nodes were away moves after the grace time.
 */
async function checkPlaces({ truth, machines }: World, advance: Passing['advance']): Promise<void> {
  if (machines.some(({ liar }) => liar)) return;
  const crowded = () =>
    truth
      .live()
      .filter(({ allowDegraded }) => !allowDegraded)
      .flatMap((promised) =>
        promised.groups.flatMap((group, at) => {
          const zoneCap = promised.domain === 'zone' ? group.code.m : Number.POSITIVE_INFINITY;
          return separable(truth.placesOf(group), zoneCap) ? [] : [nameOf(promised, at)];
        }),
      );
  await advance(MOVED_MS, () => crowded().length === 0);
  const [first] = crowded();
  if (first !== undefined)
    throw new Violation('placement keeps the rule', `${first}: its shards share nodes or zones`);
}

/** Whether each shard can be counted at one of its holders so that no node counts twice and no zone too often. */
function separable(places: readonly (readonly SimMachine[])[], zoneCap: number): boolean {
  const nodes = new Set<SimMachine>();
  const zones = new Map<string, number>();
  const from = (index: number): boolean => {
    const holders = places[index];
    if (holders === undefined) return true;
    for (const holder of holders) {
      const { zone } = holder.spec;
      const count = zones.get(zone) ?? 0;
      if (nodes.has(holder) || count >= zoneCap) continue;
      nodes.add(holder);
      zones.set(zone, count + 1);
      if (from(index + 1)) return true;
      nodes.delete(holder);
      zones.set(zone, count);
    }
    return false;
  };
  return from(0);
}

/**
 * What its owner deleted leaves every disk that can be reached, whoever came back meanwhile: by the release, and where a put has left a shard that nobody
 * noted, by the owner's sweep.
 */
async function checkGone(
  { truth, machines }: World,
  { advance, wait }: Pick<Passing, 'advance' | 'wait'>,
): Promise<void> {
  const honest = machines.filter(({ liar }) => !liar);
  const left = (strays: boolean) =>
    truth.promised
      .filter(({ state }) => state === 'deleted')
      .flatMap(({ client, name, version, groups }) =>
        groups.flatMap((group) =>
          [...new Set(group.shards.map(({ id }) => id))].flatMap((id) =>
            honest
              .filter((machine) => machine.store?.has(id) && truth.isStray(group, id, machine) === strays)
              .map(({ label }) => ({ client, text: `${name} version ${version} on ${label}` })),
          ),
        ),
      );
  await advance(GONE_MS, () => left(false).length === 0);
  const kept = left(false);
  if (kept.length > 0)
    throw new Violation(
      'what is deleted goes',
      `after ${GONE_MS / 1000} s: ${kept.slice(0, 3).map(({ text }) => text)}`,
    );
  // Where a node does not say what it keeps for whom, nothing is swept.
  if (machines.some(({ spec, gone }) => spec.generation === 'older' && !gone)) return;
  // One sweep marks, the next takes away.
  for (const client of new Set(left(true).map((stray) => stray.client))) {
    for (let epoch = 0; epoch < 2; epoch++) {
      const { orphaned } = await wait(
        client.engine!.cleanup({ orphaned: true, duplicates: false, dryRun: false }),
      );
      // A catalog without any object sweeps nothing, for it may be a new one of an owner who has many.
      const live = truth.live().some((promised) => promised.client === client);
      const [stray] = left(true).filter((one) => one.client === client);
      if (epoch === 1 && live && stray !== undefined)
        throw new Violation(
          'what nobody refers to is swept',
          `${stray.text}: ${JSON.stringify({ ...orphaned, holders: undefined })}`,
        );
    }
  }
}

/** In fair weather a put succeeds, unless the holders say themselves that they are full, or those are too few that neither lie nor are about to leave. */
async function checkCalmPut(
  { machines }: World,
  client: SimMachine,
  wait: <T>(work: Promise<T>) => Promise<T>,
): Promise<void> {
  const content = new Uint8Array(CALM_BYTES).fill(client.spec.index);
  const source = (async function* () {
    yield content;
  })();
  try {
    await wait(client.engine!.put(source, { name: 'calm', sizeBytes: content.length }));
    const got = await wait(readWhole(client, 'calm', 1));
    if (Buffer.compare(got, content) !== 0) throw new Violation('no wrong byte', 'calm');
    await wait(client.engine!.delete('calm'));
  } catch (error) {
    const { code, message } = asDatameshError(error);
    if (error instanceof Violation || code === 'quota-full') throw error;
    const { k, m } = client.spec.code;
    const takers = machines.filter(({ gone, liar, draining }) => !gone && !liar && !draining);
    if (code === 'too-few-nodes' && takers.length < k + m) return;
    throw new Violation('fair weather', `${client.label} can put nothing: ${code} ${message}`);
  }
}

/**
 * A proved census counts what there is, whatever liars claim; an asked one does where nobody lies and nothing
 * has rotted unseen, once a proof has cleared those who failed one before. Repairs go on meanwhile: what is counted was so when the census began or is so when it ends.
 */
async function checkHealth(
  { truth, machines, trace }: World,
  client: SimMachine,
  wait: <T>(work: Promise<T>) => Promise<T>,
): Promise<void> {
  const deceived = machines.some(({ liar, rotten }) => liar || rotten.size > 0);
  for (const asked of deceived ? (['proved'] as const) : (['proved', 'asked'] as const)) {
    const before = truth.health(client);
    const report = await wait(client.engine!.health({ depth: asked }));
    const after = truth.health(client);
    // Nobody leaves any more: what mends may add to it only.
    if (after.shardsLive < before.shardsLive)
      throw new Violation(
        'no live shard collected',
        `${client.label} (${asked}): ${before.shardsLive} shards when asked, ${after.shardsLive} then`,
      );
    const { depth, takenAtMs: _at, durationMs: _for, silentPeers, worst: _worst, sums, ...found } = report;
    trace.note(`${client.label} health ${depth} ${JSON.stringify(found)}`);
    // Liars give no sums here, so all that are given are honest.
    if (sums !== undefined && sums.open > 0)
      throw new Violation('honest sums fit', `${client.label}: ${sums.open} stripes have sums that do not`);
    const silent = silentPeers.filter((peer) => {
      const machine = truth.machineOf(peer);
      return machine !== undefined && !machine.liar && !machine.gone;
    });
    if (silent.length > 0)
      throw new Violation(
        'health is true',
        `${client.label} (${depth}) hears nothing from ${silent.join(' ')}`,
      );
    const [counted, were, are] = [found, before, after].map((it) => JSON.stringify(it));
    if (counted !== were && counted !== are)
      throw new Violation(
        'health is true',
        `${client.label} (${depth}) counts ${counted}, there were ${were} and are ${are}`,
      );
  }
}

async function readWhole(client: SimMachine, name: string, version: number): Promise<Buffer> {
  const { body } = await client.engine!.get(name, { version });
  const parts: Uint8Array[] = [];
  for await (const piece of body) parts.push(Uint8Array.from(piece));
  return Buffer.concat(parts);
}
