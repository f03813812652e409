/** What may run beside what on one node: one backup at a time, restores beside anything but a prune and each into a folder of its own, a prune alone. */
import { DatameshError } from '../../errors.ts';

export class BackupLocks {
  #backups = 0;
  #restores = 0;
  #prunes = 0;
  /** Folders that restores write into: a second one would take away the files that the first has under way. */
  readonly #into = new Set<string>();

  async backup<T>(work: () => Promise<T>): Promise<T> {
    if (this.#backups > 0) throw held('a backup');
    if (this.#prunes > 0) throw held('a prune');
    this.#backups++;
    return await work().finally(() => this.#backups--);
  }

  /** @param into undefined where nothing is written */
  async restore<T>(work: () => Promise<T>, into?: string): Promise<T> {
    if (this.#prunes > 0) throw held('a prune');
    if (into !== undefined && this.#into.has(into)) throw held(`a restore into ${into}`);
    this.#restores++;
    if (into !== undefined) this.#into.add(into);
    return await work().finally(() => {
      this.#restores--;
      if (into !== undefined) this.#into.delete(into);
    });
  }

  async prune<T>(work: () => Promise<T>): Promise<T> {
    if (this.#backups > 0) throw held('a backup');
    if (this.#restores > 0) throw held('a restore');
    if (this.#prunes > 0) throw held('a prune');
    this.#prunes++;
    return await work().finally(() => this.#prunes--);
  }
}

function held(what: string): DatameshError {
  return new DatameshError('lock-held', {
    what: `${what} runs on this node`,
    mend: 'wait until it has ended',
  });
}
