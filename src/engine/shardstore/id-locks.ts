import type { ShardId } from '../types.ts';

/** Changes of one shard run one after another; those of different shards side by side. */
export class IdLocks {
  readonly #last = new Map<ShardId, Promise<unknown>>();

  run<T>(id: ShardId, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(id);
    const mine = before === undefined ? task() : before.then(task, task);
    this.#last.set(id, mine);
    const done = () => this.free(id, mine);
    mine.then(done, done);
    return mine;
  }

  isFree(id: ShardId): boolean {
    return !this.#last.has(id);
  }

  /** `run` for a change already begun on a free id: those to come wait for `change`, and its end must call `free`. */
  hold(id: ShardId, change: Promise<unknown>): void {
    this.#last.set(id, change);
  }

  free(id: ShardId, change: Promise<unknown>): void {
    if (this.#last.get(id) === change) this.#last.delete(id);
  }

  /** Resolves when everything begun so far has ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
