/**
 * The console at work: keeps the state, carries out the reducers' effects, samples the engine, runs commands. Knows nothing of Ink; the root
 * draws what `getState` gives and hands every key to `keys`.
 */
import { errorLine } from '../commands/format/error-line.ts';
import { asDatameshError, EXIT } from '../errors.ts';
import { cell, type Row } from '../panels/cells.ts';
import { edit } from '../repl/editor.ts';
import { hintFor } from '../repl/hint.ts';
import { BUILT_IN_KEYS } from '../repl/key-bindings.ts';
import { promptCompletion } from '../repl/repl-model.ts';
import { VI_INSERT } from '../repl/vi.ts';
import { jobToAsk, withSample } from './arrivals.ts';
import { createCommandQueue } from './command-queue.ts';
import { consolePort } from './console-port.ts';
import { createLoader } from './loading.ts';
import { mouseStep } from './mouse.ts';
import { consoleOutput } from './output.ts';
import { resized } from './panel-focus.ts';
import { createRunner } from './runner.ts';
import { createBeats, createSampler } from './sampling.ts';
import type { EngineLink, Session, SessionDeps } from './session-contract.ts';
import {
  type Asking,
  asked,
  type ConsoleEffect,
  type ConsoleServices,
  type ConsoleState,
  initialState,
} from './state.ts';
import { appendRows, textRow } from './transcript.ts';
import { consoleKey, consolePaste } from './update.ts';

/** Panels are drawn twice a second; keys and output at once (ux.md D.3). */
const DRAW_MS = 500;
/** Without anything new: a little less than a second, as the beat itself is never exact. */
const UNCHANGED_MS = 900;
/** An engine that cannot close must not keep the terminal. */
const CLOSE_MS = 5_000;

