/** Checks of the machine: runtime, hashing, erasure code, clock. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { FILE_KEY_BYTES } from '../../../engine/codec/aead.ts';
import { codecPoolReport, createCodecPool } from '../../../engine/codec/codec-pool.ts';
import { Erasure } from '../../../engine/codec/erasure.ts';
import { hashProviderReport } from '../../../engine/codec/hash.ts';
import { createCodec } from '../../../engine/codec/local-codec.ts';
import { packingMethod } from '../../../engine/codec/packing.ts';
import { dataPaths } from '../../../engine/options.ts';
import type { CodeProfile } from '../../../engine/types.ts';
import { asDatameshError } from '../../../errors.ts';
import { size } from '../demo/tell.ts';
import type { Check, Finding } from './finding.ts';

/** package.json, engines. */
const NEEDED_NODE = [22, 13] as const;
const TEST_SHARD_BYTES = 128 * 1024;
/** Large enough for the worker threads. */
const TEST_CHUNK_BYTES = 1024 * 1024;
/** No datamesh was built before this; a clock that says so is wrong. */
const OLDEST_NOW_MS = Date.UTC(2026, 0, 1);
/** Clocks of a file server and of this machine may differ so much without harm. */
const SKEW_MS = 60_000;

export const checkRuntime: Check = async () => runtimeFinding(process.versions.node);

/** @param version as `process.versions.node` has it */
export function runtimeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const old = major < NEEDED_NODE[0] || (major === NEEDED_NODE[0] && minor < NEEDED_NODE[1]);
  const detail = `Node.js ${version} on ${process.platform} ${process.arch}`;
  if (!old) return { check: 'runtime', state: 'ok', detail };
  return {
    check: 'runtime',
    state: 'fail',
    detail: `${detail}; ${NEEDED_NODE.join('.')} or newer is needed`,
    mend: 'install a newer one from https://nodejs.org',
  };
}

export const checkHash: Check = async () => hashFinding(hashProviderReport());

export function hashFinding({ name, whyNotNative }: ReturnType<typeof hashProviderReport>): Finding {
  if (whyNotNative === undefined) return { check: 'hash', state: 'ok', detail: `BLAKE3 by ${name}` };
  return {
    check: 'hash',
    state: 'warn',
    detail: `BLAKE3 by ${name}, some ten times slower than native: ${whyNotNative}`,
    mend: 'npm install, on a platform with a prebuilt @napi-rs/blake-hash',
  };
}

/** Encodes random shards, loses m of them, and wants the same back: for every shard that can be lost. */
export const checkErasure: Check = async ({ config }) =>
  erasureFinding(config?.redundancy ?? { k: 4, m: 2 }, new Erasure());

export function erasureFinding(code: CodeProfile, erasure: Pick<Erasure, 'encode' | 'rebuild'>): Finding {
  const { k, m } = code;
  const startMs = performance.now();
  const shards = Array.from({ length: k + m }, (_, i) =>
    i < k ? new Uint8Array(randomBytes(TEST_SHARD_BYTES)) : new Uint8Array(TEST_SHARD_BYTES),
  );
  erasure.encode(code, shards.slice(0, k), shards.slice(k));
  for (let first = 0; m > 0 && first < k + m; first += m) {
    const lost = Array.from({ length: m }, (_, i) => (first + i) % (k + m));
    const left = new Map(shards.map((shard, i) => [i, shard] as const).filter(([i]) => !lost.includes(i)));
    for (const [index, bytes] of erasure.rebuild(code, TEST_SHARD_BYTES, left, lost)) {
      if (Buffer.compare(bytes, shards[index]!) === 0) continue;
      return {
        check: 'erasure',
        state: 'fail',
        detail: `${k}+${m}: shard ${index} came back wrong after losing ${lost.join(', ')}`,
        mend: 'store nothing with this machine: its processor, memory or Node.js computes wrongly',
      };
    }
  }
  const ms = Math.round(performance.now() - startMs);
  return {
    check: 'erasure',
    state: 'ok',
    detail: `${k}+${m}: every shard lost once and rebuilt, in ${ms} ms`,
  };
}

/** Sends one chunk through the worker threads and wants what this thread makes of it. */
export const checkCodec: Check = async () => codecFinding(createCodecPool);

/** @param openPool that of the node unless given */
export async function codecFinding(openPool: typeof createCodecPool): Promise<Finding> {
  const { workers, maxSlots, maxBytes } = codecPoolReport();
  const job = {
    code: { k: 4, m: 2 },
    fileKey: randomBytes(FILE_KEY_BYTES),
    chunkIndex: 0,
    last: true,
    plaintext: randomBytes(TEST_CHUNK_BYTES),
  };
  const pool = openPool({ workers });
  try {
    const [there, here] = await Promise.all([pool.encode(job), createCodec().encode(job)]);
    if (there.ids.join() !== here.ids.join()) {
      return {
        check: 'codec',
        state: 'fail',
        detail: 'a worker thread seals and codes wrongly',
        mend: 'store nothing with this machine: its processor, memory or Node.js computes wrongly',
      };
    }
  } catch (error) {
    return {
      check: 'codec',
      state: 'fail',
      detail: `no worker thread does its work: ${asDatameshError(error).message}`,
      mend: 'see whether the system lets this user start threads: ulimit -u',
    };
  } finally {
    await pool.close();
  }
  const threads = workers === 1 ? '1 worker thread' : `${workers} worker threads`;
  return {
    check: 'codec',
    state: 'ok',
    detail: `${threads}; up to ${maxSlots} stripes and ${size(maxBytes)} in memory; compression by ${packingMethod()}`,
  };
}

export const checkClock: Check = async ({ config }): Promise<Finding> => {
  const now = Date.now();
  const detail = new Date(now).toISOString();
  const mend = 'set the clock, and keep it right: timedatectl set-ntp true';
  if (now < OLDEST_NOW_MS)
    return { check: 'clock', state: 'fail', detail: `it says ${detail}, which is past`, mend };
  const paths = config === undefined ? undefined : dataPaths(config.node.dataDir);
  for (const path of paths === undefined ? [] : [paths.lock, paths.catalog, paths.log]) {
    const writtenMs = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
    if (writtenMs > now + SKEW_MS) {
      const date = new Date(writtenMs).toISOString();
      return {
        check: 'clock',
        state: 'warn',
        detail: `it says ${detail}, but ${path} was written ${date}`,
        mend,
      };
    }
  }
  return { check: 'clock', state: 'ok', detail };
};
