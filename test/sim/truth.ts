/** What the simulator knows and no node does: which objects were promised to whom, and which of their shards exist on which disks. */
import { decodeManifest } from '../../src/engine/codec/manifest.ts';
import type { HealthReport } from '../../src/engine/engine.ts';
import type { CensusGroup } from '../../src/engine/maintenance/census-ask.ts';
import { censusGroups } from '../../src/engine/maintenance/groups.ts';
import type { Domain } from '../../src/engine/placement/domains.ts';
import type { ObjectId, PeerId, ShardId } from '../../src/engine/types.ts';
import type { SimMachine } from './machine.ts';

/** An acknowledged version of a name. */
export interface Promised {
  client: SimMachine;
  name: string;
  version: number;
  objectId: ObjectId;
  content: Uint8Array;
  domain: Domain;
  allowDegraded: boolean;
  groups: CensusGroup[];
  /** By group: shards that must exist on honest disks. Only a fault that destroys lowers it. */
  floors: number[];
  /** deleting: asked for, not yet acknowledged; either outcome is right. */
  state: 'live' | 'deleting' | 'deleted';
}

/** More than a run puts. */
const MAX_PENDING = 1000;

export class Truth {
  readonly promised: Promised[] = [];
  readonly machines: SimMachine[];
  readonly #shards = new Map<ShardId, Uint8Array>();
  readonly #sentTo = new Map<ShardId, Map<SimMachine, { late: boolean }>>();

  constructor(machines: SimMachine[]) {
    this.machines = machines;
  }

  stored(id: ShardId, bytes: Uint8Array): void {
    if (!this.#shards.has(id)) this.#shards.set(id, Uint8Array.from(bytes));
  }

  /** An owner's put sent the shard there, whatever came of it. `late`: so long ago that he may have deleted it since. */
  sent(id: ShardId, machine: SimMachine, late: boolean): void {
    const known = this.#sentTo.get(id) ?? new Map<SimMachine, { late: boolean }>();
    this.#sentTo.set(id, known.set(machine, { late: late || known.get(machine)?.late === true }));
  }

  /**
   * What a put sent to a holder that it then did without, and could not take back, or what came after the release: nobody knows that it is there, so only
   * its owner's sweep finds it.
   */
  isStray({ shards }: CensusGroup, id: ShardId, machine: SimMachine): boolean {
    const noted = shards.some((shard) => shard.id === id && shard.holder === machine.peerId);
    const sent = this.#sentTo.get(id)?.get(machine);
    return sent !== undefined && (!noted || sent.late);
  }

  bytesOf(id: ShardId): Uint8Array | undefined {
    return this.#shards.get(id);
  }

  /** Manifest copies first, then the stripes, as the acknowledged put left them. */
  groupsOf(objectId: ObjectId, manifestHolders: readonly PeerId[]): CensusGroup[] {
    const bytes = this.#shards.get(objectId as string as ShardId);
    if (bytes === undefined) throw new Error(`no node was ever given the manifest ${objectId}`);
    return censusGroups(objectId, manifestHolders, decodeManifest(bytes));
  }

  machineOf(holder: PeerId): SimMachine | undefined {
    return this.machines.find(({ peerId }) => peerId === holder);
  }

  live(): Promised[] {
    return this.promised.filter(({ state }) => state === 'live');
  }

  /** How many shards of the group exist, whole, on honest disks other than `without`. */
  intact(group: CensusGroup, without?: SimMachine): number {
    return this.#count(group, (machine, id) => !machine.liar && machine !== without && machine.has(id));
  }

  /**
   * What exists of all that lives, to be told of a fault that destroys something afterwards. What is left is what must stay, and each copy of a shard destroyed is
   * one that need not: one more than was promised may be on its way out already, with a holder that a put has given up on.
   */
  beforeFault(): () => void {
    const before = this.live().map(({ groups, floors }) => ({
      groups,
      floors,
      copies: groups.map((group) => this.#copies(group)),
    }));
    return () => {
      for (const { groups, floors, copies } of before)
        for (const [at, group] of groups.entries()) {
          const destroyed = copies[at]! - this.#copies(group);
          floors[at] = Math.min(
            floors[at]!,
            this.intact(group),
            Math.max(group.code.k, floors[at]! - destroyed),
          );
        }
    };
  }

  /** Whole shards of the group on all honest disks, alike ones each counted. */
  #copies({ shards, unplaced }: CensusGroup): number {
    const ids = new Set([...shards.map(({ id }) => id), ...(unplaced ?? [])]);
    const honest = this.machines.filter(({ liar }) => !liar);
    return [...ids].reduce((sum, id) => sum + honest.filter((machine) => machine.has(id)).length, 0);
  }

  /** The same as their holders see it, who have not noticed yet what has rotted. */
  believed(group: CensusGroup): number {
    return this.#count(group, seemsThere);
  }

  #count(group: CensusGroup, has: (machine: SimMachine, id: ShardId) => boolean): number {
    const { machines } = this;
    const ids = [...group.shards.map(({ id }) => id), ...(group.unplaced ?? [])];
    // Copies of one shard count by the disks that have it, shards of a code by what they are; alike ones each want a disk.
    const living = (id: ShardId) => machines.filter((machine) => has(machine, id)).length;
    if (group.code.k === 1) return living(ids[0]!);
    const wanted = (id: ShardId) => ids.filter((each) => each === id).length;
    return [...new Set(ids)].reduce((sum, id) => sum + Math.min(wanted(id), living(id)), 0);
  }

