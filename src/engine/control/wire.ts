/**
 * The control API: routes, limits and the checks of what comes in. Both sides import this file and nothing heavier.
 *
 * Every request carries `datamesh-api`; bodies are JSON but for put (frames.ts). Answers are JSON, but for put and health
 * (JSON lines: progress*, then result or error) and get and prove (frames.ts). A failure is `{"error": ErrorRecord}`.
 */
import { DatameshError, type ErrorRecord, EXIT } from '../../errors.ts';
import { MAX_NAME_BYTES, MAX_TAG_BYTES, MAX_TAGS } from '../codec/manifest-limits.ts';
import type { GetOptions, ListQuery, Progress, PutOptions } from '../engine.ts';
import type { CensusDepth } from '../maintenance/census-ask.ts';
import type { CleanupQuery } from '../views/cleanup.ts';
import type { DrainQuery } from '../views/drain.ts';
import type { EventQuery } from '../views/events.ts';
import type { VerifyQuery } from '../views/proofs.ts';
import type { RebalanceQuery } from '../views/rebalance.ts';
import type { RecoverQuery } from '../views/recovery.ts';
import type { RepairQuery } from '../views/repair.ts';
import type { WhatifQuery } from '../views/whatif.ts';
import { code, fields, flag, list, oneOf, optional, share, text, whole } from './checks.ts';

/** Raised with every change that an older client or service would misread. */
export const API_VERSION = 5;
export const API_HEADER = 'datamesh-api';

export const ROUTE = {
  ping: '/ping',
  status: '/status',
  snapshot: '/snapshot',
  peers: '/peers',
  stats: '/stats',
  metrics: '/observe/metrics',
  reload: '/reload',
  health: '/health',
  verify: '/verify',
  prove: '/prove',
  repair: '/repair',
  put: '/put',
  get: '/get',
  list: '/list',
  find: '/find',
  info: '/info',
  delete: '/delete',
  cleanup: '/cleanup',
  drain: '/drain',
  rebalance: '/rebalance',
  bootstrap: '/bootstrap',
  discover: '/discover',
  speedTest: '/speed-test',
  poolCreate: '/pools/create',
  poolList: '/pools/list',
  poolShow: '/pools/show',
  poolSet: '/pools/set',
  distribution: '/distribution',
  whatif: '/whatif',
  events: '/events',
  recover: '/recover',
  jobList: '/jobs',
  jobShow: '/jobs/show',
  jobWait: '/jobs/wait',
  jobCancel: '/jobs/cancel',
} as const;

export const STREAM_TYPE = 'application/octet-stream';
export const LINES_TYPE = 'application/x-ndjson';

const MAX_SHORT_TEXT_CHARACTERS = 256;
const MAX_CURSOR_CHARACTERS = 8192;

export type Line<T> = { progress: Progress } | { result: T } | { error: ErrorRecord };

export interface GetRequest extends GetOptions {
  ref: string;
}

export interface InfoRequest {
  ref: string;
  version?: number;
  stripeLimit?: number;
}

export interface PingAnswer {
  api: number;
  pid: number;
}

/** HTTP status of an error; clients go by the record in the body. */
export function httpStatus(error: DatameshError): number {
  switch (error.exit) {
    case EXIT.usage:
      return 400;
    case EXIT.denied:
      return 403;
    case EXIT.notFound:
      return 404;
    case EXIT.conflict:
      return 409;
    case EXIT.unreachable:
      return 503;
    case EXIT.timeout:
      return 504;
    case EXIT.full:
      return 507;
    default:
      return 500;
  }
}

/** Checks the version that the other side speaks. Throws `format-too-new`. */
export function checkApiVersion(header: string | string[] | undefined): void {
  if (header === String(API_VERSION)) return;
  throw new DatameshError('format-too-new', {
    what: `the command and the service speak different versions of the control API (${String(header)} and ${API_VERSION})`,
    mend: 'restart the service with the datamesh you are using: datamesh service stop && datamesh service start',
  });
}

export function readPutOptions(value: unknown): PutOptions {
  return fields<PutOptions>(value, {
    name: text(MAX_NAME_BYTES),
    sizeBytes: optional(whole(0)),
    tags: optional(list(text(MAX_TAG_BYTES), MAX_TAGS)),
    mimeType: optional(text(MAX_SHORT_TEXT_CHARACTERS)),
    code: optional(code),
    pool: optional(text(MAX_SHORT_TEXT_CHARACTERS)),
    ifAbsent: optional(flag),
    allowDegraded: optional(flag),
    compress: optional(flag),
    source: optional(text(128)),
  });
}

