/** The erasure code once more, written only for being plainly right: symbol by symbol, with a multiplication that knows no tables. */

const BLOCK_BYTES = 128;
const PLANE_BYTES = 16;

/** Shift and add in GF(2)[x], reduced by x^8 + x^4 + x^3 + x^2 + 1. */
export function slowMultiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) if ((b >> bit) & 1) product ^= a << bit;
  for (let bit = 14; bit >= 8; bit--) if ((product >> bit) & 1) product ^= 0x11d << (bit - 8);
  return product;
}

export function slowInverse(a: number): number {
  for (let b = 1; b < 256; b++) if (slowMultiply(a, b) === 1) return b;
  throw new Error('0 has no inverse');
}

function slowPower(base: number, exponent: number): number {
  let power = 1;
  for (let i = 0; i < exponent; i++) power = slowMultiply(power, base);
  return power;
}

/** docs/FORMATS.md "Erasure code", taken literally. */
export function slowParityRows(k: number, m: number): number[][] {
  const small = Math.min(k, m);
  const alpha = small <= 3 || (small === 4 && Math.max(k, m) <= 21);
  const cauchy = (r: number, j: number) => slowInverse((k + r) ^ j);
  const row = (r: number) =>
    Array.from({ length: k }, (_, j) => {
      if (alpha) return slowPower(2, r * j);
      const numerator = slowMultiply(cauchy(r, j), cauchy(0, 0));
      return slowMultiply(numerator, slowInverse(slowMultiply(cauchy(0, j), cauchy(r, 0))));
    });
  return Array.from({ length: m }, (_, r) => row(r));
}

/** Bit b of symbol s of a block is bit s mod 8 of byte 16b + floor(s / 8). */
function symbolAt(shard: Uint8Array, index: number): number {
  const { byte, bit } = placeOf(index);
  let value = 0;
  for (let plane = 0; plane < 8; plane++) value |= ((shard[byte + plane * PLANE_BYTES]! >> bit) & 1) << plane;
  return value;
}

function addSymbol(shard: Uint8Array, index: number, value: number): void {
  const { byte, bit } = placeOf(index);
  for (let plane = 0; plane < 8; plane++) shard[byte + plane * PLANE_BYTES]! ^= ((value >> plane) & 1) << bit;
}

function placeOf(index: number): { byte: number; bit: number } {
  const block = Math.floor(index / BLOCK_BYTES);
  const symbol = index % BLOCK_BYTES;
  return { byte: block * BLOCK_BYTES + Math.floor(symbol / 8), bit: symbol % 8 };
}

export function slowParity(k: number, m: number, data: readonly Uint8Array[]): Uint8Array[] {
  const length = data[0]!.length;
  return slowParityRows(k, m).map((row) => {
    const parity = new Uint8Array(length);
    for (let index = 0; index < length; index++) {
      for (const [j, factor] of row.entries()) {
        addSymbol(parity, index, slowMultiply(factor, symbolAt(data[j]!, index)));
      }
    }
    return parity;
  });
}

/** Bytes that look random and are the same every time. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** All subsets of 0…n-1 of that size. */
export function* subsets(n: number, size: number, from = 0): Generator<number[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let first = from; first <= n - size; first++) {
    for (const rest of subsets(n, size - 1, first + 1)) yield [first, ...rest];
  }
}
