/** One run: machines, owners, weather and faults made from a seed, a script of steps, and what must be true at its end. */
import { createCodec } from '../../src/engine/codec/local-codec.ts';
import type { CodeProfile } from '../../src/engine/types.ts';
import { watchAnswers } from './answers.ts';
import { checkEnd, checkNow } from './checks.ts';
import { Clients, type PoolChoice } from './clients.ts';
import { Conditions } from './conditions.ts';
import { Drains } from './drains.ts';
import { Fabric } from './fabric.ts';
import { Violation } from './failure.ts';
import { Faults } from './faults.ts';
import { type FrameSink, Frames } from './frames.ts';
import type { Generation } from './generations.ts';
import { SimMachine } from './machine.ts';
import { SimRandom } from './random.ts';
import { Timeline } from './timeline.ts';
import { Trace } from './trace.ts';
import { Truth } from './truth.ts';
import type { Turns } from './turns.ts';

export interface RunOptions {
  seed: number;
  /** Chosen by the seed when absent. */
  nodes?: number | undefined;
  steps: number;
  /** Also what releases do not fulfil yet in every case: that the last copy of a deleted object goes. */
  strict?: boolean | undefined;
  /** Owners clean up as well; without it every seed is what it was before they could. */
  cleanup?: boolean | undefined;
  /** Without drains and other versions: what a seed was before there were any. */
  plain?: boolean | undefined;
  turns: Turns;
  /** Gets every line of the trace. */
  write?: ((line: string) => void) | undefined;
  /** Gets a frame for each second. */
  watch?: FrameSink | undefined;
}

export interface RunReport {
  seed: number;
  nodes: number;
  steps: number;
  hash: string;
  events: number;
  virtualMs: number;
  counts: Clients['counts'];
  objects: number;
  violation: Violation | undefined;
}

const CODES: readonly CodeProfile[] = [
  { k: 2, m: 1 },
  { k: 2, m: 2 },
  { k: 3, m: 2 },
  { k: 4, m: 2 },
  { k: 4, m: 3 },
  { k: 1, m: 2 },
];
/** Small meshes meet the same corners as large ones, and cost less: the work of gossip and hellos grows with the square. */
const SIZES = [
  [5, 3],
  [6, 3],
  [7, 3],
  [8, 2],
  [10, 1],
  [14, 0.3],
] as const;
const MAX_RUNNING = 6;
/** Nodes that wait out their longest re-dial, breakers and time-outs are together again by then. */
const TOGETHER_MS = 180_000;
/** So many seeds have operators who drain nodes, and nodes of several minor versions; and in those so many nodes are of another one. */
const WITH_DRAINS = 0.4;
const MIXED = 0.3;
const OF_ANOTHER = 0.5;
/** With three custodians of each object, one at least is of the current version. */
const MAX_OLDER = 2;

