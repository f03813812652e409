/** Several transfers at a time: one record for each that ends well, a warning for each that does not, and one line of progress for all. */

import { asClearError } from '../../engine/effects/file-errors.ts';
import type { Progress } from '../../engine/engine.ts';
import { DatameshError } from '../../errors.ts';
import type { Context, OptionSpec, OutputRecord, Values } from '../command.ts';
import { shorten } from '../files/object-name.ts';

const PARALLEL = 4;
/** More only wait for each other: a node takes so many transfers. */
const MAX_PARALLEL = 32;
/** Warnings of one run; what goes beyond is counted only. */
export const TOLD_FAILURES = 100;

export const PARALLEL_OPTION: OptionSpec = {
  name: 'parallel',
  type: { kind: 'integer', min: 1, max: MAX_PARALLEL },
  summary: `Transfers at a time; ${PARALLEL} unless given`,
};

export interface Task {
  /** What a warning calls it. */
  label: string;
  /** Undefined: not known before. */
  bytes: number | undefined;
  run(signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<OutputRecord>;
}

/** Ends with `some-failed` when one did; a cancelled one ends all. */
export async function runMany(
  { out, signal }: Pick<Context, 'out' | 'signal'>,
  values: Values,
  verb: string,
  tasks: readonly Task[],
): Promise<void> {
  const totalBytes = tasks.some(({ bytes }) => bytes === undefined)
    ? undefined
    : tasks.reduce((sum, { bytes }) => sum + bytes!, 0);
  const under = new Map<Task, number>();
  let [endedBytes, ended, failed] = [0, 0, 0];
  const startedMs = performance.now();
  const tell = (task: Task) => {
    const doneBytes = [...under.values()].reduce((sum, bytes) => sum + bytes, endedBytes);
    out.progress(`${verb} ${task.label}`, {
      doneBytes,
      totalBytes,
      doneItems: ended,
      totalItems: tasks.length,
    });
  };
  const one = async (task: Task) => {
    under.set(task, 0);
    try {
      const record = await task.run(signal, ({ doneBytes }) => {
        under.set(task, doneBytes);
        tell(task);
      });
      out.record(record);
    } catch (thrown) {
      signal.throwIfAborted();
      failed++;
      if (failed <= TOLD_FAILURES) out.warn(`'${shorten(task.label)}': ${asClearError(thrown).message}`);
    }
    endedBytes += under.get(task) ?? 0;
    under.delete(task);
    ended++;
    tell(task);
  };
  const queue = tasks[Symbol.iterator]();
  const worker = async () => {
    for (const task of queue) {
      signal.throwIfAborted();
      await one(task);
    }
  };
  const parallel = (values.parallel as number | undefined) ?? PARALLEL;
  await Promise.all(Array.from({ length: Math.min(parallel, tasks.length) }, worker));
  const seconds = (performance.now() - startedMs) / 1000;
  out.note(`${tasks.length - failed} of ${tasks.length} done in ${seconds.toFixed(1)} s`);
  if (failed === 0) return;
  throw new DatameshError('some-failed', {
    what: `${failed} of ${tasks.length} failed`,
    mend: 'the same command again tries them anew',
  });
}
