/**
 * An engine in memory for tests of what stands above the engine: deterministic, without network, disk or timers.
 * put, get, list, info, delete and stats really work; peers, bandwidth, health and jobs are fixed figures that
 * move only when a test calls `advance`.
 */
import { blake3 } from '@napi-rs/blake-hash';
import type {
  DeleteResult,
  DialResult,
  Engine,
  GetOptions,
  GetResult,
  HealthReport,
  ListPage,
  ListQuery,
  NodeStatus,
  ObjectDetail,
  ObjectView,
  PeerView,
  PutOptions,
  Receipt,
  Snapshot,
  StoreStats,
} from '../../src/engine/engine.ts';
import type { ObjectId } from '../../src/engine/types.ts';
import { DatameshError } from '../../src/errors.ts';
import { fakeBackupCalls } from './fake-backups.ts';
import { fakeBandwidth, fakeEvents, fakeHealth, fakePeerId, fakePeers } from './fake-figures.ts';
import { fakeJobCalls, fakeJobs } from './fake-jobs.ts';
import { fakeDiscovery, fakeSpeed } from './fake-mesh.ts';
import { fakeNames } from './fake-names.ts';
import { fakeObserve } from './fake-observe.ts';
import { compareBy, storeView } from './fake-order.ts';
import { fakePause } from './fake-pause.ts';
import { fakePoolCalls } from './fake-pools.ts';
import { fakeCare } from './fake-proofs.ts';
import { FAKE_MIRROR, fakeRecovery } from './fake-recovery.ts';
import { fakeShares } from './fake-shares.ts';
import { hex, stripeView, usageOf } from './fake-stripes.ts';
import { fakeWatch } from './fake-whatif.ts';

/** 2026-11-21T10:00:00Z: the moment at which a fake engine was opened. */
export const FAKE_START_MS = Date.UTC(2026, 10, 21, 10, 0, 0);
const CHUNK_BYTES = 4 * 1024 * 1024;
const READ_BYTES = 64 * 1024;

export type FakeMethod = Exclude<keyof Engine, 'close'>;

export interface FakeEngineOptions {
  /** Peers beside this node; 18 when absent, 0 for a lonely node. */
  peerCount?: number;
  /** Every call waits for this long first, and a put or get between its pieces too. Needs real timers. */
  delayMs?: number;
  /** Methods that throw this. */
  fail?: Partial<Record<FakeMethod, Error>>;
  /** A get throws `shards-missing` after this many bytes. */
  failGetAfterBytes?: number;
  /** Puts come back degraded: stored with fewer shards than wanted. */
  degraded?: boolean;
  /** No census has ended yet. */
  noHealth?: boolean;
  mode?: 'service' | 'embedded';
  /** Overrides single fields of the status. */
  status?: Partial<NodeStatus>;
  /** What `prove` gives. */
  proof?: Uint8Array;
  /** Objects that are there from the start, in this order. */
  objects?: readonly { name: string; content: Uint8Array | string; tags?: string[] }[];
}

export interface FakeEngine extends Engine {
  /** Moves the engine's clock; peers, bandwidth, jobs and events follow deterministically. */
  advance(ms: number): void;
  /** What its clock says. */
  nowMs(): number;
  /** Makes a method throw from now on, or work again with undefined. */
  setFailure(method: FakeMethod, error: Error | undefined): void;
  /** Names of the methods called, oldest first. */
  readonly calls: readonly string[];
  readonly closed: boolean;
}

interface Stored {
  view: ObjectView;
  content: Uint8Array;
}

