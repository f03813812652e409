/** What goes wrong, by seed. What destroys data stays within what the codes of the live objects tolerate; the rest has no bounds. */
import { custodyClient } from '../../src/engine/maintenance/custody/custody-client.ts';
import { signOrder } from '../../src/engine/maintenance/custody/order.ts';
import { manifestShardId, type ShardId } from '../../src/engine/types.ts';
import type { Clients } from './clients.ts';
import type { Conditions } from './conditions.ts';
import type { Drains } from './drains.ts';
import type { Violation } from './failure.ts';
import { askOfTheFuture } from './generations.ts';
import { lie } from './lies.ts';
import type { SimMachine } from './machine.ts';
import type { SimRandom } from './random.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';
import type { Truth } from './truth.ts';

export const FAULTS = [
  'kill',
  'power',
  'start',
  'wipe',
  'rot',
  'cut',
  'mend',
  'loss',
  'duplication',
  'slow',
  'freeze',
  'full',
  'room',
  'jump',
  'liar',
  'drain',
  'future',
] as const;
export type Fault = (typeof FAULTS)[number];

/** How often each is chosen where a seed has it at all. What mends is always there. */
const WEIGHTS: Record<Fault, number> = {
  kill: 3,
  power: 4,
  start: 10,
  wipe: 2,
  rot: 2,
  cut: 3,
  mend: 4,
  loss: 2,
  duplication: 2,
  slow: 2,
  freeze: 2,
  full: 1,
  room: 2,
  jump: 1,
  liar: 1,
  drain: 5,
  future: 2,
};
/** The rest takes nothing that a disk has acknowledged. */
const DESTROYS: ReadonlySet<Fault> = new Set(['wipe', 'rot', 'liar']);
const ALWAYS: ReadonlySet<Fault> = new Set(['start', 'mend', 'room']);

/** Not drawn with the others, but by seeds of their own: see World. */
const CHOSEN: ReadonlySet<Fault> = new Set(['drain', 'future']);

interface FaultsOptions {
  /** Of those that are not drawn here. */
  chosen: ReadonlySet<Fault>;
  drains: Drains;
  machines: SimMachine[];
  clients: Clients;
  truth: Truth;
  conditions: Conditions;
  timeline: Timeline;
  random: SimRandom;
  trace: Trace;
  violate(violation: Violation): void;
}

export class Faults {
  readonly #options: FaultsOptions;
  readonly #weights: (readonly [Fault, number])[];

