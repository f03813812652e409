/**
 * A terminal for tests: a real pty with a real program in it, read by a real terminal emulator. Waits by looking at the screen, never by
 * sleeping; a failed wait shows the screen, the caret and the last bytes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type IPty, spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';

const WAIT_MS = 8_000;
const POLL_MS = 15;
const RAW_TAIL = 2_000;
/** The pinned runtime; the shell's own may be too old. */
const NODE = resolve(import.meta.dirname, '../../node_modules/.bin/node');
const LOADER = resolve(import.meta.dirname, 'tsx-loader.mjs');

export interface PtyOptions {
  columns?: number;
  rows?: number;
  /** Added to a clean environment; undefined takes one out. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Keys of a person quicker than any, pressed once, in the moment in which `seen` comes out. */
  quick?: { seen: string; keys: string };
}

export interface Cell {
  text: string;
  bold: boolean;
  dim: boolean;
  inverse: boolean;
  /** Any colour but the default. */
  coloured: boolean;
}

export interface Pty {
  readonly pid: number;
  /** A fresh HOME with the XDG folders in it; removed by `close`. */
  readonly home: string;
  /** Bytes as they come from a keyboard, in one write. */
  write(text: string): void;
  /** Text typed and Enter pressed, in one write. */
  enter(line: string): void;
  /** Resolves when the screen shows `wanted`. Throws with a picture of the screen. */
  waitFor(wanted: string | RegExp, timeoutMs?: number): Promise<void>;
  waitUntil(what: string, holds: () => boolean, timeoutMs?: number): Promise<void>;
  /** No output for `quietMs`: a way to tell that drawing has ended. */
  settled(quietMs?: number): Promise<void>;
  /** Rows without trailing blanks. */
  screen(): string[];
  text(): string;
  cell(column: number, row: number): Cell;
  cursor(): { column: number; row: number; visible: boolean };
  alternate(): boolean;
  /** All bytes the program wrote since the start or the last `forget`. */
  raw(): string;
  forget(): void;
  resize(columns: number, rows: number): Promise<void>;
  signal(name: string): void;
  /** Once the program has ended and its last bytes are on the screen. */
  readonly exited: Promise<{ code: number; signal: number | undefined }>;
  /** Ends the program if it still runs and removes its folders. */
  close(): Promise<void>;
  dump(): string;
}

/** Starts a script of this project from its sources. */
export function ptyScript(script: string, args: string[] = [], options: PtyOptions = {}): Pty {
  return ptyProgram(
    NODE,
    ['--disable-warning=ExperimentalWarning', '--import', LOADER, resolve(script), ...args],
    options,
  );
}

export function ptyProgram(file: string, args: string[], options: PtyOptions = {}): Pty {
  const columns = options.columns ?? 80;
  const rows = options.rows ?? 24;
  const home = mkdtempSync(join(tmpdir(), 'dm-pty-'));
  const env = cleanEnvironment(home, options.env ?? {});
  const child: IPty = spawn(file, args, {
    name: options.env?.TERM ?? 'xterm-256color',
    cols: columns,
    rows,
    cwd: options.cwd ?? home,
    env,
  });
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 1000 });
  let raw = '';
  let lastDataAt = Date.now();
  let parsing = 0;
  let cursorVisible = true;
  let ended = false;
  let { quick } = options;
  child.onData((data) => {
    raw += data;
    if (quick !== undefined && raw.includes(quick.seen)) {
      child.write(quick.keys);
      quick = undefined;
    }
    lastDataAt = Date.now();
    parsing++;
    const shown = data.lastIndexOf('\u001b[?25h');
    const hidden = data.lastIndexOf('\u001b[?25l');
    if (shown !== hidden) cursorVisible = shown > hidden;
    terminal.write(data, () => parsing--);
  });
  // Answers of the terminal (device attributes, cursor position) go back to the program.
  terminal.onData((data) => child.write(data));
  const exited = new Promise<{ code: number; signal: number | undefined }>((done) => {
    child.onExit(({ exitCode, signal }) => {
      ended = true;
      // In its turn after all bytes that came: what is on the screen from here on is the last.
      terminal.write('', () => done({ code: exitCode, signal }));
    });
  });

  const screen = () => {
    const { active } = terminal.buffer;
    return Array.from({ length: terminal.rows }, (_, at) =>
      (active.getLine(active.baseY + at)?.translateToString(true) ?? '').trimEnd(),
    );
  };
  const dump = () => {
    const { active } = terminal.buffer;
    const bar = '-'.repeat(terminal.cols);
    return [
      bar,
      ...screen(),
      bar,
      `caret ${active.cursorX},${active.cursorY} ${cursorVisible ? 'shown' : 'hidden'}, ${active.type} screen, ${ended ? 'ended' : 'running'}`,
      `last bytes ${JSON.stringify(raw.slice(-RAW_TAIL))}`,
    ].join('\n');
  };
  const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
  const waitUntil = async (what: string, holds: () => boolean, timeoutMs = WAIT_MS) => {
    const until = Date.now() + timeoutMs;
    while (!(parsing === 0 && holds())) {
      if (Date.now() > until) throw new Error(`waited ${timeoutMs} ms for ${what}\n${dump()}`);
      await pause(POLL_MS);
    }
  };

  const type = (text: string) => {
    // Quiet is counted from here: the answer is still to come.
    lastDataAt = Date.now();
    child.write(text);
  };

  return {
    pid: child.pid,
    home,
    exited,
    write: type,
    enter: (line) => type(`${line}\r`),
    waitUntil,
    waitFor(wanted, timeoutMs) {
      const found = () => {
        const text = screen().join('\n');
        return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
      };
      return waitUntil(`${wanted}`, found, timeoutMs);
    },
    settled: (quietMs = 150) => waitUntil('quiet', () => Date.now() - lastDataAt >= quietMs),
    screen,
    text: () => screen().join('\n'),
    cell(column, row) {
      const { active } = terminal.buffer;
      const found = active.getLine(active.baseY + row)?.getCell(column);
      return {
        text: found?.getChars() ?? '',
        bold: found?.isBold() !== 0,
        dim: found?.isDim() !== 0,
        inverse: found?.isInverse() !== 0,
        coloured: found !== undefined && !(found.isFgDefault() && found.isBgDefault()),
      };
    },
    cursor: () => ({
      column: terminal.buffer.active.cursorX,
      row: terminal.buffer.active.cursorY,
      visible: cursorVisible,
    }),
    alternate: () => terminal.buffer.active.type === 'alternate',
    raw: () => raw,
    forget() {
      raw = '';
    },
    async resize(toColumns, toRows) {
      await waitUntil('parsed', () => true);
      lastDataAt = Date.now();
      terminal.resize(toColumns, toRows);
      child.resize(toColumns, toRows);
    },
    signal: (name) => child.kill(name),
    dump,
    async close() {
      if (!ended) {
        child.kill('SIGKILL');
        await exited;
      }
      terminal.dispose();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Nothing of the caller's session may change what is drawn. */
function cleanEnvironment(home: string, added: Record<string, string | undefined>): Record<string, string> {
  const env: Record<string, string | undefined> = {
    PATH: process.env.PATH,
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_STATE_HOME: join(home, 'state'),
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    NODE_ENV: 'production',
    FORCE_COLOR: '1',
    ...added,
  };
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
