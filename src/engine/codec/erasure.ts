/**
 * The erasure code over shards: encode, and rebuild of chosen shards from any k others. Kernels are cached per encoder and per loss pattern;
 * memory is one scratch workspace of about SCRATCH_BYTES plus the cache, whatever the shards' size.
 */
import { DatameshError } from '../../errors.ts';
import type { CodeProfile } from '../types.ts';
import { type Kernel, makeKernel } from './kernel.ts';
import { LruCache } from './lru.ts';
import { checkCode, parityRows, rebuildRows } from './matrix.ts';
import { BLOCK_BYTES } from './wasm-emitter.ts';
import { Workspace } from './workspace.ts';

/** A loss pattern of one stripe recurs in all stripes of the same holders; 64 patterns are some MB of machine code. */
const MAX_CACHED_KERNELS = 64;
/** Half of a usual second-level cache, so that strips copied in are still there when they are coded and copied out. */
const SCRATCH_BYTES = 1024 * 1024;

export interface RebuildPlaces {
  from: readonly number[];
  wanted: readonly number[];
  fromAt: readonly number[];
  wantedAt: readonly number[];
}

export class Erasure {
  readonly #kernels = new LruCache<string, Kernel>(MAX_CACHED_KERNELS);
  readonly #scratch = Workspace.own(SCRATCH_BYTES);

  /** Parity in place: `workspace` holds k data shards from offset 0 on, one after another, and gets the m parity shards behind them. */
  encodeInPlace(workspace: Workspace, code: CodeProfile, shardBytes: number): void {
    const offsets = Array.from({ length: code.k + code.m }, (_, i) => i * shardBytes);
    workspace.run(this.#encoder(code), offsets.slice(0, code.k), offsets.slice(code.k), shardBytes);
  }

  /**
   * Shards rebuilt within `workspace`: the k shards `from` lie at the offsets `fromAt`, the shards `wanted` are written to `wantedAt`. All indices
   * are true ones, checked by the caller.
   */
  rebuildInPlace(workspace: Workspace, code: CodeProfile, shardBytes: number, places: RebuildPlaces): void {
    const kernel = this.#decoder(code, places.from, places.wanted);
    workspace.run(kernel, places.fromAt, places.wantedAt, shardBytes);
  }

  /** Fills `parity` (m shards) from `data` (k shards), all of the same length, a multiple of 128. */
  encode(code: CodeProfile, data: readonly Uint8Array[], parity: readonly Uint8Array[]): void {
    checkCode(code);
    this.#run(this.#encoder(code), data, parity);
  }

  /**
   * The shards `wanted` (data or parity) out of any k of `shards`. Throws `shards-missing` with fewer than k, `malformed-data` when a shard
   * has not the length `shardBytes`. `roomFor` gives the memory that they are written to, one after another.
   */
  rebuild(
    code: CodeProfile,
    shardBytes: number,
    shards: ReadonlyMap<number, Uint8Array>,
    wanted: readonly number[],
    roomFor: (lengthBytes: number) => Uint8Array = Buffer.allocUnsafeSlow,
  ): Map<number, Uint8Array> {
    checkCode(code);
    const from = survivors(code, shardBytes, shards);
    for (const index of wanted) checkIndex(code, index);
    const out = new Map<number, Uint8Array>();
    if (wanted.length === 0) return out;
    const room = roomFor(wanted.length * shardBytes);
    wanted.forEach((index, i) => {
      out.set(index, room.subarray(i * shardBytes, (i + 1) * shardBytes));
    });
    const sources = from.map((index) => shards.get(index)!);
    if (code.k === 1) {
      for (const copy of out.values()) copy.set(sources[0]!);
      return out;
    }
    const targets = [...out.keys()];
    this.#run(this.#decoder(code, from, targets), sources, [...out.values()]);
    return out;
  }

  #encoder(code: CodeProfile): Kernel {
    return this.#kernels.getOrMake(`${code.k}+${code.m}`, () => makeKernel(parityRows(code)));
  }

  #decoder(code: CodeProfile, from: readonly number[], wanted: readonly number[]): Kernel {
    const key = `${code.k}+${code.m}:${from.join()}>${wanted.join()}`;
    return this.#kernels.getOrMake(key, () => makeKernel(rebuildRows(code, from, wanted)));
  }

  /** Through the scratch workspace, a strip of all shards at a time. */
  #run(kernel: Kernel, sources: readonly Uint8Array[], outputs: readonly Uint8Array[]): void {
    if (outputs.length === 0) return;
    const lengthBytes = sources[0]!.length;
    const count = sources.length + outputs.length;
    const blocks = Math.max(1, Math.floor(this.#scratch.roomBytes / (count * BLOCK_BYTES)));
    const stripBytes = Math.min(blocks * BLOCK_BYTES, lengthBytes);
    const offsets = Array.from({ length: count }, (_, i) => i * stripBytes);
    const sourceAt = offsets.slice(0, sources.length);
    const outputAt = offsets.slice(sources.length);
    for (let at = 0; at < lengthBytes; at += stripBytes) {
      const length = Math.min(stripBytes, lengthBytes - at);
      for (const [i, shard] of sources.entries()) {
        this.#scratch.view(sourceAt[i]!, length).set(shard.subarray(at, at + length));
      }
      this.#scratch.run(kernel, sourceAt, outputAt, length);
      for (const [i, shard] of outputs.entries()) {
        shard.set(this.#scratch.view(outputAt[i]!, length), at);
      }
    }
  }
}

/**
 * The k shards to decode from: data shards first, as they need no arithmetic. Throws `shards-missing` with fewer than k, `malformed-data` for
 * foreign indices and lengths.
 */
export function survivors(
  code: CodeProfile,
  shardBytes: number,
  shards: ReadonlyMap<number, Uint8Array>,
): number[] {
  if (shards.size < code.k) {
    throw new DatameshError('shards-missing', {
      what: `${shards.size} of the stripe's shards are there, ${code.k} are needed`,
      details: { have: [...shards.keys()], needed: code.k },
    });
  }
  for (const [index, shard] of shards) {
    checkIndex(code, index);
    if (shard.length === shardBytes && shardBytes % BLOCK_BYTES === 0 && shardBytes > 0) continue;
    throw new DatameshError('malformed-data', {
      what: `shard ${index} has ${shard.length} bytes instead of ${shardBytes}`,
    });
  }
  const from: number[] = [];
  for (let index = 0; from.length < code.k; index++) if (shards.has(index)) from.push(index);
  return from;
}

/** Throws `malformed-data`. */
export function checkIndex(code: CodeProfile, index: number): void {
  if (Number.isInteger(index) && index >= 0 && index < code.k + code.m) return;
  throw new DatameshError('malformed-data', { what: `a ${code.k}+${code.m} stripe has no shard ${index}` });
}
