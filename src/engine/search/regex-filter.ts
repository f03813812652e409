/**
 * Regular expressions of users, tried in a thread of their own: JavaScript's matcher goes back, so that a hostile one would hold its thread for years. One that takes longer than its
 * time is refused and its thread ended; the rest of the node does not notice.
 */
import { Worker } from 'node:worker_threads';
import { DatameshError } from '../../errors.ts';
import { type Clock, deadline, type Timer } from '../effects/clock.ts';
import { inTurn } from '../in-turn.ts';

export interface RegexFilter {
  /** Which of the texts match. Throws `bad-value` for what is no expression and what takes too long. */
  test(pattern: string, texts: readonly string[], signal: AbortSignal): Promise<boolean[]>;
  close(): void;
}

export interface RegexOrder {
  pattern: string;
  texts: readonly string[];
}

/** What the thread says: that it runs, then an answer to each order. */
export type RegexAnswer = 'ready' | boolean[];

/** For some hundred names. An honest expression takes a millisecond. */
const BATCH_MS = 2_000;
const START_MS = 30_000;
/** A search asks page after page; the thread waits so long for the next one. */
const IDLE_MS = 20_000;
const MAX_PATTERN_CHARACTERS = 1_000;

export function openRegex(clock: Clock): RegexFilter {
  let worker: Worker | undefined;
  let idle: Timer | undefined;
  const oneByOne = inTurn();

  const end = () => {
    idle?.cancel();
    void worker?.terminate();
    worker = undefined;
  };

  /** The thread's next word. Throws when it does not come in time, or the thread dies. */
  const heard = (running: Worker, late: AbortSignal, why: () => unknown) =>
    new Promise<RegexAnswer>((resolve, reject) => {
      const settle = (done: () => void) => {
        late.removeEventListener('abort', onLate);
        running.removeAllListeners('message');
        running.removeAllListeners('error');
        done();
      };
      const onLate = () => settle(() => reject(why()));
      late.addEventListener('abort', onLate, { once: true });
      running.once('message', (answer: RegexAnswer) => settle(() => resolve(answer)));
      running.once('error', (error) => settle(() => reject(error)));
      if (late.aborted) onLate();
    });

  const started = async (signal: AbortSignal): Promise<Worker> => {
    if (worker !== undefined) return worker;
    const made = spawnWorker();
    worker = made;
    const limit = deadline(clock, START_MS);
    const slow = () => new DatameshError('timeout', { what: 'a thread for expressions did not start' });
    await heard(made, AbortSignal.any([signal, limit]), () => (signal.aborted ? signal.reason : slow()));
    return made;
  };

  const testNow = async (pattern: string, texts: readonly string[], signal: AbortSignal) => {
    signal.throwIfAborted();
    idle?.cancel();
    try {
      const running = await started(signal);
      const limit = new AbortController();
      const timer = clock.after(BATCH_MS, () => limit.abort());
      const answer = heard(running, AbortSignal.any([signal, limit.signal]), () =>
        signal.aborted ? signal.reason : tooSlow(pattern),
      ).finally(() => timer.cancel());
      running.postMessage({ pattern, texts } satisfies RegexOrder);
      const matches = await answer;
      idle = clock.after(IDLE_MS, end);
      return matches as boolean[];
    } catch (error) {
      end();
      throw error;
    }
  };

  return {
    async test(pattern, texts, signal) {
      checkRegex(pattern);
      return await oneByOne(() => testNow(pattern, texts, signal));
    },
    close: end,
  };
}

/** Throws `bad-value`. */
export function checkRegex(pattern: string): void {
  if (pattern.length > MAX_PATTERN_CHARACTERS) {
    throw new DatameshError('bad-value', {
      what: `an expression of ${pattern.length} characters is too long`,
      why: `${MAX_PATTERN_CHARACTERS} are possible`,
    });
  }
  try {
    new RegExp(pattern, 'u');
  } catch (cause) {
    throw new DatameshError('bad-value', {
      what: 'this is no regular expression',
      why: (cause as Error).message,
      mend: 'write it as JavaScript does; a literal . + ? ( is written \\. \\+ \\? \\(',
      cause,
    });
  }
}

function tooSlow(pattern: string): DatameshError {
  return new DatameshError('bad-value', {
    what: `the expression ${pattern.slice(0, 60)} takes too long`,
    why: 'nested repetitions, as in (a+)+, make the matcher try very many ways',
    mend: 'write it without a repetition within a repetition',
  });
}

function spawnWorker(): Worker {
  const file = import.meta.url.endsWith('.ts')
    ? new URL('./regex-worker.ts', import.meta.url)
    : new URL('./regex-worker.js', import.meta.url);
  const worker = new Worker(file, { execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 64 } });
  worker.unref();
  return worker;
}
