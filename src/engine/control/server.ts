/** The service's side of the control API: Fastify on a Unix-domain socket that only its user may open. */
import { chmod, unlink } from 'node:fs/promises';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import { asClearError } from '../effects/file-errors.ts';
import type { Engine } from '../engine.ts';
import { pingSocket } from './http-call.ts';
import { serveNames } from './names.ts';
import {
  answerBackup,
  answerCleanup,
  answerDiscover,
  answerDrain,
  answerGet,
  answerHealth,
  answerJobWait,
  answerProve,
  answerPrune,
  answerPut,
  answerRebalance,
  answerRecover,
  answerRepair,
  answerRestore,
  answerShareOpen,
  answerShareRevoke,
  answerSpeedTest,
  answerVerify,
  answerWhatif,
  type Exchange,
} from './server-streams.ts';
import { inPrivateFolder, isErrno, prepareSocketPath, realFolder } from './socket-path.ts';
import {
  API_HEADER,
  API_VERSION,
  checkApiVersion,
  httpStatus,
  ROUTE,
  readAddress,
  readDeleteRequest,
  readEventQuery,
  readInfoRequest,
  readJobId,
  readListQuery,
  readRef,
  STREAM_TYPE,
} from './wire.ts';
import { BACKUP_ROUTE, readForgetQuery, readShowQuery, readSnapshotQuery } from './wire-backups.ts';
import { NAME_ROUTE } from './wire-names.ts';
import { readDistributionQuery, readPoolName, readPoolRequest } from './wire-pools.ts';

/** JSON requests are a name and a few options. Puts are streams and not bound by this. */
const MAX_REQUEST_BYTES = 256 * 1024;
/** How long a stopping service waits until those it has cut short were told so. */
const CLOSE_GRACE_MS = 2000;

export interface ControlOptions {
  dataDir: string;
  clock: Clock;
}

export interface ControlServer {
  socketPath: string;
  /** Cancels what runs, tells its callers, and removes the socket. The engine stays open. */
  close(): Promise<void>;
}

/**
 * Serves `engine` to this user's other processes. The socket of a service that has died is replaced. Throws
 * `already-running` when one answers there, `insecure-file-mode` when the data folder is open to others.
 */
export async function startControl(engine: Engine, options: ControlOptions): Promise<ControlServer> {
  const dataDir = await realFolder(options.dataDir);
  await refuseOpenFolder(dataDir);
  const socketPath = await prepareSocketPath(dataDir);
  await clearStaleSocket(socketPath);
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const app = buildApp(engine, options.clock, stopping.signal, running);
  try {
    await app.listen({ path: socketPath });
    await chmod(socketPath, 0o600);
  } catch (error) {
    await app.close();
    if (isErrno(error, 'EADDRINUSE')) throw alreadyRunning(socketPath, undefined);
    throw error;
  }
  let closed: Promise<void> | undefined;
  const close = async () => {
    stopping.abort();
    const grace = new AbortController();
    const deadline = options.clock.sleep(CLOSE_GRACE_MS, grace.signal).catch(() => undefined);
    await Promise.race([Promise.allSettled(running), deadline]);
    grace.abort();
    await app.close();
  };
  return { socketPath, close: () => (closed ??= close()) };
}

async function refuseOpenFolder(dataDir: string): Promise<void> {
  if ((await inPrivateFolder(`${dataDir}/x`)) === 'private') return;
  throw new DatameshError('insecure-file-mode', {
    what: `the data folder ${dataDir} is not yours alone`,
    why: 'whoever may enter it could read keys or command the node',
    mend: `chmod 700 ${dataDir}`,
  });
}

/** A socket file outlives the process that made it; only one that nobody listens on may go. */
async function clearStaleSocket(path: string): Promise<void> {
  const answer = await pingSocket(path);
  if (answer === 'absent') return;
  if (answer !== 'dead') throw alreadyRunning(path, typeof answer === 'object' ? answer.pid : undefined);
  await unlink(path).catch((error: unknown) => {
    if (!isErrno(error, 'ENOENT')) throw error;
  });
}

function alreadyRunning(path: string, pid: number | undefined): DatameshError {
  return new DatameshError('already-running', {
    what: `a service is running already${pid === undefined ? '' : ` (process ${pid})`}`,
    why: `it answers at ${path}`,
    mend: 'use it, or stop it first: datamesh service stop',
    details: { socketPath: path, ...(pid === undefined ? {} : { pid }) },
  });
}

