import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blake3,
  blake3Hasher,
  chooseHashProvider,
  hashProviderReport,
  loadHashProvider,
} from '../../../src/engine/codec/hash.ts';
import { pattern } from './reference.ts';

interface Vectors {
  key: string;
  context: string;
  cases: { inputBytes: number; hash: string; keyed: string; derived: string }[];
}

const golden = new URL('../../golden/codec/blake3-vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(golden, 'utf8')) as Vectors;
const inputOf = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const key = Buffer.from(vectors.key);

describe.each(['@napi-rs/blake-hash', 'blake3-wasm'] as const)('%s', (name) => {
  const provider = loadHashProvider(name);

  it.each(vectors.cases)('gives the published outputs for $inputBytes bytes', (vector) => {
    const input = inputOf(vector.inputBytes);
    expect(hex(provider.hash(input))).toBe(vector.hash);
    expect(provider.hashHex(input)).toBe(vector.hash);
    expect(hex(provider.keyed(key, input))).toBe(vector.keyed);
    expect(hex(provider.deriveKey(vectors.context, input))).toBe(vector.derived);
    expect(hex(provider.hasher().update(input).digest())).toBe(vector.hash);
    expect(hex(provider.keyedHasher(key).update(input).digest())).toBe(vector.keyed);
    const keyedBy = provider.keyedBy(key);
    for (const time of [1, 2]) expect(hex(keyedBy(input)), `time ${time}`).toBe(vector.keyed);
  });

  it('streams at any splits', () => {
    const vector = vectors.cases.at(-1)!;
    const input = inputOf(vector.inputBytes);
    const cuts = fc
      .array(fc.nat(input.length), { maxLength: 12 })
      .map((at) => [0, ...at, input.length].sort((a, b) => a - b));
    fc.assert(
      fc.property(cuts, (at) => {
        const hasher = provider.hasher();
        for (let i = 1; i < at.length; i++) hasher.update(input.subarray(at[i - 1]!, at[i]!));
        expect(hex(hasher.digest())).toBe(vector.hash);
      }),
      { numRuns: 50 },
    );
  });

  it('hashes views of a larger buffer and of WebAssembly memory', () => {
    const memory = new Uint8Array(new WebAssembly.Memory({ initial: 2 }).buffer);
    const input = pattern(5000, 1);
    memory.set(input, 333);
    expect(hex(provider.hash(memory.subarray(333, 5333)))).toBe(hex(provider.hash(input)));
    const shared = new Uint8Array(new SharedArrayBuffer(6000), 333, 5000);
    shared.set(input);
    expect(provider.hashHex(shared)).toBe(hex(provider.hash(input)));
  });

  it('refuses keys that have not 32 bytes', () => {
    expect(() => provider.keyed(new Uint8Array(31), new Uint8Array(1))).toThrow(RangeError);
  });
});

describe('provider in use', () => {
  it('both agree beyond the size of one piece', () => {
    const input = pattern(2 * 1024 * 1024 + 17, 4);
    const [native, wasm] = (['@napi-rs/blake-hash', 'blake3-wasm'] as const).map(loadHashProvider);
    expect(hex(wasm!.hash(input))).toBe(hex(native!.hash(input)));
    expect(hex(wasm!.keyed(key, input))).toBe(hex(native!.keyed(key, input)));
  });

  it('is the wasm one where native does not load, and says why', () => {
    const { provider, whyNotNative } = chooseHashProvider((name) => {
      if (name === '@napi-rs/blake-hash') throw new Error('no prebuilt binary for plan9-mips');
      return loadHashProvider(name);
    });
    expect(provider.name).toBe('blake3-wasm');
    expect(whyNotNative).toBe('no prebuilt binary for plan9-mips');
    expect(hex(provider.hash(inputOf(1)))).toBe(vectors.cases[1]!.hash);
  });

  it('is reported, with the reason when it is not the fast one', () => {
    const report = hashProviderReport();
    expect(report.name === '@napi-rs/blake-hash').toBe(report.whyNotNative === undefined);
    expect(hex(blake3(inputOf(1)))).toBe(vectors.cases[1]!.hash);
    expect(hex(blake3Hasher().update(inputOf(1)).digest())).toBe(vectors.cases[1]!.hash);
  });
});
