/** One machine of the mesh: a disk that outlives its processes, an address, a clock that may be wrong; and the node that runs on it. */
import type { Catalog } from '../../src/engine/catalog/catalog.ts';
import { openCatalog } from '../../src/engine/catalog/sqlite-catalog.ts';
import type { Codec } from '../../src/engine/codec/codec.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { loadOrCreateDevice } from '../../src/engine/keys/device.ts';
import { openKeyring } from '../../src/engine/keys/keyring.ts';
import { engineOn } from '../../src/engine/local.ts';
import type { CustodyStore } from '../../src/engine/maintenance/custody/custody-store.ts';
import { openCustody } from '../../src/engine/maintenance/custody/sqlite-custody.ts';
import { createAdmission } from '../../src/engine/mesh/admission.ts';
import { TrafficMeter } from '../../src/engine/mesh/traffic.ts';
import type { Machine } from '../../src/engine/node/machine.ts';
import { type Node, startNode } from '../../src/engine/node.ts';
import { dataPaths, type EngineOptions } from '../../src/engine/options.ts';
import { openShardStore, type SegmentStore } from '../../src/engine/shardstore/segment-store.ts';
import { openSnapshotIndex } from '../../src/engine/shardstore/snapshot-index.ts';
import type { CodeProfile, ObjectId, OwnerId, PeerId, ShardId } from '../../src/engine/types.ts';
import { randomShake } from '../support/model-crash.ts';
import { ModelDisk } from '../support/model-disk.ts';
import { addressOf, Endpoint, type Tamper } from './endpoint.ts';
import type { Fabric } from './fabric.ts';
import type { Generation } from './generations.ts';
import type { SimRandom } from './random.ts';
import { clockOf, type Owner } from './timeline.ts';

export interface MachineSpec {
  index: number;
  zone: string;
  rack: string;
  quotaBytes: number;
  /** For shards that its reads fetched. */
  cacheBytes: number;
  code: CodeProfile;
  /** It has an owner's key and puts and gets. */
  isClient: boolean;
  /** Of its datamesh. */
  generation: Generation;
}

export interface MachineWorld {
  fabric: Fabric;
  random: SimRandom;
  codec: Codec;
  /** Multiaddrs that a node is started with. */
  bootstrap(): string[];
  /** Every shard that any store was ever given, for whoever must know everything. */
  stored(id: ShardId, bytes: Uint8Array): void;
}

interface Process {
  owner: Owner;
  endpoint: Endpoint | undefined;
  store: SegmentStore | undefined;
  node: Node | undefined;
  engine: Engine | undefined;
}

const DATA_DIR = '/data';
/** Small, so that segments roll, checkpoints are taken and compaction has work within a short run. */
export const STORE_LIMITS = {
  segmentBytes: 32 * 1024,
  batchBytes: 16 * 1024,
  checkpointChanges: 12,
  checkpointBytes: 256 * 1024,
  ballastBytes: 4096,
  openSegments: 8,
  scrubEveryMs: 20 * 60_000,
} as const;

export class SimMachine {
  readonly spec: MachineSpec;
  readonly host: string;
  readonly label: string;
  disk = new ModelDisk();
  /** How far its wall clock is off. */
  skewMs = 0;
  /** How many times slower its disk is. */
  slowDisk = 1;
  /** Its operator takes it away. */
  draining = false;
  /** Holds nothing any more that anybody counts on, and never comes back. */
  gone = false;
  /** Counts its lives: what was begun in an earlier one never ends. */
  lives = 0;
  /** Shards that were rotted on its disk and not stored again since. */
  readonly rotten = new Set<ShardId>();
  ownerId: OwnerId | undefined;
  peerId: PeerId | undefined;
  /** Why the last start failed. */
  failure: unknown;
  #tamper: Tamper | undefined;
  readonly #world: MachineWorld;
  readonly #random: SimRandom;
  #process: Process | undefined;
  #catalog: Catalog | undefined;
  #custody: CustodyStore | undefined;
  /** Its databases, those of wiped disks among them. */
  readonly #databases: { close(): void }[] = [];
  /** What its store had when it went down. */
  #heldWhenStopped = new Map<ShardId, number>();

  constructor(spec: MachineSpec, world: MachineWorld) {
    this.spec = spec;
    this.host = `10.0.${spec.index >> 8}.${(spec.index & 255) + 1}`;
    this.label = `n${String(spec.index).padStart(2, '0')}`;
    this.#world = world;
    this.#random = world.random.fork(this.label);
  }

  /** Its answers are lies; every process on it is dishonest. */
  get liar(): boolean {
    return this.#tamper !== undefined;
  }

