/**
 * The console without a screen: one prompt line after the other, append-only, for small and dumb terminals, screen readers and logs. The same
 * commands, history and suggestions as on the full screen.
 */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { commandOutput, type OutputStyle } from '../cli/output.ts';
import { readLine } from '../cli/prompts.ts';
import { processStreams } from '../cli/streams.ts';
import { safeText } from '../commands/format/safe-text.ts';
import type { Timer } from '../engine/effects/clock.ts';
import { EXIT } from '../errors.ts';
import { durationText } from '../panels/format.ts';
import { lineInput } from './line-input.ts';
import type { SessionStart } from './open-session.tsx';
import { createRunner } from './runner.ts';
import { wantsAppendOnly } from './surface.ts';

/** As often as a person would look up. */
const HEARTBEAT_MS = 5_000;

export interface LineReplOptions {
  start: SessionStart;
  note: string | undefined;
  /** Colour of tables and errors. */
  colour: boolean;
}

export async function runLineRepl({ start, note, colour }: LineReplOptions): Promise<number> {
  const { clock, history, registry, env } = start;
  let exit: number = EXIT.ok;
  let done = false;
  let running: AbortController | undefined;
  let pending = '';
  let refreshMs = 1000;
  const streams = processStreams((status) => {
    exit = status;
    leave();
  });
  const appendOnly = wantsAppendOnly(env) || env.TERM === 'dumb';
  const style: OutputStyle = { color: colour, errorColor: colour, fallbackColumns: 80, appendOnly };
  const say = (text: string) => streams.write(`${text}\n`);
  const entries = history.entries().map((entry) => entry.cmd);
  const { stdin } = process;
  const terminal = stdin.isTTY === true && env.TERM !== 'dumb';
  // A dumb terminal edits its line itself, shows what is typed, and makes Ctrl-C a signal.
  const dumb = stdin.isTTY === true && !terminal ? lineInput(stdin) : undefined;
  const echo = mutableOutput();
  const reader = createInterface({
    input: dumb?.stream ?? stdin,
    output: echo.stream,
    terminal,
    history: [...entries].reverse(),
    historySize: 1000,
    completer: async (line: string): Promise<[string[], string]> => {
      const found = await start.complete(line, line.length, undefined).catch(() => undefined);
      if (found === undefined) return [[], line];
      return [found.items.map((item) => item.text), line.slice(found.start, found.end)];
    },
  });

  let opened: ReturnType<SessionStart['openEngine']> | undefined;
  const link = () => {
    opened ??= start.openEngine(askSecret).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  const signal = () => running?.signal ?? new AbortController().signal;
  /** The reader itself asks: nobody else may read the same keys. */
  const ask = async (question: string, hidden: boolean): Promise<string | undefined> => {
    const before = (reader as unknown as { history: string[] }).history.length;
    const asked = reader.question(`${safeText(question)} `, { signal: signal() });
    // After the question is shown and before anything is typed.
    echo.muted = hidden;
    try {
      return await asked;
    } catch {
      return undefined;
    } finally {
      if (hidden) say('');
      echo.muted = false;
      // The reader remembers every line it read; an answer is no command, and may be a secret.
      const { history: remembered } = reader as unknown as { history: string[] };
      if (remembered.length > before) remembered.shift();
    }
  };
  const askSecret = (prompt: string) =>
    dumb === undefined
      ? ask(prompt, true)
      : dumb.aside(() => readLine(`${safeText(prompt)} `, false, signal()).catch(() => undefined));
  const askYesNo = async (question: string) =>
    /^y(es)?$/i.test(((await ask(`${question} [y/N]`, false)) ?? '').trim());

  const runner = createRunner({
    registry,
    env,
    port: {
      history: () => history.entries(),
      clearHistory: () => history.clear(),
      // Append-only: nothing that was read out is taken back.
      clearOutput: () => {},
      setRefresh(value) {
        refreshMs = value;
      },
      refreshMs: () => refreshMs,
      editorMode: () => undefined,
      setEditorMode() {},
      mouse: () => undefined,
      setMouse() {},
      quit: () => leave(),
      nowMs: () => clock.now(),
    },
    host: () => ({
      ...start.surroundings,
      cwd: start.cwd,
      env,
      width: streams.columns() ?? style.fallbackColumns,
      stdin() {
        throw new Error('standard input is the prompt');
      },
      engine: async () => (await link()).engine,
      confirm: askYesNo,
      secret: askSecret,
    }),
    output: (parsed) => commandOutput(parsed, streams, style),
    diagnostic: (text) => streams.writeError(`${text}\n`),
  });

  function leave(): void {
    done = true;
    // A second one ends what does not.
    process.off('SIGINT', onInt);
    running?.abort();
    reader.close();
  }
  const ending = (status: number) => () => {
    exit = status;
    leave();
  };
  const onTerm = ending(EXIT.terminated);
  const onHup = ending(129);
  const onInterrupt = () => {
    if (running !== undefined) running.abort();
    else {
      say('');
      say('Ctrl-D leaves');
      // All of it, wherever the caret stands, and the lines before that a quote kept open.
      if (terminal) reader.write(null, { ctrl: true, name: 'e' });
      if (terminal) reader.write(null, { ctrl: true, name: 'u' });
      pending = '';
      prompt();
    }
  };
  const onInt = dumb === undefined ? ending(EXIT.interrupted) : onInterrupt;
  process.once('SIGTERM', onTerm);
  process.once('SIGHUP', onHup);
  process.on('SIGINT', onInt);
  reader.on('SIGINT', onInterrupt);
  reader.on('close', () => {
    done = true;
  });

  say(`datamesh ${start.name}, network ${start.network}. Type help for the commands, exit to leave.`);
  if (note !== undefined) say(`Line console: ${note}.`);
  const prompt = () => {
    reader.setPrompt(pending === '' ? `${start.name} ${start.network}> ` : '...> ');
    reader.prompt();
  };
  prompt();
  for await (const typed of reader) {
    const line = pending + typed;
    if (runner.incomplete(line)) {
      pending = `${line}\n`;
      prompt();
      continue;
    }
    pending = '';
    if (line.trim() !== '') await runLine(line);
    if (done) break;
    prompt();
  }
  process.off('SIGTERM', onTerm);
  process.off('SIGHUP', onHup);
  process.off('SIGINT', onInt);
  dumb?.close();
  const last = await opened?.catch(() => undefined);
  await last?.engine.close().catch(() => {});
  await streams.flush();
  return exit;

  async function runLine(line: string): Promise<void> {
    const atMs = clock.now();
    const began = clock.monotonic();
    running = new AbortController();
    const beats = appendOnly ? heartbeat(line, began) : undefined;
    try {
      const result = await runner.run(line, running.signal);
      if (result.correction !== undefined) say(`suggestion: ${result.correction}`);
      const { sensitive } = result;
      await history
        .add(result.line, { atMs, exit: result.exit, ms: clock.monotonic() - began, sensitive })
        .catch(() => {});
    } finally {
      beats?.cancel();
      running = undefined;
    }
  }

  /** Who cannot see a progress line is told now and then that the command is still at work. */
  function heartbeat(line: string, began: number): { cancel(): void } {
    let timer: Timer;
    const next = () => {
      timer = clock.after(HEARTBEAT_MS, () => {
        say(`still at work after ${durationText(clock.monotonic() - began)}: ${safeText(line)}`);
        next();
      });
    };
    next();
    return { cancel: () => timer.cancel() };
  }
}

/** Standard output that can be told to swallow what the reader echoes. */
function mutableOutput(): { stream: Writable; muted: boolean } {
  const { stdout } = process;
  const stream = new Writable({
    write(chunk, _encoding, done) {
      if (echo.muted) done();
      else stdout.write(chunk, done);
    },
  });
  // The reader wraps its line by these.
  Object.defineProperties(stream, {
    columns: { get: () => stdout.columns },
    rows: { get: () => stdout.rows },
    isTTY: { value: stdout.isTTY },
  });
  const echo = { stream, muted: false };
  return echo;
}