export class World {
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly truth: Truth;
  readonly machines: SimMachine[] = [];
  readonly clients: Clients;
  readonly conditions: Conditions;
  readonly #options: RunOptions;
  readonly #random: SimRandom;
  readonly #fabric: Fabric;
  readonly #faults: Faults;
  readonly #drains: Drains;
  readonly #pools: PoolChoice[] = [{ name: 'default', domain: 'node' }];
  #violation: Violation | undefined;
  readonly #frames: Frames | undefined;
  #stepsDone = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    const random = new SimRandom(options.seed, 'world');
    this.#random = random;
    this.#frames = options.watch && new Frames(options.watch, this.machines);
    this.trace = new Trace(options.write, this.#frames?.note);
    this.timeline = new Timeline(options.turns, this.trace);
    this.conditions = new Conditions(random.fork('conditions'));
    this.conditions.delayMs = random.pick([0.3, 2, 15, 60]);
    this.#fabric = new Fabric(this.timeline, this.conditions, this.trace, random.fork('fabric'));
    this.truth = new Truth(this.machines);
    const count = options.nodes ?? random.weighted(SIZES);
    const fitting = CODES.filter(({ k, m }) => k + m < count);
    const code = random.pick(fitting);
    const zones = random.between(2, 4);
    const world = {
      fabric: this.#fabric,
      random: random.fork('machines'),
      codec: createCodec(),
      bootstrap: () => this.machines.slice(0, 3).flatMap(({ address }) => address ?? []),
      stored: this.truth.stored.bind(this.truth),
    };
    const clients = random.between(1, 2);
    const generationOf = this.#generations();
    for (let index = 0; index < count; index++) {
      const zone = `z${index % zones}`;
      const rack = `r${random.between(0, 2)}`;
      const quotaBytes = random.pick([2_000_000, 20_000_000, 100_000_000]);
      const cacheBytes = random.pick([0, 8_000_000]);
      this.machines.push(
        new SimMachine(
          {
            index,
            zone,
            rack,
            quotaBytes,
            cacheBytes,
            code,
            isClient: index < clients,
            generation: generationOf(index < clients),
          },
          world,
        ),
      );
    }
    const violate = (violation: Violation) => {
      this.#violation ??= violation;
    };
    const parts = { truth: this.truth, timeline: this.timeline, trace: this.trace };
    this.clients = new Clients({ ...parts, random: random.fork('clients'), violate });
    const chosen = new SimRandom(options.seed, 'drains');
    const hasDrains = chosen.chance(WITH_DRAINS) && options.plain !== true;
    const isMixed = this.machines.some(({ spec }) => spec.generation === 'newer');
    this.#drains = new Drains({ ...parts, machines: this.machines, random: chosen });
    this.#faults = new Faults({
      ...parts,
      drains: this.#drains,
      chosen: new Set([...(hasDrains ? ['drain' as const] : []), ...(isMixed ? ['future' as const] : [])]),
      violate,
      machines: this.machines,
      clients: this.clients,
      conditions: this.conditions,
      random: random.fork('faults'),
    });
    watchAnswers({
      fabric: this.#fabric,
      machines: this.machines,
      truth: this.truth,
      random: random.fork('answers'),
      violate,
    });
  }

  /** Drawn apart, so that seeds without other versions are what they were. */
  #generations(): (isClient: boolean) => Generation {
    const { seed, plain } = this.#options;
    const random = new SimRandom(seed, 'generations');
    if (!random.chance(MIXED) || plain === true) return () => 'current';
    let older = 0;
    return (isClient) => {
      if (!random.chance(OF_ANOTHER)) return 'current';
      // Owners are asked for what only the current version does.
      if (isClient || older === MAX_OLDER || random.chance(0.5)) return 'newer';
      older++;
      return 'older';
    };
  }

  async run(): Promise<RunReport> {
    const rejected = (reason: unknown) => {
      this.#violation ??= new Violation(
        'no stray rejection',
        reason instanceof Error ? `${reason.stack}` : String(reason),
      );
    };
    process.on('unhandledRejection', rejected);
    try {
      await this.#install();
      for (let step = 0; step < this.#options.steps && this.#violation === undefined; step++) {
        await this.#step();
        this.#stepsDone++;
      }
      if (this.#violation === undefined) await this.#end();
    } catch (error) {
      this.#violation ??=
        error instanceof Violation ? error : new Violation('no crash', `${(error as Error).stack}`);
    } finally {
      process.off('unhandledRejection', rejected);
    }
    for (const machine of this.machines) machine.discard();
    const { seed, steps } = this.#options;
    return {
      seed,
      nodes: this.machines.length,
      steps,
      hash: this.trace.hash,
      events: this.timeline.events,
      virtualMs: this.timeline.nowMs,
      counts: this.clients.counts,
      objects: this.truth.promised.length,
      violation: this.#violation,
    };
  }

  async #advance(durationMs: number, done?: () => boolean): Promise<void> {
    const { seed, steps } = this.#options;
    const ends = () => this.#violation !== undefined || done?.() === true;
    if (this.#frames === undefined) return this.timeline.run(durationMs, ends);
    await this.#frames.run(this.timeline, durationMs, ends, { seed, step: this.#stepsDone, steps });
  }

  #versions(): string {
    const others = this.machines.filter(({ spec }) => spec.generation !== 'current');
    return others.map(({ label, spec }) => `, ${label} is ${spec.generation}`).join('');
  }

  async #install(): Promise<void> {
    const { zone } = { zone: new Set(this.machines.map(({ spec }) => spec.zone)).size };
    const { k, m } = this.machines[0]!.spec.code;
    this.trace.note(
      `seed ${this.#options.seed}: ${this.machines.length} nodes in ${zone} zones, ${k}+${m}, faults: ${this.#faults.kinds.join(' ')}${this.#versions()}`,
    );
    for (const machine of this.machines) {
      await machine.install();
      machine.start();
    }
    await this.#together('start');
    // A pool over zones, where there are enough of them for what its code may lose in one.
    const cap = Math.max(1, m);
    if (m > 0 && zone * cap >= k + m) {
      for (const machine of this.machines.filter(({ spec }) => spec.isClient)) {
        await this.#wait(
          machine.engine!.pools.create('zones', { code: { k, m }, domain: 'zone' }).catch(() => undefined),
        );
      }
      this.#pools.push({ name: 'zones', domain: 'zone' });
    }
  }

  async #wait<T>(work: Promise<T>, limitMs = TOGETHER_MS): Promise<T> {
    let end: { value: T } | { error: unknown } | undefined;
    work.then(
      (value) => {
        end = { value };
      },
      (error: unknown) => {
        end = { error };
      },
    );
    await this.#advance(limitMs, () => end !== undefined);
    if (this.#violation !== undefined) throw this.#violation;
    if (end === undefined) throw new Violation('ends', `not within ${limitMs} ms`);
    if ('error' in end) throw end.error;
    return end.value;
  }

  /** Everybody up knows and greets everybody else. */
  async #together(when: string): Promise<void> {
    const there = () => this.machines.filter(({ gone }) => !gone);
    const complete = () =>
      there().every(({ node }) => {
        const greeted = node?.membership.members().filter((member) => member.greeted).length ?? -1;
        return greeted >= there().length - 1;
      });
    await this.#advance(TOGETHER_MS, complete);
    if (this.#violation !== undefined) throw this.#violation;
    if (complete()) return;
    const lonely = there().flatMap(({ label, node, failure }) => {
      const greeted = node?.membership.members().filter((member) => member.greeted).length;
      return greeted === there().length - 1
        ? []
        : [`${label} greets ${greeted ?? `nobody (${String(failure)})`}`];
    });
    throw new Violation(
      'the mesh finds together',
      `${when}: after ${TOGETHER_MS / 1000} s ${lonely.join(', ')}`,
    );
  }

  async #step(): Promise<void> {
    const random = this.#random;
    this.clients.tidy();
    const kind = random.weighted([
      ['put', 5],
      ['get', 6],
      ['delete', 2],
      ['fault', 4],
      ['wait', 1],
      ['cleanup', this.#options.cleanup ? 6 : 0],
    ] as const);
    const machine = random.pick(this.machines.filter(({ spec }) => spec.isClient));
    const free = this.clients.running.length < MAX_RUNNING;
    if (kind === 'fault') await this.#faults.strike();
    else if (kind === 'put' && free) this.clients.put(machine, random.pick(this.#pools));
    else if (kind === 'get' && free) this.clients.get(machine, this.clients.name());
    else if (kind === 'cleanup' && free) this.clients.cleanup(machine);
    else if (kind === 'delete' && free) this.clients.delete(machine, this.clients.name());
    await this.#advance(kind === 'wait' ? random.around(15_000) : random.around(random.pick([5, 300, 1500])));
    if (this.#violation !== undefined) return;
    checkNow(this);
    await this.#drains.look();
  }

  /** All faults end that can end. Then whatever was promised must be there, and every figure true. */
  async #end(): Promise<void> {
    this.trace.note('all is mended');
    this.conditions.heal();
    for (const machine of this.machines) {
      machine.disk.capacityBytes = Number.POSITIVE_INFINITY;
      machine.slowDisk = 1;
      if (!machine.isUp && !machine.gone) machine.start();
    }
    await this.#advance(TOGETHER_MS, () => {
      this.clients.tidy();
      return this.clients.running.length === 0;
    });
    await this.#together('at the end');
    await this.#drains.end((durationMs, done) => this.#advance(durationMs, done));
    if (this.#violation !== undefined) throw this.#violation;
    // Breakers that opened meanwhile are closed by a probe after half a minute at most.
    await this.#advance(40_000);
    this.clients.tidy();
    await checkEnd(this, {
      wait: (work) => this.#wait(work),
      advance: (durationMs, done) => this.#advance(durationMs, done),
      strict: this.#options.strict ?? false,
    });
  }
}
