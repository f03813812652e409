/** The binary format of WebAssembly modules: integers, vectors, sections. WebAssembly core specification 2.0, chapter 5. */

/** LEB128, as all integers of the binary format. */
export function unsigned(value: number): number[] {
  const out: number[] = [];
  do {
    const low = value & 0x7f;
    value >>>= 7;
    out.push(value === 0 ? low : low | 0x80);
  } while (value !== 0);
  return out;
}

export function signed(value: number): number[] {
  const out: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    const ends = (value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0);
    out.push(ends ? low : low | 0x80);
    if (ends) return out;
  }
}

/** Parts of a module whose only import is a memory, `m.m`. */
export interface ModuleParts {
  /** As functionType makes them. */
  types: readonly number[][];
  /** Of the memory: flags, least and, with a flag for it, most pages. */
  limits: readonly number[];
  /** One for each function: its type by number, its locals and code. */
  functions: readonly { type: number; body: readonly number[] }[];
  /** Name and number of a function. */
  exports: readonly (readonly [string, number])[];
}

/** Memory that is not shared, of a page or more. */
export const UNSHARED = [0x00, 1];

export function moduleBytes({ types, limits, functions, exports }: ModuleParts): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(2, vector([[...text('m'), ...text('m'), 0x02, ...limits]])),
    ...section(3, vector(functions.map(({ type }) => [type]))),
    ...section(7, vector(exports.map(([name, number]) => [...text(name), 0x00, ...unsigned(number)]))),
    ...section(10, vector(functions.map(({ body }) => unsigned(body.length).concat(body)))),
  ]);
}

export function functionType(parameters: readonly number[]): number[] {
  return [0x60, ...unsigned(parameters.length), ...parameters, 0];
}

export function vector(items: readonly number[][]): number[] {
  return unsigned(items.length).concat(...items);
}

function text(value: string): number[] {
  return [...unsigned(value.length), ...Buffer.from(value)];
}

function section(id: number, body: readonly number[]): number[] {
  return [id, ...unsigned(body.length)].concat(body);
}
