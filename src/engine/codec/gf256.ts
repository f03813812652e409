/**
 * Arithmetic in GF(2^8) = GF(2)[x] / (x^8 + x^4 + x^3 + x^2 + 1), the field 0x11D of most Reed-Solomon codes; α = x = 2 generates it.
 * Only for making matrices and programs: shards themselves are coded by the emitted XOR programs.
 */

const POLYNOMIAL = 0x11d;
const ORDER = 255;

const EXP = new Uint8Array(2 * ORDER);
const LOG = new Uint8Array(256);
for (let i = 0, x = 1; i < ORDER; i++) {
  EXP[i] = x;
  EXP[i + ORDER] = x;
  LOG[x] = i;
  x <<= 1;
  if (x & 0x100) x ^= POLYNOMIAL;
}

/** α to the power `exponent` ≥ 0. */
export function alphaPower(exponent: number): number {
  return EXP[exponent % ORDER]!;
}

export function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!;
}

/** Throws RangeError for 0. */
export function inverse(a: number): number {
  if (a === 0) throw new RangeError('0 has no inverse');
  return EXP[ORDER - LOG[a]!]!;
}

/** A matrix as rows of field elements. */
export type Matrix = Uint8Array[];

export function identity(size: number): Matrix {
  return Array.from({ length: size }, (_, row) => {
    const line = new Uint8Array(size);
    line[row] = 1;
    return line;
  });
}

/** `left` · `right`. */
export function multiplyMatrices(left: readonly Uint8Array[], right: readonly Uint8Array[]): Matrix {
  const columns = right[0]?.length ?? 0;
  return left.map((line) => {
    const out = new Uint8Array(columns);
    line.forEach((factor, i) => {
      if (factor !== 0) addScaled(out, right[i]!, factor);
    });
    return out;
  });
}

/** Gauss-Jordan. `undefined` when `matrix` is singular. */
export function invertMatrix(matrix: readonly Uint8Array[]): Matrix | undefined {
  const size = matrix.length;
  const left = matrix.map((row) => row.slice());
  const right = identity(size);
  for (let column = 0; column < size; column++) {
    let pivot = column;
    while (pivot < size && left[pivot]![column] === 0) pivot++;
    if (pivot === size) return undefined;
    swapRows(left, column, pivot);
    swapRows(right, column, pivot);
    const scale = inverse(left[column]![column]!);
    scaleRow(left[column]!, scale);
    scaleRow(right[column]!, scale);
    for (let row = 0; row < size; row++) {
      const factor = left[row]![column]!;
      if (row === column || factor === 0) continue;
      addScaled(left[row]!, left[column]!, factor);
      addScaled(right[row]!, right[column]!, factor);
    }
  }
  return right;
}

function swapRows(matrix: Matrix, a: number, b: number): void {
  const row = matrix[a]!;
  matrix[a] = matrix[b]!;
  matrix[b] = row;
}

function scaleRow(row: Uint8Array, factor: number): void {
  for (let i = 0; i < row.length; i++) row[i] = multiply(row[i]!, factor);
}

function addScaled(target: Uint8Array, source: Uint8Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] = target[i]! ^ multiply(source[i]!, factor);
}
