/** Commands of the prompt, one after the other: echo, run, cancel, remember, and what is offered afterwards. */
import { errorLine } from '../commands/format/error-line.ts';
import type { Clock } from '../engine/effects/clock.ts';
import { asDatameshError, EXIT } from '../errors.ts';
import { cell, type Row } from '../panels/cells.ts';
import type { Theme } from '../panels/theme.ts';
import type { History } from '../repl/history.ts';
import type { LineResult } from './runner.ts';
import type { ConsoleState } from './state.ts';
import { textRow } from './transcript.ts';

export interface CommandQueueDeps {
  clock: Clock;
  theme: Theme;
  history: History;
  run(line: string, signal: AbortSignal): Promise<LineResult>;
  getState(): ConsoleState;
  set(next: ConsoleState): void;
  print(rows: readonly Row[]): void;
  /** A command has ended: nobody waits for an answer any more. */
  onEnd(): void;
  /** The console is closing: nothing more is shown or begun. */
  stopped(): boolean;
}

export interface CommandQueue {
  /** Runs the line now, or after those that wait already. */
  enqueue(line: string): void;
  /** Tells the running command to end. */
  cancel(): void;
  /** Stops waiting for a command that does not end. */
  abandon(): void;
}

export function createCommandQueue(deps: CommandQueueDeps): CommandQueue {
  const { clock, theme, history, getState, set, print } = deps;
  let controller: AbortController | undefined;
  let giveUp: (() => void) | undefined;

  async function run(line: string): Promise<void> {
    const startedAtMs = clock.now();
    const began = clock.monotonic();
    const own = new AbortController();
    controller = own;
    const running = {
      line,
      startedAtMs,
      label: undefined,
      progress: undefined,
      rate: undefined,
      cancelledAtMs: undefined,
    };
    set({ ...getState(), running });
    print(echo(line));
    const given = new Promise<LineResult>((resolve) => {
      giveUp = () => {
        print([textRow('no longer waited for; it may still be at work', 'warn')]);
        resolve({ exit: EXIT.interrupted, correction: undefined, sensitive: true });
      };
    });
    const result = await Promise.race([deps.run(line, own.signal).catch(internal), given]);
    giveUp = undefined;
    deps.onEnd();
    await remember(line, startedAtMs, clock.monotonic() - began, result);
    if (deps.stopped()) return;
    const state = getState();
    const [next, ...queue] = state.queue;
    const correction = state.prompt.editor.text === '' ? result.correction : undefined;
    set({ ...state, running: undefined, asking: undefined, queue, prompt: { ...state.prompt, correction } });
    if (next !== undefined) void run(next);
  }

  async function remember(line: string, atMs: number, ms: number, result: LineResult): Promise<void> {
    try {
      await history.add(line, { atMs, exit: result.exit, ms, sensitive: result.sensitive });
    } catch (error) {
      print([textRow(`history: ${asDatameshError(error).message}`, 'warn')]);
    }
  }

  function internal(error: unknown): LineResult {
    print([[cell(errorLine(asDatameshError(error)), 'bad')]]);
    return { exit: EXIT.internal, correction: undefined, sensitive: false };
  }

  function echo(line: string): Row[] {
    return line
      .split('\n')
      .map((part, at) => [cell(at === 0 ? `${theme.glyphs.prompt} ` : '  ', 'accent'), cell(part, 'title')]);
  }

  return {
    enqueue(line) {
      const state = getState();
      if (state.running === undefined) void run(line);
      else set({ ...state, queue: [...state.queue, line] });
    },
    cancel: () => controller?.abort(),
    abandon: () => giveUp?.(),
  };
}
