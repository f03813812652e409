/**
 * A running service as an Engine. Only node:http over the socket: a one-shot command loads neither Fastify nor the engine.
 */
import type { IncomingMessage } from 'node:http';
import { DatameshError, type ErrorRecord } from '../../errors.ts';
import type {
  CallOptions,
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
} from '../engine.ts';
import type { ReloadReport } from '../live-options.ts';
import type { CensusDepth } from '../maintenance/census-ask.ts';
import type { CleanupQuery, CleanupReport } from '../views/cleanup.ts';
import type { DrainQuery, DrainView } from '../views/drain.ts';
import type { EventQuery, EventView } from '../views/events.ts';
import type { JobCalls, JobDetail, JobView } from '../views/jobs.ts';
import type { DiscoveryReport, SpeedReport } from '../views/mesh.ts';
import type { MetricFamily } from '../views/metrics.ts';
import type { NameCalls } from '../views/names.ts';
import type {
  DistributionQuery,
  DistributionReport,
  PoolCalls,
  PoolDetail,
  PoolView,
} from '../views/pools.ts';
import type { ProofFile, VerifyQuery, VerifyReport } from '../views/proofs.ts';
import type { QuotaCalls, QuotaView } from '../views/quotas.ts';
import type { RebalanceQuery, RebalanceReport } from '../views/rebalance.ts';
import type { RecoverQuery, RecoveryReport } from '../views/recovery.ts';
import type { RepairQuery, RepairReport } from '../views/repair.ts';
import type { PopularQuery, PopularView, SearchPage, SearchQuery } from '../views/search.ts';
import type { NewShare, ShareCalls, SharedObject, ShareView } from '../views/shares.ts';
import type { WhatifQuery, WhatifReport } from '../views/whatif.ts';
import { remoteBackups } from './client-backups.ts';
import { bodyHead, cutOff, FRAME, readFrames, readLines } from './frames.ts';
import { callError, pingSocket, readAnswer, SocketCaller } from './http-call.ts';
import { remoteNames } from './names.ts';
import { inPrivateFolder, realFolder, socketCandidates } from './socket-path.ts';
import { type Line, ROUTE, STREAM_TYPE } from './wire.ts';
import { NAME_ROUTE } from './wire-names.ts';

/**
 * The engine of the service that runs on `dataDir`, or undefined when none does. Throws `denied` when it is another
 * user's, `timeout` when it listens but does not answer, `format-too-new` when it speaks another version.
 */
export async function connectEngine(dataDir: string): Promise<Engine | undefined> {
  for (const path of socketCandidates(await realFolder(dataDir))) {
    // A socket in a folder that others may write to could be anybody's.
    if ((await inPrivateFolder(path)) !== 'private') continue;
    const answer = await pingSocket(path);
    if (answer === 'stuck') {
      throw new DatameshError('timeout', {
        what: 'the service does not answer',
        why: `something listens at ${path}, but is stuck or stopping`,
        mend: 'try again; if it stays so: datamesh service stop && datamesh service start',
      });
    }
    if (typeof answer === 'object') return new RemoteEngine(new SocketCaller(path));
  }
  return undefined;
}

