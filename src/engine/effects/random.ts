import { randomFillSync } from 'node:crypto';

/** Randomness as the engine sees it. The simulator gives a seeded one; keys always come from the real one. */
export interface Random {
  /** `length` bytes; from the system's CSPRNG when real. */
  bytes(length: number): Uint8Array;
  /** A float in [0, 1), for jitter and sampling, never for keys. */
  fraction(): number;
}

export function realRandom(): Random {
  return {
    bytes: (length) => randomFillSync(new Uint8Array(length)),
    fraction: () => Math.random(),
  };
}