export function createFakeEngine(options: FakeEngineOptions = {}): FakeEngine {
  const failures = new Map<string, Error>(Object.entries(options.fail ?? {}));
  const versions = new Map<string, Stored[]>();
  const deleted = new Map<string, Stored[]>();
  const calls: string[] = [];
  let elapsedMs = 0;
  let closed = false;
  const peerCount = options.peerCount ?? 18;
  const nowMs = () => FAKE_START_MS + elapsedMs;
  const peersNow = (): PeerView[] => fakePeers(peerCount, elapsedMs, FAKE_START_MS);

  const pause = (signal?: AbortSignal) => fakePause(options.delayMs, signal);

  const enter = async (method: FakeMethod, signal?: AbortSignal) => {
    calls.push(method);
    await pause(signal);
    const failure = failures.get(method);
    if (failure) throw failure;
  };

  const currentOnes = (of = versions): Stored[] => [...of.values()].map((list) => list.at(-1)!);

  const find = (ref: string, version?: number): Stored => {
    const named = versions.get(ref);
    if (named) {
      const hit = version === undefined ? named.at(-1) : named.find((it) => it.view.version === version);
      if (hit) return hit;
    }
    if (/^[0-9a-f]{4,64}$/.test(ref)) {
      const hits = [...versions.values()].flat().filter((it) => it.view.objectId.startsWith(ref));
      if (hits.length > 1) {
        throw new DatameshError('bad-value', {
          what: `"${ref}" fits ${hits.length} objects`,
          mend: 'give more digits of the id',
          details: { candidates: hits.map((it) => ({ name: it.view.name, objectId: it.view.objectId })) },
        });
      }
      if (hits[0]) return hits[0];
    }
    throw new DatameshError('not-found', {
      what: `no object "${ref}"`,
      mend: 'see what there is with: datamesh list',
      details: { suggestions: [...versions.keys()].filter((name) => name[0] === ref[0]).slice(0, 3) },
    });
  };

  const store = (name: string, content: Uint8Array, put: PutOptions): Stored => {
    const older = versions.get(name);
    const version = (older?.at(-1)?.view.version ?? 0) + 1;
    const view: ObjectView = {
      name,
      objectId: hex('object', name, String(version), content) as ObjectId,
      version,
      sizeBytes: content.length,
      contentHash: blake3(content).toString('hex'),
      mimeType: put.mimeType ?? 'application/octet-stream',
      tags: put.tags ?? [],
      code: put.code ?? { k: 4, m: 2 },
      chunkBytes: CHUNK_BYTES,
      stripes: Math.ceil(content.length / CHUNK_BYTES),
      createdAtMs: nowMs(),
      ownerKey: 'default',
      pool: put.pool ?? 'default',
    };
    const stored = { view, content };
    versions.set(name, [...(older ?? []), stored]);
    return stored;
  };

  const statusNow = (): NodeStatus => ({
    name: 'alder',
    peerId: fakePeerId(0),
    owner: hex('owner') as NonNullable<NodeStatus['owner']>,
    role: 'regular',
    network: 'home',
    zone: 'eu-1',
    rack: 'r1',
    version: '0.1.0',
    pid: 4242,
    mode: options.mode ?? 'service',
    startedAtMs: FAKE_START_MS - 3_600_000,
    uptimeMs: 3_600_000 + elapsedMs,
    addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${fakePeerId(0)}`],
    bulkPort: 4002,
    peersConnected: peersNow().filter((peer) => peer.connectedAtMs !== undefined).length,
    peersKnown: peerCount,
    dataDir: '/var/lib/datamesh',
    store: storeView(),
    code: { k: 4, m: 2 },
    objects: versions.size,
    ...options.status,
  });

  const healthNow = (): HealthReport =>
    fakeHealth(
      currentOnes().map((it) => it.view),
      peersNow(),
      nowMs(),
    );

  const { poolViews, ...poolCalls } = fakePoolCalls(enter, (pool) =>
    usageOf([...versions.values()].map((of) => of.map((it) => it.view).filter((it) => it.pool === pool))),
  );
  for (const it of options.objects ?? []) {
    const content = typeof it.content === 'string' ? new TextEncoder().encode(it.content) : it.content;
    store(it.name, content, { name: it.name, tags: it.tags });
  }

  return {
    calls,
    get closed() {
      return closed;
    },
    advance(ms) {
      elapsedMs += ms;
    },
    nowMs,
    setFailure(method, error) {
      if (error) failures.set(method, error);
      else failures.delete(method);
    },
    status: () => enter('status').then(statusNow),
    async snapshot(): Promise<Snapshot> {
      await enter('snapshot');
      return {
        atMs: nowMs(),
        status: statusNow(),
        peers: peersNow(),
        health: options.noHealth ? undefined : healthNow(),
        censusRunning: options.noHealth === true,
        bandwidth: fakeBandwidth(elapsedMs),
        jobs: fakeJobs(elapsedMs, FAKE_START_MS),
        events: fakeEvents(elapsedMs, FAKE_START_MS),
        pools: poolViews(),
      };
    },
    async peers() {
      await enter('peers');
      return peersNow();
    },
    async health(call) {
      await enter('health', call?.signal);
      return { ...healthNow(), depth: call?.depth ?? 'asked' };
    },
    jobs: fakeJobCalls(enter, () => fakeJobs(elapsedMs, FAKE_START_MS)),
    ...fakeCare(enter, (ref) => find(ref).view, healthNow, options.proof),
    async stats(): Promise<StoreStats> {
      await enter('stats');
      const usage = usageOf([...versions.values()].map((list) => list.map((it) => it.view)));
      const { logicalBytes, storedBytes } = usage;
      return {
        ...usage,
        overhead: logicalBytes === 0 ? undefined : storedBytes / logicalBytes,
        local: storeView(),
        reads: { asked: 400, hedges: 7, hedgesWon: 3, cacheHits: 90, cacheMisses: 400, cacheBytes: 1 << 20 },
        mirror: FAKE_MIRROR,
      };
    },
    async put(source, put, call): Promise<Receipt> {
      await enter('put', call?.signal);
      if (put.ifAbsent && versions.has(put.name)) {
        throw new DatameshError('already-exists', { what: `"${put.name}" exists already` });
      }
      const pieces: Uint8Array[] = [];
      let doneBytes = 0;
      for await (const piece of source) {
        await pause(call?.signal);
        pieces.push(piece.slice());
        doneBytes += piece.length;
        call?.onProgress?.({ doneBytes, totalBytes: put.sizeBytes });
      }
      const replacedVersion = versions.get(put.name)?.at(-1)?.view.version;
      const { view } = store(put.name, new Uint8Array(Buffer.concat(pieces)), put);
      const n = view.code.k + view.code.m;
      const lost = options.degraded ? Math.min(1, view.code.m) : 0;
      const shardsWanted = n * view.stripes + view.code.m + 1;
      return {
        object: view,
        domain: 'node',
        shardsDurable: shardsWanted - lost * view.stripes,
        shardsWanted,
        spare: view.code.m - lost,
        survives: { disk: view.code.m - lost, node: view.code.m - lost, rack: 0, zone: 0 },
        degraded: lost > 0,
        stripesResumed: 0,
        holders: peersNow()
          .slice(0, n - lost)
          .map((peer) => ({ peerId: peer.peerId, name: peer.name, shards: Math.max(1, view.stripes) })),
        nodes: Math.min(n - lost, peersNow().length),
        replacedVersion,
        durationMs: 1200,
      };
    },
    async get(ref, get: GetOptions = {}, call): Promise<GetResult> {
      await enter('get', call?.signal);
      const { view, content } = find(ref, get.version);
      const offset = get.offset ?? 0;
      if (offset > content.length) {
        throw new DatameshError('bad-value', {
          what: `offset ${offset} is beyond the end of "${view.name}" (${content.length} bytes)`,
        });
      }
      const length = Math.min(get.length ?? content.length - offset, content.length - offset);
      const part = content.subarray(offset, offset + length);
      async function* body() {
        for (let at = 0; at < part.length; at += READ_BYTES) {
          await pause(call?.signal);
          if (options.failGetAfterBytes !== undefined && at >= options.failGetAfterBytes) {
            throw new DatameshError('shards-missing', {
              what: `stripe 0 of "${view.name}" has 3 of the 4 shards it needs`,
              why: 'the holders of 3 shards do not answer',
              details: { missing: [0, 2, 5] },
            });
          }
          const end = Math.min(at + READ_BYTES, part.length);
          call?.onProgress?.({ doneBytes: end, totalBytes: length });
          yield part.slice(at, end);
        }
      }
      return { object: view, offset, length, body: body() };
    },
    async list(query: ListQuery = {}): Promise<ListPage> {
      await enter('list');
      const order = compareBy(query.sort ?? 'name');
      const hits = currentOnes(query.deleted ? deleted : versions)
        .map((it) => it.view)
        .filter((it) => it.name.startsWith(query.prefix ?? ''))
        .filter((it) => query.tag === undefined || it.tags.includes(query.tag))
        .filter((it) => it.createdAtMs >= (query.sinceMs ?? 0))
        .sort(query.reverse ? (a, b) => order(b, a) : order);
      const from = query.cursor === undefined ? 0 : Number.parseInt(query.cursor, 10);
      const to = from + (query.limit ?? 1000);
      return { objects: hits.slice(from, to), cursor: to < hits.length ? String(to) : undefined };
    },
    async find(ref): Promise<ObjectView> {
      await enter('find');
      return find(ref).view;
    },
    async info(ref, info): Promise<ObjectDetail> {
      await enter('info');
      const { view } = find(ref, info?.version);
      const peers = peersNow();
      const stripes = Array.from({ length: Math.min(view.stripes, info?.stripeLimit ?? 100) }, (_, index) =>
        stripeView(view, index, view.code, peers),
      );
      return {
        ...view,
        state: 'ok',
        spare: view.code.m,
        survives: { disk: view.code.m, node: view.code.m, rack: 0, zone: 0 },
        manifest: stripeView(view, 0, { k: 1, m: view.code.m }, peers),
        stripesDetail: stripes,
      };
    },
    async delete(ref, { version } = {}): Promise<DeleteResult> {
      await enter('delete');
      const gone = deleted.get(ref)?.at(-1);
      const { view } = gone ?? find(ref, version);
      const from = gone === undefined ? versions : deleted;
      const all = from.get(view.name)!;
      const one = version !== undefined || ref !== view.name;
      const left = one ? all.filter((it) => it.view.version !== view.version) : [];
      if (left.length > 0) from.set(view.name, left);
      else from.delete(view.name);
      const count = all.length - left.length;
      return {
        object: view,
        versions: count,
        shardsReleased: count * (view.stripes * 6 + 3),
        unreachable: [],
      };
    },
    async bootstrap(address): Promise<DialResult> {
      await enter('bootstrap');
      const match = /^\/(?:ip4|ip6|dns4)\/[^/]+\/tcp\/\d+(?:\/p2p\/\w+)?$/.exec(address);
      if (!match) throw new DatameshError('bad-value', { what: `not a multiaddr: ${address}` });
      return { address, peerId: fakePeerId(1), rttMs: 12.5 };
    },
    async discover(durationMs, call) {
      await enter('discover', call?.signal);
      return fakeDiscovery(durationMs, peersNow());
    },
    recover: (query, call) =>
      enter('recover', call?.signal).then(() => fakeRecovery(query, [...versions.values()].flat().length)),
    async speedTest(peer, durationMs, call) {
      await enter('speedTest', call?.signal);
      return fakeSpeed(peer, durationMs, peersNow());
    },
    ...poolCalls,
    ...fakeWatch({
      enter,
      peersNow,
      objects: () => currentOnes().map((it) => it.view),
      eventsNow: () => fakeEvents(elapsedMs, FAKE_START_MS),
      nowMs,
    }),
    ...fakeObserve(enter),
    ...fakeNames({ enter, find, versions, deleted, nowMs }),
    ...fakeShares({ enter, find, nowMs }),
    backups: fakeBackupCalls(enter),
    async close() {
      closed = true;
    },
  };
}
