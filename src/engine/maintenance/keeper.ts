/**
 * The loop that every node runs: orders stay with their custodians, objects in custody are looked at again and again, damage is mended, releases are carried
 * out, and what the owner of this node has stored is told to custodians. Everything by the clock it is given; what happens in the mesh makes it act at once.
 */
import { asDatameshError } from '../../errors.ts';
import type { Clock, Timer } from '../effects/clock.ts';
import type { Random } from '../effects/random.ts';
import type { ObjectId, PeerId } from '../types.ts';
import { type CustodyPeers, dutyFor } from './custody/custody-peers.ts';
import type { CustodyMark, CustodyStore } from './custody/custody-store.ts';
import { type Handover, isOpenRelease } from './custody/handover.ts';
import type { Leases } from './custody/leases.ts';
import type { ReleaseCarrier } from './custody/release-carrier.ts';
import type { DamageList } from './damage-list.ts';
import { LANES, MendLanes } from './mend-lanes.ts';
import type { MendReport } from './mender-context.ts';
import type { NotedLosses } from './noted-losses.ts';
import type { SideBySide } from './side-by-side.ts';
import { slices } from './slices.ts';

export interface KeeperLimits {
  /** All objects that this node leads are looked at so often. */
  censusMs: number;
  /** The other custodians look every so many rounds. */
  othersEvery: number;
  /** After the mesh has changed: a moment, in which more may change. */
  calmMs: number;
  /** Then the other custodians offer what the leader has not. */
  secondPassMs: number;
  /** All orders are gone through so often even if nothing happens. */
  passMs: number;
  /** Orders of the owner that were not confirmed are sent again. */
  resendMs: number;
  /** A node that has just started mends nothing: whom it has not met yet it would take for lost. Those that ran before it see to what is urgent. */
  meetMs: number;
}

export const KEEPER_LIMITS: KeeperLimits = {
  censusMs: 60_000,
  othersEvery: 5,
  calmMs: 1_500,
  secondPassMs: 20_000,
  passMs: 600_000,
  resendMs: 10_000,
  meetMs: 10_000,
};

export interface KeeperOptions {
  clock: Clock;
  random: Random;
  peers: CustodyPeers;
  store: CustodyStore;
  handover: Handover;
  carrier: ReleaseCarrier;
  leases: Leases;
  suspects: DamageList;
  limits: KeeperLimits;
  /** Whether an object is to be looked at now. */
  triage(id: ObjectId): boolean;
  mend(ids: readonly ObjectId[], atOnce: SideBySide): Promise<MendReport>;
  mended?(report: MendReport): void;
  /** What an object has lost by what is noted of its holders; undefined where that is not this node's to mend. */
  notedLosses(id: ObjectId): NotedLosses | undefined;
  /** Sends the owner's pending orders; how many are left. Absent on a node without owner. */
  sendOrders?: (() => Promise<number>) | undefined;
  /** Lets others run between two pages of work. */
  pause(): Promise<void>;
  log(text: string): void;
}

export interface Keeper {
  start(): void;
  /** Resolves when nothing of it runs any more; what it waits for must have been broken off. */
  stop(): Promise<void>;
  /** A node came or went. */
  changed(peer: PeerId, live: boolean): void;
  /** Orders came from others. */
  kept(ids: readonly ObjectId[]): void;
  /** A custodian has told where shards of these are now. */
  moved(ids: readonly ObjectId[]): void;
  /** The owner's catalog has new orders to send. */
  ordersWaiting(): void;
  /** Looks at all objects in custody now. */
  censusSoon(): void;
}

const TICK_MS = 500;
const PAGE = 512;
/** Objects whose releases are carried, or whose manifests are asked for, together: their questions share requests. */
const OBJECTS_AT_ONCE = 256;
/** Orders without a manifest that are remembered; the next census finds the others. */
const MAX_LACKING = 1024;
/** Orders of puts that come one after another share their messages. */
const GATHER_MS = 250;