function buildApp(
  engine: Engine,
  clock: Clock,
  stopping: AbortSignal,
  running: Set<Promise<void>>,
): FastifyInstance {
  const app = fastify({
    bodyLimit: MAX_REQUEST_BYTES,
    forceCloseConnections: true,
    // A put lasts as long as its file; the socket is the user's own, so slow requests are no attack.
    requestTimeout: 0,
    connectionTimeout: 0,
  });
  // Puts come unread: the engine takes the bytes at its own pace.
  app.addContentTypeParser(STREAM_TYPE, (_request, payload, done) => done(null, payload));
  app.addHook('onRequest', async (request, reply) => {
    reply.header(API_HEADER, String(API_VERSION));
    checkApiVersion(request.headers[API_HEADER]);
  });
  app.setErrorHandler((error, _request, reply) => sendError(reply, error));
  app.setNotFoundHandler((request, reply) =>
    sendError(
      reply,
      new DatameshError('bad-value', { what: `no such request: ${request.method} ${request.url}` }),
    ),
  );

  const stream = (path: string, answer: (engine: Engine, it: Exchange) => Promise<void>) => {
    app.post(path, async (request, reply) => {
      reply.hijack();
      const work = answer(engine, exchangeOf(request, reply, clock, stopping));
      running.add(work);
      try {
        await work;
      } finally {
        running.delete(work);
      }
    });
  };
  app.get(ROUTE.ping, async () => ({ api: API_VERSION, pid: process.pid }));
  app.get(ROUTE.status, async () => engine.status());
  app.get(ROUTE.snapshot, async () => engine.snapshot());
  app.get(ROUTE.peers, async () => engine.peers());
  app.get(ROUTE.stats, async () => engine.stats());
  app.get(ROUTE.metrics, async () => engine.metrics());
  app.post(ROUTE.reload, async () => engine.reload());
  app.post(ROUTE.list, async (request) => engine.list(readListQuery(request.body)));
  app.post(ROUTE.find, async (request) => engine.find(readRef(request.body).ref));
  app.post(ROUTE.info, async (request) => {
    const { ref, ...rest } = readInfoRequest(request.body);
    return engine.info(ref, rest);
  });
  app.post(ROUTE.delete, async (request) => {
    const { ref, ...rest } = readDeleteRequest(request.body);
    return engine.delete(ref, rest);
  });
  serveNames(app, engine);
  app.post(ROUTE.bootstrap, async (request) => engine.bootstrap(readAddress(request.body).address));
  app.post(ROUTE.poolCreate, async (request) => {
    const { name, settings } = readPoolRequest(request.body);
    return engine.pools.create(name, settings);
  });
  app.get(ROUTE.poolList, async () => engine.pools.list());
  app.post(ROUTE.poolShow, async (request) => engine.pools.show(readPoolName(request.body).name));
  app.post(ROUTE.poolSet, async (request) => {
    const { name, settings } = readPoolRequest(request.body);
    return engine.pools.set(name, settings);
  });
  app.post(ROUTE.distribution, async (request) => engine.distribution(readDistributionQuery(request.body)));
  app.post(ROUTE.events, async (request) => engine.events(readEventQuery(request.body)));
  app.get(ROUTE.jobList, async () => engine.jobs.list());
  app.post(ROUTE.jobShow, async (request) => engine.jobs.show(readJobId(request.body).id));
  app.post(ROUTE.jobCancel, async (request) => engine.jobs.cancel(readJobId(request.body).id));
  stream(ROUTE.jobWait, answerJobWait);
  app.post(BACKUP_ROUTE.snapshots, async ({ body }) => engine.backups.snapshots(readSnapshotQuery(body)));
  app.post(BACKUP_ROUTE.show, async ({ body }) => engine.backups.show(readShowQuery(body)));
  app.post(BACKUP_ROUTE.forget, async ({ body }) => engine.backups.forget(readForgetQuery(body)));
  stream(BACKUP_ROUTE.backup, answerBackup);
  stream(BACKUP_ROUTE.restore, answerRestore);
  stream(BACKUP_ROUTE.prune, answerPrune);
  stream(ROUTE.health, answerHealth);
  stream(ROUTE.whatif, answerWhatif);
  stream(ROUTE.verify, answerVerify);
  stream(ROUTE.repair, answerRepair);
  stream(ROUTE.cleanup, answerCleanup);
  stream(ROUTE.drain, answerDrain);
  stream(ROUTE.rebalance, answerRebalance);
  stream(ROUTE.prove, answerProve);
  stream(ROUTE.recover, answerRecover);
  stream(ROUTE.discover, answerDiscover);
  stream(ROUTE.speedTest, answerSpeedTest);
  stream(ROUTE.put, answerPut);
  stream(ROUTE.get, answerGet);
  stream(NAME_ROUTE.shareOpen, answerShareOpen);
  stream(NAME_ROUTE.shareRevoke, answerShareRevoke);
  return app;
}

function exchangeOf(
  request: FastifyRequest,
  reply: FastifyReply,
  clock: Clock,
  stopping: AbortSignal,
): Exchange {
  const gone = new AbortController();
  reply.raw.on('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  // A client that breaks off resets the connection; `close` tells, and the error has no further news.
  reply.raw.on('error', () => undefined);
  return { body: request.body, response: reply.raw, clock, signal: AbortSignal.any([gone.signal, stopping]) };
}

function sendError(reply: FastifyReply, thrown: unknown) {
  const error = isRequestFault(thrown)
    ? new DatameshError('bad-value', { what: `malformed request: ${thrown.message}`, cause: thrown })
    : asClearError(thrown);
  return reply.code(httpStatus(error)).send({ error: error.toRecord() });
}

/** What Fastify itself refuses: no JSON, too long, another content type. */
function isRequestFault(error: unknown): error is Error & { statusCode: number } {
  return (
    error instanceof Error &&
    !(error instanceof DatameshError) &&
    'statusCode' in error &&
    typeof error.statusCode === 'number' &&
    error.statusCode >= 400 &&
    error.statusCode < 500
  );
}