export function createSession(deps: SessionDeps): Session {
  const { clock, registry, theme, history } = deps;
  const { name, network, keys = BUILT_IN_KEYS, editorMode = 'emacs' } = deps;
  let state = initialState({ ...deps.size, nowMs: clock.now(), name, network, keys, editorMode });
  const listeners = new Set<() => void>();
  const finished = Promise.withResolvers<number>();
  const opened = Promise.withResolvers<EngineLink>();
  // Commands wait for it; without one that waits a failure is told by `start`.
  opened.promise.catch(() => {});
  let link: EngineLink | undefined;
  let question:
    | {
        of: AbortSignal | undefined;
        asking: Asking;
        /** It waits, and that was said. */
        told: boolean;
        answer(value: boolean | string | undefined): void;
      }
    | undefined;
  let questionsBefore: Promise<unknown> = Promise.resolve();
  let stopped = false;
  let drawnAtMs = 0;

  /** Something has changed since the last frame that no frame has shown yet. */
  let undrawn = true;

  /** `later`: shown with the next draw, so that figures do not cost a frame each. */
  function set(next: ConsoleState, when: 'now' | 'later' = 'now'): void {
    state = next;
    undrawn = when === 'later';
    if (when === 'now') for (const listener of listeners) listener();
  }

  const print = (rows: readonly Row[]) =>
    set({ ...state, transcript: appendRows(state.transcript, rows, state.columns - 4) });

  const port = consolePort({
    clock,
    history,
    getState: () => state,
    set,
    tellMouse: (on) => deps.screen.mouse(on),
    quit: () => stop(EXIT.ok),
  });

  /** One question at a time: what runs in the background may ask while another is open. `of`: whose it is. */
  const ask = (kind: 'confirm' | 'secret', text: string, of?: AbortSignal) => {
    const asking = questionsBefore.then(
      () =>
        new Promise<boolean | string | undefined>((resolve) => {
          if (of?.aborted) return resolve(undefined);
          question = { of, asking: asked(kind, 'command', text), told: false, answer: resolve };
          showQuestion();
        }),
    );
    questionsBefore = asking;
    return asking;
  };

  /** The console's own (whether to leave) comes first: a key that is meant for it must not answer another, nor must a letter of a line that is being typed. */
  const showQuestion = () => {
    if (question === undefined || state.asking !== undefined) return;
    const typing = state.prompt.editor.text !== '';
    if (question.asking.kind === 'secret' || !typing) return set({ ...state, asking: question.asking });
    if (!question.told) print([textRow('a command asks something: run or clear the line first', 'warn')]);
    question.told = true;
  };

  const answer = (value: boolean | string | undefined) => {
    const asker = question;
    question = undefined;
    asker?.answer(value);
  };

  const askSecret = async (prompt: string, of?: AbortSignal) => {
    const value = await ask('secret', prompt, of);
    return typeof value === 'string' ? value : undefined;
  };

  const runner = createRunner({
    registry,
    env: deps.env,
    port,
    host: (signal) => ({
      ...deps.surroundings,
      cwd: deps.cwd,
      env: deps.env,
      width: state.columns - 4,
      stdin() {
        throw asDatameshError(new Error('the console has no standard input for a command'));
      },
      engine: async () => (await opened.promise).engine,
      confirm: async (text) => (await ask('confirm', text, signal)) === true,
      secret: (text) => askSecret(text, signal),
    }),
    output: (parsed, progress) =>
      consoleOutput(parsed, { rows: print, progress, width: () => state.columns - 4 }, theme),
    diagnostic: (text) => print([[cell(`${theme.glyphs.bad} `, 'bad'), cell(text, 'bad')]]),
  });

  const services: ConsoleServices = {
    entries: () => history.entries(),
    session: history.session,
    incomplete: (line) => runner.incomplete(line),
    hint: (line) => hintFor(line, registry.commands),
  };

  const loader = createLoader({
    engine: async () => (await opened.promise).engine,
    getState: () => state,
    set,
  });

  const commands = createCommandQueue({
    clock,
    theme,
    history,
    run: (line, signal, told) => runner.run(line, signal, told),
    getState: () => state,
    set,
    print,
    onEnd(signal) {
      if (question?.of !== signal) return;
      if (state.asking?.purpose === 'command') set({ ...state, asking: undefined });
      answer(undefined);
    },
    stopped: () => stopped,
  });

  function carryOut(effects: readonly ConsoleEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'run':
          commands.enqueue(effect.line);
          break;
        case 'complete':
          void complete(effect.text, effect.caret);
          break;
        case 'cancel':
          commands.cancel();
          break;
        case 'abandon':
          commands.abandon();
          break;
        case 'answer':
          answer(effect.value);
          break;
        case 'load-objects':
          void loader.objects(effect.panel, effect.pool);
          break;
        case 'load-object':
          void loader.object(effect.panel, effect.ref);
          break;
        case 'load-job':
          void loader.job(effect.id);
          break;
        case 'edit':
          void editLine(effect.text);
          break;
        case 'background':
          commands.background();
          break;
        case 'copy':
          deps.screen.write(`\u001b]52;c;${Buffer.from(effect.text).toString('base64')}\u0007`);
          break;
        case 'redraw':
          deps.screen.redraw();
          break;
        case 'suspend':
          deps.screen.suspend();
          break;
        case 'quit':
          stop(EXIT.ok);
          break;
      }
    }
  }

  /** The line as the person's editor left it; it runs when Enter is pressed, as what is pasted does. */
  async function editLine(text: string): Promise<void> {
    try {
      const edited = await deps.screen.edit(text);
      const editor = edit(state.prompt.editor, { type: 'set', text: edited });
      const vi = state.prompt.vi === undefined ? undefined : VI_INSERT;
      set({ ...state, prompt: { ...state.prompt, editor, correction: undefined, walk: undefined, vi } });
    } catch (error) {
      print([textRow(`editor: ${asDatameshError(error).message}`, 'warn')]);
    }
  }

  async function complete(text: string, caret: number): Promise<void> {
    const completion = await deps.complete(text, caret, link?.engine).catch(() => undefined);
    if (completion !== undefined)
      set({ ...state, prompt: promptCompletion(state.prompt, { text, caret }, completion) });
  }

  const beats = createBeats(clock);
  const sample = createSampler({
    engine: () => link?.engine,
    paused: () => state.paused !== undefined,
    onSample(snapshot) {
      set(withSample(state, snapshot, link?.kind ?? 'embedded'), 'later');
      const id = jobToAsk(state);
      if (id !== undefined) void loader.job(id);
    },
    onFailure: (error) => set({ ...state, engine: { state: 'offline', error } }, 'later'),
  });

  /** A frame costs the same whether anything in it is new; where nothing is, the clock and the ages are content with one a second. */
  function draw(): void {
    const nowMs = clock.now();
    if (!undrawn && state.running === undefined && nowMs - drawnAtMs < UNCHANGED_MS) return;
    drawnAtMs = nowMs;
    set({ ...state, nowMs, tick: state.tick + 1 });
  }

  async function open(): Promise<void> {
    try {
      const found = await deps.openEngine((text) => askSecret(text));
      if (stopped && found.kind === 'embedded') await found.engine.close();
      link = found;
      opened.resolve(found);
      const engineState = found.kind === 'attached' ? 'attached' : 'online';
      set({ ...state, engine: { state: engineState, error: undefined } });
      await sample();
      draw();
    } catch (thrown) {
      const error = asDatameshError(thrown);
      opened.reject(error);
      const prompt =
        state.prompt.editor.text === '' ? { ...state.prompt, correction: 'doctor' } : state.prompt;
      set({ ...state, engine: { state: 'offline', error: error.message }, prompt });
      print([
        [cell(`${theme.glyphs.bad} `, 'bad'), cell(errorLine(error), 'bad')],
        [cell('  the node did not start; commands that need it will say so. Try: doctor', 'dim')],
      ]);
    }
  }

  function stop(exit: number): void {
    if (stopped) return;
    stopped = true;
    beats.stop();
    commands.cancelAll();
    answer(undefined);
    void closeEngine().finally(() => finished.resolve(exit));
  }

  async function closeEngine(): Promise<void> {
    if (link === undefined) return;
    // Also an attached one: closing the client leaves the service alone.
    const closing = link.engine.close().catch(() => {});
    const enough = new AbortController();
    // The rest of the wait must not keep the process alive.
    await Promise.race([closing, clock.sleep(CLOSE_MS, enough.signal).catch(() => {})]);
    enough.abort();
  }

  return {
    services,
    done: finished.promise,
    getState: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    keys(keys) {
      for (const key of keys) {
        if (stopped) return;
        const step = consoleKey({ ...state, nowMs: clock.now() }, key, services);
        state = step.state;
        carryOut(step.effects);
        showQuestion();
      }
      set(state);
    },
    paste: (text) => set(consolePaste({ ...state, nowMs: clock.now() }, text)),
    mouse: (report) => set(mouseStep({ ...state, nowMs: clock.now() }, report)),
    note: (text) => print([textRow(text, 'warn')]),
    resize: (columns, rows) => set(resized(state, columns, rows)),
    start() {
      if (deps.mouse === true) port.setMouse(true);
      const help = keys.keysOf('help').at(-1);
      const hello = `Type a command, help for all of them${help === undefined ? '' : `, ${help} for the keys`}.`;
      print([...(deps.welcome ?? []).map((line) => textRow(line, 'warn')), textRow(hello, 'dim')]);
      beats.every(() => DRAW_MS, draw);
      beats.every(
        () => state.refreshMs,
        () => void sample(),
      );
      void open();
      if ('whole' in registry) clock.after(0, () => void registry.whole().catch(() => {}));
    },
    stop,
  };
}

/** Session ids tell the lines of one console from those of another: nothing to be guessed, so nothing that the first frame would have to load node:crypto for. */
export function newSessionId(): string {
  return Math.floor(Math.random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
}