  /** By shard that its holders believe to have, these; of copies of one shard one for each that the group counts. */
  placesOf(group: CensusGroup): SimMachine[][] {
    const ids = [...new Set([...group.shards.map(({ id }) => id), ...(group.unplaced ?? [])])];
    const places = ids
      .map((id) => this.machines.filter((machine) => !machine.liar && seemsThere(machine, id)))
      .filter((holders) => holders.length > 0);
    if (group.code.k > 1) return places;
    const copies = Math.min(group.code.m + 1, places[0]?.length ?? 0);
    return Array.from({ length: copies }, () => places[0]!);
  }

  readable({ groups }: Promised, without?: SimMachine): boolean {
    return groups.every((group) => this.intact(group, without) >= group.code.k);
  }

  /** Every live object stays readable when all on this machine is lost, and somebody still knows that it is to be kept whole. */
  canLose(machine: SimMachine): boolean {
    return this.live().every(
      (promised) => this.readable(promised, machine) && this.inCustody(promised, machine),
    );
  }

  /** An order lives with three custodians: where faults destroy all of them before they could hand it over, nothing heals without its owner. */
  private inCustody({ client, objectId }: Promised, without: SimMachine): boolean {
    const keepers = this.machines.filter(
      ({ custody, gone }) => !gone && custody?.mark(objectId) !== undefined,
    );
    if (keepers.some((machine) => machine !== without && !machine.liar)) return true;
    const { catalog, ownerId } = client;
    const pending = catalog?.pendingOrders(ownerId!, undefined, MAX_PENDING) ?? [];
    return pending.some((order) => order.objectId === objectId);
  }

  /** Every live object stays readable without this shard on that machine. */
  canRot(machine: SimMachine, id: ShardId): boolean {
    const touched = this.live().filter(({ groups }) =>
      groups.some(({ shards }) => shards.some((shard) => shard.id === id)),
    );
    return touched.every((promised) => this.readable(promised, machine));
  }

  /** The figures that a census of `client` must find when every node is up and answers. */
  health(
    client: SimMachine,
  ): Omit<HealthReport, 'depth' | 'takenAtMs' | 'durationMs' | 'silentPeers' | 'worst' | 'sums'> {
    const report = {
      objects: 0,
      ok: 0,
      degraded: 0,
      critical: 0,
      lost: 0,
      stripes: { lost: 0, spare0: 0, spare1: 0, spare2: 0, spare3plus: 0 },
      shardsExpected: 0,
      shardsLive: 0,
    };
    const newest = new Map<string, Promised>();
    for (const promised of this.live()) {
      if (promised.client !== client) continue;
      const known = newest.get(promised.name);
      if (known === undefined || known.version < promised.version) newest.set(promised.name, promised);
    }
    for (const { groups } of newest.values()) {
      report.objects++;
      // Without a copy of its manifest nobody knows which shards are the object's.
      const readable = this.intact(groups[0]!) > 0;
      const spares = groups.map((group) => {
        const live = readable ? Math.min(this.intact(group), group.code.k + group.code.m) : 0;
        report.shardsExpected += group.code.k + group.code.m;
        report.shardsLive += live;
        return live - group.code.k;
      });
      for (const spare of spares.slice(1)) {
        if (spare < 0) report.stripes.lost++;
        else if (spare === 0) report.stripes.spare0++;
        else if (spare === 1) report.stripes.spare1++;
        else if (spare === 2) report.stripes.spare2++;
        else report.stripes.spare3plus++;
      }
      const m = groups[0]!.code.m;
      const worst = Math.min(...spares);
      if (worst < 0) report.lost++;
      else if (worst === 0 && m > 0) report.critical++;
      else if (worst < m) report.degraded++;
      else report.ok++;
    }
    return report;
  }
}

/** Rot is not noticed before somebody looks. */
function seemsThere(machine: SimMachine, id: ShardId): boolean {
  return machine.has(id) || machine.store?.has(id) === true;
}
