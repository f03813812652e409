import type { ShardId } from '../types.ts';

/** Changes of one shard run one after another; those of different shards side by side. */
export class IdLocks {
  readonly #last = new Map<ShardId, Promise<unknown>>();

  run<T>(id: ShardId, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(id);
    const mine = before === undefined ? task() : before.then(task, task);
    this.#last.set(id, mine);
    const done = () => {
      if (this.#last.get(id) === mine) this.#last.delete(id);
    };
    mine.then(done, done);
    return mine;
  }

  /** Resolves when everything begun so far has ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
