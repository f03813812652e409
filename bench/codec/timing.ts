/**
 * How the codec's figures are taken. Rates are per second of CPU time of the thread, as the machine may be shared: what other processes take
 * is not the code's cost (their cache pressure still is). Everything compared is measured in turns within one run.
 */

/** Long enough for microsecond clocks, short enough that a turn of all cases sees the same machine. */
const TURN_MS = 40;
export const TURNS = 7;

/** CPU time of this thread (of the process where Node cannot tell threads apart), in ms. */
export function cpuMs(): number {
  const used = process.threadCpuUsage?.() ?? process.cpuUsage();
  return (used.user + used.system) / 1000;
}

export type Turn = () => number | Promise<number>;

/** GB/s of `bytes` per call over one turn. */
export function rate(bytes: number, call: () => void): Turn {
  return () => {
    call();
    const start = cpuMs();
    let calls = 0;
    let elapsedMs = 0;
    do {
      call();
      calls++;
      elapsedMs = cpuMs() - start;
    } while (elapsedMs < TURN_MS);
    return (calls * bytes) / elapsedMs / 1e6;
  };
}

/** The same for a call that ends later but uses this thread alone. */
export function asyncRate(bytes: number, call: () => Promise<unknown>): Turn {
  return async () => {
    await call();
    const start = cpuMs();
    let calls = 0;
    let elapsedMs = 0;
    do {
      await call();
      calls++;
      elapsedMs = cpuMs() - start;
    } while (elapsedMs < TURN_MS);
    return (calls * bytes) / elapsedMs / 1e6;
  };
}

/**
 * The same, where each call uses up what `prepare` makes; that is not counted: what as many of them cost which are discarded at once is taken off. (The kernel
 * brings a thread's CPU time up to date every few ms only, so single calls cannot be timed.)
 */
export function preparedRate<Made>(
  bytes: number,
  prepare: () => Promise<Made>,
  call: (made: Made) => Promise<unknown>,
  discard: (made: Made) => void,
): Turn {
  return async () => {
    await call(await prepare());
    let calls = 0;
    const start = cpuMs();
    do {
      await call(await prepare());
      calls++;
    } while (cpuMs() - start < TURN_MS);
    const elapsedMs = cpuMs() - start;
    const before = cpuMs();
    for (let i = 0; i < calls; i++) discard(await prepare());
    const preparedMs = cpuMs() - before;
    return (calls * bytes) / (elapsedMs - preparedMs) / 1e6;
  };
}

/** One figure of each case per turn, after a turn to warm up. */
export async function inTurns<Name extends string>(
  cases: Record<Name, Turn>,
  turns = TURNS,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(cases) as Name[];
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (const name of names) await cases[name]();
  for (let turn = 0; turn < turns; turn++) {
    for (const name of names) figures[name].push(await cases[name]());
  }
  return figures;
}

/** The rate at which stages run one after another, from the rate of each: turn by turn. */
export function inSeries(...stages: (readonly number[])[]): number[] {
  return stages[0]!.map((_, turn) => 1 / stages.reduce((sum, figures) => sum + 1 / figures[turn]!, 0));
}

/** `rates`, counted in bytes of which each stands for `factor` of what passes the stage. */
export function perInput(rates: readonly number[], factor: number): number[] {
  return rates.map((it) => it / factor);
}

/** Bytes that look random. */
export function noise(lengthBytes: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(lengthBytes / 4));
  let state = 1;
  for (let i = 0; i < words.length; i++) words[i] = state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return new Uint8Array(words.buffer).map((byte, i) => byte ^ (i >> 8)).subarray(0, lengthBytes);
}
