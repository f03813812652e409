/** What the killed process and its judge agree on. */
import type { StoreLimits } from '../../../src/engine/shardstore/limits.ts';
import { OWNER_A, OWNER_B, type Shard, SMALL_LIMITS, seeded, shard } from './shards.ts';

export const OWNERS = [OWNER_A, OWNER_B] as const;
export const SHARDS = 36;
export const KILL_LIMITS: Partial<StoreLimits> = {
  ...SMALL_LIMITS,
  compactionBytesPerSecond: 1e12,
  spaceEveryMs: 0,
};

/** The shard number `index` of the workload: the first empty, most small, a few of several kilobytes; no two alike. */
export function killShard(index: number): Shard {
  return shard(index, index === 0 ? 0 : 4 + Math.floor(seeded(index)() ** 3 * 6000));
}

/** The owners that a shard may have, as text: '' none, '0', '1', '0,1'. */
export type States = Set<string>;

/** Follows what the process said; each shard's calls come one after another. */
export class History {
  readonly acknowledged = { puts: 0, deletes: 0 };
  readonly #states: States[] = Array.from({ length: SHARDS }, () => new Set(['']));

  allowed(index: number): States {
    return this.#states[index]!;
  }

  /** What was found after a restart is what is from now on. */
  settle(index: number, state: string): void {
    this.#states[index] = new Set([state]);
  }

  /** Takes the lines of one life: an `ask` whose answer never came, or came as `no`, may or may not have happened. */
  follow(lines: readonly string[]): void {
    for (const line of lines) {
      const [word, kind, index, owner] = line.split(' ');
      if (word !== 'ask' && word !== 'ack') continue;
      const before = this.allowed(Number(index));
      const after = [...before].map((state) => change(state, kind!, owner!));
      if (word === 'ask') this.#states[Number(index)] = new Set([...before, ...after]);
      else {
        // Asked for before this line: what it leads to is among the states, and now it is certain.
        this.#states[Number(index)] = new Set(after);
        this.acknowledged[kind === 'put' ? 'puts' : 'deletes'] += 1;
      }
    }
  }
}

function change(state: string, kind: string, owner: string): string {
  const owners = new Set(state === '' ? [] : state.split(','));
  if (kind === 'put') owners.add(owner);
  else owners.delete(owner);
  return [...owners].sort().join(',');
}
