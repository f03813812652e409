/** Commands of the prompt, one after the other: echo, run, cancel, remember, and what is offered afterwards. */
import { errorLine } from '../commands/format/error-line.ts';
import type { Clock } from '../engine/effects/clock.ts';
import type { Progress } from '../engine/engine.ts';
import { asDatameshError, EXIT } from '../errors.ts';
import { cell, type Row } from '../panels/cells.ts';
import type { Theme } from '../panels/theme.ts';
import type { History } from '../repl/history.ts';
import { backgroundLine, type LineResult, type ToldProgress } from './runner.ts';
import type { ConsoleState } from './state.ts';
import { textRow } from './transcript.ts';

/** Each keeps its output until it ends, and a person can follow only some. */
const MAX_BACKGROUND = 16;

export interface CommandQueueDeps {
  clock: Clock;
  theme: Theme;
  history: History;
  run(line: string, signal: AbortSignal, told: ToldProgress): Promise<LineResult>;
  getState(): ConsoleState;
  set(next: ConsoleState, when?: 'now' | 'later'): void;
  print(rows: readonly Row[]): void;
  /** A command has ended: what it asked is not waited for any more. */
  onEnd(signal: AbortSignal): void;
  /** The console is closing: nothing more is shown or begun. */
  stopped(): boolean;
}

export interface CommandQueue {
  /** Runs the line now, or after those that wait already; one that ends in `&` at once, beside them. */
  enqueue(line: string): void;
  /** Tells the command that holds the prompt to end. */
  cancel(): void;
  /** Tells all of them to end. */
  cancelAll(): void;
  /** Stops waiting for a command that does not end. */
  abandon(): void;
  /** The command that holds the prompt goes on without it. */
  background(): void;
}

interface Run {
  line: string;
  startedAtMs: number;
  controller: AbortController;
  /** Number in the background; undefined while it holds the prompt. */
  id: number | undefined;
  giveUp(): void;
}

export function createCommandQueue(deps: CommandQueueDeps): CommandQueue {
  const { clock, theme, history, getState, set, print } = deps;
  const runs = new Set<Run>();
  let foreground: Run | undefined;
  let lastId = 0;

  async function run(line: string, where: 'prompt' | 'background'): Promise<void> {
    const given = Promise.withResolvers<LineResult>();
    const began = clock.monotonic();
    const own: Run = {
      line,
      startedAtMs: clock.now(),
      controller: new AbortController(),
      id: undefined,
      giveUp() {
        print([textRow('no longer waited for; it may still be at work', 'warn')]);
        given.resolve({ exit: EXIT.interrupted, line, correction: undefined, sensitive: true });
      },
    };
    runs.add(own);
    print(echo(where === 'prompt' ? line : `${line} &`));
    if (where === 'prompt') hold(own);
    else toBackground(own);
    const { signal } = own.controller;
    const told: ToldProgress = (label, progress) => tell(own, label, progress);
    const failed = (error: unknown) => internal(line, error);
    const result = await Promise.race([deps.run(line, signal, told).catch(failed), given.promise]);
    runs.delete(own);
    deps.onEnd(signal);
    await remember(result.line, own.startedAtMs, clock.monotonic() - began, result);
    if (deps.stopped()) return;
    if (own.id === undefined) release(result);
    else leaveBackground(own, result);
  }

  function hold(own: Run): void {
    foreground = own;
    const { line, startedAtMs } = own;
    const rest = { label: undefined, progress: undefined, rate: undefined, cancelledAtMs: undefined };
    set({ ...getState(), running: { line, startedAtMs, ...rest } });
  }

  /** The prompt is free: what has waited follows. */
  function release(result: LineResult | undefined): void {
    foreground = undefined;
    const state = getState();
    const [next, ...queue] = state.queue;
    const offered = state.prompt.editor.text === '' ? result?.correction : undefined;
    const prompt = { ...state.prompt, correction: offered };
    set({ ...state, running: undefined, queue, prompt });
    if (next !== undefined) void run(next, 'prompt');
  }

  function toBackground(own: Run): void {
    lastId++;
    own.id = lastId;
    const state = getState();
    const entry = { id: lastId, line: own.line, startedAtMs: own.startedAtMs };
    set({ ...state, background: [...state.background, entry] });
    print([
      textRow(`[${lastId}] runs in the background; what moves data is among the jobs (panel 4)`, 'dim'),
    ]);
  }

  function leaveBackground(own: Run, { exit }: LineResult): void {
    const state = getState();
    set({ ...state, background: state.background.filter(({ id }) => id !== own.id) });
    const good = exit === EXIT.ok;
    const mark = good ? theme.glyphs.ok : theme.glyphs.warn;
    const ended = good ? 'ended' : `ended with ${exit}`;
    print([[cell(`${mark} `, good ? 'ok' : 'warn'), cell(`[${own.id}] ${ended}: ${own.line}`, 'dim')]]);
  }

  function tell(own: Run, label: string, told: Progress): void {
    const state = getState();
    if (own !== foreground || state.running === undefined) return;
    const rate = state.running.rate ?? { sinceMs: clock.now(), fromBytes: told.doneBytes };
    set({ ...state, running: { ...state.running, label, progress: told, rate } }, 'later');
  }

  async function remember(line: string, atMs: number, ms: number, result: LineResult): Promise<void> {
    try {
      await history.add(line, { atMs, exit: result.exit, ms, sensitive: result.sensitive });
    } catch (error) {
      print([textRow(`history: ${asDatameshError(error).message}`, 'warn')]);
    }
  }

  function internal(line: string, error: unknown): LineResult {
    print([[cell(errorLine(asDatameshError(error)), 'bad')]]);
    // Nobody has looked at the line: it may hold a secret.
    return { exit: EXIT.internal, line, correction: undefined, sensitive: true };
  }

  function echo(line: string): Row[] {
    return line
      .split('\n')
      .map((part, at) => [cell(at === 0 ? `${theme.glyphs.prompt} ` : '  ', 'accent'), cell(part, 'title')]);
  }

  function tooMany(): boolean {
    if (getState().background.length < MAX_BACKGROUND) return false;
    print([textRow(`${MAX_BACKGROUND} commands run in the background: wait for one to end`, 'warn')]);
    return true;
  }

  return {
    enqueue(line) {
      const state = getState();
      const aside = backgroundLine(line);
      if (aside !== undefined) {
        if (!tooMany()) void run(aside, 'background');
      } else if (state.running === undefined) void run(line, 'prompt');
      else set({ ...state, queue: [...state.queue, line] });
    },
    cancel: () => foreground?.controller.abort(),
    cancelAll() {
      for (const { controller } of runs) controller.abort();
    },
    abandon: () => foreground?.giveUp(),
    background() {
      const own = foreground;
      if (own === undefined || tooMany()) return;
      toBackground(own);
      release(undefined);
    },
  };
}
