/**
 * The pool's worker threads: started when they are first needed, replaced when they die, the jobs of a dead one given once to another. The event loop does
 * not wait for them, so an idle crew does not keep the process alive.
 */
import { Worker } from 'node:worker_threads';
import { DatameshError } from '../../errors.ts';
import type { DecodeAnswer, DoneMessage, EncodeAnswer, Order, WorkMessage } from './pool-messages.ts';
import type { Workspace } from './workspace.ts';

/** A job whose second worker died too is not given to a third: it may be what kills them. */
const MAX_ATTEMPTS = 2;

/** Of a worker's own heap, which holds messages and views; V8 would let it grow to 64 MiB of garbage. */
const YOUNG_MIB = 8;

export interface CrewJob {
  order: Order;
  slot: { id: number; workspace: Workspace };
  /** Puts the job's input into the slot: again before a second attempt, as the first may have overwritten it. */
  prepare(): void;
}

type Answer = EncodeAnswer | DecodeAnswer | undefined;

interface Running extends CrewJob {
  attempts: number;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

interface Member {
  worker: Worker;
  jobs: Map<number, Running>;
  /** Slots whose memory it has. */
  slots: Set<number>;
  /** Ends with its last job, and gets no other. */
  retiring: boolean;
}

export class WorkerCrew {
  readonly #size: number;
  readonly #spawn: () => Worker;
  readonly #members = new Set<Member>();
  #nextJob = 0;
  #dropped: number[] = [];
  #closed = false;

  constructor(size: number, spawn: () => Worker = spawnWorker) {
    this.#size = size;
    this.#spawn = spawn;
  }

  /** Workers that run now. */
  get running(): number {
    return this.#members.size;
  }

  /** The answer of a worker; `internal` when two died over it or none could be started, `cancelled` after `close`. */
  run(job: CrewJob): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#give({ ...job, attempts: 0, resolve, reject });
    });
  }

  /** Slots whose memory the workers need not keep. */
  forget(slots: readonly number[]): void {
    this.#dropped.push(...slots);
  }

  /**
   * Workers end when they have nothing to do, and the next jobs start new ones. The memory of a slot comes back when both threads have collected, which an idle worker
   * may never do; ended, it also gives back 5 of the 13 MiB that it took itself.
   */
  renew(): void {
    for (const member of this.#members) {
      member.retiring = true;
      this.#retireIdle(member);
    }
  }

  #retireIdle(member: Member): void {
    if (!member.retiring || member.jobs.size > 0 || !this.#members.delete(member)) return;
    void member.worker.terminate();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const members = [...this.#members];
    this.#members.clear();
    for (const { jobs } of members) for (const job of jobs.values()) job.reject(closedError());
    await Promise.all(members.map(({ worker }) => worker.terminate()));
  }

  #give(job: Running): void {
    try {
      if (this.#closed) throw closedError();
      job.prepare();
      job.attempts++;
      const member = this.#leastBusy();
      const id = this.#nextJob++;
      const { slot } = job;
      const known = member.slots.has(slot.id);
      member.slots.add(slot.id);
      member.jobs.set(id, job);
      const message: WorkMessage = {
        job: id,
        slot: slot.id,
        memory: known ? undefined : slot.workspace.memory,
        dropped: this.#dropped.filter((dropped) => member.slots.delete(dropped)),
        order: job.order,
      };
      member.worker.ref();
      member.worker.postMessage(message);
      this.#dropped = this.#dropped.filter((dropped) =>
        [...this.#members].some((it) => it.slots.has(dropped)),
      );
    } catch (error) {
      job.reject(error);
    }
  }

  #leastBusy(): Member {
    const members = [...this.#members]
      .filter(({ retiring }) => !retiring)
      .sort((a, b) => a.jobs.size - b.jobs.size);
    const first = members[0];
    if (first !== undefined && (first.jobs.size === 0 || members.length >= this.#size)) return first;
    try {
      return this.#join();
    } catch (cause) {
      // The machine has no thread left, or no memory for one: those that run do the work.
      if (first !== undefined) return first;
      throw startError(cause);
    }
  }

  #join(): Member {
    const member: Member = { worker: this.#spawn(), jobs: new Map(), slots: new Set(), retiring: false };
    this.#members.add(member);
    let cause: unknown;
    member.worker.unref();
    member.worker.on('error', (error) => {
      cause = error;
    });
    // What cannot be read is an answer that never comes.
    member.worker.on('messageerror', (error) => {
      cause = error;
      void member.worker.terminate();
    });
    member.worker.on('exit', (code) => this.#left(member, cause ?? new Error(`exit code ${code}`)));
    member.worker.on('message', (done: DoneMessage) => {
      const job = member.jobs.get(done.job);
      member.jobs.delete(done.job);
      if (member.jobs.size === 0) member.worker.unref();
      if (done.error === undefined) job?.resolve(done.answer);
      else job?.reject(DatameshError.fromRecord(done.error));
      this.#retireIdle(member);
    });
    return member;
  }

  #left(member: Member, cause: unknown): void {
    if (!this.#members.delete(member)) return;
    // A worker does one job after another: it died over the first, and the others only waited behind it.
    const [begun] = member.jobs.values();
    for (const job of member.jobs.values()) {
      if (job !== begun) job.attempts--;
      if (job.attempts < MAX_ATTEMPTS) this.#give(job);
      else job.reject(diedError(cause));
    }
  }
}

/** The file beside this one: TypeScript where Node strips types, JavaScript in dist. Options of the process, as `--eval`, are not the worker's. */
function spawnWorker(): Worker {
  const file = import.meta.url.endsWith('.ts')
    ? new URL('./codec-worker.ts', import.meta.url)
    : new URL('./codec-worker.js', import.meta.url);
  return new Worker(file, { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB } });
}

function closedError(): DatameshError {
  return new DatameshError('cancelled', { what: 'the codec was closed' });
}

function startError(cause: unknown): DatameshError {
  return threadError(
    'no worker thread of the codec could be started',
    'allow the process more threads or free memory',
    cause,
  );
}

function diedError(cause: unknown): DatameshError {
  return threadError('a worker thread of the codec died twice over the same stripe', 'free memory', cause);
}

function threadError(what: string, mend: string, cause: unknown): DatameshError {
  return new DatameshError('internal', {
    what,
    why: cause instanceof Error ? cause.message : String(cause),
    mend: `${mend}; \`datamesh doctor\` tries the codec’s threads`,
    cause,
  });
}
