/** Operators who take nodes away: drain one, wait until it says that it is done, and switch it off for good; or think better of it. */
import type { Engine } from '../../src/engine/engine.ts';
import type { DrainView } from '../../src/engine/views/drain.ts';
import { isFull } from './checks.ts';
import { Violation } from './failure.ts';
import type { SimMachine } from './machine.ts';
import type { SimRandom } from './random.ts';
import type { Trace } from './trace.ts';
import type { Truth } from './truth.ts';

interface DrainsOptions {
  machines: readonly SimMachine[];
  truth: Truth;
  trace: Trace;
  random: SimRandom;
}

/** Of those who look at a node that is drained, so many cancel it, and so many switch it off once it is empty. */
const CANCELS = 0.2;
const LEAVES = 0.3;
/** What waits for its holder to leave is moved within a round of the census and the turns of three custodians; a drain looks every half minute at least. */
const DRAINED_MS = 600_000;

export class Drains {
  readonly #options: DrainsOptions;
  /** Processes that were told to drain. */
  readonly #told = new WeakSet<Engine>();

  constructor(options: DrainsOptions) {
    this.#options = options;
  }

  get draining(): SimMachine[] {
    return this.#options.machines.filter(({ draining, gone }) => draining && !gone);
  }

  /** Starts one where all that it may hold has room elsewhere, or cancels the one that is under way. */
  strike(machine: SimMachine): string | undefined {
    const { random } = this.#options;
    const [current] = this.draining;
    if (current !== undefined) {
      if (current.engine === undefined || !random.chance(CANCELS)) return undefined;
      current.draining = false;
      void current.engine.drain({ action: 'cancel' }).catch(() => {});
      return `of ${current.label} cancelled`;
    }
    const { engine, spec, liar } = machine;
    if (engine === undefined || spec.isClient || liar || !this.canDoWithout(machine)) return undefined;
    machine.draining = true;
    this.begin(machine);
    return machine.label;
  }

  /** The others are enough for the rule of every pool. */
  canDoWithout(machine: SimMachine): boolean {
    const { k, m } = machine.spec.code;
    const others = this.#options.machines.filter((one) => !one.gone && !one.liar && one !== machine);
    const zones = Map.groupBy(others, ({ spec }) => spec.zone);
    const inZones = [...zones.values()].reduce((sum, there) => sum + Math.min(there.length, m), 0);
    return others.length >= k + m && inZones >= k + m;
  }

  /** Where a drain says that it is done, nothing that anybody counts on is left, but for what it says itself. */
  async look(): Promise<void> {
    for (const machine of this.draining) {
      const view = await machine.engine?.drain({ action: 'status' });
      if (view?.state === 'off') this.beginAgain(machine);
      if (view?.state !== 'done') continue;
      this.checkEmpty(machine, view, view.unnamed);
      if (view.shardsLeft === 0 && this.#options.random.chance(LEAVES)) this.switchOff(machine);
    }
  }

  /** In fair weather drains end, and who is drained is not needed any more. */
  async end(advance: (durationMs: number, done: () => boolean) => Promise<void>): Promise<void> {
    const { machines } = this.#options;
    for (const machine of this.draining) {
      const there = machines.filter(({ gone }) => !gone);
      // Who does not say what the node holds, lies, or has no room, holds a drain up.
      const hindered = there.some((one) => one.spec.generation === 'older' || one.liar || isFull(one));
      if (hindered || !this.canDoWithout(machine)) return;
      let view: DrainView | undefined;
      await advance(DRAINED_MS, () => {
        void machine.engine?.drain({ action: 'status' }).then((now) => (view = now));
        if (view?.state === 'off') this.beginAgain(machine);
        return view?.state === 'done';
      });
      if (view?.state !== 'done')
        throw new Violation(
          'a drain ends',
          `after ${DRAINED_MS / 1000} s ${machine.label} says ${JSON.stringify(view)}`,
        );
      this.checkEmpty(machine, view, 0);
      this.switchOff(machine);
    }
  }

  /**
   * What is left there are copies that the live objects do without. `unnamed`: so many shards may be more than that, as the drain says itself that nobody has named
   * them to it.
   */
  checkEmpty(machine: SimMachine, view: DrainView, unnamed: number): void {
    const { truth } = this.#options;
    const missed = truth.live().flatMap(({ name, version, groups }) =>
      groups.flatMap((group, at) => {
        const wanted = Math.min(truth.intact(group), group.code.k + group.code.m);
        const lack = wanted - truth.intact(group, machine);
        return lack > 0 ? [{ lack, text: `${name} version ${version} group ${at}` }] : [];
      }),
    );
    if (missed.reduce((sum, { lack }) => sum + lack, 0) > unnamed)
      throw new Violation(
        'a drained node is empty',
        `${machine.label} has shards of ${missed[0]!.text} and says ${JSON.stringify(view)}`,
      );
  }

  switchOff(machine: SimMachine): void {
    machine.stop('power');
    machine.gone = true;
    this.#options.trace.note(`${machine.label} is drained and leaves`);
  }

  /** Not waited for: it takes time. */
  begin({ engine }: SimMachine): void {
    if (engine === undefined) return;
    this.#told.add(engine);
    void engine.drain({ action: 'start' }).catch(() => {});
  }

  /** Its process may have died before it began, and the operator sees that it has not; one that is about to begin is not told twice. */
  beginAgain(machine: SimMachine): void {
    if (machine.engine !== undefined && !this.#told.has(machine.engine)) this.begin(machine);
  }
}
