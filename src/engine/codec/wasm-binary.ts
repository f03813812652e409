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

export function vector(items: readonly number[][]): number[] {
  return unsigned(items.length).concat(...items);
}

export function text(value: string): number[] {
  return [...unsigned(value.length), ...Buffer.from(value)];
}

export function exported(name: string, functionIndex: number): number[] {
  return [...text(name), 0x00, ...unsigned(functionIndex)];
}

export function section(id: number, body: readonly number[]): number[] {
  return [id, ...unsigned(body.length)].concat(body);
}

export function codeSection(bodies: readonly number[][]): number[] {
  return section(10, vector(bodies.map((body) => unsigned(body.length).concat(body))));
}

export function functionType(parameters: readonly number[]): number[] {
  return [0x60, ...unsigned(parameters.length), ...parameters, 0];
}
