/** What may run beside what on one node: one backup at a time, restores beside anything but a prune (and each in a folder of its own: work-folder.ts), a prune alone. */
import { asDatameshError, DatameshError } from '../../errors.ts';

export class BackupLocks {
  #backups = 0;
  #restores = 0;
  #prunes = 0;

  async backup<T>(work: () => Promise<T>): Promise<T> {
    if (this.#backups > 0) throw held('a backup');
    if (this.#prunes > 0) throw held('a prune');
    this.#backups++;
    return await work().finally(() => this.#backups--);
  }

  async restore<T>(work: () => Promise<T>): Promise<T> {
    if (this.#prunes > 0) throw held('a prune');
    this.#restores++;
    return await work().finally(() => this.#restores--);
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

/** For a folder that another process has locked, or this one. `cause`: what acquireLock threw, which names it. */
export function runsAlready(what: string, cause: unknown): DatameshError {
  const { pid, host } = (asDatameshError(cause).details ?? {}) as { pid?: number; host?: string };
  const who = pid === undefined ? 'another process' : `process ${pid} on ${host}`;
  return new DatameshError('lock-held', {
    what: `${what} runs already, in ${who}`,
    why: 'two at once would each count on what the other changes',
    mend: 'wait until it has ended',
    cause,
  });
}