  lie(tamper: Tamper): void {
    this.#tamper = tamper;
    if (this.endpoint !== undefined) this.endpoint.tamper = tamper;
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  /** Undefined while it is down or still starting. */
  get engine(): Engine | undefined {
    return this.#process?.engine;
  }

  get node(): Node | undefined {
    return this.#process?.node;
  }

  get endpoint(): Endpoint | undefined {
    return this.#process?.endpoint;
  }

  get store(): SegmentStore | undefined {
    return this.#process?.store;
  }

  get catalog(): Catalog | undefined {
    return this.#catalog;
  }

  /** What it keeps of others' objects, up or not; undefined before its first start. */
  get custody(): CustodyStore | undefined {
    return this.#custody;
  }

  get address(): string | undefined {
    return this.peerId && addressOf(this.host, this.peerId);
  }

  /** Gives it an identity and, to a client, an owner: what `datamesh init` does. */
  async install(): Promise<void> {
    const disk = this.disk;
    const paths = dataPaths(DATA_DIR);
    await disk.makeDir(DATA_DIR);
    this.peerId = (await loadOrCreateDevice(disk, paths.device, this.#random)).peerId;
    if (!this.spec.isClient) return;
    const clock = clockOf(this.#world.fabric.timeline, { label: '', alive: true, frozenUntilMs: 0 }, () => 0);
    const keyring = await openKeyring({ disk, random: this.#random, clock }, paths.keyring);
    this.ownerId = (await keyring.create('main')).info.ownerId;
  }

  /** Starts the node; it is up when `engine` is there. */
  start(): void {
    const owner: Owner = { label: this.label, alive: true, frozenUntilMs: 0 };
    const mine: Process = {
      owner,
      endpoint: undefined,
      store: undefined,
      node: undefined,
      engine: undefined,
    };
    this.#process = mine;
    this.lives++;
    this.failure = undefined;
    const machine = this.#machine(mine);
    startNode(this.#options(), machine).then(
      (node) => {
        if (!owner.alive) return;
        mine.node = node;
        mine.engine = engineOn(node);
      },
      (error: unknown) => {
        if (owner.alive) this.failure = error;
      },
    );
  }

  #machine(mine: Process): Machine {
    const { fabric, codec } = this.#world;
    const { owner } = mine;
    const clock = clockOf(fabric.timeline, owner, () => this.skewMs);
    const random = this.#random.fork(`life ${this.lives}`);
    const disk = this.disk;
    disk.pause = (operation) => {
      // Most writes stay in the page cache; a sync waits for the device.
      if (operation === 'write' && !random.chance(0.1)) return undefined;
      const delayMs = (0.3 + random.around(operation === 'datasync' ? 2 : 0.5)) * this.slowDisk;
      return new Promise((resolve) => {
        fabric.timeline.after(delayMs, owner, operation, resolve);
      });
    };
    return {
      clock,
      random,
      disk,
      lock: async () => ({ release: async () => {} }),
      openStore: async (options) => {
        const store = await openShardStore({
          ...options,
          limits: STORE_LIMITS,
          openIndex: (dir) => openSnapshotIndex(disk, `${dir}.json`),
        });
        mine.store = store;
        return this.#watched(store);
      },
      openCatalog: () => {
        // The database of the machine: what was committed is durable, whatever dies.
        this.#catalog ??= this.#kept(openCatalog(':memory:', clock));
        return { ...this.#catalog, close: () => {} };
      },
      openCustody: () => {
        this.#custody ??= this.#kept(openCustody(':memory:'));
        return { ...this.#custody, close: () => {} };
      },
      openCodec: () => codec,
      openNetwork: async (_options, { device, health, events }) => {
        const endpoint = new Endpoint(fabric, device, this.host, owner, this.spec.generation);
        endpoint.tamper = this.#tamper;
        const traffic = new TrafficMeter();
        endpoint.weighs = (peer, direction, bytes) => traffic.add(peer, 'libp2p', direction, bytes);
        mine.endpoint = endpoint;
        const admission = createAdmission({
          clock,
          deny: [],
          onOffence: (peer) => health.observe(peer, { kind: 'flood' }),
          onBan(peer, what) {
            events.add('warn', 'mesh', `${peer.slice(-8)} is refused for a minute: ${what}`);
            void endpoint.hangUp(peer);
          },
        });
        return {
          net: admission.limited(endpoint),
          gossip: endpoint.gossip,
          routing: {
            provide: async (id: ObjectId) => {
              await clock.sleep(20);
              const known = fabric.providers.get(id) ?? new Set<PeerId>();
              fabric.providers.set(id, known.add(device.peerId));
              return known.size;
            },
            // Whoever was sent the record keeps it until it expires.
            withdraw: async () => {},
            findProviders: async (id: ObjectId) => {
              await clock.sleep(20);
              return [...(fabric.providers.get(id) ?? [])];
            },
          },
          walk: async function* () {},
          admission,
          traffic,
        };
      },
      tolerateStrays: () => () => {},
    };
  }

  /** The same store, with every shard it is given told to the world. */
  #watched(store: SegmentStore): SegmentStore {
    const put: SegmentStore['put'] = async (record) => {
      this.#world.stored(record.id, record.bytes);
      const outcome = await store.put(record);
      if (outcome === 'stored') this.rotten.delete(record.id);
      return outcome;
    };
    return new Proxy(store, {
      get(target, key) {
        if (key === 'put') return put;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  #options(): EngineOptions {
    const { zone, rack, quotaBytes, cacheBytes, code } = this.spec;
    return {
      name: this.label,
      dataDir: DATA_DIR,
      role: 'regular',
      mode: 'embedded',
      network: {
        name: 'sim',
        preset: 'custom',
        port: 0,
        bootstrap: this.#world.bootstrap().filter((address) => address !== this.address),
        zone,
        rack,
      },
      storage: { quotaBytes, reserveFraction: 0 },
      reads: { cacheBytes, cacheTtlMs: 20_000 },
      code,
      // Delays only delay: without one, two marks must be enough.
      cleanupDelayMs: 0,
      access: { mode: 'open', allow: [], deny: [] },
      bandwidth: { upBytesPerSecond: undefined, downBytesPerSecond: undefined },
      passphrase: undefined,
    };
  }

  #kept<T extends { close(): void }>(database: T): T {
    this.#databases.push(database);
    return database;
  }

  /** At the end of a run: a database in memory that nobody closes takes it until the collector happens to come by. */
  discard(): void {
    this.stop('power');
    for (const database of this.#databases) database.close();
  }

  /** The process dies at once; with `powerOff` the machine, and what was not synced is shaken. */
  stop(how: 'kill' | 'power'): void {
    const mine = this.#process;
    if (mine === undefined) return;
    this.#heldWhenStopped = this.#idsIn(mine.store);
    mine.owner.alive = false;
    this.#process = undefined;
    mine.endpoint?.die(how === 'kill');
    this.disk.effectsLeft = 0;
    const { capacityBytes } = this.disk;
    this.disk =
      how === 'kill' ? this.disk.kill() : this.disk.crash(randomShake(() => this.#random.fraction()));
    this.disk.capacityBytes = capacityBytes;
  }

  #idsIn(store: SegmentStore | undefined): Map<ShardId, number> {
    if (store === undefined) return this.#heldWhenStopped;
    const ids = new Map<ShardId, number>();
    for (const id of store.list(undefined, Number.MAX_SAFE_INTEGER)) ids.set(id, 1);
    return ids;
  }

  /** A new disk in place of the old one, and a new identity on it. The machine is down. */
  async wipe(): Promise<void> {
    this.disk = new ModelDisk();
    this.draining = false;
    this.#heldWhenStopped = new Map();
    this.rotten.clear();
    this.#catalog = undefined;
    this.#custody = undefined;
    await this.install();
  }

  /** Stands still for a while: no timer fires, nothing is answered. */
  freeze(untilMs: number): void {
    if (this.#process !== undefined) this.#process.owner.frozenUntilMs = untilMs;
  }

  /** Turns bits of a stored shard wherever a segment has its bytes; false when none has. */
  async damage(bytes: Uint8Array, at: number, xor: number): Promise<boolean> {
    let found = false;
    const dir = dataPaths(DATA_DIR).shards;
    for (const name of await this.disk.list(dir)) {
      const path = `${dir}/${name}`;
      const { buffer, byteOffset, length } = this.disk.contents(path);
      const contents = Buffer.from(buffer, byteOffset, length);
      for (let from = contents.indexOf(bytes); from >= 0; from = contents.indexOf(bytes, from + 1)) {
        this.disk.damage(path, from + at, xor);
        found = true;
      }
    }
    return found;
  }

  /** Whether its disk has the shard, whole: what nobody in the mesh knows for certain. */
  has(id: ShardId): boolean {
    if (this.gone || this.rotten.has(id)) return false;
    const store = this.#process?.store;
    return store === undefined ? this.#heldWhenStopped.has(id) : store.has(id);
  }

  /** What its disk holds, the rotten included. */
  held(): ShardId[] {
    return [...this.#idsIn(this.#process?.store).keys()];
  }
}