export function readGetRequest(value: unknown): GetRequest {
  return fields<GetRequest>(value, {
    ref: text(MAX_NAME_BYTES),
    version: optional(whole(1)),
    offset: optional(whole(0)),
    length: optional(whole(0)),
  });
}

export function readListQuery(value: unknown): ListQuery {
  return fields<ListQuery>(value, {
    prefix: optional(text(MAX_NAME_BYTES)),
    tag: optional(text(MAX_TAG_BYTES)),
    deleted: optional(flag),
    sort: optional(oneOf('name', 'size', 'created')),
    sinceMs: optional(whole(0)),
    reverse: optional(flag),
    limit: optional(whole(1)),
    cursor: optional(text(MAX_CURSOR_CHARACTERS)),
  });
}

export function readInfoRequest(value: unknown): InfoRequest {
  return fields<InfoRequest>(value, {
    ref: text(MAX_NAME_BYTES),
    version: optional(whole(1)),
    stripeLimit: optional(whole(0)),
  });
}

export function readHealthRequest(value: unknown): { depth?: CensusDepth } {
  return fields<{ depth?: CensusDepth }>(value, { depth: optional(oneOf('asked', 'proved')) });
}

export function readVerifyQuery(value: unknown): VerifyQuery {
  return fields<VerifyQuery>(value, {
    ref: optional(text(MAX_NAME_BYTES)),
    pool: optional(text(MAX_SHORT_TEXT_CHARACTERS)),
    deep: optional(flag),
  });
}

export function readRepairQuery(value: unknown): RepairQuery {
  return fields<RepairQuery>(value, {
    ref: optional(text(MAX_NAME_BYTES)),
    pool: optional(text(MAX_SHORT_TEXT_CHARACTERS)),
    apply: optional(flag),
    checkIntegrity: optional(flag),
  });
}

export function readCleanupQuery(value: unknown): CleanupQuery {
  return fields<CleanupQuery>(value, { orphaned: flag, duplicates: flag, dryRun: flag });
}

export function readRebalanceQuery(value: unknown): RebalanceQuery {
  return fields<RebalanceQuery>(value, {
    pool: optional(text(MAX_SHORT_TEXT_CHARACTERS)),
    apply: optional(flag),
    tolerance: optional(share),
    bytesPerSecond: optional(whole(0)),
  });
}

export function readDrainQuery(value: unknown): DrainQuery {
  return fields<DrainQuery>(value, { action: oneOf('start', 'status', 'cancel') });
}

/** More than a mesh has zones, racks or nodes to name. */
const MAX_LOST = 1024;

export function readWhatifQuery(value: unknown): WhatifQuery {
  return fields<WhatifQuery>(value, { lose: list(text(MAX_SHORT_TEXT_CHARACTERS), MAX_LOST) });
}

export function readEventQuery(value: unknown): EventQuery {
  return fields<EventQuery>(value, { afterSeq: optional(whole(0)) });
}

export function readRef(value: unknown): { ref: string } {
  return fields<{ ref: string }>(value, { ref: text(MAX_NAME_BYTES) });
}

export function readJobId(value: unknown): { id: string } {
  return fields<{ id: string }>(value, { id: text(MAX_SHORT_TEXT_CHARACTERS) });
}

export function readDeleteRequest(value: unknown): { ref: string; version?: number } {
  return fields<{ ref: string; version?: number }>(value, {
    ref: text(MAX_NAME_BYTES),
    version: optional(whole(1)),
  });
}

export function readAddress(value: unknown): { address: string } {
  return fields<{ address: string }>(value, { address: text(MAX_NAME_BYTES) });
}

/** An hour: longer than anybody waits. */
const MAX_DURATION_MS = 3_600_000;

export function readDiscoverRequest(value: unknown): { durationMs: number } {
  return fields<{ durationMs: number }>(value, { durationMs: whole(0, MAX_DURATION_MS) });
}

export function readSpeedRequest(value: unknown): { peer: string; durationMs: number } {
  return fields<{ peer: string; durationMs: number }>(value, {
    peer: text(MAX_SHORT_TEXT_CHARACTERS),
    durationMs: whole(1, MAX_DURATION_MS),
  });
}

export function readRecoverQuery(value: unknown): RecoverQuery {
  return fields<RecoverQuery>(value, { scan: optional(flag) });
}