  /** Each seed has some of the kinds of faults only: what one hides another may show. */
  constructor(options: FaultsOptions) {
    this.#options = options;
    this.#weights = FAULTS.filter((fault) =>
      CHOSEN.has(fault) ? options.chosen.has(fault) : ALWAYS.has(fault) || options.random.chance(0.5),
    ).map((fault) => [fault, WEIGHTS[fault]] as const);
  }

  get kinds(): Fault[] {
    return this.#weights.map(([fault]) => fault);
  }

  async strike(): Promise<void> {
    const { random, trace } = this.#options;
    const fault = random.weighted(this.#weights);
    const destroyed = DESTROYS.has(fault) ? this.#options.truth.beforeFault() : undefined;
    const done = await this.#do(fault);
    destroyed?.();
    if (done !== undefined) trace.note(`fault ${fault}: ${done}`);
  }

  async #do(fault: Fault): Promise<string | undefined> {
    const { machines, conditions, random, timeline } = this.#options;
    const machine = random.pick(machines.filter(({ gone }) => !gone));
    switch (fault) {
      case 'kill':
      case 'power':
        if (!machine.isUp) return undefined;
        machine.stop(fault);
        return machine.label;
      case 'start': {
        const down = machines.filter(({ isUp, gone }) => !isUp && !gone);
        if (down.length === 0) return undefined;
        const one = random.pick(down);
        one.start();
        return one.label;
      }
      case 'wipe':
        return this.#wipe(machine);
      case 'rot':
        return this.#rot(machine);
      case 'cut': {
        const hosts = random.shuffled(machines.map(({ host }) => host));
        const count = random.between(1, Math.max(1, hosts.length >> 1));
        const bothWays = random.chance(0.6);
        conditions.cut(hosts.slice(0, count), hosts.slice(count), bothWays);
        return `${count} of ${hosts.length} ${bothWays ? 'both ways' : 'one way'}`;
      }
      case 'mend':
        conditions.mend();
        conditions.slow.clear();
        for (const one of machines) one.slowDisk = 1;
        return '';
      case 'loss':
        conditions.loss = random.pick([0, 0.01, 0.05, 0.2]);
        return String(conditions.loss);
      case 'duplication':
        conditions.duplication = random.pick([0, 0.05, 0.3]);
        return String(conditions.duplication);
      case 'slow': {
        const factor = random.pick([10, 100, 1000]);
        if (random.chance(0.5)) conditions.slow.set(machine.host, factor);
        else machine.slowDisk = factor;
        return `${machine.label} ${factor} times`;
      }
      case 'freeze': {
        const forMs = random.around(8_000);
        machine.freeze(timeline.nowMs + forMs);
        return `${machine.label} for ${Math.round(forMs)} ms`;
      }
      case 'full':
        machine.disk.capacityBytes = machine.disk.usedBytes() + random.between(0, 20_000);
        return machine.label;
      case 'room':
        for (const one of machines) one.disk.capacityBytes = Number.POSITIVE_INFINITY;
        return '';
      case 'jump':
        machine.skewMs += random.pick([-1, 1]) * random.around(3_600_000);
        return `${machine.label} by ${Math.round(machine.skewMs)} ms in all`;
      case 'liar':
        return this.#turn(machine);
      case 'drain':
        return this.#options.drains.strike(machine);
      case 'future':
        return this.#ask(machine);
    }
  }

  /** A new disk: only where every live object can spare what was on the old one, and nobody is writing. */
  async #wipe(machine: SimMachine): Promise<string | undefined> {
    const { clients, truth } = this.#options;
    if (machine.spec.isClient || machine.liar || clients.writing || !truth.canLose(machine)) return undefined;
    machine.stop('power');
    await machine.wipe();
    return machine.label;
  }

  async #rot(machine: SimMachine): Promise<string | undefined> {
    const { clients, truth, random } = this.#options;
    if (clients.writing || machine.liar) return undefined;
    const ids = machine.held().filter((id) => !machine.rotten.has(id) && truth.canRot(machine, id));
    if (ids.length === 0) return undefined;
    const id = random.pick(ids);
    return (await this.#damage(machine, id)) ? `${machine.label} ${id.slice(0, 8)}` : undefined;
  }

  async #damage(machine: SimMachine, id: ShardId): Promise<boolean> {
    const { truth, random } = this.#options;
    const bytes = truth.bytesOf(id);
    if (bytes === undefined || bytes.length === 0) return false;
    const found = await machine.damage(bytes, random.between(0, bytes.length - 1), 1 << random.between(0, 7));
    if (found) machine.rotten.add(id);
    return found;
  }

  /** From now on it gives wrong answers. What it held is lost to the mesh, so it must be dispensable. */
  #turn(machine: SimMachine): string | undefined {
    const { machines, clients, truth } = this.#options;
    const known = machines.find(({ liar }) => liar);
    if (known !== undefined) return this.#forge(known);
    if (machine.spec.isClient || clients.writing) return undefined;
    if (!truth.canLose(machine)) return undefined;
    machine.lie(
      lie(this.#options.random.fork('lies'), truth.bytesOf.bind(truth), () => machine.node!.device),
    );
    return machine.label;
  }

  /** A node of a newer version asks another what that has never heard of. */
  #ask(machine: SimMachine): string | undefined {
    const { machines, random, violate } = this.#options;
    const newer = machines.filter(({ spec, endpoint }) => spec.generation === 'newer' && endpoint);
    if (newer.length === 0 || machine.peerId === undefined || machine.liar) return undefined;
    const from = random.pick(newer);
    askOfTheFuture(from.endpoint!, machine.peerId).catch(violate);
    return `${from.label} asks ${machine.label}`;
  }

  /** It tells everybody, in the owner's name and with a signature of its own, that one of his objects is released. */
  #forge(liar: SimMachine): string | undefined {
    const { machines, truth, random } = this.#options;
    const { node, endpoint } = liar;
    const live = truth.live();
    if (node === undefined || endpoint === undefined || live.length === 0) return undefined;
    const { client, objectId, name } = random.pick(live);
    const owner = client.ownerId!;
    const order = signOrder(
      {
        network: 'sim',
        objectId,
        owner,
        domain: 'node',
        members: [],
        state: 'released',
        sequence: 1_000_000,
        issuedAtMs: node.clock.now(),
      },
      { ownerId: owner, sign: node.device.sign },
    );
    const item = { order, manifest: truth.bytesOf(manifestShardId(objectId)), claims: [] };
    const custody = custodyClient(endpoint);
    for (const { peerId } of machines) {
      if (peerId === undefined || peerId === liar.peerId) continue;
      for (const op of ['offer', 'drop'] as const)
        custody[op](peerId, [item], { timeoutMs: 20_000 }).catch(() => {});
    }
    return `${liar.label} forges a release of ${name}`;
  }
}
