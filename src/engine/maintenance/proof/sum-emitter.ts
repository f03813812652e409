/**
 * WebAssembly bytes of the sum of chunks: products in GF(2^8) of sixteen bytes at once, each looked up by its halves in two tables of sixteen (Plank, Greenan, Miller, "Screaming
 * fast Galois field arithmetic using Intel SIMD instructions", FAST 2013).
 *
 * The module imports `m.m` (memory) and exports `run(in, coefficients, chunks, tables, out)`: adds coefficient × chunk of each of the chunks of 1,024 bytes at `in` to the 1,024 bytes at `out`. At
 * `tables`, for each constant, stand its products with 0 … 15 and with 0, 16 … 240.
 */
import {
  bodyOf,
  branchIf,
  END,
  get,
  i32,
  inAllLanes,
  LOOP,
  moduleOfRun,
  set,
  tee,
  v128,
} from '../../codec/wasm-instructions.ts';
import { CHUNK_BYTES } from './chaining.ts';

/** Both tables of a constant. */
export const TABLE_BYTES = 32;

const VECTOR_BYTES = 16;
/** Columns that go through all chunks together, their sums in registers: with 8 beside two tables and a mask there are enough of them. */
const VECTORS = 8;

const parameter = { in: 0, coefficients: 1, chunks: 2, tables: 3, out: 4 } as const;
const PARAMETERS = Object.keys(parameter).length;
const column = PARAMETERS;
const chunk = PARAMETERS + 1;
const pointer = PARAMETERS + 2;
const table = PARAMETERS + 3;
const I32_LOCALS = 4;
const low = PARAMETERS + I32_LOCALS;
const high = low + 1;
const bytes = low + 2;
const sum = (number: number) => low + 3 + number;
const V128_LOCALS = 3 + VECTORS;

/** Module bytes; some 600. */
export function emitSum(): Uint8Array<ArrayBuffer> {
  return moduleOfRun(PARAMETERS, body());
}

function body(): number[] {
  const numbers = Array.from({ length: VECTORS }, (_, number) => number);
  const at = (number: number) => number * VECTOR_BYTES;
  const sumsAt = [...get(parameter.out), ...get(column), i32.add];
  const code = [...LOOP];
  for (const number of numbers) code.push(...sumsAt, ...v128.load(at(number)), ...set(sum(number)));
  code.push(...i32.const(0), ...set(chunk));
  code.push(...get(parameter.in), ...get(column), i32.add, ...set(pointer), ...LOOP);
  code.push(...get(parameter.coefficients), ...get(chunk), i32.add, ...i32.loadByte);
  code.push(...i32.const(TABLE_BYTES), i32.mul, ...get(parameter.tables), i32.add, ...tee(table));
  code.push(...v128.load(0), ...set(low), ...get(table), ...v128.load(VECTOR_BYTES), ...set(high));
  for (const number of numbers) {
    code.push(...get(low), ...get(pointer), ...v128.load(at(number)), ...tee(bytes));
    code.push(...inAllLanes(0x0f0f0f0f), ...v128.and, ...v128.swizzle);
    code.push(...get(high), ...get(bytes), ...i32.const(4), ...v128.shiftBytesRight, ...v128.swizzle);
    code.push(...v128.xor, ...get(sum(number)), ...v128.xor, ...set(sum(number)));
  }
  code.push(...get(pointer), ...i32.const(CHUNK_BYTES), i32.add, ...set(pointer));
  code.push(...get(chunk), ...i32.const(1), i32.add, ...tee(chunk));
  code.push(...get(parameter.chunks), i32.lessUnsigned, ...branchIf(0), END);
  for (const number of numbers) code.push(...sumsAt, ...get(sum(number)), ...v128.store(at(number)));
  code.push(...get(column), ...i32.const(VECTORS * VECTOR_BYTES), i32.add, ...tee(column));
  code.push(...i32.const(CHUNK_BYTES), i32.lessUnsigned, ...branchIf(0), END, END);
  return bodyOf(I32_LOCALS, V128_LOCALS, code);
}