class RemoteEngine implements Engine {
  readonly #caller: SocketCaller;
  readonly names: NameCalls = remoteNames((path, body) => this.#send(path, body));
  readonly quotas: QuotaCalls = {
    list: async () => (await this.#read(NAME_ROUTE.quotaList)) as QuotaView[],
    set: async (owner, limitBytes) =>
      (await this.#send(NAME_ROUTE.quotaSet, { owner, limitBytes })) as QuotaView[],
  };
  readonly shares: ShareCalls = {
    key: async () => ((await this.#read(NAME_ROUTE.shareKey)) as { key: string }).key,
    share: async (ref, options) => (await this.#send(NAME_ROUTE.share, { ref, ...options })) as NewShare,
    list: async () => (await this.#read(NAME_ROUTE.shareList)) as ShareView[],
    revoke: (id, options, call = {}) => this.#await(NAME_ROUTE.shareRevoke, { id, ...options }, call),
    open: async (link, call = {}) => {
      const { head, frames } = await this.#frames<Omit<SharedObject, 'body'>>(
        NAME_ROUTE.shareOpen,
        { link },
        call,
      );
      return { ...head, body: bodyOf(frames, head.length, call) };
    },
  };
  readonly pools: PoolCalls = {
    create: async (name, settings) => (await this.#send(ROUTE.poolCreate, { name, settings })) as PoolDetail,
    list: async () => (await this.#read(ROUTE.poolList)) as PoolView[],
    show: async (name) => (await this.#send(ROUTE.poolShow, { name })) as PoolDetail,
    set: async (name, settings) => (await this.#send(ROUTE.poolSet, { name, settings })) as PoolDetail,
  };

  readonly jobs: JobCalls = {
    list: async () => (await this.#read(ROUTE.jobList)) as JobView[],
    show: async (id) => {
      const job = (await this.#send(ROUTE.jobShow, { id })) as JobView & Partial<JobDetail>;
      // A service of an earlier version keeps no log.
      return { ...job, log: job.log ?? [], logDropped: job.logDropped ?? 0 };
    },
    wait: (id, call = {}) => this.#await<JobView>(ROUTE.jobWait, { id }, call),
    cancel: async (id) => (await this.#send(ROUTE.jobCancel, { id })) as JobView,
  };
  readonly backups = remoteBackups(
    (path, body) => this.#send(path, body),
    (path, body, call) => this.#await(path, body, call),
  );

  constructor(caller: SocketCaller) {
    this.#caller = caller;
  }

  async status(): Promise<NodeStatus> {
    return (await this.#read(ROUTE.status)) as NodeStatus;
  }

  async snapshot(): Promise<Snapshot> {
    const snapshot = (await this.#read(ROUTE.snapshot)) as Snapshot;
    // A service of an earlier version tells nothing of pools.
    const pools = snapshot.pools ?? [];
    return { ...snapshot, pools, peers: snapshot.peers.map(restorePeer) };
  }

  async peers(): Promise<PeerView[]> {
    return ((await this.#read(ROUTE.peers)) as PeerView[]).map(restorePeer);
  }

  async stats(): Promise<StoreStats> {
    return (await this.#read(ROUTE.stats)) as StoreStats;
  }

  async metrics(): Promise<MetricFamily[]> {
    return (await this.#read(ROUTE.metrics)) as MetricFamily[];
  }

  async reload(): Promise<ReloadReport> {
    return (await this.#send(ROUTE.reload, {})) as ReloadReport;
  }

  health(options: CallOptions & { depth?: CensusDepth | undefined } = {}): Promise<HealthReport> {
    return this.#await<HealthReport>(ROUTE.health, { depth: options.depth }, options);
  }

  async put(
    source: AsyncIterable<Uint8Array>,
    options: PutOptions,
    call: CallOptions = {},
  ): Promise<Receipt> {
    const { signal } = call;
    const opened = this.#caller.open({ method: 'POST', path: ROUTE.put, contentType: STREAM_TYPE, signal });
    const { request } = opened;
    let answered = false;
    const answer = (async () => {
      try {
        return await lastLine<Receipt>(await opened.response, call);
      } finally {
        answered = true;
        // The service has said its last word: what is still to be sent is not wanted.
        if (!request.writableFinished) request.destroy();
      }
    })();
    answer.catch(() => undefined);
    const sending = (async () => {
      request.write(bodyHead(options));
      for await (const chunk of source) {
        if (answered) return;
        if (!request.write(chunk)) await drained(request);
      }
      request.end();
    })();
    try {
      await Promise.race([sending, answer]);
    } catch (error) {
      // Whichever side failed first is the reason; the other's failure follows from it.
      request.destroy();
      sending.catch(() => undefined);
      throw error;
    }
    return answer;
  }

  async get(ref: string, options: GetOptions = {}, call: CallOptions = {}): Promise<GetResult> {
    const { head, frames } = await this.#frames<Omit<GetResult, 'body'>>(
      ROUTE.get,
      { ref, ...options },
      call,
    );
    return { ...head, body: bodyOf(frames, head.length, call) };
  }

  async prove(ref: string, call: CallOptions = {}): Promise<ProofFile> {
    const { head, frames } = await this.#frames<Omit<ProofFile, 'body'>>(ROUTE.prove, { ref }, call);
    return { ...head, body: bodyOf(frames, undefined, call) };
  }

  verify(query: VerifyQuery, call: CallOptions = {}): Promise<VerifyReport> {
    return this.#await<VerifyReport>(ROUTE.verify, query, call);
  }

  repair(query: RepairQuery, call: CallOptions = {}): Promise<RepairReport> {
    return this.#await<RepairReport>(ROUTE.repair, query, call);
  }

  cleanup(query: CleanupQuery, call: CallOptions = {}): Promise<CleanupReport> {
    return this.#await<CleanupReport>(ROUTE.cleanup, query, call);
  }

  rebalance(query: RebalanceQuery, call: CallOptions = {}): Promise<RebalanceReport> {
    return this.#await<RebalanceReport>(ROUTE.rebalance, query, call);
  }

  drain(query: DrainQuery, call: CallOptions = {}): Promise<DrainView> {
    return this.#await<DrainView>(ROUTE.drain, query, call);
  }

  async list(query: ListQuery = {}): Promise<ListPage> {
    return (await this.#send(ROUTE.list, query)) as ListPage;
  }

  async search(query: SearchQuery): Promise<SearchPage> {
    return (await this.#send(NAME_ROUTE.search, query)) as SearchPage;
  }

  async popular(query: PopularQuery): Promise<PopularView[]> {
    return (await this.#send(NAME_ROUTE.popular, query)) as PopularView[];
  }

  async find(ref: string): Promise<ObjectView> {
    return (await this.#send(ROUTE.find, { ref })) as ObjectView;
  }

  async info(ref: string, options: { version?: number; stripeLimit?: number } = {}): Promise<ObjectDetail> {
    return (await this.#send(ROUTE.info, { ref, ...options })) as ObjectDetail;
  }

  async delete(ref: string, options: { version?: number | undefined } = {}): Promise<DeleteResult> {
    return (await this.#send(ROUTE.delete, { ref, ...options })) as DeleteResult;
  }

  async bootstrap(address: string): Promise<DialResult> {
    return (await this.#send(ROUTE.bootstrap, { address })) as DialResult;
  }

  discover(durationMs: number, call: CallOptions = {}): Promise<DiscoveryReport> {
    return this.#await<DiscoveryReport>(ROUTE.discover, { durationMs }, call);
  }

  recover(query: RecoverQuery = {}, call: CallOptions = {}): Promise<RecoveryReport> {
    return this.#await<RecoveryReport>(ROUTE.recover, query, call);
  }

  speedTest(peer: string, durationMs: number, call: CallOptions = {}): Promise<SpeedReport> {
    return this.#await<SpeedReport>(ROUTE.speedTest, { peer, durationMs }, call);
  }

  whatif(query: WhatifQuery, call: CallOptions = {}): Promise<WhatifReport> {
    return this.#await<WhatifReport>(ROUTE.whatif, query, call);
  }

  async events(query: EventQuery = {}): Promise<EventView[]> {
    return (await this.#send(ROUTE.events, query)) as EventView[];
  }

  async distribution(query: DistributionQuery = {}): Promise<DistributionReport> {
    return (await this.#send(ROUTE.distribution, query)) as DistributionReport;
  }

  /** Lets go of the service, which runs on. */
  async close(): Promise<void> {
    this.#caller.close();
  }

  /** A call that lasts: the service writes until it has the answer. */
  async #await<T>(path: string, body: unknown, call: CallOptions): Promise<T> {
    const { signal } = call;
    const contentType = 'application/json';
    const { request, response } = this.#caller.open({ method: 'POST', path, contentType, signal });
    request.end(JSON.stringify(body));
    return lastLine<T>(await response, call);
  }

  /** A call whose answer is a head and a stream of bytes. */
  async #frames<T>(path: string, body: unknown, { signal }: CallOptions) {
    const opened = this.#caller.open({ method: 'POST', path, contentType: 'application/json', signal });
    opened.request.end(JSON.stringify(body));
    const response = await opened.response;
    if (response.statusCode !== 200) await readAnswer(response, signal);
    const frames = readFrames(response as AsyncIterable<Uint8Array>);
    const first = await frames.next().catch((error: unknown) => {
      throw callError(error, signal);
    });
    if (first.done || first.value.kind !== 'json') throw cutOff();
    if (first.value.frame === FRAME.error) throw DatameshError.fromRecord(first.value.value as ErrorRecord);
    return { head: first.value.value as T, frames };
  }

  #read(path: string): Promise<unknown> {
    return this.#caller.json({ method: 'GET', path });
  }

  #send(path: string, body: unknown): Promise<unknown> {
    return this.#caller.json({ method: 'POST', path }, body);
  }
}

/** JSON has no undefined inside a list and writes null for it. */
function restorePeer(peer: PeerView): PeerView {
  return { ...peer, rttHistoryMs: peer.rttHistoryMs.map((it) => it ?? undefined) };
}

async function lastLine<T>(response: IncomingMessage, call: CallOptions): Promise<T> {
  if (response.statusCode !== 200) return (await readAnswer(response, call.signal)) as T;
  try {
    for await (const line of readLines(response as AsyncIterable<Uint8Array>) as AsyncIterable<Line<T>>) {
      if ('progress' in line) call.onProgress?.(line.progress);
      else if ('error' in line) throw DatameshError.fromRecord(line.error);
      else return line.result;
    }
  } catch (error) {
    throw callError(error, call.signal);
  }
  throw cutOff();
}

async function* bodyOf(
  frames: ReturnType<typeof readFrames>,
  totalBytes: number | undefined,
  call: CallOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  let doneBytes = 0;
  try {
    for await (const frame of frames) {
      if (frame.kind === 'data') {
        doneBytes += frame.bytes.length;
        yield frame.bytes;
        call.onProgress?.({ doneBytes, totalBytes });
      } else if (frame.frame === FRAME.end) {
        return;
      } else if (frame.frame === FRAME.error) {
        throw DatameshError.fromRecord(frame.value as ErrorRecord);
      }
    }
  } catch (error) {
    throw callError(error, call.signal);
  }
  throw cutOff();
}

/** Resolves when the request takes more, or when nobody reads it any more: the answer then tells why. */
function drained(request: NodeJS.WritableStream & { destroyed: boolean }): Promise<void> {
  if (request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const go = () => {
      request.off('drain', go);
      request.off('close', go);
      resolve();
    };
    request.on('drain', go);
    request.on('close', go);
  });
}