export function createKeeper(options: KeeperOptions): Keeper {
  const { clock, store, peers, handover, carrier, suspects, limits } = options;
  let timer: Timer | undefined;
  let stopped = false;
  let round = 0;
  const startMs = clock.monotonic();
  /** Live orders that came without their manifest: until it is here nobody knows who has their shards, and nothing can be mended of them. */
  const lacking = new Set<ObjectId>();
  /** When each kind of work is due next. */
  const dueMs = {
    manifests: Number.POSITIVE_INFINITY,
    leaders: Number.POSITIVE_INFINITY,
    pass: startMs + limits.calmMs * (1 + options.random.fraction()),
    census: startMs + (limits.censusMs / 4) * (1 + options.random.fraction()),
    orders: startMs + limits.calmMs,
  };
  const releases = new Set<ObjectId>();
  /** Releases that did not reach somebody who is here: tried again with the next census. */
  const unheard = new Set<ObjectId>();
  /** Orders and moves that others have told, and when what they say is to be looked at. */
  const told = new Map<ObjectId, number>();
  const running = new Map<string, Promise<void>>();
  /** Who has come (true) or gone, last of all, since the objects of which it had shards began to be gone through. */
  const happened = new Map<PeerId, boolean>();

  /** Starts the work unless it still runs; an error is told and ends nothing else. */
  const run = (name: string, work: () => Promise<void>) => {
    if (running.has(name)) return;
    const task = work()
      .catch((error: unknown) => {
        const failure = asDatameshError(error);
        if (failure.code !== 'cancelled') options.log(`${name}: ${failure.message}`);
      })
      .finally(() => running.delete(name));
    running.set(name, task);
  };

  const eachOpenOrder = async (visit: (mark: CustodyMark) => void) => {
    const isOver = slices(clock.monotonic);
    for (let cursor: ObjectId | undefined; !stopped; ) {
      const page = store.listOpen(cursor, PAGE);
      if (page.length === 0) return;
      for (const mark of page) {
        visit(mark);
        if (isOver()) await options.pause();
      }
      cursor = page.at(-1)!.objectId;
      await options.pause();
    }
  };

  const lack = (mark: CustodyMark | undefined) => {
    if (mark === undefined || mark.hasManifest || mark.state !== 'live' || lacking.size >= MAX_LACKING)
      return;
    lacking.add(mark.objectId);
    dueMs.manifests = Math.min(dueMs.manifests, clock.monotonic() + limits.calmMs);
  };

  /** Others have told where its shards are: what lacks none by that is no more urgent than what nobody suspects. */
  const assess = (id: ObjectId, dueMs: number) => {
    const noted = options.notedLosses(id);
    if (noted === undefined) return;
    if (noted.losses > 0) suspects.suspect(id, dueMs, false, true);
    suspects.assess(id, noted);
  };

  const assessTold = async () => {
    const isOver = slices(clock.monotonic);
    for (const [id, dueMs] of told) {
      if (stopped) return;
      told.delete(id);
      assess(id, dueMs);
      if (isOver()) await options.pause();
    }
  };
  const note = (ids: readonly ObjectId[]) => {
    const dueMs = clock.monotonic() + limits.calmMs;
    for (const id of ids) told.set(id, dueMs);
    run('told', assessTold);
  };

  /** What nobody gives is asked for again after the next census. */
  const fetchManifests = async () => {
    while (lacking.size > 0 && !stopped) {
      const ids = [...lacking].slice(0, OBJECTS_AT_ONCE);
      for (const id of ids) lacking.delete(id);
      for (const id of await handover.fetchManifests(ids)) assess(id, clock.monotonic());
    }
  };

  const takeCensus = async () => {
    const whole = round++ % limits.othersEvery === 0;
    for (const id of unheard) releases.add(id);
    unheard.clear();
    await eachOpenOrder((mark) => {
      const nowMs = clock.monotonic();
      lack(mark);
      const { rank } = dutyFor(peers, mark.objectId, mark.owner);
      if (rank !== 0 && !whole) return;
      // Releases are everybody's who knows of them: each may know another holder.
      if (isOpenRelease(mark)) releases.add(mark.objectId);
      else if (mark.state === 'live' && rank !== undefined) {
        // What a busy node has missed would else stand behind all that it knows of.
        assess(mark.objectId, nowMs);
        suspects.suspect(mark.objectId, nowMs);
      }
    });
  };

  const lanes = new MendLanes({
    suspects,
    nowMs: clock.monotonic,
    triage: options.triage,
    mend: options.mend,
    mended(report) {
      const { shards, repaired, trafficBytes } = report;
      options.mended?.(report);
      if (shards > 0) options.log(`${repaired} objects mended, ${shards} shards, ${trafficBytes} bytes`);
    },
    stopped: () => stopped,
    pause: options.pause,
  });

  const carryReleases = async () => {
    const ids = [...releases].slice(0, OBJECTS_AT_ONCE);
    for (const id of ids) releases.delete(id);
    for (const id of await carrier.carry(ids)) unheard.add(id);
  };

  const sendOrders = async () => {
    const left = await options.sendOrders!();
    if (left > 0) dueMs.orders = Math.min(dueMs.orders, clock.monotonic() + limits.resendMs);
  };

  const tick = () => {
    if (stopped) return;
    const nowMs = clock.monotonic();
    if (nowMs >= dueMs.leaders && !running.has('handover')) {
      dueMs.leaders = Number.POSITIVE_INFINITY;
      dueMs.pass = Math.min(dueMs.pass, nowMs + limits.secondPassMs * (1 + options.random.fraction()));
      run('handover', async () => void (await handover.pass('leaders')));
    } else if (nowMs >= dueMs.pass && !running.has('handover')) {
      dueMs.pass = nowMs + limits.passMs * (1 + options.random.fraction());
      run('handover', async () => void (await handover.pass('all')));
    }
    if (nowMs >= dueMs.census && !running.has('census')) {
      dueMs.census = nowMs + limits.censusMs * (0.9 + 0.2 * options.random.fraction());
      run('census', takeCensus);
    }
    if (nowMs >= dueMs.manifests && !running.has('manifests')) {
      dueMs.manifests = Number.POSITIVE_INFINITY;
      run('manifests', fetchManifests);
    }
    if (options.sendOrders !== undefined && nowMs >= dueMs.orders && !running.has('orders')) {
      dueMs.orders = nowMs + limits.passMs;
      run('orders', sendOrders);
    }
    if (releases.size > 0) run('releases', carryReleases);
    if (told.size > 0) run('told', assessTold);
    for (const peer of happened.keys()) goThrough(peer);
    if (suspects.size > 0 && nowMs - startMs >= limits.meetMs)
      for (const lane of LANES) run(lane.name, () => lanes.run(lane));
    timer = clock.after(TICK_MS, tick);
  };

  /** All objects of which the peer has, or had, shards. */
  const suspectOf = async (peer: PeerId, lost: boolean) => {
    const isOver = slices(clock.monotonic);
    for (let cursor: ObjectId | undefined; !stopped; ) {
      const page = store.heldBy(peer, cursor, PAGE);
      if (page.length === 0) return;
      for (const id of page) {
        const nowMs = clock.monotonic();
        if (isOpenRelease(store.mark(id))) releases.add(id);
        const noted = options.notedLosses(id);
        if (noted === undefined) continue;
        // Others may be noted to have all it had, or it has lost its disk: that is for a look to tell, after those that are known to be weaker.
        if (lost) {
          suspects.suspect(id, nowMs, lost);
          suspects.assess(id, noted);
        } else suspects.returned(id, nowMs, noted);
        if (isOver()) await options.pause();
      }
      cursor = page.at(-1);
      await options.pause();
    }
  };
  const goThrough = (peer: PeerId) =>
    run(`shards of ${peer}`, async () => {
      for (let live = happened.get(peer); live !== undefined; live = happened.get(peer)) {
        happened.delete(peer);
        await suspectOf(peer, !live);
      }
    });

  return {
    start: tick,
    async stop() {
      stopped = true;
      timer?.cancel();
      await Promise.all(running.values());
    },
    changed(peer, live) {
      if (stopped) return;
      const nowMs = clock.monotonic();
      handover.forgetPeer(peer);
      if (live) {
        carrier.forgetPeer(peer);
        suspects.retryFutile(nowMs);
        dueMs.orders = Math.min(dueMs.orders, nowMs + limits.calmMs);
      } else {
        options.leases.drop(peer);
        suspects.wake(nowMs);
      }
      dueMs.leaders = Math.min(dueMs.leaders, nowMs + limits.calmMs);
      happened.set(peer, live);
      goThrough(peer);
    },
    kept(ids) {
      handover.changed(ids);
      const live: ObjectId[] = [];
      for (const id of ids) {
        const mark = store.mark(id);
        lack(mark);
        if (isOpenRelease(mark)) releases.add(id);
        else if (mark?.state === 'live') live.push(id);
      }
      note(live);
    },
    moved: note,
    ordersWaiting() {
      dueMs.orders = Math.min(dueMs.orders, clock.monotonic() + GATHER_MS);
    },
    censusSoon() {
      dueMs.census = 0;
      round = 0;
    },
  };
}
