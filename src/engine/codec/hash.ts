/**
 * BLAKE3-256 behind one interface: the prebuilt @napi-rs/blake-hash where it loads (SIMD, 9.7 GB/s), blake3-wasm everywhere else
 * (0.9 GB/s). Both are CommonJS and load on first use.
 */
import { createRequire } from 'node:module';
import { bytesToHex, type ShardId } from '../types.ts';

export const HASH_BYTES = 32;

export interface Hasher {
  update(bytes: Uint8Array): Hasher;
  /** Ends the hasher. */
  digest(): Uint8Array;
}

export interface HashProvider {
  name: '@napi-rs/blake-hash' | 'blake3-wasm';
  hash(bytes: Uint8Array): Uint8Array;
  /** The same as 64 lower-case hex digits. */
  hashHex(bytes: Uint8Array): string;
  /** `key`: 32 bytes. */
  keyed(key: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** The same for many inputs under one key, one after another: 8 µs less each, natively. */
  keyedBy(key: Uint8Array): (bytes: Uint8Array) => Buffer;
  /** 32 bytes of key from `material` for the purpose that `context` names (unique, hard-coded text). */
  deriveKey(context: string, material: Uint8Array): Uint8Array;
  hasher(): Hasher;
  keyedHasher(key: Uint8Array): Hasher;
}

const require = createRequire(import.meta.url);
/** Sizes the wasm module's memory, which never shrinks; longer inputs go through in pieces. */
const WASM_PIECE_BYTES = 1024 * 1024;
const HASH_OF_NOTHING = 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262';

/** A given provider; throws when its package does not load here. */
export function loadHashProvider(name: HashProvider['name']): HashProvider {
  const provider = name === 'blake3-wasm' ? wasmProvider() : nativeProvider();
  const empty = Buffer.from(provider.hash(new Uint8Array(0))).toString('hex');
  if (empty !== HASH_OF_NOTHING) throw new Error(`${name} computes ${empty} for the empty input`);
  return provider;
}

export interface ChosenProvider {
  provider: HashProvider;
  /** Why the native one is not in use. */
  whyNotNative: string | undefined;
}

/** Native, or wasm where native does not load. `load` is for tests. */
export function chooseHashProvider(load = loadHashProvider): ChosenProvider {
  try {
    return { provider: load('@napi-rs/blake-hash'), whyNotNative: undefined };
  } catch (error) {
    const whyNotNative = error instanceof Error ? error.message : String(error);
    return { provider: load('blake3-wasm'), whyNotNative };
  }
}

let chosen: ChosenProvider | undefined;

/** The provider of this process; chosen on first use, as a CLI that hashes nothing should load neither. */
export function hashProvider(): HashProvider {
  chosen ??= chooseHashProvider();
  return chosen.provider;
}

/** For `doctor`: what hashes, and why not the fast one. */
export function hashProviderReport(): { name: HashProvider['name']; whyNotNative: string | undefined } {
  chosen ??= chooseHashProvider();
  return { name: chosen.provider.name, whyNotNative: chosen.whyNotNative };
}

/** BLAKE3-256 of `bytes`, 32 bytes. */
export function blake3(bytes: Uint8Array): Uint8Array {
  return hashProvider().hash(bytes);
}

/** The id of a shard of these bytes. */
export function shardIdOfBytes(bytes: Uint8Array): ShardId {
  return hashProvider().hashHex(bytes) as ShardId;
}

/** A streaming BLAKE3-256. */
export function blake3Hasher(): Hasher {
  return hashProvider().hasher();
}

function nativeProvider(): HashProvider {
  const native = require('@napi-rs/blake-hash') as typeof import('@napi-rs/blake-hash');
  const scratch = Buffer.alloc(HASH_BYTES);
  const wrap = (hasher: InstanceType<typeof native.Blake3Hasher>): Hasher => ({
    update(bytes) {
      hasher.update(bytes);
      return this;
    },
    digest: () => hasher.digestBuffer(),
  });
  return {
    name: '@napi-rs/blake-hash',
    hash: (bytes) => native.blake3(bytes),
    hashHex(bytes) {
      // A string from native code costs 1 µs less than a Buffer, and leaves nothing to finalise.
      scratch.write(native.blake3UrlSafeBase64(bytes), 'base64url');
      return scratch.toString('hex');
    },
    keyed: (key, bytes) => native.Blake3Hasher.newKeyed(checkedKey(key)).update(bytes).digestBuffer(),
    keyedBy(key) {
      const hasher = native.Blake3Hasher.newKeyed(checkedKey(key));
      return (bytes) => {
        hasher.reset();
        hasher.update(bytes);
        return Buffer.from(hasher.digest('hex'), 'hex');
      };
    },
    deriveKey: (context, material) => native.Blake3Hasher.deriveKey(context, material),
    hasher: () => wrap(new native.Blake3Hasher()),
    keyedHasher: (key) => wrap(native.Blake3Hasher.newKeyed(checkedKey(key))),
  };
}

function wasmProvider(): HashProvider {
  const wasm = require('blake3-wasm') as typeof import('blake3-wasm');
  const wrap = (hash: ReturnType<typeof wasm.createHash>): Hasher => ({
    update(bytes) {
      for (let at = 0; at < bytes.length; at += WASM_PIECE_BYTES) {
        hash.update(bytes.subarray(at, at + WASM_PIECE_BYTES));
      }
      return this;
    },
    digest: () => hash.digest(),
  });
  const hash = (bytes: Uint8Array): Uint8Array =>
    bytes.length <= WASM_PIECE_BYTES
      ? (wasm.hash(bytes) as Buffer)
      : wrap(wasm.createHash()).update(bytes).digest();
  return {
    name: 'blake3-wasm',
    hash,
    hashHex: (bytes) => bytesToHex(hash(bytes)),
    keyed: (key, bytes) =>
      wrap(wasm.createKeyed(checkedKey(key)))
        .update(bytes)
        .digest(),
    keyedBy(key) {
      const own = checkedKey(key);
      return (bytes) => Buffer.from(wrap(wasm.createKeyed(own)).update(bytes).digest());
    },
    deriveKey: (context, material) => wrap(wasm.createDeriveKey(context)).update(material).digest(),
    hasher: () => wrap(wasm.createHash()),
    keyedHasher: (key) => wrap(wasm.createKeyed(checkedKey(key))),
  };
}

function checkedKey(key: Uint8Array): Buffer {
  if (key.length !== HASH_BYTES) throw new RangeError('a BLAKE3 key has 32 bytes');
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength);
}
